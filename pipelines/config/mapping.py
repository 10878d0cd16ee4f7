"""The mapping: where each raw table lives and how its columns become ours (interfaces.md, section 5)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from features.contracts import CHURNED, CONTRACTS
from features.errors import HeadwaterError
from pipelines.config import conditions
from pipelines.config.forms import Clock, Column, Form, Month, short_form
from pipelines.config.sources import Duration, Part, Source
from pipelines.config.validation import Refused, readable

CLOCKS = ("happened_at", "known_at")
KEYS = ("customer_id", "contact_id", "complaint_id", "campaign_id")
"""What is nearly never the same twice, or is of today: nothing to count."""
DESCRIBED = ("contacts", "complaints", "subscriptions")
"""Tables of events that take columns of one's own, which must say of which type they are."""
MINOR_UNITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0}


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Refused(HeadwaterError("E215", found=name[:60])) from error
    return name


def _condition(text: str) -> str:
    readable(conditions.parse, text)
    return text


Zone = Annotated[str, AfterValidator(_known_zone)]
Where = Annotated[str, AfterValidator(_condition)]


class Freshness(Part):
    """How old the newest row may be: `35d`, `12h`. What is said here, null too, takes the place of what is found: without
    it a source is told (W405) when it is silent for longer than it ever was, and stops a run (E405) when it is so by half
    as much again and comes regularly."""

    warn_after: Duration | None = Field(None, description="an older one warns (W402); null: never")
    error_after: Duration | None = Field(None, description="an older one stops the run (E402); null: never")


History = Literal["changes", "snapshots", "months", "mutable"]
"""What a delivery of customers says of the past."""


def _clocks_apart(value: Any) -> Any:
    """`known_at` may also be written among the columns."""
    if not isinstance(value, dict) or not isinstance(value.get("columns"), dict):
        return value
    inside = {name: value["columns"][name] for name in CLOCKS if name in value["columns"]}
    columns = {name: form for name, form in value["columns"].items() if name not in inside}
    return {**value, "columns": columns, **inside}


WHERE = 'which rows of the source count, such as 结果 == "0"; the others are counted as filtered'
HAPPENED, KNOWN = "when an event took place", "when the company knew a row; events need it"
COLUMNS = "canonical column -> how it is made, or the source column"


class SourceMapping(Part):
    """One source of a table: where its rows lie, what its columns are made of, and which of its rows count."""

    name: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9_]{0,62}$",
        description="of one of several sources; source_1, source_2 … when absent",
    )
    source: Source
    columns: dict[str, Column] = Field({}, description=COLUMNS)
    happened_at: Clock | None = Field(None, description=HAPPENED)
    known_at: Clock | None = Field(None, description=KNOWN)
    where: Where | None = Field(None, description=WHERE)
    ended: date | None = Field(
        None,
        exclude=True,
        description="of one of several sources, of a system that another one has replaced: the day from which on nothing "
        "of it is awaited any more",
    )
    month: Annotated[Month, BeforeValidator(short_form)] | None = Field(
        None, exclude=True, description="of a table of one source, which says it"
    )

    _clocks = model_validator(mode="before")(_clocks_apart)

    def judged_on(self, as_of: date) -> date:
        """The date on which it is asked what has come: that of the run, or the one on which the source ended."""
        return min(as_of, self.ended or as_of)

    def forms(self) -> dict[str, Form]:
        """Canonical column -> how it is made, the clocks included."""
        clocks = {name: getattr(self, name) for name in CLOCKS if getattr(self, name) is not None}
        if self.month and self.month.from_:
            clocks["known_at"] = Form(**{"from": self.month.from_, "parse": self.month.parse})
        return {**self.columns, **clocks}


