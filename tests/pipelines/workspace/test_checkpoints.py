"""Pieces of an unfinished run: what is whole is taken as it is, anything else is made again."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.workspace import checkpoints
from pipelines.workspace.checkpoints import Pieces
from pipelines.workspace.paths import Workspace

ROWS = pa.table({"row": [1, 2, 3], "other": ["a", "b", None]})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


@pytest.fixture
def pieces(workspace: Workspace) -> Pieces:
    return Pieces.open(workspace, "run")


def fill(path: Path) -> None:
    checkpoints.write_piece(ROWS, path)


def test_a_piece_is_filled_once(pieces):
    assert pieces.fill_once("scored", "1", fill)
    assert not pieces.fill_once("scored", "1", lambda path: pytest.fail("filled twice"))
    assert pieces.read("scored", "1") == ROWS
    assert pieces.read("scored", "1", ["row"]).column_names == ["row"]


def test_another_process_takes_it_as_it_is(workspace, pieces):
    pieces.write("scored", "1", ROWS)
    assert not Pieces.open(workspace, "run").fill_once("scored", "1", fill)
    assert Pieces.open(workspace, "another").fill_once("scored", "1", fill)


@pytest.mark.parametrize("harm", ["cut", "gone", "unknown"])
def test_presence_alone_proves_nothing(pieces, harm):
    pieces.write("scored", "1", ROWS)
    path = pieces.path("scored", "1")
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif harm == "gone":
        path.unlink()
    else:
        (pieces.folder / checkpoints.LOG).write_text('{"piece": "scored-1.parq')
    assert pieces.fill_once("scored", "1", fill)
    assert pieces.read("scored", "1") == ROWS


def test_a_failure_leaves_no_piece(pieces):
    def fail(path: Path) -> None:
        fill(path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pieces.fill_once("scored", "1", fail)
    assert not pieces.path("scored", "1").exists()


def test_the_pieces_of_every_run_are_removed(workspace, pieces):
    pieces.write("scored", "1", ROWS)
    Pieces.open(workspace, "another").write("scored", "1", ROWS)
    checkpoints.remove_pieces(workspace)
    assert not list(workspace.runs.glob("*/pieces"))
