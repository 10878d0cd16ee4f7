"""Cells: values of text as the contract types them, or a problem; never both, and never neither without a reason."""

from decimal import ROUND_HALF_UP, Decimal

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest import cells

WORDS = st.one_of(
    st.decimals(-(10**9), 10**9, allow_nan=False, places=4).map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["", " 7 ", "1,5", "12.", "nan", "inf", "1e3", "x", "-", "+3", "３", "true", "0"]),
)
QUICK = settings(max_examples=25, deadline=None)


def outcome(con, words, cell_of):
    """Value and broken rules of each word."""
    rows = ibis.memtable({"x": words}, schema={"x": "string"})
    source = cells.present(rows.x, [])
    cell = cell_of(source)
    flags = {f"p{n}": problem.broken for n, problem in enumerate(cell.problems)}
    table = con.to_pyarrow(rows.select(source=source, value=cell.value, **flags)).to_pylist()
    rules = [problem.rule for problem in cell.problems]
    return [(row["source"], row["value"], {r for n, r in enumerate(rules) if row[f"p{n}"]}) for row in table]


@QUICK
@given(words=st.lists(WORDS, min_size=1, max_size=8))
@pytest.mark.parametrize("kind", ["price", "measure", "whole", "boolean"])
def test_a_cell_is_a_value_or_a_problem_unless_its_source_is_empty(con, words, kind):
    for source, value, rules in outcome(con, words, lambda source: getattr(cells, kind)(source, "c")):
        assert (value is None) == (source is None or bool(rules)), (source, value, rules)
        assert source is not None or not rules


@QUICK
@given(amounts=st.lists(st.decimals(-(10**9), 10**9, allow_nan=False, places=4), min_size=1, max_size=8))
def test_money_is_rounded_once_half_away_from_zero(con, amounts):
    values = [value for _, value, _ in outcome(con, [f"{a:f}" for a in amounts], lambda s: cells.price(s, "c"))]
    assert values == [a.quantize(Decimal("0.01"), ROUND_HALF_UP) for a in amounts]


@QUICK
@given(numbers=st.lists(st.integers(-(10**18) + 1, 10**18 - 1), min_size=1, max_size=8))
def test_whole_numbers_stay_whole(con, numbers):
    assert [v for _, v, _ in outcome(con, [f"{n}.0" for n in numbers], lambda s: cells.whole(s, "c"))] == numbers


@pytest.mark.parametrize(
    ("text", "key", "value", "rules"),
    [
        ("a b", True, "a b", set()),
        (" a", True, None, {"unclean_key"}),
        ("a\tb", True, None, {"unclean_key"}),
        (" a", False, " a", set()),
    ],
)
def test_keys_must_be_clean(con, text, key, value, rules):
    found = outcome(con, [text], lambda source: cells.text(source, "c", [], key))
    assert [(v if not r else None, r) for _, v, r in found] == [(value, rules)]


def test_declared_words_mean_unknown(con):
    rows = ibis.memtable({"x": ["-", " - ", "", "a"]})
    assert con.to_pyarrow(cells.present(rows.x, ["-"])).to_pylist() == [None, None, None, "a"]
    numbers = ibis.memtable({"x": [0, 1]})
    assert con.to_pyarrow(cells.present(numbers.x, ["0"])).to_pylist() == [None, 1]
