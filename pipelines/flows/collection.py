"""Removing what is older than it is to be kept: what goes, and what can no longer be measured then."""

from dataclasses import dataclass
from datetime import datetime

from features.errors import Problem
from pipelines.delivery import delta
from pipelines.flows import looks, realised
from pipelines.project import Project
from pipelines.workspace import collection
from pipelines.workspace.collection import Old


@dataclass(frozen=True)
class Collected:
    """What was older than it is to be kept.

    Attributes
    ----------
    old
        Files and folders.
    warnings
        What cannot be measured any more.
    """

    old: list[Old]
    warnings: list[Problem]

    def of(self, kind: str) -> list[Old]:
        """Those of a kind."""
        return [old for old in self.old if old.kind == kind]

    @property
    def bytes(self) -> int:
        """What they take on the disk."""
        return sum(old.bytes for old in self.old)

    def as_dict(self) -> dict[str, dict[str, object]]:
        """For `--json` and the record: kind -> how many, how large, from when to when."""
        kinds = dict.fromkeys(old.kind for old in self.old)
        return {kind: _summed(self.of(kind)) for kind in kinds}


def _summed(old: list[Old]) -> dict[str, object]:
    days = [each.day.isoformat() for each in old]
    return {"files": len(old), "bytes": sum(each.bytes for each in old), "first": min(days), "last": max(days)}


def collect(project: Project, now: datetime, *, dry_run: bool = False) -> Collected:
    """Remove what is older than `retention` of the configuration says; call it with the lock held.

    Parameters
    ----------
    project
        Of the workspace.
    now
        By the clock, for what has no date.
    dry_run
        Remove nothing.

    Returns
    -------
    Collected
        What goes.
    """
    found = collection.collectible(project.workspace, project.settings.retention.days(), now)
    if not dry_run:
        collection.remove(project.workspace, found)
    versions = found and not dry_run and project.settings.delta
    return Collected(found, _warnings(project) + (delta.attempted(delta.follow, project.workspace) if versions else []))


def needed(project: Project) -> int:
    """Days of score files that the latest look at what came of a promise goes back to."""
    return max(realised.waits(project), default=0) + looks.DAYS


def _warnings(project: Project) -> list[Problem]:
    """Scores that go before what they promised can be measured."""
    kept, least = project.settings.retention.scores, needed(project)
    if kept is None or kept >= least:
        return []
    return [Problem("W344", str(project.config or ""), values={"days": kept, "least": least})]
