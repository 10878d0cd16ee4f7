"""Restoring: the tracking store knows every version of this workspace again, under its own number."""

from contextlib import suppress

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
        state = registry.store_state(workspace.tracking)
        if state.damage:
            _set_aside(workspace)
            state = registry.StoreState()
        champions = _champion_entries(workspace)
        versions: dict[str, list[str]] = {"restored": [], "lost": [], "champions": []}
        for target, highest in sorted(registry.highest_versions(workspace).items()):
            for number in range(state.highest.get(target, 0) + 1, highest + 1):
                texts = bundles.local_texts(workspace, f"{target}/{number}")
                tracking.restore_version(workspace, target, number, texts)
                versions["restored" if texts else "lost"].append(f"{target}/{number}")
        versions["champions"] = [
            _alias_champion(workspace, target, entry) for target, entry in sorted(champions.items())
        ]
    return versions


def restorable(workspace: Workspace, entries: dict[str, dict]) -> bool:
    """Is every damaged champion to be had whole somewhere?"""
    return all(_whole_texts(workspace, entry) is not None for entry in _hurt(workspace, entries).values())


def restore_champions(workspace: Workspace) -> None:
    """Put the damaged champions in place again, the same versions to the byte, from wherever they are whole."""
    with lock.exclusive(workspace, "doctor --repair"):
        entries = bundles.champion_entries(workspace)
        texts = {target: (entry, _whole_texts(workspace, entry)) for target, entry in _hurt(workspace, entries).items()}
        new = {target: (entry["version"], found) for target, (entry, found) in texts.items() if found}
        bundles.establish(workspace, entries, new)


def _hurt(workspace: Workspace, entries: dict[str, dict]) -> dict[str, dict]:
    return {target: entry for target, entry in entries.items() if bundles.intact_champion(workspace, target) is None}


def _whole_texts(workspace: Workspace, entry: dict) -> dict[str, str] | None:
    """The files of a champion with its sha256, from a generation or the store; None where neither has them."""
    target, _, number = entry["version"].partition("/")
    texts = bundles.local_texts(workspace, entry["version"])
    if texts is None and workspace.tracking.is_file() and not registry.store_state(workspace.tracking, "ro").damage:
        known = {version.number: version for version in tracking.versions(workspace, target)}
        with suppress(HeadwaterError):
            texts = promotion.version_texts(workspace, known[int(number)]) if int(number) in known else None
    return texts if texts and bundles.digests(texts)[1] == entry["sha256"] else None


def _set_aside(workspace: Workspace) -> None:
    """A damaged store is kept under a name made of its content."""
    suffix = f".damaged-{files.sha256(workspace.tracking)[:12]}"
    for part in BESIDE:
        path = workspace.tracking.with_name(workspace.tracking.name + part)
        if path.exists():
            path.replace(path.with_name(workspace.tracking.name + suffix + part))
    files.sync(workspace.root)


def _champion_entries(workspace: Workspace) -> dict[str, dict]:
    """The champions of the local copy; where its manifest or pointer is damaged or gone it is made again first."""
    try:
        entries = bundles.champion_entries(workspace)
        if entries or not any(bundles.generations(workspace)):
            return entries
    except HeadwaterError as error:
        if error.problem.code != "E531" or not _champion_texts(workspace):
            raise
    if texts := _champion_texts(workspace):
        bundles.establish(workspace, {}, texts)
    return bundles.champion_entries(workspace)


def _champion_texts(workspace: Workspace) -> dict[str, tuple[str, dict[str, str]]]:
    """Version and files of each champion as the store knows them; without a store, of the newest version kept here."""
    targets = sorted(registry.highest_versions(workspace))
    if workspace.tracking.exists():
        aliased = [tracking.version_by_alias(workspace, target, CHAMPION) for target in targets]
        return {v.target: (v.name, promotion.version_texts(workspace, v)) for v in aliased if v is not None}
    newest = {}
    for target in targets:
        names = [f"{target}/{number}" for number in range(registry.highest_versions(workspace)[target], 0, -1)]
        files = ((name, bundles.local_texts(workspace, name)) for name in names)
        newest[target] = next(((name, texts) for name, texts in files if texts), None)
    return {target: texts for target, texts in newest.items() if texts}


def _alias_champion(workspace: Workspace, target: str, entry: dict) -> str:
    """The alias `champion` on the version that nights score with, and before it the one that a rollback takes."""
    number = int(entry["version"].rpartition("/")[2])
    versions = {version.number: version for version in tracking.versions(workspace, target)}
    tags = {"sha256": entry["sha256"]}
    if "before" not in versions[number].tags:
        earlier = [n for n in versions if n < number and bundles.local_texts(workspace, f"{target}/{n}")]
        tags |= {"before": f"{target}/{max(earlier)}"} if earlier else {}
    tracking.set_alias(workspace, target, CHAMPION, number, tags)
    return entry["version"]
