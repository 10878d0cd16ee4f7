"""The grammar: what it reads, what it refuses, and exact money."""

from decimal import ROUND_HALF_UP, Decimal

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config import expressions
from pipelines.config.expressions import Binary, Coalesce, Duration, Name, Number, parse


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", Name("a")),
        ("应收_分 / 100", Binary("/", Name("应收_分"), Number("100"))),
        ("a + b * 2", Binary("+", Name("a"), Binary("*", Name("b"), Number("2")))),
        ("(a + b) * 2", Binary("*", Binary("+", Name("a"), Name("b")), Number("2"))),
        ("a - b - c", Binary("-", Binary("-", Name("a"), Name("b")), Name("c"))),
        ("-a", Binary("-", Number("0"), Name("a"))),
        ("`flat fee` * 1.06", Binary("*", Name("flat fee"), Number("1.06"))),
        ("coalesce(a, b, 0)", Coalesce((Name("a"), Name("b"), Number("0")))),
        ("coalesce", Name("coalesce")),
        ("happened_at + 1mo", Binary("+", Name("happened_at"), Duration(1, "mo"))),
    ],
)
def test_reads(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", 1),
        ("a +", 4),
        ("a b", 3),
        ("a ** b", 4),
        ("__import__('os')", 12),
        ("a; b", 2),
        ("(a", 3),
        ("a)", 2),
        ("coalesce(a", 11),
        ("1e3", 1),
        ("a[0]", 2),
        ("a.b", 2),
        ("lambda: 1", 7),
        ("(" * 50 + "a" + ")" * 50, 31),
    ],
)
def test_refuses_and_says_where(text, at):
    with pytest.raises(HeadwaterError) as error:
        parse(text)
    assert error.value.problem.code == "E212"
    assert error.value.problem.values["at"] == at


def test_an_endless_expression_is_refused():
    with pytest.raises(HeadwaterError):
        parse("a+" * 600 + "a")


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_code(text):
    try:
        parse(text)
    except HeadwaterError as error:
        assert error.problem.code == "E212"


def test_shift_gives_start_and_steps():
    assert expressions.shift(parse("t + 1mo - 2d")) == (Name("t"), ((1, "M"), (-2, "D")))
    for text in ("a * 5d", "5 + 5d", "a + b"):
        with pytest.raises(HeadwaterError, match="E218"):
            expressions.shift(parse(text))
    with pytest.raises(HeadwaterError, match="E218"):
        expressions.exact(parse("a + 5d"), lambda name: ibis.literal(Decimal(1), expressions.EXACT))


def value(con, text, **columns):
    row = ibis.memtable({"x": [0]}).mutate(
        result=expressions.exact(parse(text), lambda name: ibis.literal(columns[name], expressions.EXACT)).try_cast(
            "decimal(12,2)"
        )
    )
    return con.to_pyarrow(row)["result"][0].as_py()


@settings(max_examples=60, deadline=None)
@given(st.integers(-(10**9), 10**9), st.sampled_from([1, 2, 4, 5, 8, 10, 100, 1000, 1024]))
def test_money_is_exact_and_rounds_half_away_from_zero(con, cents, divisor):
    expected = (
        (Decimal(cents) / divisor).quantize(Decimal("0.000001"), ROUND_HALF_UP).quantize(Decimal("0.01"), ROUND_HALF_UP)
    )
    assert value(con, f"fen / {divisor}", fen=Decimal(cents)) == expected


def test_sums_products_and_null(con):
    assert value(con, "(a - b) / 100", a=Decimal(5905), b=Decimal("0.5")) == Decimal("59.05")
    assert value(con, "price * 3", price=Decimal("19.99")) == Decimal("59.97")
    assert value(con, "a / 3", a=Decimal(10)) == Decimal("3.33")
    assert value(con, "a / b", a=Decimal(1), b=Decimal(0)) is None
    assert value(con, "coalesce(a, 7)", a=None) == Decimal(7)
    assert value(con, "a * a", a=Decimal("999999999999")) is None


def test_measures_are_floats(con):
    row = ibis.memtable({"kb": [1536.0]})
    made = con.to_pyarrow(row.select(mb=expressions.floating(parse("kb / 1024"), lambda name: row[name])))
    assert made["mb"].to_pylist() == [1.5]
