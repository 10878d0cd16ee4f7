"""Statements are compiled once for all tables of the same columns, and anew for whatever else they depend on."""

from collections import OrderedDict

import ibis
import pytest

from pipelines.engine import statements
from pipelines.engine.schema import Schema
from pipelines.engine.statements import columns, compiled


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """The schemas for which something was compiled; nothing is known at first."""
    monkeypatch.setattr(statements, "_KEPT", OrderedDict())
    return []


def work(con, rows: str = "SELECT 1 AS x") -> Schema:
    schema = Schema(con)
    schema.fill("bills", rows)
    return schema


def answer(con, schema: Schema, made: list[str], *more) -> list[tuple]:
    bills = schema["bills"]

    def compile_() -> dict[str, str]:
        made.append(schema.name)
        return {"doubled": con.compile(bills.mutate(y=bills.x * 2).join(bills.view(), "x").select("x", "y"))}

    sql = compiled(schema, (columns(schema, {"bills": bills}), *more), compile_)["doubled"]
    return con.raw_sql(sql).fetchall()


def test_the_same_over_other_rows_is_compiled_once_and_reads_its_own(con, made):
    """In this connection and in another one, whatever the schemas are called."""
    first, second, elsewhere = work(con), work(con, "SELECT 2 AS x"), ibis.duckdb.connect()
    assert answer(con, first, made) == [(1, 2)]
    assert answer(con, second, made) == [(2, 4)] and made == [first.name]
    assert answer(elsewhere, work(elsewhere, "SELECT 3 AS x"), made) == [(3, 6)] and made == [first.name]
    first.close()
    assert answer(con, second, made) == [(2, 4)]


def test_other_columns_types_and_settings_are_compiled_anew(con, made):
    for schema, more in (
        (work(con), ()),
        (work(con), ("other settings",)),
        (work(con, "SELECT 1.5::DOUBLE AS x"), ()),
        (work(con, "SELECT 1 AS x, 2 AS more"), ()),
    ):
        answer(con, schema, made, *more)
        assert made[-1] == schema.name
    assert len(made) == 4


def test_tables_elsewhere_are_known_by_their_place_and_expressions_by_themselves(con):
    one, other = work(con), work(con)
    within = [columns(schema, {"bills": schema["bills"]}) for schema in (one, other)]
    outside = [columns(other, {"bills": table}) for table in (one["bills"], one["bills"].limit(0))]
    assert within[0] == within[1]
    assert len({*within, *outside}) == 3


def test_what_was_not_asked_for_longest_goes_first(con, made):
    schema = work(con)
    for number in range(statements.MOST_KEPT):
        answer(con, schema, made, number)
    answer(con, schema, made, 0)
    answer(con, schema, made, "one more")
    answer(con, schema, made, 0)
    assert len(made) == statements.MOST_KEPT + 1 == len(statements._KEPT) + 1
    answer(con, schema, made, 1)
    assert len(made) == statements.MOST_KEPT + 2
