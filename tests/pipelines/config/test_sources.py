"""Sources: each has one kind, one reader, and a name in messages without a secret in it."""

import pytest
from pydantic import ValidationError

from pipelines.config.sources import Source


@pytest.mark.parametrize(
    ("source", "reader", "shown"),
    [
        ({"path": "*.csv"}, "csv_files", "*.csv"),
        ({"path": "a.dat", "format": "csv"}, "csv_files", "a.dat"),
        ({"path": "a.parquet"}, "parquet_files", "a.parquet"),
        ({"sql": "SELECT 1"}, "queries", "sql"),
        (
            {"sql": "FROM a, b", "reads": {"a": {"path": "a*.csv"}, "b": {"path": "b.csv"}}},
            "queries",
            "sql (a*.csv, b.csv)",
        ),
        ({"database": "a.duckdb", "table": "t"}, "queries", "a.duckdb"),
        ({"connection": "postgres://host/base", "table": "t"}, "connections", "t"),
    ],
)
def test_each_source_has_its_reader_and_its_name_in_messages(source, reader, shown):
    assert (Source(**source).reader, Source(**source).shown) == (reader, shown)


def test_a_fetched_connection_is_read_from_its_files_and_says_the_same():
    source = Source(connection="postgres://host/base", table="bills")
    said = source.model_dump_json()
    source.read_from("folder/*.parquet")
    assert (source.reader, source.files, source.model_dump_json()) == ("parquet_files", "folder/*.parquet", said)


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"path": "a", "sql": "SELECT 1"},
        {"path": "a", "table": "t"},
        {"database": "a"},
        {"connection": "postgres://host/base"},
        {"connection": "postgres://host/base", "table": "t", "sql": "SELECT 1"},
        {"path": "a", "watermark": "at"},
        {"connection": "postgres://host/base", "table": "t", "since": "2026-01-01"},
        {"connection": "postgres://user:secret@host/base", "table": "t"},
    ],
)
def test_sources_of_no_kind_or_of_two_are_refused(source):
    with pytest.raises(ValidationError) as error:
        Source(**source)
    assert "secret@" not in str(error.value)
