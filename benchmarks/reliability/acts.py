"""What changes a workspace for good: publishing, promoting, registering; and what readers see before and after it.

An act must be all or nothing, whatever happens meanwhile, and done again it must come out as if nothing had happened.
"""

import os
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from unittest.mock import patch

import pandas as pd
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.workspace import bundles, evaluations, lock, publication, runs
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace

DAY, EARLIER = date(2026, 10, 31), date(2026, 10, 30)
ROWS = 20


@contextmanager
def unsynced() -> Iterator[None]:
    """Wait for no disk meanwhile: what was synced is seen by the calls that are recorded, and not by power that fails."""
    with patch.object(os, "fsync", lambda handle: None):
        yield


@dataclass(frozen=True)
class Act:
    """What is done to a workspace.

    Attributes
    ----------
    name
        Of the act.
    before
        Makes the workspace in which it is done.
    do
        The act; done again after it was cut short, it must succeed.
    seen
        What readers see, every byte of it checked; raises where they would see neither old nor new.
    """

    name: str
    before: Callable[[Workspace], Any]
    do: Callable[[Workspace], Any]
    seen: Callable[[Workspace], Hashable]


def table(value: int, rows: int = ROWS) -> pa.Table:
    """Scores that are all the same number."""
    return pa.table({"customer_id": [f"C{n:05d}" for n in range(rows)], "value": [value] * rows})


def publish(workspace: Workspace, value: int, day: date = DAY) -> None:
    """One night's last steps: under the lock, with its record."""
    with lock.exclusive(workspace, f"nightly {day}"):
        journal = Journal.open(workspace, f"run{value}")
        meta = {"run_id": f"run{value}", "as_of": day.isoformat()}
        publication.publish(workspace, [table(value)], meta, lambda sha256: journal.record(as_of=day, sha256=sha256))


def published_value(workspace: Workspace, day: date = DAY) -> int:
    """What a reader sees: the one value of all rows; 0 where there is no such file."""
    if not workspace.score_file(day).exists():
        return 0
    scores = runs.verified_score_file(workspace, day)
    rows = scores.table()
    (value,) = rows["value"].unique().to_pylist()
    assert scores.meta["run_id"] == f"run{value}" and rows.num_rows == ROWS
    return value


def _scores_seen(workspace: Workspace) -> Hashable:
    """Both dates. `latest.parquet` may be on the date before until the next run, but names a whole one."""
    serving = workspace.serving_date()
    assert serving is None or published_value(workspace, serving)
    return published_value(workspace, EARLIER), published_value(workspace)


def model_texts(number: int) -> dict[str, str]:
    """Files that differ from number to number."""
    return {"bundle.json": f"{{}}{number}", "trees.txt": "tree\n" * (number + 1)}


def install(workspace: Workspace, version: str) -> None:
    """The local half of a promotion, under the lock."""
    target, _, number = version.partition("/")
    with lock.exclusive(workspace, f"promote {target}"):
        bundles.install(workspace, target, version, model_texts(int(number)))


def champions(workspace: Workspace) -> tuple[str, ...]:
    """The versions in force, every file of them checked; raises for what a night would refuse."""
    if bundles.current(workspace) is None:
        return ()
    return tuple(version for version, _, _ in bundles.champion_texts(workspace).values())


def keep_evaluation(workspace: Workspace, number: int) -> None:
    """The local half of a registration: what a training found. One that is kept already is not written over."""
    rows = pd.DataFrame({"customer_id": ["a", "b"], "y": [0, number]})
    try:
        evaluations.save(workspace, f"vip/{number}", {"n": number}, rows, {"bundle.json": "{}"})
    except HeadwaterError as error:
        if error.problem.code != "E714" or evaluations.load(workspace, f"vip/{number}") is None:
            raise


def kept_evaluations(workspace: Workspace) -> tuple[int, ...]:
    """The numbers that are kept whole."""
    found = ((number, evaluations.load(workspace, f"vip/{number}")) for number in (1, 2))
    whole = tuple(number for number, kept in found if kept)
    for number in whole:
        facts, rows = evaluations.load(workspace, f"vip/{number}") or ({}, pd.DataFrame())
        assert facts == {"n": number} and rows["y"].tolist() == [0, number]
    return whole


def _two_champions(workspace: Workspace) -> None:
    install(workspace, "churn/1")
    install(workspace, "value/1")


ACTS = (
    Act(
        "publish a date again",
        lambda space: (publish(space, 1, EARLIER), publish(space, 2)),
        lambda space: publish(space, 3),
        _scores_seen,
    ),
    Act("publish a new date", lambda space: publish(space, 1, EARLIER), lambda space: publish(space, 2), _scores_seen),
    Act("publish the first date", lambda space: None, lambda space: publish(space, 2), _scores_seen),
    Act("publish a past date", lambda space: publish(space, 2), lambda space: publish(space, 1, EARLIER), _scores_seen),
    Act("promote the first", lambda space: None, lambda space: install(space, "churn/1"), champions),
    Act("promote another version", _two_champions, lambda space: install(space, "churn/2"), champions),
    Act("promote another target", _two_champions, lambda space: install(space, "vip/1"), champions),
    Act("register", lambda space: keep_evaluation(space, 1), lambda space: keep_evaluation(space, 2), kept_evaluations),
)
"""What has a disk of its own as its only witness; the tracking store is SQLite's to keep whole."""
