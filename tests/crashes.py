"""What may lie on the disk after the power failed: every state that a crash can leave, made from the calls of a run.

The idea is that of ALICE (Pillai et al., OSDI 2014) and CrashMonkey (Mohan et al., OSDI 2018). What a run asks of the
file system is recorded in order. At a crash after any of its calls

- of a file that was synced by then its content is there; of any other nothing, half, or all of it may be;
- renames, links and removals that the sync of their folder followed have happened; of the others any part may have.

Calls that go another way than `os` (as those of C libraries) are files that nobody synced, unless `os.fsync` saw them.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pytest

MOST_OPEN = 6
"""Pending changes of folders of which every part is tried; of more, all orders of dropping one or two."""


@dataclass(frozen=True)
class Call:
    """One call: `sync` of a file (its content) or of a folder, `rename`, `link`, `symlink`, `unlink`, `mkdir`."""

    kind: str
    path: str
    to: str = ""
    content: bytes | None = None


@dataclass
class Recorder:
    """The calls of a run below a folder, and how the folder was before."""

    root: Path
    calls: list[Call] = field(default_factory=list)

    def below(self, path: object) -> str | None:
        full = Path(str(path)).absolute()
        return str(full.relative_to(self.root)) if full.is_relative_to(self.root) else None

    def add(self, kind: str, path: object, to: object = None, content: bytes | None = None) -> None:
        name, other = self.below(path), self.below(to) if to is not None else ""
        if name is not None and other is not None:
            self.calls.append(Call(kind, name, other, content))


@contextmanager
def recorded(root: Path) -> Iterator[Recorder]:
    """Record what is asked of the file system below a folder meanwhile."""
    recorder = Recorder(root.resolve())
    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "rename"):
            patch.setattr(os, name, _renaming(recorder, getattr(os, name)))
        patch.setattr(os, "fsync", _syncing(recorder, os.fsync))
        patch.setattr(os, "link", _telling(recorder, "link", os.link))
        patch.setattr(os, "unlink", _telling(recorder, "unlink", os.unlink))
        patch.setattr(os, "mkdir", _telling(recorder, "mkdir", os.mkdir))
        patch.setattr(os, "symlink", _linking(recorder, os.symlink))
        yield recorder


def _renaming(recorder: Recorder, plain: Callable) -> Callable:
    def rename(source, target, **options):
        path = Path(source)
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        plain(source, target, **options)
        recorder.add("rename", source, target, content)

    return rename


def _syncing(recorder: Recorder, plain: Callable) -> Callable:
    def fsync(handle):
        plain(handle)
        path = Path(f"/proc/self/fd/{handle}").resolve()
        recorder.add("sync", path, content=path.read_bytes() if path.is_file() else None)

    return fsync


def _telling(recorder: Recorder, kind: str, plain: Callable) -> Callable:
    def call(path, *rest, **options):
        plain(path, *rest, **options)
        recorder.add(kind, path, rest[0] if kind == "link" else None)

    return call


def _linking(recorder: Recorder, plain: Callable) -> Callable:
    def symlink(target, path, *rest, **options):
        plain(target, path, *rest, **options)
        recorder.calls.append(Call("symlink", recorder.below(path) or "", os.fspath(target)))

    return symlink


def states(before: Path, recorder: Recorder, place: Path) -> Iterator[tuple[int, Path]]:
    """Every state that a crash after any of the calls may leave, one after the other in the same place.

    Parameters
    ----------
    before
        A copy of the folder as it was before the run.
    recorder
        Of the run.
    place
        Where the states are made; each is gone when the next one comes.

    Yields
    ------
    tuple
        How many calls were made before the crash, and the folder.
    """
    for after in range(len(recorder.calls) + 1):
        calls = recorder.calls[:after]
        synced, settled = _synced(calls), _settled(calls)
        pending = [n for n, call in enumerate(calls) if call.kind not in ("sync", "mkdir") and n not in settled]
        unsure = [
            n for n, call in enumerate(calls) if call.kind == "rename" and call.content is not None and n not in synced
        ]
        for dropped in _parts(pending):
            for cut in product(("none", "half", "all"), repeat=min(len(unsure), 2)):
                shutil.rmtree(place, ignore_errors=True)
                shutil.copytree(before, place, symlinks=True)
                _play(place, calls, dropped, dict(zip(unsure, cut, strict=False)))
                yield after, place


def _synced(calls: list[Call]) -> set[int]:
    """Renames of files whose whole content was synced before."""
    contents: dict[str, bytes | None] = {}
    safe = set()
    for number, call in enumerate(calls):
        if call.kind == "sync":
            contents[call.path] = call.content
        elif call.kind == "rename":
            if call.content is not None and contents.get(call.path) == call.content:
                safe.add(number)
            contents[call.to] = contents.pop(call.path, None)
    return safe


def _settled(calls: list[Call]) -> set[int]:
    """Changes of folders that the sync of the folder followed."""
    done = set()
    for number, call in enumerate(calls):
        folder = str(Path(call.to if call.kind in ("rename", "link") else call.path).parent)
        later = (c.path for c in calls[number + 1 :] if c.kind == "sync" and c.content is None)
        if any(Path(path) == Path(folder) for path in later):
            done.add(number)
    return done


def _parts(pending: list[int]) -> list[set[int]]:
    """Which of the pending changes never reached the disk."""
    if len(pending) <= MOST_OPEN:
        return [
            {n for n, out in zip(pending, chosen, strict=True) if out}
            for chosen in product((False, True), repeat=len(pending))
        ]
    return [set(), *({n} for n in pending), *({a, b} for a in pending for b in pending if a < b)]


def _play(place: Path, calls: list[Call], dropped: set[int], cut: dict[int, str]) -> None:
    """Make in a copy of the folder what reached the disk."""
    held: dict[str, bytes] = {}
    for number, call in enumerate(calls):
        path = place / call.path
        if call.kind == "sync" and call.content is not None:
            held[call.path] = call.content
            if path.exists() or path.parent.is_dir():
                path.write_bytes(call.content)
        elif call.kind == "mkdir":
            path.mkdir(parents=True, exist_ok=True)
        elif number in dropped:
            continue
        elif call.kind == "rename":
            _rename(place, call, cut.get(number, "all"))
        elif call.kind == "link" and path.exists() and not (place / call.to).exists():
            os.link(path, place / call.to)
        elif call.kind == "symlink":
            path.unlink(missing_ok=True)
            path.symlink_to(call.to)
        elif call.kind == "unlink":
            path.unlink(missing_ok=True)


def _rename(place: Path, call: Call, cut: str) -> None:
    source, target = place / call.path, place / call.to
    if call.content is not None:
        length = {"none": 0, "half": len(call.content) // 2, "all": len(call.content)}[cut]
        source.unlink(missing_ok=True)
        if target.parent.is_dir():
            target.unlink(missing_ok=True)  # another file takes the name; what else had it keeps its content
            target.write_bytes(call.content[:length])
    elif source.is_symlink() or source.exists():
        if target.is_symlink() or target.is_file():
            target.unlink()
        source.rename(target)
