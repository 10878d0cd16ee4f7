"""Every feature family, one line each, and the columns that they make together."""

import ast
import hashlib
import inspect
from collections.abc import Sequence
from types import ModuleType

from features import (
    arpu,
    blocks,
    complaints,
    contacts,
    lifecycle,
    payments,
    plans,
    profile,
    purchases,
    satisfaction,
    series,
    usage,
    visible,
)
from features.definition import Definition, Feature, columns
from features.settings import FeatureSettings

FAMILIES: tuple[ModuleType, ...] = (
    profile,
    arpu,
    purchases,
    usage,
    payments,
    complaints,
    contacts,
    plans,
    satisfaction,
    lifecycle,
)


def definitions(family: ModuleType) -> list[Definition]:
    """The features that a family defines itself, in the order of its file."""
    own = [f for _, f in inspect.getmembers(family, inspect.isfunction) if f.__module__ == family.__name__]
    marked = [f.definition for f in own if hasattr(f, "definition")]
    return sorted(marked, key=lambda d: d.function.__code__.co_firstlineno)


def catalogue(measures: Sequence[str]) -> tuple[Feature, ...]:
    """Every column for a business with these usage measures."""
    return tuple(c for family in FAMILIES for d in definitions(family) for c in columns(d, measures))


def fingerprint(features: Sequence[Feature], settings: FeatureSettings) -> str:
    """Changes when a column, a setting or the code behind them changes: models refuse features of another fingerprint.

    Comments and layout are not code.
    """
    digest = hashlib.sha256()
    for feature in features:
        digest.update(feature.column.encode())
    digest.update(settings.model_dump_json().encode())
    for module in (visible, blocks, series, *FAMILIES):
        digest.update(ast.dump(ast.parse(inspect.getsource(module))).encode())
    return digest.hexdigest()[:16]
