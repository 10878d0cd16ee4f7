"""Whatever the disk holds after a power failure, readers see the old scores, champions and records, or the new ones."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from benchmarks.reliability import crashes
from benchmarks.reliability.acts import ACTS, Act, table
from benchmarks.reliability.crashes import Call
from pipelines.ingest import snapshots
from pipelines.workspace import bundles, evaluations, files, journal
from pipelines.workspace.paths import Workspace

DAY = date(2026, 10, 31)
BY_NAME = {act.name: act for act in ACTS}


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_readers_see_the_old_or_the_new(act, tmp_path):
    found = crashes.walked(act, tmp_path)
    assert not found.wrong and len(found.seen) == 2 and found.distinct > 5, found


@pytest.mark.parametrize("name", ["publish a date again", "promote the first"])
def test_what_crashed_is_done_again_though_that_crashes_too(name, tmp_path):
    once = crashes.walked(BY_NAME[name], tmp_path / "once", most_open=4)
    found = crashes.walked(BY_NAME[name], tmp_path / "again", again=1, most_open=4)
    assert not found.wrong and len(found.seen) == 2 and found.states > 2 * once.states


PLANTED: dict[str, tuple[object, str, object, str]] = {
    "a file takes its name before its content is on the disk": (files, "sync", lambda _: None, "publish a date again"),
    "the pointer may be there before the generation": (bundles, "sync", lambda _: None, "promote another target"),
    "the generation may be there before its parts": (bundles, "sync_tree", files.sync, "promote another target"),
    "the folder of generations may come after the pointer": (bundles, "sync", lambda _: None, "promote the first"),
    "the evaluation may be there before its rows": (evaluations, "settle", lambda _: None, "register"),
    "the scores may be there before their record": (journal, "settle", lambda _: None, "publish a new date"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_sync_that_is_left_out_is_seen(bug, tmp_path, monkeypatch):
    module, name, planted, act = PLANTED[bug]
    monkeypatch.setattr(module, name, planted)
    found = crashes.walked(BY_NAME[act], tmp_path, again=act == "register", most_open=4)
    assert found.wrong and act in found.wrong[0]


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

    act = Act("save", saved(1), saved(2), lambda space: snapshots._state(space.root / "history").identity)
    found = crashes.walked(act, tmp_path)
    assert not found.wrong and set(found.seen) == {"id1", "id2"} and found.states > 10, found


def left(calls: list[Call], before: crashes.Disk | None = None) -> set[frozenset]:
    return {frozenset(disk.items()) for _, disk in crashes.states(before or {}, calls)}


def test_states_by_hand():
    """A file that was not synced, and a name that was not: each in every part."""
    old, new = ("file", b"old!"), ("file", b"new!")
    rename = Call("rename", ".t", "f", b"new!")
    synced = [Call("sync", ".t", content=b"new!"), rename]
    assert left(synced, {"f": old}) == {
        frozenset({("f", old)}),
        frozenset({("f", old), (".t", new)}),
        frozenset({("f", new)}),
    }
    assert left([*synced, Call("sync", ".")], {"f": old}) == left(synced, {"f": old})
    torn = {b"", b"ne", b"ne\0\0", b"new!"}
    assert left([rename], {"f": old}) == {frozenset({("f", old)})} | {frozenset({("f", ("file", cut))}) for cut in torn}


def test_a_folder_that_lost_its_name_holds_nothing():
    made = [Call("mkdir", "d"), Call("sync", "d/f", content=b"x"), Call("rename", "d", "e"), Call("sync", ".")]
    folder = crashes.FOLDER
    assert left(made) >= {frozenset(), frozenset({("d", folder)}), frozenset({("e", folder), ("e/f", ("file", b"x"))})}
    whole = [disk for how, disk in crashes.states({}, made) if how.startswith("4 calls")]
    assert whole == [{"e": folder, "e/f": ("file", b"x")}]
