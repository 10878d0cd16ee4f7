"""The identity of a feature set: it follows from what computes, so that words change nothing and `<` for `<=` does.

The whole catalogue is built over empty tables, by the very call that trains and scores, and the graph of operations
that comes out is hashed: every column with the population, the cut of time, its block, its formula, peers and whole
rows. A setting is in it where it reaches an expression, as a literal, and nowhere else. Names of variables, wording,
layout, the order of columns and the other tables of a project are not in it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from types import CodeType, MappingProxyType
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from features.build import build
from features.contracts import CONTRACTS, MONEY
from features.definition import Feature
from features.settings import FeatureSettings
from features.spine import Population, population

FORMAT = 1
"""Of the canonical form below; it is part of every hash, so that another form is a decision and no accident."""
LENGTH = 16
"""Hexadecimal characters of a hash."""
_DATES = (date(2026, 1, 31), date(2026, 3, 30), date(2026, 10, 26))
_ZONE = "Europe/Berlin"
"""As-of dates in winter and after both changes of the clock, so that their cutoffs show how a local day begins."""


def feature_set_hash(features: Sequence[Feature], settings: FeatureSettings) -> str:
    """The identity of these columns under these settings, 16 hexadecimal characters, the same in every process.

    It changes when a column, its type or anything on the way to its values changes, in our code or in a project's own.
    A model refuses features of another hash.
    """
    tables = empty_tables(*declared(features), counted=counted_columns(features))
    active, billed = (population(tables, _DATES, _ZONE, Population(rule=rule)) for rule in ("active", "billed"))
    wide = build(tables, active, features, settings)
    return _hash((FORMAT, _digest(wide), _digest(billed)))[:LENGTH]


def declared(features: Sequence[Feature]) -> tuple[list[str], ...]:
    """The measures of usage and the attributes of customers, words, numbers, dates and flags, and components of bills."""
    measured = [name for f in features if f.definition.kind.per in ("measure", "part") for name in (f.measure, f.whole)]
    kinds = ("attribute", "number", "date", "flag", "component")
    attributes = [[f.measure for f in features if f.definition.kind.per == per] for per in kinds]
    return tuple(sorted(set(filter(None, names))) for names in (measured, *attributes))


def counted_columns(features: Sequence[Feature]) -> dict[str, list[str]]:
    """By table the columns whose values are counted."""
    found = {(f.source, f.counted.column) for f in features if f.counted is not None}
    return {table: sorted(column for name, column in found if name == table) for table, _ in found}


def empty_tables(
    measures: Sequence[str] = (),
    attributes: Sequence[str] = (),
    numbers: Sequence[str] = (),
    dates: Sequence[str] = (),
    flags: Sequence[str] = (),
    components: Sequence[str] = (),
    *,
    counted: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, ir.Table]:
    """Every canonical table by name, typed by its contract, without rows and without a place where it lies."""
    contracts = CONTRACTS | {"usage": CONTRACTS["usage"].with_measures(tuple(measures) or ("measure",))}
    typed = zip((attributes, numbers, dates, flags), ("string", "float64", "date", "boolean"), strict=True)
    declared = {"customers": {name: dtype for names, dtype in typed for name in names}}
    declared |= {"bills": dict.fromkeys(components, MONEY)}
    declared |= {name: dict.fromkeys(columns, "string") for name, columns in counted.items()}
    versions = {"superseded_at": "timestamp(6)"}
    return {
        name: ibis.table(
            contract.schema() | declared.get(name, {}) | contract.schema() | (versions if contract.versioned else {}),
            name=name,
        )
        for name, contract in contracts.items()
    }


def _digest(expression: ir.Expr) -> str:
    """Of the graph of an expression: each operation by its kind and the digests of what it is made from."""
    numbers: dict[tuple[str, Any], int] = {}

    def digest(node: ops.Node, _: Any, **arguments: Any) -> str:
        if isinstance(node, ops.Reference):  # Ibis counts them through the process: what counts is which is which
            key = (arguments["parent"], node.identifier)
            arguments["identifier"] = numbers.setdefault(key, len(numbers))
        return _hash((*_kind(node), _canonical(_telling(node, arguments))))

    root = expression.op()
    return root.map(digest)[root]


def _kind(node: ops.Node) -> tuple[Any, ...]:
    """The name of an operation; of functions of our own what the engine calls them, or else their code."""
    if not isinstance(node, ops.udf.ScalarUDF | ops.udf.AggUDF):
        return (type(node).__name__,)
    builtin = node.__input_type__ is ops.udf.InputType.BUILTIN
    return ("function", node.__func_name__ if builtin else _code(node.__func__.__code__, node.__func__.__doc__))


def _code(code: CodeType, doc: str | None = None) -> tuple[Any, ...]:
    """What a Python function does, its docstring apart."""
    constants = [_code(c) if isinstance(c, CodeType) else c for c in code.co_consts if doc is None or c != doc]
    return code.co_code, code.co_names, tuple(constants)


def _telling(node: ops.Node, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments without names that Ibis makes up; a table in memory is its rows."""
    if isinstance(node, ops.InMemoryTable):
        return {"schema": node.schema, "rows": node.data.to_pyarrow(node.schema).to_pylist()}
    return {name: value for name, value in arguments.items() if name != "source"}


def _canonical(value: Any) -> Any:
    """Nested arguments in a form whose text is the same in every process; mappings and sets are in order."""
    if isinstance(value, Mapping):
        return sorted((str(key), _canonical(part)) for key, part in value.items())
    if isinstance(value, set | frozenset):
        return sorted(map(_canonical, value))
    if isinstance(value, tuple | list):
        return [_canonical(part) for part in value]
    return repr(value)


def _hash(content: Any) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()
