"""A settings model filled from a YAML file: what pydantic finds becomes one message with file, line and nearest name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from types import UnionType
from typing import Any, Protocol, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from features.errors import HeadwaterError, Problem
from pipelines.config.credentials import masked
from targeting.playbook import Flaw


class Refused(ValueError):
    """Carries a HeadwaterError through pydantic, which adds the place of the key."""

    def __init__(self, error: HeadwaterError):
        self.error = error
        super().__init__(str(error))


def readable(parse: Callable[[str], Any], text: str | None) -> None:
    """For validators: is a text of the mapping's own grammar readable?"""
    try:
        parse(text or "")
    except HeadwaterError as error:
        raise Refused(error) from error


class Places(Protocol):
    """Knows the file and line of a key path."""

    def place(self, keys: tuple) -> tuple[str, int | None]:
        """The line counts from 1; None where nobody wrote the key."""


Model = TypeVar("Model", bound=BaseModel)


def filled(model: type[Model], content: dict[str, Any], document: Places) -> Model:
    """Raises E203 (unknown key), E204 (a value that does not fit) or the code of a validator of ours, all of them together.

    Parameters
    ----------
    model
        The class of the settings.
    content
        What the file says.
    document
        Gives file and line of a key, for messages.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = [_problem(model, details, document) for details in error.errors(include_url=False)]
        own_first = sorted(problems, key=lambda problem: problem.code in ("E203", "E204"))
        raise HeadwaterError.of(own_first) from error


def _problem(model: type[BaseModel], details: ErrorDetails, document: Places) -> Problem:
    keys = tuple(details["loc"])
    name, (file, line) = ".".join(map(str, keys)), document.place(keys)
    refused = details.get("ctx", {}).get("error")
    if isinstance(refused, Refused):  # what a validator refused with a code of ours keeps that code
        return replace(refused.error.problem, file=file, row=line, column=name)
    if isinstance(refused, Flaw):
        return _flawed(refused, (*keys, "playbook", refused.number), document)
    if details["type"] == "extra_forbidden":
        near = nearest(str(keys[-1]), known_keys(model, keys[:-1]))
        return Problem("E203", file, line, name, values={"key": name, "nearest": near or "—"})
    value = masked(str(details.get("input")))[:60]
    return Problem("E204", file, line, name, values={"key": name, "found": value, "expected": details["msg"]})


def _flawed(flaw: Flaw, keys: tuple, document: Places) -> Problem:
    """What is wrong with a playbook as a whole, at the rule that shows it."""
    file, line = document.place((*keys, "code"))
    name = ".".join(map(str, keys))
    return Problem("E204", file, line, name, values={"key": name, "found": flaw.name, "expected": f"@flaw.{flaw.what}"})


def nearest(name: str, known: list[str]) -> str | None:
    """The most similar known name, compared without regard to case, or None."""
    lower = {word.lower(): word for word in known}
    close = get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return lower[close[0]] if close else None


def known_keys(model: Any, keys: tuple) -> list[str]:
    """The keys that a model allows at a path inside it."""
    parts = _models(_inside(model, keys))
    return [field.alias or name for part in parts for name, field in part.model_fields.items()]


def renamed_keys(model: Any, keys: tuple) -> Mapping[str, str]:
    """Keys of before to those of today, at a path inside a model."""
    return {old: new for part in _models(_inside(model, keys)) for old, new in getattr(part, "renamed", {}).items()}


def old_keys(model: Any, values: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Path, and name of today, of every key of before among the values for a model.

    Parameters
    ----------
    model
        The class of the settings.
    values
        What the file says.
    above
        Keys that lead to these values.
    """
    renamed = renamed_keys(model, ())
    for key, value in values.items() if isinstance(values, dict) else ():
        if key in renamed:
            yield (*above, key), renamed[key]
        yield from old_keys(_child(model, renamed.get(key, key)), value, (*above, key))


def _inside(model: Any, keys: tuple) -> Any:
    for key in keys:
        model = _child(model, key)
    return model


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models among the parts of an annotation."""
    return [part for part in _branches(annotation) if isinstance(part, type) and issubclass(part, BaseModel)]


def _child(model: Any, key: Any) -> Any:
    for part in _branches(model):
        if isinstance(part, type) and issubclass(part, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in part.model_fields.items()}
            return fields.get(key, Any)
        if get_origin(part) in (dict, list, tuple):
            return get_args(part)[-1 if get_origin(part) is dict else 0]
    return Any


def _branches(annotation: Any) -> tuple:
    """The parts of `A | B`, or the annotation itself, without what is annotated to it."""
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return tuple(part.__origin__ if hasattr(part, "__metadata__") else part for part in parts)
