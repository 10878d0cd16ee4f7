"""JSON lines: read like CSV of the same rows; every declared format has a reader."""

from typing import get_args

import pytest

from features.errors import HeadwaterError
from pipelines.config.formats import SUFFIXES, Format
from pipelines.config.mapping import Source
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.reader import Reader, reader_of
from pipelines.ingest.readers.sources import FILE, ROW


def read(source, names):
    raw = sources.find(source)
    sources.require(raw, set(names))
    return raw, sources.stream(raw, names).read_all()


def test_every_declared_format_has_a_reader_and_every_ending_a_format():
    assert all(isinstance(reader_of(Source(path="a", format=name)), Reader) for name in get_args(Format))
    assert set(SUFFIXES.values()) <= set(get_args(Format))


def test_lines_keep_their_types_their_order_and_their_numbers(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": "001", "n": 1, "at": "2026-01-01T08:00:00"}\n{"id": "002", "more": 1}\n')
    (tmp_path / "b.jsonl").write_text('{"n": 2.5, "at": null, "id": 3}\n')
    raw, rows = read(Source(path=str(tmp_path / "*.jsonl")), ["id", "n", "at"])
    assert rows.to_pylist() == [
        {"id": "001", "n": 1.0, "at": "2026-01-01T08:00:00", FILE: 0, ROW: 1},
        {"id": "002", "n": None, "at": None, FILE: 0, ROW: 2},
        {"id": "3", "n": 2.5, "at": None, FILE: 1, ROW: 1},
    ]
    assert [file.rows for file in raw.inputs] == [2, 1]


@pytest.mark.parametrize(("text", "code"), [('{"id": 1}\n{"id": \n', "E312"), ('{"nr": 1}\n', "E302")])
def test_what_is_no_such_file_is_refused_by_name(tmp_path, text, code):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(HeadwaterError) as error:
        read(Source(path=str(path)), ["id"])
    assert (error.value.problem.code, error.value.problem.file) == (code, str(path))


def test_an_empty_file_has_no_rows(tmp_path):
    (tmp_path / "a.jsonl").write_text("")
    assert read(Source(path=str(tmp_path / "a.jsonl")), ["id"])[1].num_rows == 0
