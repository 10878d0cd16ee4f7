"""Customers' ids lie where the page for data-protection officers says, and nowhere else in a workspace."""

import re
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.demo_project import ROOT

PAGE = ROOT / "docs" / "data-protection.md"
PLACE = re.compile(r"^\| `([\w-]+)(?:/|\.\w+)[^|]*\| (yes|no)\b", re.MULTILINE)
NUMBERS = re.compile(r"[0-9]{6,}")


def words(path: Path) -> set[str]:
    """Every text of a file that may be an id: cells of Parquet, digits of anything else, of workbooks unpacked."""
    if path.suffix == ".parquet":
        columns = [column for column in pq.read_table(path).columns if not pa.types.is_nested(column.type)]
        return {text for column in columns for text in column.cast(pa.string()).unique().to_pylist() if text}
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return {found for name in book.namelist() for found in NUMBERS.findall(book.read(name).decode("utf-8"))}
    return set(NUMBERS.findall(path.read_bytes().decode("utf-8", errors="replace")))


def places_with(ids: set[str], workspace: Path) -> set[str]:
    """The files and folders right below the workspace in which any of these ids stands."""
    files = [path for path in workspace.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path.relative_to(workspace).parts[0].split(".")[0] for path in files if words(path) & ids}


def ids_of(workspace: Path) -> set[str]:
    return set(pq.read_table(workspace / "latest.parquet", columns=["customer_id"])["customer_id"].to_pylist())


@pytest.mark.slow
def test_customer_ids_lie_where_the_page_says_and_nowhere_else(operator):
    """After training and a night; a place that the page allows may be empty on that day."""
    said = dict(PLACE.findall(PAGE.read_text(encoding="utf-8")))
    found = places_with(ids_of(operator / "workspace" / "operator"), operator / "workspace" / "operator")
    assert {"tables", "history", "scores", "lists"} <= found
    assert found <= {place for place, answer in said.items() if answer == "yes"}
    made = {path.name.split(".")[0] for path in (operator / "workspace" / "operator").iterdir()} - {"", "latest"}
    assert made <= said.keys(), "the page forgets a place"


@pytest.mark.parametrize("ending", ["jsonl", "html", "db", "parquet", "xlsx"])
def test_an_id_in_any_kind_of_file_is_found(tmp_path, ending):
    path = tmp_path / "runs" / f"x.{ending}"
    path.parent.mkdir()
    if ending == "parquet":
        pq.write_table(pa.table({"n": [1], "who": pa.array(["00012373"]).dictionary_encode()}), path)
    elif ending == "xlsx":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
            book.writestr("xl/sharedStrings.xml", "<t>00012373</t>")
    else:
        path.write_text("{'who': '00012373'}")
    assert places_with({"00012373"}, tmp_path) == {"runs"}
    assert places_with({"00012374"}, tmp_path) == set()
