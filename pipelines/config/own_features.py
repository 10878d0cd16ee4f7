"""A project's own features: the Python module that `features.own` names, run, and looked over before anything uses it.

The module is the project's own code and is trusted like it; nothing else in a configuration is ever executed.
"""

import importlib
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from features.blocks.registry import BLOCKS
from features.catalogue import catalogue, definitions, left_out
from features.definition import Definition, Feature, Words
from features.errors import HeadwaterError
from features.settings import FeatureSettings
from features.trial import check, sentence
from pipelines.config.validation import nearest
from pipelines.wording.texts import catalogue as texts

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def load(named: str, beside: Path) -> ModuleType:
    """The module: a path relative to `beside` when it ends in .py, else a name that Python can import.

    Raises E266 when it cannot be read or run, E267 when no feature is in it, E264 for one declared wrongly.
    """
    module = _from_file(beside / named) if named.endswith(".py") else _from_name(named)
    marked = definitions(module)
    if not marked:
        raise HeadwaterError("E267", file=module.__file__)
    for definition in marked:
        _check_declaration(module, definition)
    return module


def _from_file(path: Path) -> ModuleType:
    """Run from its text and not through Python's cache: what counts is what stands there now."""
    if not path.is_file():
        raise HeadwaterError("E201", file=path)
    module = ModuleType(f"own.{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    with _wrapped_errors(path):
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
    return module


def _from_name(name: str) -> ModuleType:
    with _wrapped_errors(Path(name)):
        return importlib.import_module(name)


@contextmanager
def _wrapped_errors(path: Path) -> Iterator[None]:
    """What goes wrong in the project's code becomes E266, at the last of its lines that was reached."""
    try:
        yield
    except HeadwaterError:
        raise
    except Exception as error:
        raise HeadwaterError("E266", file=path, row=_place(error, path), found=sentence(error)) from error


def _place(error: Exception, path: Path) -> int | None:
    if isinstance(error, SyntaxError):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def _check_declaration(module: ModuleType, definition: Definition) -> None:
    """Raises E264 for the first thing that is missing or unknown in a declaration."""
    for key, values in _faults(definition):
        line, name = definition.line, definition.function.__name__
        raise HeadwaterError("E264", file=module.__file__, row=line, name=name, found=f"@own.{key}", **values)


def _faults(definition: Definition) -> Iterator[tuple[str, dict[str, str]]]:
    """What is wrong, each as a key of the wording and its values."""
    sources, reasons, kind = [*BLOCKS, "peers", "wide"], _known_reasons(), definition.kind
    if definition.block is None and definition.source not in sources:
        yield "source", {"given": definition.source, "nearest": nearest(definition.source, sources) or "—"}
    if definition.block and definition.source in sources:
        yield "block", {"given": definition.source}
    if kind.reason not in reasons:
        yield "reason", {"given": kind.reason, "nearest": nearest(kind.reason, reasons) or "—"}
    if not NAME.fullmatch(re.sub("[{}]", "", definition.column)):
        yield "name", {}
    if kind.per and f"{{{kind.per}}}" not in definition.column:
        yield "slot", {"given": kind.per}
    if not all(definition.meaning):
        yield "docstring", {}


def _known_reasons() -> list[str]:
    """The business reasons that there are words for."""
    return sorted(key.partition(".")[2] for key in texts() if key.startswith("reasons."))


def joined(
    module: ModuleType | None,
    measures: Sequence[str],
    attributes: Sequence[str],
    settings: FeatureSettings,
    words: Mapping[str, Words] = MappingProxyType({}),
    numbers: Sequence[str] = (),
    dates: Sequence[str] = (),
    flags: Sequence[str] = (),
    components: Sequence[str] = (),
) -> tuple[Feature, ...]:
    """The catalogue with the project's own family, if there is one.

    Parameters
    ----------
    module : the project's own family, as `load` gives it
    measures, attributes, words, numbers, dates, flags, components : what the mapping declares
    settings : topics and parts, families that are left out, and those that expressions depend on

    Raises
    ------
    HeadwaterError
        E268 for a column of the module that there is already, E265 for one that cannot be made, E235 for a family to be
        left out that is not there
    """
    typed: dict[str, Any] = {"numbers": numbers, "dates": dates, "flags": flags, "components": components}
    typed |= {"spans": settings.windows.spans(), "values": settings.counted_values()}
    features = catalogue(
        measures, attributes, module, topics=settings.topics, parts=settings.parts, words=words, **typed
    )
    if module:
        check([f for f in features if f.definition.function.__module__ == module.__name__], features, settings)
    return left_out(features, settings.without)
