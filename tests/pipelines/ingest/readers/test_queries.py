"""What DuckDB reads: queries and database files, like files of the same rows."""

import duckdb

from pipelines.config.mapping import Source
from pipelines.config.quality import Quality
from pipelines.ingest.readers import sources
from tests.raw import Raw, read_tables


def test_a_query_and_a_database_read_like_files(tmp_path, con):
    raw = Raw(tmp_path)
    raw.write()
    plain = read_tables(con, raw.load(), Quality())["usage"].order_by("customer_id", "happened_at").to_pyarrow()
    path = tmp_path / "raw.duckdb"
    with duckdb.connect(str(path)) as base:
        base.execute(
            "CREATE TABLE traffic AS SELECT * FROM read_csv($1, all_varchar = true)", [str(tmp_path / "usage.csv")]
        )
    sql = f"SELECT * FROM read_csv('{tmp_path / 'usage.csv'}', all_varchar = true)"
    for source in ({"sql": sql}, {"database": "raw.duckdb", "table": "traffic"}):
        raw.mapping["tables"]["usage"]["source"] = source
        found = read_tables(con, raw.load(), Quality())
        assert found["usage"].order_by("customer_id", "happened_at").to_pyarrow().equals(plain)
        assert found.counts["usage"].in_ == 200


def test_the_fingerprint_of_a_query_follows_its_rows():
    one = sources.find(Source(sql="SELECT * FROM (VALUES (1), (2)) AS t(x)")).inputs[0].sha256
    again = sources.find(Source(sql="SELECT * FROM (VALUES (1), (2)) AS t(x)")).inputs[0].sha256
    other = sources.find(Source(sql="SELECT * FROM (VALUES (1), (3)) AS t(x)")).inputs[0].sha256
    assert one == again != other