class TableMapping(Part):
    """Where one canonical table comes from, and what each of its columns is made of.

    With several `sources` each has columns, clocks and `where` of its own; what stands beside the list holds for all of
    them that do not say it themselves.
    """

    source: Source | None = Field(None, description="where the rows lie; or several sources")
    sources: tuple[SourceMapping, ...] = Field(
        (), description="several sources whose rows are one table, each with columns, clocks and where of its own"
    )
    columns: dict[str, Column] = Field({}, description=COLUMNS)
    happened_at: Clock | None = Field(None, description=HAPPENED)
    known_at: Clock | None = Field(None, description=KNOWN)
    where: Where | None = Field(None, description=WHERE)
    history: History | None = Field(
        None,
        description="of customers: changes (a row per change, with known_at), snapshots (whole each time; what is new is "
        "known from the night on that read it), months (whole, a file or more a month, see month), mutable (whole each time; the past is what it says today)",
    )
    month: Annotated[Month, BeforeValidator(short_form)] | None = Field(
        None, description="of customers with history: months: the column with the month, or {file: base-%Y-%m.csv}"
    )
    freshness: Freshness = Freshness()
    closes: Duration | None = Field(
        None,
        ge=timedelta(0),
        le=timedelta(days=365),
        description="of events: so long after its end a day or month is complete, such as 5d; before, nothing of it is "
        "missing, after it nothing is waited for; found from the source's own past when absent",
    )

    _clocks = model_validator(mode="before")(_clocks_apart)

    @model_validator(mode="after")
    def _one_or_several(self) -> "TableMapping":
        if (self.source is None) != bool(self.sources):
            raise ValueError("exactly one of source and sources")
        if self.sources and (self.month or any(part.month for part in self.sources)):
            raise Refused(HeadwaterError("E279"))
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise ValueError("each of several sources has a name of its own")
        return self

    @property
    def parts(self) -> tuple[SourceMapping, ...]:
        """Each source with all that holds for it, in order; one for a table of one source, which has no name."""
        if self.source is not None:
            own = {name: getattr(self, name) for name in ("source", "columns", *CLOCKS, "where", "month")}
            return (SourceMapping.model_construct(name=None, **own),)
        return tuple(self._completed(part, number) for number, part in enumerate(self.sources, 1))

    def _completed(self, part: SourceMapping, number: int) -> SourceMapping:
        """One of several sources with what the table says for all of them."""
        shared = {name: getattr(part, name) or getattr(self, name) for name in (*CLOCKS, "where")}
        columns = {**self.columns, **part.columns}
        return part.model_copy(update={"name": part.name or f"source_{number}", "columns": columns, **shared})

    def with_parts(self, parts: Sequence[SourceMapping]) -> "TableMapping":
        """The same table with other sources in the place of its own.

        Parameters
        ----------
        parts
            As many as it has; they say all that holds for them.
        """
        if self.source is None:
            return self.model_copy(update={"sources": tuple(parts)})
        return self.model_copy(
            update={name: getattr(parts[0], name) for name in ("source", "columns", *CLOCKS, "where")}
        )

    @property
    def kept(self) -> History:
        """What a delivery says of the past: `history`, by default changes where known_at is mapped, else snapshots."""
        return self.history or ("changes" if any(part.known_at for part in self.parts) else "snapshots")

    @property
    def monthly(self) -> bool:
        """Is it a series of which each month says what was known at its end?"""
        return self.history == "months" and self.month is not None

    def forms(self) -> dict[str, Form]:
        """Canonical column -> how the first source that has it makes it, the clocks included."""
        return {name: form for part in reversed(self.parts) for name, form in part.forms().items()}

    def kind_of(self, name: str) -> str | None:
        """The type of a column of one's own, as the first source says that says it; None where the data must tell."""
        kinds = (part.columns[name].kind for part in self.parts if name in part.columns)
        return next((kind for kind in kinds if kind is not None), None)


