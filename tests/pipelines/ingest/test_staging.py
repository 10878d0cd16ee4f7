"""Staging: every row judged goes to one place, and a later reading sends on those that waited."""

from datetime import timedelta

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contracts import CONTRACTS
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest import staging
from pipelines.ingest.inputs import Inputs
from pipelines.ingest.reading import Reading
from pipelines.ingest.staging import Staged
from pipelines.ingest.tables import rows_with_places
from tests.raw import at

USAGE = CONTRACTS["usage"]
NEW_YEAR = at("2026-01-01 00:00:00")
TODAY = NEW_YEAR + timedelta(days=60)
ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 80)), max_size=8)


def waiting(rows):
    """Rows of a customer, known so many days after the new year."""
    records = [
        {
            "__file": 0,
            "__row": number,
            "customer_id": customer,
            "happened_at": NEW_YEAR + timedelta(days=days),
            "happened_on": (NEW_YEAR + timedelta(days=days)).date(),
            "known_at": NEW_YEAR + timedelta(days=days),
            "rule": "unknown_customer",
        }
        for number, (customer, days) in enumerate(rows, 1)
    ]
    return pa.Table.from_pylist(records, rows_with_places(USAGE))


def judged(con, folder, rows):
    """Where rows go of which customers a and b are known, and days from the sixtieth on are the future."""
    reading = Reading(con, Inputs(Mapping(tables={}), {}), Quality(), folder, TODAY)
    people = ibis.memtable({"customer_id": ["a", "b"]})
    reading.result.tables["customers"] = con.create_table("known", people, temp=True, overwrite=True)
    staged = Staged()
    staging.judge_waiting(reading, USAGE, waiting(rows), staged)
    return staged


@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_every_row_goes_to_one_place(con, tmp_path_factory, rows):
    staged = judged(con, tmp_path_factory.mktemp("staged"), rows)
    good = [row for paths in staged.pieces.values() for path in paths for row in pq.read_table(path).to_pylist()]
    wait = [row for table in staged.waiting for row in table.to_pylist()]
    assert sorted(row["__row"] for row in good + wait) == list(range(1, len(rows) + 1)) and staged.aside == []
    assert all(row["customer_id"] in "ab" and row["known_at"] < TODAY for row in good)
    for row in wait:
        assert row["rule"] == ("from_the_future" if row["known_at"] >= TODAY else "unknown_customer")
    assert staged.latest == max((row["known_at"] for row in good), default=None)
    assert all(f"{row['happened_at']:%Y-%m}" in staged.pieces for row in good)


def test_nothing_is_left_in_the_connection(con, tmp_path):
    judged(con, tmp_path, [("a", 1), ("c", 70)])
    names = {name for (name,) in con.con.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    assert not names & {"staged_usage", "waiting_usage"}
