"""How features are put together: conditions of aggregates are moved inside without changing a value."""

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from features.build import closure, compared, inside, join, parts, with_tables
from features.catalogue import catalogue
from features.contracts import CONTRACTS
from features.definition import ROW
from tests.features.asking import Asker
from tests.world import everything

ROWS = pa.table({ROW: [1, 1, 1, 2, 2, 3], "x": [1.5, None, -2.0, 4.0, 0.0, None], "ago": [0, 1, 2, 5, None, 0]})


def test_a_condition_moved_inside_changes_no_value():
    """Rows with an unknown condition, an unknown value, and groups of which no row is inside."""
    rows = ibis.memtable(ROWS)
    near = (rows.ago >= 0) & (rows.ago < 2)
    asked = {
        "total": rows.x.sum(where=near),
        "mean": rows.x.mean(where=near).fill_null(-1.0),
        "most": rows.x.max(where=near) - rows.x.min(where=near),
        "count": rows.x.count(where=near) + rows.ago.count(where=near),
        "some": (rows.x > 0).any(where=near),
        "newest": rows.x.argmin(rows.ago, where=near & rows.x.notnull()),
    }
    grouped = rows.group_by(ROW)
    outside = grouped.aggregate(**asked).order_by(ROW).to_pandas()
    moved = grouped.aggregate(**{name: inside(value) for name, value in asked.items()})
    pd.testing.assert_frame_equal(moved.order_by(ROW).to_pandas(), outside)
    assert ibis.to_sql(moved).count("FILTER") == 1, "only argmin, for which null is not nothing on every engine"


def test_the_dear_blocks_have_few_filters(con: ibis.BaseBackend):
    made = Asker(con, "built")
    blocks = parts(made.tables, made.spine, made.features, made.settings)
    filters = {name: ibis.to_sql(blocks[name]).count("FILTER") for name in ("bills", "usage", "settled")}
    assert max(filters.values()) <= 2, filters


def test_everybody_is_read_once_to_be_compared(con: ibis.BaseBackend):
    """Joined to themselves, eight million rows did not fit into memory."""
    asked = [f for f in everything() if f.source == "peers"]
    texts = {"plan", "region"}
    schema = {ROW: "int64", "as_of": "date"} | {
        c: "string" if c in texts else "float64" for f in asked for c in f.reads
    }
    rows = compared(ibis.table(schema, name="narrow"), asked)
    assert rows.columns == (ROW, *[f.column for f in asked])
    assert "JOIN" not in ibis.to_sql(rows, dialect="duckdb")


@pytest.mark.slow
def test_parts_are_joined_in_one_statement(con: ibis.BaseBackend):
    """One below the other, a statement of its own each, they take longer to compile."""
    made = Asker(con, "joined")
    blocks = parts(made.tables, made.spine, made.features, made.settings)
    names = {name: con.create_table(f"part_of_{name}", rows.limit(0), temp=True) for name, rows in blocks.items()}
    sql = ibis.to_sql(join(made.spine, names, [f for f in made.features if f.source in blocks], made.settings))
    assert sql.count("JOIN") == len(blocks) > 10
    assert sql.count("SELECT") <= 2


def test_a_closure_holds_all_that_is_read_in_the_order_of_the_catalogue():
    features = catalogue(("data_mb",))
    chosen = [feature for feature in features if feature.source == "peers"][:3]
    found = closure(features, chosen)
    columns = [feature.column for feature in found]
    known = {feature.column for feature in features}
    assert set(chosen) < set(found)
    assert all(column in columns for feature in found for column in feature.reads if column in known)
    assert found == [feature for feature in features if feature.column in columns]
    assert closure(features, features) == list(features)


def test_features_with_tables_are_those_whose_reads_have_tables_too():
    features = catalogue(("data_mb",))
    found = {feature.column for feature in with_tables(features, {"customers", "bills"})}
    assert {"tenure_days", "arpu_3m", "spend_365d", "household_bill_3m"} <= found
    assert found.isdisjoint({"days_since_usage", "complaint_count_90d", "plan", "lifecycle_stage", "arpu_rank_plan_3m"})
    assert len(with_tables(features, CONTRACTS)) == len(features)
