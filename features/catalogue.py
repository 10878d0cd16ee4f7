"""Every feature family, one line each, and the columns that they make together."""

import inspect
from collections.abc import Mapping, Sequence
from types import MappingProxyType, ModuleType

from features.counted import CountedValue
from features.definition import Definition, Feature, Words, columns
from features.errors import HeadwaterError
from features.families import (
    arpu,
    complaints,
    components,
    contacts,
    counted,
    habits,
    household,
    lifecycle,
    payments,
    peers,
    plans,
    profile,
    purchases,
    recent_usage,
    satisfaction,
    seasons,
    surroundings,
    usage,
)

FAMILIES: tuple[ModuleType, ...] = (
    profile,
    arpu,
    components,
    seasons,
    purchases,
    usage,
    recent_usage,
    habits,
    payments,
    complaints,
    contacts,
    counted,
    plans,
    satisfaction,
    household,
    surroundings,
    peers,
    lifecycle,
)


def definitions(family: ModuleType) -> list[Definition]:
    """The features that a family defines itself, in the order of its file."""
    own = [f for _, f in inspect.getmembers(family, inspect.isfunction) if f.__module__ == family.__name__]
    marked = [f.definition for f in own if hasattr(f, "definition")]
    return sorted(marked, key=lambda d: d.line)


def catalogue(
    measures: Sequence[str],
    attributes: Sequence[str] = (),
    own: ModuleType | None = None,
    *,
    topics: Sequence[str] = (),
    parts: Mapping[str, str] = MappingProxyType({}),
    words: Mapping[str, Words] = MappingProxyType({}),
    numbers: Sequence[str] = (),
    dates: Sequence[str] = (),
    flags: Sequence[str] = (),
    components: Sequence[str] = (),
    spans: Mapping[str, Sequence[int]] = MappingProxyType({}),
    values: Mapping[str, Sequence[CountedValue]] = MappingProxyType({}),
) -> tuple[Feature, ...]:
    """Every column of our families and of a project's own for one business.

    Parameters
    ----------
    measures, attributes, topics : of usage, of customers, and of the complaints that are counted apart
    numbers, dates, flags : attributes of customers that are no words
    components : amounts that bills are made of
    spans : windows that the project declares beside ours, by what they are of: `features.windows`
    values : by table the values that are counted apart: `features.counted`
    own : the module of one family more
    parts : names of measures and of the measures that contain them
    words : what measures, attributes and topics are called, in English and in Chinese; no part of any identity

    Raises
    ------
    HeadwaterError
        E268 for a column of `own` that there is already, E274 for a declared name that is the name of one
    """
    names = (measures, attributes, topics, parts, words, numbers, dates, flags, components, spans, values)
    ours = [column for family in FAMILIES for made in definitions(family) for column in columns(made, *names)]
    _check_names(ours)
    theirs = [column for made in (definitions(own) if own else []) for column in columns(made, *names)]
    return (*ours, *_distinct(own, theirs, ours))


def left_out(features: Sequence[Feature], families: Sequence[str]) -> tuple[Feature, ...]:
    """The features without those of some families, of which what others are made from stays.

    Raises
    ------
    HeadwaterError
        E235 for a family that is not there
    """
    there = {f.family for f in features} | {module.__name__.rpartition(".")[2] for module in FAMILIES}
    if unknown := [name for name in families if name not in there]:
        raise HeadwaterError("E235", given=unknown[0], known=", ".join(sorted(there)))
    kept = {f.column for f in features if f.family not in families}
    read: set[str] = set()
    for feature in reversed(features):  # what is read stands before what reads it
        if feature.column in kept | read:
            read |= {*feature.reads}
    return tuple(f for f in features if f.column in kept | read)


def _check_names(ours: Sequence[Feature]) -> None:
    """Raises E274 where a measure, attribute or topic is called so that its column is another one of ours."""
    taken: dict[str, Feature] = {}
    for feature in sorted(ours, key=lambda f: f.measure is not None):
        if feature.column in taken:
            raise HeadwaterError(
                "E274", name=feature.measure, column=feature.column, family=taken[feature.column].family
            )
        taken[feature.column] = feature


def _distinct(own: ModuleType | None, theirs: Sequence[Feature], ours: Sequence[Feature]) -> Sequence[Feature]:
    """The columns of a project's own family, none of which may be called like another."""
    taken = {f.column: f.family for f in ours}
    for feature in theirs:
        if feature.column in taken:
            line = feature.definition.line
            both = {"name": feature.column, "family": taken[feature.column]}
            raise HeadwaterError("E268", file=own and own.__file__, row=line, **both)
        taken[feature.column] = feature.family
    return theirs
