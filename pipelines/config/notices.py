"""`notify:` of a configuration: who is told what, and from when on something is late."""

import re
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from features.errors import HeadwaterError
from features.strict import Strict
from pipelines.config.credentials import REFERENCE, written_out
from pipelines.config.validation import Refused

Kind = Literal["failure", "late", "no_list", "warning", "recovery"]
KINDS: tuple[Kind, ...] = get_args(Kind)
HOUR = r"^([01]\d|2[0-3]):[0-5]\d$"


class Receiver(Strict):
    """One place where messages go."""

    url: str = Field(description="of Apprise, from the environment: ${HEADWATER_NOTIFY_OPS}; no secret is written out")
    about: tuple[Kind, ...] = Field(KINDS, min_length=1, description="what is told there; everything when left out")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """`ops: ${HEADWATER_NOTIFY_OPS}` is a receiver of everything."""
        return {"url": value} if isinstance(value, str) else value

    @field_validator("url")
    @classmethod
    def _refers(cls, url: str) -> str:
        """The address of a chat group is its password, so that it stands in the environment, whole or in part."""
        if not REFERENCE.search(url) or written_out(url):
            raise Refused(HeadwaterError("E293", reference="${HEADWATER_NOTIFY_OPS}"))
        return url


class Notify(Strict):
    """Who is told when something goes wrong, and when it is over."""

    receivers: dict[str, Receiver] = Field({}, description="by a name of your own; nobody is told where there is none")
    warnings: int | tuple[str, ...] | None = Field(
        3, description="so many warnings of a night are told, or any of these codes: [W571, W341]; null: none"
    )
    by: str | None = Field(
        None, pattern=HOUR, description='"06:00": late after that, in schedule.timezone; --by goes first'
    )

    @field_validator("warnings")
    @classmethod
    def _codes(cls, value: int | tuple[str, ...] | None) -> int | tuple[str, ...] | None:
        if isinstance(value, int) and value < 1:
            raise ValueError("a number of warnings is at least 1; null tells none")
        if isinstance(value, tuple) and (wrong := [code for code in value if not re.fullmatch(r"W\d{3}", code)]):
            raise ValueError(f"{wrong[0][:20]} is no code of a warning, such as W571")
        return value

    def for_kind(self, kind: str) -> list[str]:
        """The names of those who are told of something of a kind."""
        return [name for name, receiver in self.receivers.items() if kind in receiver.about]
