"""A settings model filled from a YAML file: what pydantic finds becomes one message with file, line and nearest name."""

from difflib import get_close_matches
from types import UnionType
from typing import Any, Protocol, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from features.errors import HeadwaterError, Problem


class Places(Protocol):
    """Knows the file and line of a key path."""

    def place(self, keys: tuple) -> tuple[str, int | None]: ...


Model = TypeVar("Model", bound=BaseModel)


def filled(model: type[Model], content: dict[str, Any], document: Places) -> Model:
    """Raises E203 (unknown key) or E204 (a value that does not fit), the first in front, the others with it."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        own = own_error(error)
        if own:
            raise own from error
        first, *others = [problem(model, found, document) for found in error.errors(include_url=False)]
        raise HeadwaterError(
            first.code, file=first.file, row=first.row, column=first.column, others=others, **first.values
        ) from error


def own_error(error: ValidationError) -> HeadwaterError | None:
    """A HeadwaterError raised inside a validator keeps its own code."""
    causes = [found.get("ctx", {}).get("error") for found in error.errors(include_url=False)]
    return next((cause for cause in causes if isinstance(cause, HeadwaterError)), None)


def problem(model: type[BaseModel], found: ErrorDetails, document: Places) -> Problem:
    keys = tuple(found["loc"])
    name, (file, line) = ".".join(map(str, keys)), document.place(keys)
    if found["type"] == "extra_forbidden":
        near = nearest(str(keys[-1]), known_keys(model, keys[:-1]))
        return Problem("E203", file, line, name, values={"key": name, "nearest": near or "—"})
    value = str(found.get("input"))[:60]
    return Problem("E204", file, line, name, values={"key": name, "found": value, "expected": found["msg"]})


def nearest(name: str, known: list[str]) -> str | None:
    """The most similar known name, compared without regard to case, or None."""
    lower = {word.lower(): word for word in known}
    close = get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return lower[close[0]] if close else None


def known_keys(model: Any, keys: tuple) -> list[str]:
    """The keys that a model allows at a path inside it."""
    for key in keys:
        model = child(model, key)
    found = [part for part in branches(model) if isinstance(part, type) and issubclass(part, BaseModel)]
    return [field.alias or name for part in found for name, field in part.model_fields.items()]


def child(model: Any, key: Any) -> Any:
    for part in branches(model):
        if isinstance(part, type) and issubclass(part, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in part.model_fields.items()}
            return fields.get(key, Any)
        if get_origin(part) in (dict, list, tuple):
            return get_args(part)[-1 if get_origin(part) is dict else 0]
    return Any


def branches(annotation: Any) -> tuple:
    """The parts of `A | B`, or the annotation itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
