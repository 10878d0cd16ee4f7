"""Files are there whole or not at all, for those who may read them, whatever goes wrong meanwhile."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from pipelines.workspace import files

ROWS = pa.table({"n": range(10)})


def test_a_file_takes_its_place_when_it_is_finished(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with files.replacing(path) as temporary:
        assert temporary.parent == tmp_path and temporary.stat().st_mode & 0o777 == 0o600
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(ValueError, match="no more"), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise ValueError("no more")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "E703"), (errno.EDQUOT, "E703"), (errno.EROFS, "E704"), (errno.EIO, "E705")]
)
def test_what_the_disk_refuses_is_told_with_the_path(tmp_path, number, code):
    path = tmp_path / "x.txt"
    with pytest.raises(HeadwaterError, match=code) as error, files.replacing(path):
        raise OSError(number, os.strerror(number))
    assert error.value.exit_code == 7 and Path(str(error.value.problem.file)) == path


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.workspace import files
with files.replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = [other for other in tmp_path.iterdir() if other != path]
    assert path.read_text() == "old" and left.name.startswith(".x.txt.") and left.suffix == ".tmp"


def test_tables_become_groups_of_rows_in_one_schema(tmp_path):
    schema = pa.schema([("n", pa.int32())])
    assert files.write_parquet(tmp_path / "x.parquet", [ROWS, ROWS.slice(3)], schema) == 17
    written = pq.ParquetFile(tmp_path / "x.parquet")
    assert written.num_row_groups == 2 and written.schema_arrow == schema
    with pytest.raises(pa.ArrowInvalid):
        files.write_parquet(tmp_path / "x.parquet", [pa.table({"n": ["word"]})], schema)
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 17


def test_lines_are_added_and_documents_are_sorted(tmp_path):
    for n in range(3):
        files.append_json(tmp_path / "log.jsonl", {"n": n, "who": "李"})
    lines = (tmp_path / "log.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"n": n, "who": "李"} for n in range(3)]
    assert (tmp_path / "log.jsonl").stat().st_mode & 0o777 == 0o640
    assert files.write_json(tmp_path / "x.json", {"b": 1, "a": Path("p")}).read_text() == '{\n "a": "p",\n "b": 1\n}\n'


def test_a_line_that_was_cut_off_takes_no_later_one_with_it(tmp_path):
    log = tmp_path / "log.jsonl"
    files.append_json(log, {"n": 1})
    log.write_bytes(log.read_bytes() + b'{"n": 2, "wh')
    files.append_json(log, {"n": 3})
    files.append_json(log, {"n": 4})
    assert log.read_text("utf-8").splitlines() == ['{"n": 1}', '{"n": 2, "wh', '{"n": 3}', '{"n": 4}']


def test_a_file_that_is_removed_on_purpose_leaves_the_old_one(tmp_path):
    path = files.write_text(tmp_path / "a", "old")
    with files.replacing(path) as temporary:
        temporary.unlink()
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a"]
