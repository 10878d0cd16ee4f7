"""Text files that are packed: read like the file that is in them, and named where they cannot be."""

import gzip
import zipfile
from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest import sniffing
from pipelines.ingest.readers import csv_files
from pipelines.ingest.readers.packed import opened

LINES = "用户编号,金额\n" + "".join(f"{n:05d},{n}.5\n" for n in range(5_000))


def packed(path: Path, *members: str) -> str:
    data = LINES.encode("gbk")
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(data))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in members:
                archive.writestr(member, data)
    else:
        path.write_bytes(data)
    return str(path)


def rows(path: str, encoding: str = "gbk") -> list[dict]:
    source = Source(path=path, encoding=encoding)
    kinds = csv_files.types([path], csv_files.header(path, source), source)
    return [row for batch in csv_files.batches(path, source, kinds, []) for row in batch.to_pylist()]


def test_packed_files_are_read_like_the_file_in_them(tmp_path):
    plain = rows(packed(tmp_path / "a.csv"))
    for path in (packed(tmp_path / "a.csv.gz"), packed(tmp_path / "B.ZIP".lower(), "x/a.csv", "readme.md")):
        assert rows(path) == plain and len(plain) == 5_000
        assert sniffing.layout([path]) == sniffing.Layout("gb18030", ",")


def test_a_wrong_encoding_names_the_line_of_the_unpacked_text(tmp_path):
    with pytest.raises(HeadwaterError, match="E311") as caught:
        rows(packed(tmp_path / "a.csv.gz"), "utf-8")
    assert caught.value.problem.row == 1


@pytest.mark.parametrize("members", [(), ("a.csv", "b.txt")])
def test_an_archive_without_exactly_one_file_of_data_is_told(tmp_path, members):
    with pytest.raises(HeadwaterError, match="E326") as caught:
        rows(packed(tmp_path / "a.zip", *members))
    assert caught.value.problem.values["count"] == len(members)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_one_that_is_cut_is_damaged_and_never_shorter(tmp_path, name, share):
    path = Path(packed(tmp_path / name, "a.csv"))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(HeadwaterError, match="E312"):
        rows(str(path))
    with pytest.raises(HeadwaterError, match="E312"), opened(path) as file:
        file.read()
