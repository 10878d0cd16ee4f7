"""Restoring: the tracking store knows every version of this workspace again, under its own number."""

from features.errors import HeadwaterError
from pipelines.flows import promotion
from pipelines.tracking import registry, tracking
from pipelines.tracking.tracking import CHAMPION
from pipelines.workspace import bundles, files, lock
from pipelines.workspace.paths import Workspace

BESIDE = ("", "-journal", "-wal", "-shm")
"""The files of a SQLite store; a journal of the damaged one would be played back into the new one."""


def restore(workspace: Workspace) -> dict[str, list[str]]:
    """Make what is missing of the store, and let both it and the local copy name the same champions.

    Gives the versions by what became of them: `restored` with their files, `lost` without, `champions`.
    """
    with lock.exclusive(workspace, "registry restore"):
        found = registry.look(workspace.tracking)
        if found.damage:
            _set_aside(workspace)
            found = registry.Look()
        champions = _in_force(workspace)
        told: dict[str, list[str]] = {"restored": [], "lost": [], "champions": []}
        for target, highest in sorted(registry.known(workspace).items()):
            for number in range(found.highest.get(target, 0) + 1, highest + 1):
                files = bundles.kept(workspace, f"{target}/{number}")
                tracking.readmit(workspace, target, number, files)
                told["restored" if files else "lost"].append(f"{target}/{number}")
        told["champions"] = [_named(workspace, target, entry) for target, entry in sorted(champions.items())]
    return told


def _set_aside(workspace: Workspace) -> None:
    """A damaged store is kept under a name made of its content."""
    suffix = f".damaged-{files.sha256(workspace.tracking)[:12]}"
    for part in BESIDE:
        path = workspace.tracking.with_name(workspace.tracking.name + part)
        if path.exists():
            path.replace(path.with_name(workspace.tracking.name + suffix + part))
    files.sync(workspace.root)


def _in_force(workspace: Workspace) -> dict[str, dict]:
    """The champions of the local copy; where its manifest or pointer is damaged the local copy is made again first."""
    try:
        return bundles.in_force(workspace)
    except HeadwaterError as error:
        if error.problem.code != "E531" or not (files := _remembered(workspace)):
            raise
    bundles.establish(workspace, {}, files)
    return bundles.in_force(workspace)


def _remembered(workspace: Workspace) -> dict[str, tuple[str, dict[str, str]]]:
    """Version and files of each champion as the store knows them; without a store, of the newest version kept here."""
    targets = sorted(registry.known(workspace))
    if workspace.tracking.exists():
        aliased = [tracking.aliased(workspace, target, CHAMPION) for target in targets]
        return {v.target: (v.name, promotion.found(workspace, v)) for v in aliased if v is not None}
    found = {}
    for target in targets:
        names = [f"{target}/{number}" for number in range(registry.known(workspace)[target], 0, -1)]
        files = ((name, bundles.kept(workspace, name)) for name in names)
        found[target] = next(((name, texts) for name, texts in files if texts), None)
    return {target: kept for target, kept in found.items() if kept}


def _named(workspace: Workspace, target: str, entry: dict) -> str:
    """The alias `champion` on the version that nights score with, and before it the one that a rollback takes."""
    number = int(entry["version"].rpartition("/")[2])
    versions = {version.number: version for version in tracking.versions(workspace, target)}
    tags = {"sha256": entry["sha256"]}
    if "before" not in versions[number].tags:
        earlier = [n for n in versions if n < number and bundles.kept(workspace, f"{target}/{n}")]
        tags |= {"before": f"{target}/{max(earlier)}"} if earlier else {}
    tracking.point(workspace, target, CHAMPION, number, tags)
    return entry["version"]
