"""Conditions on rows: what is read, what is refused, and what they hold of, against plain Python."""

import operator
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config import conditions
from pipelines.config.conditions import Comparison, Either, Every, Missing, Not, Text, parse
from pipelines.config.expressions import Name, Number
from pipelines.config.mapping import TableMapping
from pipelines.config.validation import Refused

A, ZERO = Name("a"), Number("0")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('结果 == "0"', Comparison("==", Name("结果"), Text("0"))),
        ("a != 'it''s'", None),
        ("a<-1.5", Comparison("<", A, Number("-1.5"))),
        ("`flat fee` >= 0 AND a IS null", Every((Comparison(">=", Name("flat fee"), ZERO), Missing(A)))),
        ("a is not null or not a > 0", Either((Not(Missing(A)), Not(Comparison(">", A, ZERO))))),
        ('a in ("x", "y")', Either((Comparison("==", A, Text("x")), Comparison("==", A, Text("y"))))),
        ('a not in ("x")', Not(Either((Comparison("==", A, Text("x")),)))),
        (
            "(a > 0 or a > 1) and a > 2",
            Every(
                (Either((Comparison(">", A, ZERO), Comparison(">", A, Number("1")))), Comparison(">", A, Number("2")))
            ),
        ),
    ],
)
def test_reads(text, tree):
    if tree is None:
        with pytest.raises(HeadwaterError, match="E229"):
            parse(text)
    else:
        assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", 1),
        ("a", 2),
        ('a = "0"', 3),
        ('a == "0', 6),
        ("a == 1e3", 6),
        ("a in (b)", 7),
        ("a == 0 a", 8),
        ("(a == 0", 8),
        ("not", 4),
        ('a > 0 and "x" == 9', 12),
        ("1 in (1)", 1),
        ("a is 0", 6),
        ("f(a) == 0", 2),
        ("__import__('os')", 11),
        ("(" * 50 + "a == 0" + ")" * 50, 31),
    ],
)
def test_refuses_at_the_first_thing_not_understood(text, at):
    with pytest.raises(HeadwaterError) as error:
        parse(text)
    assert (error.value.problem.code, error.value.problem.values["at"]) == ("E229", at)


def test_a_mapping_with_a_condition_that_cannot_be_read_is_refused():
    with pytest.raises(Exception) as error:
        TableMapping.model_validate({"source": {"path": "a.csv"}, "columns": {"customer_id": "a"}, "where": "a = 1"})
    assert isinstance(error.value.errors()[0]["ctx"]["error"], Refused)


COLUMNS = ("a", "b")
SIDES = [Name("a"), Name("b"), Text("x"), Text("10"), Number("9"), Number("10")]
ROWS = [{"a": a, "b": b} for a in (None, "", " x ", "10", "9", "10.0") for b in (None, "x", "10")]
SIGNS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
TESTS = st.builds(Comparison, st.sampled_from(list(SIGNS)), st.sampled_from(SIDES), st.sampled_from(SIDES)).filter(
    conditions.names
)
TREES = st.recursive(
    TESTS | st.builds(Missing, st.sampled_from(SIDES[:2])),
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(lambda *parts: Every(parts), inner, inner)
        | st.builds(lambda *parts: Either(parts), inner, inner)
    ),
    max_leaves=6,
)


def said(side: Any, row: dict, numeric: bool) -> Any:
    text = (row[side.name] or "").strip() or None if isinstance(side, Name) else side.text
    try:
        return float(text) if numeric and text is not None else text
    except ValueError:
        return None


def naive(node: Any, row: dict) -> bool:
    """The rules once more, one row at a time."""
    match node:
        case Comparison(sign, left, right):
            numeric = Number in (type(left), type(right))
            one, other = said(left, row, numeric), said(right, row, numeric)
            if one is None or other is None:
                return sign == "!="
            return SIGNS[sign](one, other)
        case Missing(side):
            return said(side, row, False) is None
        case Not(part):
            return not naive(part, row)
        case Every(parts):
            return all(naive(part, row) for part in parts)
    return any(naive(part, row) for part in node.parts)


@settings(max_examples=60, deadline=None)
@given(tree=TREES)
def test_holds_of_what_it_says(con: ibis.BaseBackend, tree):
    rows = ibis.memtable(ROWS, schema={"a": "string", "b": "string"})

    def text(name: str) -> Any:
        return rows[name].strip().nullif("")

    held = conditions.holds(tree, text, lambda name: text(name).try_cast("float64"))
    found = con.to_pyarrow(rows.select(held=held))["held"].to_pylist()
    assert found == [naive(tree, row) for row in ROWS]
