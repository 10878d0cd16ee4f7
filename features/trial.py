"""Features tried over empty tables before anything is read: does each have an expression of its grain and type?"""

from collections.abc import Iterable, Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from features.build import build, from_rows
from features.definition import ROW, Feature
from features.errors import HeadwaterError
from features.identity import counted_columns, declared, empty_tables
from features.settings import FeatureSettings
from features.spine import Population, population
from features.values import kind, place, value


def check(tried: Iterable[Feature], features: Sequence[Feature], settings: FeatureSettings) -> None:
    """Raises HeadwaterError E265, at the line of its function, for the first feature that cannot be.

    Its expression cannot be made, is of another grain, or is no float64 (no string, where its unit is `text`).

    Parameters
    ----------
    tried : what is looked at
    features : the whole catalogue, which features of whole rows and of peers read
    settings : those that expressions depend on
    """
    for feature in tried:
        try:
            expression = _expression(feature, features, settings)
        except HeadwaterError:
            raise
        except Exception as error:
            raise HeadwaterError("E265", **place(feature), found=sentence(error)) from error
        if str(expression.type().copy(nullable=True)) != kind(feature):
            wrong = {"given": str(expression.type()), "expected": kind(feature)}
            raise HeadwaterError("E265", **place(feature), found="@own.type", **wrong)


def sentence(error: Exception) -> str:
    """What went wrong, in the first line of its own words."""
    return f"{type(error).__name__}: {(str(error).strip() or '—').splitlines()[0]}"


def _expression(feature: Feature, features: Sequence[Feature], settings: FeatureSettings) -> ir.Value:
    """The expression of one feature over tables without rows; peers and whole rows see the columns that they read."""
    if from_rows(feature):
        tables = empty_tables(*declared(features), counted=counted_columns(features))
        spine = population(tables, [date(2026, 1, 1)], "UTC", Population())
        return build(tables, spine, [feature], settings)[feature.column]
    columns = {f.column: kind(f) for f in features}
    if feature.source == "peers":
        read = {c: columns[c] for c in feature.reads}
        return value(feature, ibis.table({ROW: "int64", "as_of": "date"} | read, name="peers"))
    seen = {f.column: kind(f) for f in features if f.column in feature.reads or f.source not in {"peers", "wide"}}
    return value(feature, ibis.table(seen, name="wide"), settings.stages)
