"""One protocol for what is read: every declared format has a reader, and a new one is a module and its line."""

import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pyarrow as pa

from pipelines.config.formats import SUFFIXES, Format
from pipelines.config.sources import Source
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.reader import Reader, Skipped, reader_of
from pipelines.ingest.readers.sources import FILE, ROW, BadLine


def test_every_declared_format_has_a_reader():
    assert all(isinstance(reader_of(Source(path="a", format=name)), Reader) for name in get_args(Format))


def test_queries_and_database_files_have_one():
    for source in (Source(sql="SELECT 1"), Source(database="a.duckdb", table="t")):
        assert isinstance(reader_of(source), Reader) and source.reader == "queries"


def test_a_format_is_one_module_and_one_line(tmp_path, monkeypatch):
    """A reader of words on lines, of which comments cannot be read, under an ending of its own."""
    module = ModuleType("pipelines.ingest.readers.words_files")
    module.header = lambda path, source: ["word"]
    module.types = lambda paths, needed, source: {name: pa.string() for name in needed}

    def batches(path, source, types, skipped):
        lines = Path(path).read_text().splitlines()
        skipped += [Skipped(row, line) for row, line in enumerate(lines, 1) if line.startswith("#")]
        yield pa.record_batch({"word": [line for line in lines if not line.startswith("#")]})

    module.batches = batches
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(SUFFIXES, ".words", "words")
    (tmp_path / "a.words").write_text("one\n# no\nthree\n")
    raw = sources.find(Source(path=str(tmp_path / "a.words")))
    assert sources.stream(raw, ["word"]).read_all().to_pylist() == [
        {"word": "one", FILE: 0, ROW: 1},
        {"word": "three", FILE: 0, ROW: 3},
    ]
    assert raw.bad_lines == [BadLine(0, 2, "# no")] and raw.inputs[0].rows == 3
