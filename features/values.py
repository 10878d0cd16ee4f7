"""The expression of a feature, of the grain and the type that it says; nothing else calls the functions of features."""

import inspect
from typing import Any

import ibis.expr.types as ir

from features.definition import Feature
from features.errors import HeadwaterError

TEXT, NUMBER = "string", "float64"


def kind(feature: Feature) -> str:
    """Text features are strings, all others float64."""
    return TEXT if feature.unit == "text" else NUMBER


def value(feature: Feature, rows: ir.Table, *context: Any) -> ir.Value:
    """The expression of a column over rows of its source; whole rows also get the stage settings.

    Raises HeadwaterError E265, with the file and line of its function, for a value of another grain: a column where an
    aggregate is needed or the other way, a comparison with others in a whole row, as-of dates that are mixed.
    """
    grain = feature.definition.kind.grain
    expression = feature.value(grain.view(rows), *context)
    if wrong := grain.fault(expression):
        raise HeadwaterError("E265", **place(feature), found=f"@own.{wrong}")
    return expression


def place(feature: Feature) -> dict[str, Any]:
    """File and line of the function of a feature and the name of its column, for an error."""
    definition = feature.definition
    return {"file": inspect.getsourcefile(definition.function), "row": definition.line, "name": feature.column}
