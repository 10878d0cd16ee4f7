"""The pinned local copy of the champions: what nightly scoring reads, with MLflow up, down or corrupt.

`models/gen/<id>/` holds one folder per target and a manifest with the sha256 of every file; `models/CURRENT` names the
generation in force. A generation is never changed; promotion makes a new one and moves the pointer last.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from features.errors import HeadwaterError
from models.bundle import from_files
from models.candidates import Estimator
from pipelines.storage import FOLDER_MODE, Workspace, sha256, sync, write_json, write_text

ALLOWED = {".txt", ".json"}


@dataclass(frozen=True)
class Champion:
    """A loaded model with the version and the checksum that it is published under."""

    target: str
    version: str
    sha256: str
    model: Estimator


def current(workspace: Workspace) -> Path | None:
    """The generation in force, or None before the first promotion."""
    pointer = workspace.models / "CURRENT"
    return workspace.models / "gen" / pointer.read_text().strip() if pointer.exists() else None


def manifest(generation: Path) -> dict:
    """Versions and sha256 of a generation's models, as they were when it was promoted."""
    return json.loads((generation / "manifest.json").read_text(encoding="utf-8"))


def champions(workspace: Workspace) -> dict[str, Champion]:
    """Every champion of the generation in force, checked by sha256 before a byte of it is parsed."""
    generation = current(workspace)
    if generation is None:
        raise HeadwaterError("E521")
    return {target: load(generation, target, entry) for target, entry in manifest(generation)["models"].items()}


def texts(workspace: Workspace) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Version, sha256 and files of every champion, checked: what goes to machines that do not see the workspace."""
    generation = current(workspace)
    if generation is None:
        raise HeadwaterError("E521")
    entries = manifest(generation)["models"].items()
    return {target: (e["version"], e["sha256"], checked(generation / target, e)) for target, e in entries}


def load(generation: Path, target: str, entry: dict) -> Champion:
    """One champion; a missing, foreign or altered file is exit 5."""
    return Champion(target, entry["version"], entry["sha256"], from_files(checked(generation / target, entry)))


def checked(folder: Path, entry: dict) -> dict[str, str]:
    """The files of one champion, every one of them with its sha256."""
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if found != set(entry["files"]) or any(Path(name).suffix not in ALLOWED for name in found):
        raise HeadwaterError("E522", file=folder, names=", ".join(sorted(found ^ set(entry["files"]))) or "?")
    for name, digest in entry["files"].items():
        if sha256(folder / name) != digest:
            raise HeadwaterError("E523", file=folder / name)
    return {name: (folder / name).read_text(encoding="utf-8") for name in entry["files"]}


def install(workspace: Workspace, target: str, version: str, texts: dict[str, str]) -> str:
    """A new generation in which `target` is `version`, the others as they were; returns its sha256. Lock held."""
    before = current(workspace)
    entries = manifest(before)["models"] if before else {}
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    digest = hashlib.sha256("".join(f"{n}{d}" for n, d in sorted(digests.items())).encode()).hexdigest()
    entries = entries | {target: {"version": version, "sha256": digest, "files": digests}}
    name = hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()[:16]
    made = workspace.models / "gen" / name
    if not made.exists():
        stage(workspace, before, {"models": entries}, (target, texts)).rename(made)
        sync(made.parent)
    write_text(workspace.models / "CURRENT", name + "\n")
    return digest


def stage(workspace: Workspace, before: Path | None, content: dict, new: tuple[str, dict[str, str]]) -> Path:
    """Build the generation under a name that nobody reads."""
    staging = workspace.models / f".staging-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    (workspace.models / "gen").mkdir(mode=FOLDER_MODE, exist_ok=True)
    staging.mkdir(mode=FOLDER_MODE)
    target, texts = new
    for other in content["models"]:
        if other != target and before:
            shutil.copytree(before / other, staging / other)
    (staging / target).mkdir(mode=FOLDER_MODE)
    for name, text in texts.items():
        write_text(staging / target / name, text)
    write_json(staging / "manifest.json", content)
    sync(staging)
    return staging
