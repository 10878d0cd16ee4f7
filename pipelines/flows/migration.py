"""A workspace of an earlier version, made one of this one: what is read as it is, what is changed, what a person has to start.

Nothing that was published is computed anew, and no score file is rewritten.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from features.errors import HeadwaterError, Problem
from pipelines.flows.champions import fits, refusal
from pipelines.ingest import store
from pipelines.project import Project
from pipelines.workspace import bundles, files, runs
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace


@dataclass(frozen=True)
class Change:
    """Something that an earlier version left.

    Attributes
    ----------
    kind
        `scores`, `tables` or `champions`.
    path
        Where.
    make
        Makes it what this version leaves; None where a command or a person has to.
    problem
        Says which, where `make` is None.
    """

    kind: str
    path: Path
    make: Callable[[], object] | None = None
    problem: Problem | None = None


def changes(project: Project) -> list[Change]:
    """Everything that an earlier version left in a workspace and this one leaves otherwise; nothing is changed.

    Raises
    ------
    HeadwaterError
        E343 (exit 3) where a newer version was here, E340 for score files that are damaged, E5xx for damaged champions.
    """
    return [*_scores(project.workspace), *_tables(project.workspace), *_champions(project)]


def migrate(found: list[Change]) -> None:
    """Make what can be made, with the lock held; cut off anywhere, the next call goes on."""
    for change in found:
        if change.make:
            change.make()


def _scores(workspace: Workspace) -> Iterator[Change]:
    """Score files whose record does not hold their sha256: they are read whole now, and compared with it from then on."""
    for day in workspace.published_dates():
        file = runs.verified_score_file(workspace, day)
        if "sha256" not in runs.record(workspace, file.meta["run_id"]):
            yield Change("scores", file.path, partial(_pin, workspace, file.path, file.meta["run_id"]))


def _pin(workspace: Workspace, path: Path, run_id: str) -> None:
    Journal.open(workspace, run_id).add(sha256=files.sha256(path))


def _tables(workspace: Workspace) -> Iterator[Change]:
    """Validated tables whose manifest this version does not know: the next run reads the raw files."""
    for folder in sorted(workspace.tables.glob("[!.]*")):
        if folder.is_dir() and store.read_manifest(folder) is None:
            yield Change("tables", folder, partial(shutil.rmtree, folder))


def _champions(project: Project) -> Iterator[Change]:
    """Champions that were trained on features of an earlier version: they cannot score what is made today."""
    try:
        champions = bundles.champions(project.workspace)
    except HeadwaterError as error:
        if error.problem.code == "E521":  # nothing was trained yet
            return
        raise
    for champion in champions.values():
        if not fits(champion, project.feature_set_hash):
            values = refusal(champion, project.feature_set_hash)
            yield Change("champions", project.workspace.models, problem=Problem("W525", values=values))
