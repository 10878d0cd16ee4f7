"""JSON lines: read like CSV of the same rows."""

import pyarrow as pa
import pytest

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest.readers import jsonl_files, sources
from pipelines.ingest.readers.sources import FILE, ROW


def read(source, names):
    raw = sources.find(source)
    sources.require(raw, set(names))
    return raw, sources.stream(raw, names).read_all()


def test_lines_are_text_in_their_order_and_with_their_numbers(tmp_path):
    """Also keys that begin late, and numbers that are whole at first."""
    (tmp_path / "a.jsonl").write_text('{"id": "001", "n": 1, "at": "2026-01-01T08:00:00"}\n{"id": "002", "more": 1}\n')
    (tmp_path / "b[1].jsonl").write_text('{"n": 2.5, "at": null, "id": 3}\n{"id": true, "n": "x"}\n')
    raw, rows = read(Source(path=str(tmp_path / "*.jsonl")), ["id", "n", "at"])
    assert rows.to_pylist() == [
        {"id": "001", "n": "1", "at": "2026-01-01T08:00:00", FILE: 0, ROW: 1},
        {"id": "002", "n": None, "at": None, FILE: 0, ROW: 2},
        {"id": "3", "n": "2.5", "at": None, FILE: 1, ROW: 1},
        {"id": "true", "n": "x", "at": None, FILE: 1, ROW: 2},
    ]
    assert [file.rows for file in raw.inputs] == [2, 2]


def test_many_lines_stay_in_order(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"id": {number}}}\n' for number in range(300_000)))
    rows = read(Source(path=str(path)), ["id"])[1]
    assert rows["id"].cast("int64").to_pylist() == list(range(300_000))
    with path.open("a") as file:
        file.write('{"id":')
    with pytest.raises(HeadwaterError, match=r"E312.*line 30000"):
        list(jsonl_files.batches(str(path), Source(path=str(path)), {"id": pa.string()}, []))


@pytest.mark.parametrize(
    ("text", "code"),
    [('{"id": 1}\n{"id": \n', "E312"), ("[1, 2]\n", "E312"), ('{"id": 1, "id": 2}\n', "E312"), ('{"nr": 1}\n', "E302")],
)
def test_what_is_no_such_file_is_refused_by_name(tmp_path, text, code):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(HeadwaterError) as error:
        read(Source(path=str(path)), ["id"])
    assert (error.value.problem.code, error.value.problem.file) == (code, str(path))


def test_an_empty_file_has_no_rows(tmp_path):
    (tmp_path / "a.jsonl").write_text("")
    assert read(Source(path=str(tmp_path / "a.jsonl")), ["id"])[1].num_rows == 0
