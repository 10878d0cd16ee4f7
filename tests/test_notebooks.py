"""The notebooks run from the first cell to the last on the small operator, and are stored without outputs."""

from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from tests.demo_project import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
IMAGE = "image/png"


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook after a run in `folder`; a cell that raises fails the test with its traceback.

    The kernel is reached over local sockets: two that start at once must not be given the same port. As it is ours, the
    client ends it only when told to; left to the garbage collector, its sockets could stop a later test for good.
    """
    notebook = read(path)
    kernel = AsyncKernelManager(kernel_name="python3", transport="ipc")
    client = NotebookClient(notebook, km=kernel, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute(cleanup_kc=True)
    assert not kernel.has_kernel
    return notebook


def shown(notebook: nbformat.NotebookNode) -> str:
    """Everything that the cells show as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in outputs)


def pictures(notebook: nbformat.NotebookNode) -> int:
    return sum(IMAGE in o.get("data", {}) for cell in notebook.cells for o in cell.get("outputs", []))


def test_there_are_three_in_reading_order():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_without_outputs_and_without_definitions_of_their_own(path):
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert notebook.metadata.kernelspec.name == "python3"
    assert not any("class " in cell.source for cell in code)


def test_meet_the_data(own_operator):
    told = executed(NOTEBOOKS[0], own_operator)
    assert pictures(told) == 4
    assert "quarantined" in shown(told)


@pytest.mark.slow
def test_one_customer_over_time(own_operator):
    told = executed(NOTEBOOKS[1], own_operator)
    assert pictures(told) == 2
    assert all(word in shown(told) for word in ("declining", "steady", "growing"))


def test_train_compare_promote(own_operator):
    """A model learnt again from the same data is no reason to change, and says so."""
    told = shown(executed(NOTEBOOKS[2], own_operator))
    assert "better_than_champion" in told
    assert "churn/2" in told
    assert "refused | champion in force: churn/1" in told