class Mapping(Part):
    """A mapping file: how the raw tables of one business become canonical ones, in which time zone and currency."""

    version: Literal[1] = Field(1, description="of the form of this file")
    timezone: Zone = Field("Asia/Shanghai", description="of days, months and times without an offset, by IANA name")
    currency: str = Field("CNY", pattern="^[A-Z]{3}$", description="of all money, by ISO 4217")
    tables: dict[str, TableMapping] = Field(description="canonical table -> where its rows come from")
    contact_details: SourceMapping | None = Field(
        None,
        exclude=True,
        description="where telephone numbers and e-mail addresses lie; beside tables, for no night reads them: only lists "
        "that are taken away with contact details do",
    )
    words: dict[str, tuple[str, str]] = Field(
        {}, exclude=True, description="what measures, attributes and topics are called, in English and in Chinese"
    )
    origin: str = Field("mapping", exclude=True, description="the file this was read from, for messages")

    @property
    def measures(self) -> tuple[str, ...]:
        """Usage measures: the columns declared for `usage` beyond its contract."""
        return self._extra("usage")

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of customers that never change, beyond the contract: those that are words, or not known to be more."""
        return (*self.attributes_of("category"), *self.attributes_of(None))

    @property
    def typed(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """The other attributes: numbers, dates and flags."""
        return self.attributes_of("number"), self.attributes_of("date"), self.attributes_of("flag")

    @property
    def components(self) -> tuple[str, ...]:
        """What bills are made of: the columns declared for `bills` beyond its contract."""
        return self._extra("bills")

    def described(self, table: str) -> dict[str, str]:
        """The columns of one's own of contacts, complaints or subscriptions, and the type of each."""
        return {name: self.tables[table].kind_of(name) or "category" for name in self._extra(table)}

    def countable(self, table: str) -> dict[str, set[str] | None]:
        """The columns of a table whose values can be counted apart, and the values that each can have; None for any."""
        typed = {c.name: c.dtype for c in CONTRACTS[table].columns if c.name not in KEYS}
        words = [name for name, dtype in typed.items() if dtype in ("string", "int64", "boolean")]
        words += [name for name, kind in self.described(table).items() if kind in ("category", "flag")]
        forms = self.tables[table].forms()
        return {name: self._values(table, name) for name in words if name in forms}

    def _values(self, table: str, name: str) -> set[str] | None:
        """The values that a column can have where all of its sources say them by a closed map; None for any."""
        forms = [part.columns[name] for part in self.tables[table].parts if name in part.columns]
        if self.tables[table].kind_of(name) == "flag":
            return {"true", "false"}
        closed = [
            {*form.map.values(), *filter(None, [form.other])} - {"error"} for form in forms if form.map is not None
        ]
        return {str(value) for values in closed for value in values} if len(closed) == len(forms) else None

    @property
    def declared(self) -> tuple[tuple[str, ...], ...]:
        """What columns are made of besides measures and words: numbers, dates and flags, and components of bills."""
        return (*self.typed, self.components)

    def attributes_of(self, kind: str | None) -> tuple[str, ...]:
        """Attributes of customers of one type; None: those whose type the data must tell."""
        return tuple(name for name in self._extra("customers") if self.tables["customers"].kind_of(name) == kind)

    @property
    def clockless(self) -> bool:
        """Is it one table of customers that says who left, and not when?"""
        customers = self.tables.get("customers")
        return customers is not None and not customers.monthly and CHURNED.name in customers.forms()

    @property
    def tells_leaving(self) -> bool:
        """Is it known of customers on which day, or in which month, they left?"""
        customers = self.tables["customers"]
        return "deactivated_on" in customers.forms() or (customers.monthly and CHURNED.name in customers.forms())

    @property
    def decimals(self) -> int:
        """Places after the point in amounts of the currency."""
        return MINOR_UNITS.get(self.currency, 2)

    def _extra(self, table: str) -> tuple[str, ...]:
        known = {column.name for column in (*CONTRACTS[table].columns, *CONTRACTS[table].rare)}
        parts = self.tables[table].parts if table in self.tables else ()
        return tuple(dict.fromkeys(name for part in parts for name in part.columns if name not in known))
