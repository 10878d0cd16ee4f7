"""Whatever the disk holds after a power failure, readers see the old scores, champions and records, or the new ones."""

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from features.errors import HeadwaterError
from pipelines.ingest import snapshots
from pipelines.workspace import bundles, evaluations, files, publication
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace
from tests import crashes
from tests.pipelines.workspace.test_publication import meta, table
from tests.scores_sample import read_scores

DAY, EARLIER = date(2026, 10, 31), date(2026, 10, 30)


def publishing(workspace: Workspace, value: int, day: date = DAY) -> None:
    journal = Journal.open(workspace, f"run{value}")
    publication.publish(
        workspace, [table(value, 20)], meta(f"run{value}", day), lambda sha256: journal.record(as_of=day, sha256=sha256)
    )


def value_of(workspace: Workspace, day: date) -> int:
    """What a reader sees: the one value of all rows; 0 where there is no such file."""
    path = workspace.score_file(day)
    if not path.exists():
        return 0
    facts, rows = read_scores(path)
    (value,) = rows["value"].unique().to_pylist()
    assert facts["run_id"] == f"run{value}" and rows.num_rows == 20
    return value


def walked(tmp_path: Path, first: Callable, then: Callable, seen: Callable) -> Counter:
    """How often each thing is seen, over all states that a crash of `then` can leave after `first`."""
    workspace = Workspace.open(tmp_path / "live", "small")
    first(workspace)
    before = tmp_path / "before"
    shutil.copytree(workspace.root, before, symlinks=True)
    with crashes.recorded(workspace.root) as recorder:
        then(workspace)
    found: Counter = Counter()
    for _, place in crashes.states(before, recorder, tmp_path / "crash" / "small"):
        found[seen(Workspace(place))] += 1
    return found


def test_scores_are_the_old_or_the_new_ones(tmp_path):
    seen = walked(
        tmp_path,
        lambda space: (publishing(space, 1, EARLIER), publishing(space, 2)),
        lambda space: publishing(space, 3),
        lambda space: (value_of(space, EARLIER), value_of(space, DAY), space.serving_date()),
    )
    assert set(seen) == {(1, 2, DAY), (1, 3, DAY)} and sum(seen.values()) > 10, seen


def test_a_new_date_comes_whole_or_not_at_all(tmp_path):
    seen = walked(
        tmp_path,
        lambda space: publishing(space, 1, EARLIER),
        lambda space: publishing(space, 2),
        lambda space: (value_of(space, EARLIER), value_of(space, DAY)),
    )
    assert set(seen) == {(1, 0), (1, 2)} and sum(seen.values()) > 10, seen


TEXTS = [{"bundle.json": f"{{}}{number}", "trees.txt": "tree\n" * (number + 1)} for number in range(3)]


def champions(workspace: Workspace) -> tuple[str, ...]:
    """The versions in force, every file of them checked; raises for what a night would refuse."""
    current = bundles.current(workspace)
    if current is None:
        return ()
    found = []
    for target, entry in bundles.manifest(current)["models"].items():
        bundles._verified_texts(current / target, entry)
        found.append(entry["version"])
    return tuple(found)


@pytest.mark.parametrize("second", ["churn", "value"])
def test_champions_are_the_old_or_the_new_ones(tmp_path, second):
    seen = walked(
        tmp_path,
        lambda space: bundles.install(space, "churn", "churn/1", TEXTS[0]),
        lambda space: bundles.install(space, second, f"{second}/2", TEXTS[1]),
        champions,
    )
    new = ("churn/2",) if second == "churn" else ("churn/1", "value/2")
    assert set(seen) == {("churn/1",), new} and sum(seen.values()) > 10, seen


def test_the_record_of_a_training_is_whole_or_counts_as_not_kept(tmp_path):
    rows = pd.DataFrame({"customer_id": ["a", "b"], "y": [0, 1]})

    def seen(workspace: Workspace) -> tuple[int, bool]:
        old, new = evaluations.load(workspace, "vip/1"), evaluations.load(workspace, "vip/2")
        assert old is not None
        return old[0]["n"], new is not None and new[0]["n"] == 2 and len(new[1]) == 2

    found = walked(
        tmp_path,
        lambda space: evaluations.save(space, "vip/1", {"n": 1}, rows),
        lambda space: evaluations.save(space, "vip/2", {"n": 2}, rows, {"bundle.json": "{}"}),
        seen,
    )
    assert set(found) == {(1, False), (1, True)}, found


def test_a_sync_of_the_file_that_is_left_out_is_seen(tmp_path, monkeypatch):
    """A planted bug: the file takes its name before its content is on the disk."""
    monkeypatch.setattr(files, "sync", lambda path: None)
    with pytest.raises(HeadwaterError, match="E340"):
        test_scores_are_the_old_or_the_new_ones(tmp_path)


@pytest.mark.parametrize("left_out", ["sync_tree", "settle"])
def test_a_sync_of_a_promotion_that_is_left_out_is_seen(tmp_path, monkeypatch, left_out):
    """Planted bugs: the pointer may be on the disk before the generation that it names, or its parts."""
    if left_out == "settle":
        monkeypatch.setattr(bundles, "sync", lambda path: None)
    else:
        monkeypatch.setattr(bundles, "sync_tree", files.sync)
    with pytest.raises((HeadwaterError, AssertionError, FileNotFoundError)):
        test_champions_are_the_old_or_the_new_ones(tmp_path, "value")


def test_what_customers_files_said_is_the_old_or_the_new(tmp_path):
    """Nothing else knows it: a crash must never leave a record that names versions which are not there."""

    def saved(number: int) -> Callable:
        def save(space: Workspace) -> None:
            path = space.root / f"part-{number}.parquet"
            table(number, 5).to_pandas().to_parquet(path)
            part = SimpleNamespace(path=path, sha256=files.sha256(path))
            before = snapshots._state(space.root / "history")
            after = snapshots.State(f"id{number}", f"contents{number}", DAY.isoformat(), {})
            night = snapshots.Night(space.root / "history", before, after, datetime(2026, 10, 31, tzinfo=UTC), DAY)
            night.save(part, DAY)

        return save

    def seen(space: Workspace) -> str:
        return snapshots._state(space.root / "history").identity

    found = walked(tmp_path, saved(1), saved(2), seen)
    assert set(found) == {"id1", "id2"} and sum(found.values()) > 10, found
