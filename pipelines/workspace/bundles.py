"""The pinned local copy of the champions: what nightly scoring reads, with MLflow up, down or corrupt.

`models/gen/<id>/` holds one folder per target and a manifest with the sha256 of every file; `models/CURRENT` names the
generation in force. A generation is never changed; promotion makes a new one and moves the pointer last. The id is made
of the manifest, so that a manifest is checked by the name of its folder; what replaces a damaged generation is `<id>-1`.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from features.errors import HeadwaterError, Problem
from models.estimators.bundle import from_files
from models.estimators.estimator import Model
from pipelines.wording.errors import disk_error
from pipelines.workspace.files import FOLDER_MODE, copy_tree, sha256, sync, sync_tree, write_json, write_text
from pipelines.workspace.paths import Workspace

ALLOWED = {".txt", ".json"}


@dataclass(frozen=True)
class Champion:
    """A loaded model with the version and the checksum that it is published under.

    Attributes
    ----------
    target
        What it predicts.
    version
        Such as `churn/3`.
    sha256
        Of all its files.
    model
        The loaded estimator.
    """

    target: str
    version: str
    sha256: str
    model: Model


def current(workspace: Workspace) -> Path | None:
    """The generation in force, or None before the first promotion."""
    pointer = workspace.models / "CURRENT"
    return (
        workspace.models / "gen" / pointer.read_bytes().decode(errors="replace").strip() if pointer.exists() else None
    )


def manifest(generation: Path) -> dict:
    """Versions and sha256 of a generation's models, as they were when it was promoted.

    Raises E531 when it is damaged or gone, E703 to E705 (exit 7) when the disk does not give it.
    """
    try:
        document = json.loads((generation / "manifest.json").read_bytes())
        if generation_name(document["models"]) == generation.name.partition("-")[0]:
            return document
    except (FileNotFoundError, NotADirectoryError, ValueError, LookupError, TypeError) as error:
        raise HeadwaterError("E531", file=generation / "manifest.json") from error
    except OSError as error:
        raise disk_error(error, generation / "manifest.json") from error
    raise HeadwaterError("E531", file=generation / "manifest.json")


def generation_name(entries: Mapping[str, dict]) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()[:16]


def champion_entries(workspace: Workspace) -> dict[str, dict]:
    """The manifest's entry of every champion, whether or not its files are whole; none before the first promotion."""
    generation = current(workspace)
    return manifest(generation)["models"] if generation else {}


def generations(workspace: Workspace) -> Iterator[tuple[Path, dict[str, dict]]]:
    """Every generation whose manifest is whole, with its entries, by name."""
    for folder in sorted((workspace.models / "gen").glob("*")):
        try:
            yield folder, manifest(folder)["models"]
        except HeadwaterError:  # a damaged one is no source of anything
            continue


def champions(workspace: Workspace) -> dict[str, Champion]:
    """Every champion of the generation in force, checked by sha256 before a byte of it is parsed."""
    generation = current(workspace)
    if generation is None:
        raise HeadwaterError("E521")
    return {target: _load(generation, target, entry) for target, entry in manifest(generation)["models"].items()}


def champion_texts(workspace: Workspace) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Version, sha256 and files of every champion, checked: what goes to machines that do not see the workspace."""
    generation = current(workspace)
    if generation is None:
        raise HeadwaterError("E521")
    entries = manifest(generation)["models"].items()
    return {target: (e["version"], e["sha256"], _verified_texts(generation / target, e)) for target, e in entries}


def _load(generation: Path, target: str, entry: dict) -> Champion:
    """One champion; a missing, foreign or altered file is exit 5."""
    return Champion(target, entry["version"], entry["sha256"], from_files(_verified_texts(generation / target, entry)))


def intact_champion(workspace: Workspace, target: str) -> Champion | None:
    """The champion of a target; None where there is none, or its files are damaged: then it is no rival to anything."""
    generation = current(workspace)
    entry = champion_entries(workspace).get(target)
    if generation is None or entry is None or not _is_intact(generation / target, entry):
        return None
    return _load(generation, target, entry)


def damage_warnings(workspace: Workspace) -> list[Problem]:
    """A warning for each champion whose files are damaged."""
    generation = current(workspace)
    entries = champion_entries(workspace)
    hurt = [t for t, entry in entries.items() if generation and not _is_intact(generation / t, entry)]
    return [Problem("W523", str(generation), values=_message_values(entries[target])) for target in hurt]


def _message_values(entry: dict) -> dict[str, str]:
    """Version, target and number, for messages."""
    target, _, number = entry["version"].partition("/")
    return {"version": entry["version"], "target": target, "number": number}


def _is_intact(folder: Path, entry: dict) -> bool:
    """Are the files of one champion there, every one with its sha256?"""
    try:
        _verified_texts(folder, entry)
    except HeadwaterError:
        return False
    return True


def _verified_texts(folder: Path, entry: dict) -> dict[str, str]:
    """The files of one champion, every one of them with its sha256."""
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if present != set(entry["files"]) or any(Path(name).suffix not in ALLOWED for name in present):
        names = ", ".join(sorted(present ^ set(entry["files"]))) or "?"
        raise HeadwaterError("E522", file=folder, names=names, **_message_values(entry))
    for name, digest in entry["files"].items():
        if not (folder / name).is_file() or sha256(folder / name) != digest:
            raise HeadwaterError("E523", file=folder / name, **_message_values(entry))
    return {name: (folder / name).read_text(encoding="utf-8") for name in entry["files"]}


def local_texts(workspace: Workspace, version: str) -> dict[str, str] | None:
    """The files of a version that some generation holds whole, or None."""
    for generation, entries in generations(workspace):
        for target, entry in entries.items():
            if entry["version"] == version and _is_intact(generation / target, entry):
                return _verified_texts(generation / target, entry)
    return None


def digests(texts: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The sha256 of every file, and the one of the model that they make."""
    files = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    return files, hashlib.sha256("".join(f"{n}{d}" for n, d in sorted(files.items())).encode()).hexdigest()


