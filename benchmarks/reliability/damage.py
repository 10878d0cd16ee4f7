"""Altered bytes and hostile files: nothing of them is accepted, nothing is run, and the interpreter lives.

Damaged Parquet and LightGBM files can crash or hang whoever parses them, so all is tried in a process of its own, which
writes down what it is about to try: where it dies, that is known. `python -m benchmarks.reliability.damage KIND …` is that
process.
"""

import argparse
import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from benchmarks.reliability import isolated
from features.errors import HeadwaterError
from pipelines.ingest import store
from pipelines.workspace import bundles, runs
from pipelines.workspace.paths import Workspace

PATIENCE = 600
"""Seconds after which a process hangs."""


@dataclass
class Damaged:
    """What came of altered files.

    Attributes
    ----------
    tries
        How many were tried.
    accepted
        Of each that was read as if it were whole: where the bit was flipped.
    wrong
        Of each that ended in another way than a refusal: how.
    """

    tries: int = 0
    accepted: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    """A kind of files.

    Attributes
    ----------
    files
        Of a workspace, all of this kind.
    read
        Reads them as commands do, which raises HeadwaterError for damage.
    """

    files: Callable[[Workspace], list[Path]]
    read: Callable[[Workspace], object]


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _current_tables(workspace: Workspace) -> Path:
    return workspace.tables / (workspace.tables / "CURRENT").read_text(encoding="utf-8").strip()


def _read_scores(workspace: Workspace) -> object:
    return [runs.verified_score_file(workspace, date.fromisoformat(path.stem)) for path in _below(workspace.scores)]


def _read_tables(workspace: Workspace) -> object:
    """A reading goes on from tables that are whole, and makes all others anew."""
    folder = _current_tables(workspace)
    if store.intact(folder) is None:
        raise HeadwaterError("E331", file=folder)
    return folder


KINDS = {
    "scores": Kind(lambda space: _below(space.scores), _read_scores),
    "champions": Kind(lambda space: _below(bundles.current(space) or space.models), bundles.champions),
    "tables": Kind(lambda space: _below(_current_tables(space)), _read_tables),
}


def flipped(kind: Kind, workspace: Workspace, count: int, seed: int, about: Callable[[str], None]) -> Damaged:
    """Flip single bits of a kind's files, one after the other, and read; each file is as before afterwards.

    Parameters
    ----------
    kind
        Whose files.
    workspace
        Is written to.
    count
        So many bits, each of any file of any size.
    seed
        Of the places.
    about
        Is told what is about to be tried.
    """
    draw, found, paths = random.Random(seed), Damaged(), kind.files(workspace)
    kind.read(workspace)
    for number in range(count):
        path = draw.choice(paths)
        good = path.read_bytes()
        bit = draw.randrange(len(good) * 8)
        about(where := f"seed {seed}, try {number}: bit {bit} of {path.relative_to(workspace.root)}")
        content = bytearray(good)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(content))
        _tell(found, where, lambda: kind.read(workspace))
        path.write_bytes(good)
    return found


def _tell(found: Damaged, where: str, read: Callable[[], object]) -> None:
    """Read what is damaged, and note what came of it."""
    found.tries += 1
    try:
        read()
    except HeadwaterError as error:
        if error.exit_code not in (3, 5):
            found.wrong.append(f"{where}: {error}")
    except Exception as error:  # a refusal is ours, or it is none
        found.wrong.append(f"{where}: {type(error).__name__}: {error}")
    else:
        found.accepted.append(where)


RUNS = "import pathlib; pathlib.Path({marker!r}).touch()"


def hostile(texts: Mapping[str, str], marker: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Eight models that somebody made, by name: whole by their sha256, and not what ours are.

    Parameters
    ----------
    texts
        Files of a model of ours.
    marker
        A file that is there afterwards if anything of them was run.
    """
    code = RUNS.format(marker=str(marker))
    pickled = f"cbuiltins\nexec\n(V{code}\ntR."
    document = json.loads(texts["bundle.json"])
    yield "a pickle beside", {**texts, "model.pkl": pickled}
    yield "a pickle for trees", {**texts, "trees.txt": pickled}
    yield "a skops file", {**texts, "model.skops": pickled}
    yield "code of its own", {**texts, "code/loader.py": code}
    yield (
        "a loader module",
        {**texts, "MLmodel": "flavors: {python_function: {loader_module: loader, code: code}}", "loader.py": code},
    )
    yield "a name that leaves the folder", {**texts, "../../../trees.txt": code}
    yield "a kind that is a module", {**texts, "bundle.json": json.dumps({**document, "kind": "os.system"})}
    state = {
        **document["model"],
        "__reduce__": ["os.system", [f"touch {marker}"]],
        "learner": f"__import__('os').system('touch {marker}')",
    }
    yield "calls in its state", {**texts, "bundle.json": json.dumps({**document, "model": state})}


def refused(workspace: Workspace, about: Callable[[str], None]) -> Damaged:
    """Put each hostile model in force, by hand and with the right sha256, and let a night load it."""
    found, marker = Damaged(), workspace.root / "run"
    before = bundles.champion_entries(workspace)
    target, (version, _, texts) = next(iter(bundles.champion_texts(workspace).items()))
    for name, files in hostile(texts, marker):
        about(name)
        _in_force(workspace, before, target, version, files)
        _tell(found, name, lambda: bundles.champions(workspace))
        if marker.exists():
            found.wrong.append(f"{name}: was run")
            marker.unlink()
    return found


def _in_force(workspace: Workspace, before: dict[str, dict], target: str, version: str, files: dict[str, str]) -> None:
    """What somebody does who may write to the workspace: a generation that agrees with its own manifest."""
    sums, digest = bundles.digests(files)
    entries: dict[str, dict] = {**before, target: {"version": version, "sha256": digest, "files": sums}}
    folder, old = workspace.models / "gen" / bundles.generation_name(entries), bundles.current(workspace)
    assert old is not None
    shutil.copytree(old, folder, dirs_exist_ok=True)
    shutil.rmtree(folder / target)
    for name, text in files.items():
        path = folder / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps({"models": entries}), encoding="utf-8")
    (workspace.models / "CURRENT").write_text(folder.name, encoding="utf-8")


def apart(workspace: Path, kind: str, count: int, seed: int, patience: float = PATIENCE) -> Damaged:
    """The same in a process of its own; one that dies or hangs is told with what it was about to try.

    Parameters
    ----------
    workspace
        Of a project; it is copied.
    kind
        One of `KINDS`, or `hostile`.
    count
        How many bits; of no meaning for hostile files.
    seed
        Of the places.
    patience
        Seconds.
    """
    copy = workspace.parent / f"{workspace.name}-{kind}"
    shutil.copytree(workspace, copy, symlinks=True)
    words = ["benchmarks.reliability.damage", kind, str(copy), "--count", str(count), "--seed", str(seed)]
    try:
        told = isolated.told(words, copy / "told.json", patience)
    except isolated.Died as died:
        return Damaged(wrong=[str(died)])
    finally:
        shutil.rmtree(copy)
    return Damaged(**told)


def main() -> None:
    """Try one kind, and leave what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=[*KINDS, "hostile"])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    workspace = Workspace(asked.workspace.resolve())

    about = isolated.about(asked.out)
    if asked.kind == "hostile":
        found = refused(workspace, about)
    else:
        found = flipped(KINDS[asked.kind], workspace, asked.count, asked.seed, about)
    asked.out.write_text(json.dumps(vars(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
