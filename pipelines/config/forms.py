"""How one canonical column is made of the columns of a source."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipelines.config import expressions
from pipelines.config.sources import Part
from pipelines.config.validation import readable

EPOCHS = {"epoch_s": "s", "epoch_ms": "ms", "epoch_us": "us"}


def _code(value: Any) -> Any:
    """true and false in a map are the words; numbers are refused, because YAML reads 01 as 1."""
    return str(value).lower() if isinstance(value, bool) else value


Code = Annotated[str, BeforeValidator(_code)]


class Form(Part):
    """How one canonical column is made: `from` with its options, or `concat`, or `expr` with `unit`, or `value`."""

    from_: str | None = Field(None, alias="from", description="the source column")
    parse: str | None = Field(None, description="strptime format, or epoch_s, epoch_ms, epoch_us")
    add: str | None = Field(None, description="a duration such as 1mo")
    when: dict[str, list[Code]] = Field({}, description="source column -> codes; otherwise null")
    map: dict[Code, Code] | None = Field(None, description="code -> value; a code not listed stops the run")
    other: Code | None = Field(None, description="value for codes not listed; `error` is the default")
    null_values: list[Code] = Field([""], description="texts that mean unknown")
    clean: list[Literal["trim", "width", "upper"]] = Field([], description="declared normalisation of keys")
    concat: list[str] | None = Field(None, description="source columns whose texts are joined")
    separator: str = Field("-", description="between the texts of concat")
    decimal: Literal[".", ","] | None = Field(
        None,
        description="what stands before the decimals of numbers in text, the other mark standing between thousands: "
        "1.234,56 has a comma; found from the data when absent, and then kept",
    )
    prefix: str = Field("", description="put before the text of a key, where two sources number their rows alike")
    expr: str | None = Field(None, description="arithmetic on columns, such as fen / 100 or happened_at + 5d")
    unit: str | None = Field(None, description="of the result of expr, for people")
    value: str | None = Field(None, description="the same text in every row")
    type: Literal["category", "number", "date", "flag", "text"] | None = Field(
        None,
        description="of an attribute of customers: category (words), number, date (becomes days before the as-of date, and "
        "its month) or flag (yes and no); text is the old name of category; found from the data when absent, and then kept",
    )

    @property
    def kind(self) -> str | None:
        """The type of an attribute as far as the mapping says it; None where the data must tell."""
        if self.type is not None:
            return "category" if self.type == "text" else self.type
        if self.expr is not None:
            return "number"
        return None if self.from_ is not None and self.map is None else "category"

    @model_validator(mode="after")
    def _one_kind(self) -> "Form":
        kinds = (self.from_, self.concat, self.expr, self.value)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("exactly one of from, concat, expr and value")
        if self.other not in (None, "error") and self.map is None:
            raise ValueError("other needs map")
        if self.expr is not None:
            readable(expressions.parse, self.expr)
        if self.add is not None:
            readable(expressions.duration, self.add)
        return self


def short_form(value: Any) -> Any:
    """The short form of a column is the name of the source column."""
    return {"from": value} if isinstance(value, str) else value


def _clock(value: Any) -> Any:
    """A clock is a source column, or an expression such as `happened_at + 5d`, or the long form."""
    if isinstance(value, str) and re.search(r"[-+]\s*\d+(mo|min|[ywdhs])\s*$", value):
        return {"expr": value}
    return short_form(value)


Column = Annotated[Form, BeforeValidator(short_form)]
Clock = Annotated[Form, BeforeValidator(_clock)]


class Month(Part):
    """Which month a row of a series of monthly files belongs to: as the name of its file says, or a column."""

    file: str | None = Field(None, description="strptime shape of the file's name, such as base-%Y-%m.csv")
    from_: str | None = Field(None, alias="from", description="a column with the month, or with any day of it")
    parse: str | None = Field(None, description="strptime format of the column, such as %Y%m")

    @model_validator(mode="after")
    def _one_kind(self) -> "Month":
        if (self.file is None) == (self.from_ is None):
            raise ValueError("exactly one of file and from")
        if self.file is not None and not (re.search("%[Yy]", self.file) and re.search("%[mbB]", self.file)):
            raise ValueError("file needs a year (%Y) and a month (%m), as in base-%Y-%m.csv")
        return self
