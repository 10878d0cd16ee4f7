"""The file formats that raw tables may have: `csv` is read by `csv_files` in `pipelines/ingest/readers/`."""

from pathlib import Path
from typing import Literal

Format = Literal["parquet", "csv", "jsonl", "xlsx"]
SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".gz": "csv",
    ".zip": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
}
"""The end of a file's name -> its format; every other file is Parquet."""


def format_of(pattern: str) -> Format:
    """The format that the name of a file, or a pattern of names, tells."""
    return SUFFIXES.get(Path(pattern).suffix, "parquet")
