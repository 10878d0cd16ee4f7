"""What every test may use: one connection for the whole session, and the small operator, built once.

Tests of whole commands read the operator where it is, or work on a copy.
"""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import ibis
import pytest

pytest.register_assert_rewrite("tests.tables")


NIGHTS = "test_nightly.py"
"""Whole nights that the quick tests run, too."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Whole commands on a copy of the operator are slow, but for those of a night itself; so are most cases of some tests.

    `quick_cases(n)` leaves the first n values of each parameter to the quick tests. What is exhaustive is slow.
    """
    if item.get_closest_marker("exhaustive"):
        item.add_marker(pytest.mark.slow)
    if "own_operator" in getattr(item, "fixturenames", ()) and item.path.name != NIGHTS:
        item.add_marker(pytest.mark.slow)
    quick, cases = item.get_closest_marker("quick_cases"), getattr(item, "callspec", None)
    if quick and cases and max(cases.indices.values()) >= quick.args[0]:
        item.add_marker(pytest.mark.slow)


@pytest.hookimpl(trylast=True)  # when what is not asked for is out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker builds the operator with its first test, while the others test what does not need it."""
    needing = [item for item in items if "operator" in getattr(item, "fixturenames", ())]
    files = {item.path for item in needing}
    items.sort(key=lambda item: (item not in needing[:1], item.path in files))


@pytest.hookimpl(tryfirst=True)  # before anything is built for a test that is not run
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Slow tests that would begin after `SLOW_UNTIL`, in seconds since 1970, are skipped, and say so."""
    until = os.environ.get("SLOW_UNTIL")
    if until and item.get_closest_marker("slow") and time.time() > float(until):
        pytest.skip("the time of this run is over; make test-all runs every test")


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Whole files that differ are told by the place: every difference of a hundred thousand bytes takes minutes."""
    if op != "==" or not isinstance(left, bytes) or not isinstance(right, bytes) or min(len(left), len(right)) < 1_000:
        return None
    place = next((n for n, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), None)
    return [
        f"{len(left)} bytes == {len(right)} bytes",
        f"first apart at {place}" if place is not None else "one goes on",
    ]


@pytest.fixture(scope="session")
def con() -> Iterator[ibis.BaseBackend]:
    """DuckDB in memory, with the threads of the smallest machine; a test stores tables under names of its own."""
    connection = ibis.duckdb.connect(threads=2)
    yield connection
    connection.disconnect()


@pytest.fixture(scope="session")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built project; nobody writes to it. `OPERATOR_IN` keeps it for the next session of the same code."""
    from tests import demo_project  # imports the whole product, which laws of features do without

    base = tmp_path_factory.getbasetemp()
    shared = Path(os.environ.get("OPERATOR_IN") or (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base))
    before = Path.cwd()
    folder = shared / "operator"
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    try:
        return demo_project.built(folder)
    finally:
        os.chdir(before)


@pytest.fixture(autouse=True)
def operator_as_built(request: pytest.FixtureRequest) -> Iterator[None]:
    """What every test reads stays as it was built: a test that writes there fails, and not a later one."""
    folder = request.getfixturevalue("operator") if "operator" in request.fixturenames else None
    if not isinstance(folder, Path):  # a module has an operator of its own
        yield
        return
    before = _states(folder)
    yield
    assert _states(folder) == before


def _states(folder: Path) -> dict[Path, tuple[int, int, int]]:
    found = {path: path.lstat() for path in folder.rglob("*")}
    return {path: (is_.st_size, is_.st_mtime_ns, is_.st_ino) for path, is_ in found.items()}


@pytest.fixture
def own_operator(operator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the project, being the current folder."""
    folder = tmp_path / "operator"
    shutil.copytree(operator, folder, symlinks=True)
    monkeypatch.chdir(folder)
    yield folder
