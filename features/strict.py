"""The one kind of settings: values that nobody changes, in which an unknown key is an error."""

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, create_model, model_validator


class Renamed(DeprecationWarning):
    """A configuration uses a key of before; it still works."""

    def __init__(self, old: str, new: str):
        super().__init__(f"{old} is called {new} now")
        self.old, self.new = old, new


class Strict(BaseModel):
    """Values only, which nobody changes; an unknown key is an error.

    `renamed` maps keys of before to those of today: the old ones still work, with the warning `Renamed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    renamed: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _keys_of_today(cls, values: Any) -> Any:
        old = sorted(cls.renamed.keys() & values.keys()) if isinstance(values, dict) else []
        for key in old:
            if cls.renamed[key] in values:
                raise ValueError(f"{key} is called {cls.renamed[key]} now: give one of them")
            warnings.warn(Renamed(key, cls.renamed[key]), stacklevel=2)
        return {cls.renamed.get(key, key): value for key, value in values.items()} if old else values


def with_fields(fields: Mapping[str, tuple[Any, Any]]) -> Any:
    """A base class of settings whose fields (type, default) are only known when the program runs."""
    made: Any = create_model
    return made("with_fields", __base__=Strict, **fields)
