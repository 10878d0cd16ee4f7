"""The format of a file follows from its name, unless it is declared."""

from typing import get_args

from pipelines.config.formats import SUFFIXES, Format, format_of
from pipelines.config.sources import Source


def test_every_ending_has_a_declared_format():
    assert set(SUFFIXES.values()) <= set(get_args(Format))


def test_a_format_is_taken_from_the_name_unless_declared():
    assert [format_of(name) for name in ("a.csv", "*.tsv", "b.ndjson", "c.parquet", "d", "e.csv.gz", "f.xlsx")] == [
        "csv", "csv", "jsonl", "parquet", "parquet", "csv", "xlsx",
    ]  # fmt: skip
    assert Source(path="a.csv", format="parquet").reader == "parquet_files"