def install(workspace: Workspace, target: str, version: str, texts: dict[str, str]) -> str:
    """Put a generation in force in which a target has this version, and the others are as they were; call with the lock held.

    Parameters
    ----------
    workspace
        Where.
    target
        Whose champion changes.
    version
        Such as `churn/3`.
    texts
        Its files.

    Returns
    -------
    str
        sha256 of all its files.
    """
    return establish(workspace, champion_entries(workspace), {target: (version, texts)})[target]


def establish(
    workspace: Workspace, others: dict[str, dict], new: Mapping[str, tuple[str, dict[str, str]]]
) -> dict[str, str]:
    """Put a generation in force.

    Parameters
    ----------
    workspace
        Where.
    others
        Manifest entries of the champions that stay.
    new
        Target -> version and files of the champions that come.

    Returns
    -------
    dict
        Target -> sha256 of all files of the new.
    """
    entries = dict(others)
    for target, (version, texts) in new.items():
        files, digest = digests(texts)
        entries[target] = {"version": version, "sha256": digest, "files": files}
    files_of = {target: texts for target, (_, texts) in new.items()}
    write_text(workspace.models / "CURRENT", _place_generation(workspace, entries, files_of) + "\n")
    return {target: entries[target]["sha256"] for target in new}


def _place_generation(workspace: Workspace, entries: dict[str, dict], new: Mapping[str, dict[str, str]]) -> str:
    """The name of a generation with these entries that is whole: one that is there, or else one made now.

    A damaged one stays where it is, and is not touched: a kill at any moment leaves the generation in force in force.
    """
    name = generation_name(entries)
    for number in count():
        folder = workspace.models / "gen" / (f"{name}-{number}" if number else name)
        if not folder.exists():
            _stage(workspace, entries, new).rename(folder)
            sync(folder.parent)
            return folder.name
        if _holds(folder, entries):
            return folder.name
    raise AssertionError("unreachable")


def _holds(generation: Path, entries: dict[str, dict]) -> bool:
    """Does a generation hold these champions, each of them whole?"""
    try:
        held = manifest(generation)["models"]
    except HeadwaterError:
        return False
    return held == entries and all(_is_intact(generation / target, entry) for target, entry in entries.items())


def _stage(workspace: Workspace, entries: dict[str, dict], new: Mapping[str, dict[str, str]]) -> Path:
    """Build the generation under a name that nobody reads."""
    staging = workspace.models / f".staging-{os.getpid()}"
    for left in workspace.models.glob(".staging-*"):  # of killed runs: the lock is held
        shutil.rmtree(left)
    if not (workspace.models / "gen").is_dir():
        (workspace.models / "gen").mkdir(mode=FOLDER_MODE)
        sync(workspace.models)  # the folder is on the disk before the pointer into it
    staging.mkdir(mode=FOLDER_MODE)
    for target in entries.keys() - new.keys():
        if source := _best_folder(workspace, target, entries[target]):
            copy_tree(source, staging / target)
    for target, texts in new.items():
        (staging / target).mkdir(mode=FOLDER_MODE)
        for name, text in texts.items():
            write_text(staging / target / name, text)
    write_json(staging / "manifest.json", {"models": entries})
    sync_tree(staging)
    return staging


def _best_folder(workspace: Workspace, target: str, entry: dict) -> Path | None:
    """Where a champion that stays is copied from: whole if any generation has it so, else as it is in force."""
    folders = [g / target for g, entries in generations(workspace) if entries.get(target) == entry]
    before = current(workspace)
    as_it_is = before / target if before and (before / target).is_dir() else None
    return next((folder for folder in folders if _is_intact(folder, entry)), as_it_is)
