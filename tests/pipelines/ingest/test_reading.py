"""What a reading starts from: whom rows may name, and whether anybody of the base is gone."""

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.contracts import CONTRACTS
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest.inputs import Inputs
from pipelines.ingest.reading import Reading
from pipelines.ingest.tables import Part, Tables


def part(folder, ids):
    path = folder / f"{'_'.join(ids)}.parquet"
    pq.write_table(pa.table({"customer_id": ids}), path)
    return Part(path, "", len(ids))


@pytest.fixture
def reading(con, tmp_path):
    base = Tables({}, parts={"customers": [part(tmp_path, ["a", "b"])]})
    reading = Reading(con, Inputs(Mapping(tables={}), {}), Quality(), tmp_path, base=base)
    yield reading
    con.drop_view("customers_base", force=True)


def customers(reading, ids):
    reading.result.parts["customers"] = [part(reading.folder, ids)]
    reading.result.tables["customers"] = ibis.memtable({"customer_id": ids})


def test_customers_name_nobody_else(reading):
    customers(reading, ["a"])
    assert reading.known_customers(CONTRACTS["customers"]) is None
    assert reading.known_customers(CONTRACTS["bills"]).count().execute() == 1


def test_before_customers_are_read_every_name_is_good(reading):
    assert reading.known_customers(CONTRACTS["bills"]) is None and not reading.customers_lost


@pytest.mark.parametrize(("ids", "lost"), [(["a", "b"], False), (["b", "c", "a"], False), (["a"], True)])
def test_a_customer_without_a_row_is_lost(reading, ids, lost):
    customers(reading, ids)
    assert reading.customers_lost is lost
