"""Marks: a row says by itself which rule it breaks, the first of several, wherever it travels."""

import ibis
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest.cells import Problem
from pipelines.ingest.marks import BROKEN, FOUND, column_of, mark, marked, marks, rule_of

RULES = [("a", "empty_key"), ("b", "negative"), ("a", "not_a_date")]


def problems(rows):
    """The row breaks a rule where its flag is true; the text says which."""
    return [Problem(rows[f"f{n}"], rule, column, ibis.literal(f"text {n}")) for n, (column, rule) in enumerate(RULES)]


@settings(max_examples=20, deadline=None)
@given(flags=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=6))
def test_the_first_problem_counts_and_later_ones_change_no_mark(con, flags):
    rows = ibis.memtable({f"f{n}": [row[n] for row in flags] for n in range(3)})
    early, late = problems(rows)[:1], problems(rows)[1:]
    once = con.to_pyarrow(rows.mutate(**marks(problems(rows))))
    twice = con.to_pyarrow(marked(rows.mutate(**marks(early)), late))
    first = [next((n for n, broken in enumerate(row) if broken), None) for row in flags]
    assert once[BROKEN].to_pylist() == [None if n is None else mark(*RULES[n]) for n in first]
    assert once[FOUND].to_pylist() == [None if n is None else f"text {n}" for n in first]
    assert twice.equals(once)


def test_no_problem_is_no_mark(con):
    rows = ibis.memtable({"x": [1, 2]})
    assert con.to_pyarrow(rows.mutate(**marks([])))[BROKEN].null_count == 2


def test_a_mark_is_its_column_and_its_rule(con):
    rows = ibis.memtable({"m": [mark("known_at", "not_a_time"), None]}, schema={"m": "string"})
    assert con.to_pyarrow(column_of(rows.m)).to_pylist() == ["known_at", None]
    assert con.to_pyarrow(rule_of(rows.m)).to_pylist() == ["not_a_time", None]
