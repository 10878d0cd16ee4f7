"""What DuckDB reads: queries and database files, like files of the same rows."""

import duckdb
import pytest

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.config.sources import Source
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


def test_a_query_reads_files_by_name_in_every_encoding(tmp_path, con):
    raw = Raw(tmp_path)
    raw.write("gb18030")
    files = {"path": str(tmp_path / "usage.csv"), "encoding": "gb18030"}
    raw.mapping["tables"]["usage"]["source"] = {"sql": "SELECT * FROM traffic", "reads": {"traffic": files}}
    for name in ("customers", "bills"):
        raw.mapping["tables"][name]["source"]["encoding"] = "gb18030"
    found = read_tables(con, raw.load(), Quality())
    assert found.counts["usage"].used == 200
    own = Source(sql="SELECT 用户编号, count(*) AS n FROM traffic GROUP BY ALL", reads={"traffic": Source(**files)})
    assert sources.find(own).header == ["用户编号", "n"]
    first = sources.find(own).inputs[0].sha256
    path = tmp_path / "usage.csv"
    path.write_bytes(path.read_bytes().replace(b"00100,2026-02-10", b"00099,2026-02-10"))
    assert sources.find(own).inputs[0].sha256 != first


def test_files_of_a_query_that_are_not_there_or_broken_stop(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3\n", encoding="utf-8")
    for path, code in (("a.csv", "E312"), ("b.csv", "E401")):
        with pytest.raises(HeadwaterError, match=code):
            sources.find(Source(sql="SELECT * FROM t", reads={"t": Source(path=str(tmp_path / path))}))
    with pytest.raises(ValueError, match="reads needs sql"):
        Source(path="a.csv", reads={"t": Source(path="b.csv")})
