"""The same expression on DuckDB and on Spark: every column equal, null for null."""

from collections.abc import Iterator
from datetime import date

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.blocks.permissions import permissions
from features.definition import KEY
from features.settings import FeatureSettings
from features.spine import Population, everyone, population
from features.values import kind
from tests.features.asking import Asker, ordered, without_nan
from tests.spark.asking import made
from tests.world import ZONE, World, arrow, everything, spine_table, tables, world

FEATURES = {f.column: f for f in everything()}
DATES = [date(2023, 6, 1), date(2024, 2, 29), date(2024, 3, 1), date(2025, 3, 7), date(2026, 1, 31)]


@pytest.fixture(scope="module")
def duckdb() -> Iterator[ibis.BaseBackend]:
    connection = ibis.duckdb.connect(threads=1)
    yield connection
    connection.disconnect()


def unequal(one: pa.Table, other: pa.Table, exact: set[str]) -> set[str]:
    """Columns that differ: in type, in which values are null, in an exact value, or by more than a billionth."""
    assert one.column_names == other.column_names
    assert one.num_rows == other.num_rows > 0
    return {c for c in one.column_names if not same(one[c], other[c], c in exact)}


def same(one: pa.ChunkedArray, other: pa.ChunkedArray, exact: bool) -> bool:
    if one.type != other.type or not one.is_null().equals(other.is_null()):
        return False
    if exact or not pa.types.is_floating(one.type):
        return one.equals(other)
    room = pc.add(1e-12, pc.multiply(1e-9, pc.abs(other)))
    return pc.all(pc.less_equal(pc.abs(pc.subtract(one, other)), room)).as_py() is not False


def money() -> set[str]:
    return {c for c, f in FEATURES.items() if f.unit in {"currency", "currency/month"}}


def engines(con: ibis.BaseBackend, duckdb: ibis.BaseBackend, given: World, asked) -> list[pa.Table]:
    """What `asked(tables)` gives on Spark and on DuckDB, in the order of the key."""
    return [ordered(engine.to_pyarrow(asked(tables(engine, given)))) for engine in (con, duckdb)]


@pytest.mark.exhaustive
def test_all_features_of_hundreds_of_customers_on_dates_of_their_own(ask: Asker, duckdb: ibis.BaseBackend):
    given = world(1_500, seed=301)
    found, expected = ask(given), Asker(duckdb, "same")(given)
    assert without_nan(found)
    assert unequal(found, expected, money()) == set()


@pytest.mark.exhaustive
def test_all_features_on_several_dates_at_once(ask: Asker, duckdb: ibis.BaseBackend):
    given = world(300, seed=302)
    customers = ibis.memtable(arrow("customers", given.tables["customers"]))
    spine = duckdb.to_pyarrow(everyone(customers, DATES, ZONE))
    assert spine.num_rows > 500
    assert unequal(ask(given, spine), Asker(duckdb, "dated")(given, spine), money()) == set()


@pytest.mark.slow
def test_features_without_the_tables_that_nobody_needs_to_have(con, duckdb: ibis.BaseBackend):
    """Null and not 0 in the columns of tables that are not there, in the right types."""
    given = world(200, seed=304)
    found, expected = (
        ordered(made(engine, few, spine_table(engine, given), [*FEATURES.values()], FeatureSettings()))
        for engine in (con, duckdb)
        for few in [tables(engine, given, only=("customers", "bills"))]
    )
    assert unequal(found, expected, money()) == set()
    assert found["complaint_count_90d"].null_count == 200


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["active", "billed"])
def test_who_is_looked_at_and_what_he_allows(con, duckdb: ibis.BaseBackend, rule: str):
    given = world(400, seed=303)

    def looked_at(rows: dict[str, ibis.Table]) -> ibis.Table:
        spine = population(rows, DATES, ZONE, Population(rule=rule))
        return spine.join(permissions(rows, spine, "marketing"), KEY)

    found, expected = engines(con, duckdb, given, looked_at)
    assert unequal(found, expected, set(found.column_names)) == set()


def test_a_difference_is_seen():
    one = pa.table({"a": [1.0, None], "b": [1.0, 2.0], "c": [1.0, 2.0], "d": ["x", None], "e": [1, 2]})
    other = pa.table({"a": [1.0, 0.0], "b": [1.0, 2.0 + 4e-9], "c": [1.0, 2.0 + 1e-9], "d": ["x", ""], "e": [1.0, 2.0]})
    assert unequal(one, other, set()) == {"a", "b", "d", "e"}
    assert unequal(one, other, {"c"}) == {"a", "b", "c", "d", "e"}
    assert {kind(f) for f in FEATURES.values()} == {"string", "float64"}
