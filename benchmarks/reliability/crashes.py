"""What may lie on the disk after the power failed: every state that a crash can leave, made from the calls of a run.

The idea is that of ALICE (Pillai et al., OSDI 2014) and CrashMonkey (Mohan et al., OSDI 2018). What a run asks of the
file system is recorded in order. At a crash after any of its calls

- of a file that was synced by then its content is there; of any other nothing, half, or all of it may be, or zeros;
- renames, links and removals that the sync of their folder followed have happened; of the others any part may have.

States are made in memory; each that differs is laid on the disk once, and asked what readers see there. Calls that go
another way than `os` (as those of C libraries) are files that nobody synced, unless `os.fsync` saw them.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path
from posixpath import dirname
from unittest.mock import patch

from benchmarks.reliability.acts import Act, unsynced
from pipelines.workspace.paths import Workspace

MOST_OPEN = 6
"""Pending changes of folders of which every part is tried; of more, all ways of dropping one, two or three."""
CUTS = ("none", "half", "zeros", "all")
"""What may be there of a file that nobody synced."""

Entry = tuple[str, bytes | str]
"""A file with its content, a link with its target, or a folder."""
Disk = dict[str, Entry]
"""Path below the workspace -> what lies there."""
FOLDER: Entry = ("folder", "")
TEMPORARY = re.compile(r"\.[a-z0-9_]{8}\.tmp$")
"""The random part of what a temporary file is called: states that differ by it alone are the same."""


@dataclass(frozen=True)
class Call:
    """One call: `sync` of a file (its content) or of a folder, `rename`, `link`, `symlink`, `unlink`, `mkdir`, `rmdir`."""

    kind: str
    path: str
    to: str = ""
    content: bytes | None = None


@dataclass
class Recorder:
    """The calls of a run below a folder."""

    root: Path
    calls: list[Call] = field(default_factory=list)

    def below(self, path: object) -> str | None:
        """A path as it is called below the folder; None of one that lies elsewhere."""
        full = Path(str(path)).absolute()
        return str(full.relative_to(self.root)) if full.is_relative_to(self.root) else None

    def add(self, kind: str, path: object, to: object = None, content: bytes | None = None) -> None:
        """One call more, unless it is of another place."""
        name, other = self.below(path), self.below(to) if to is not None else ""
        if name is not None and other is not None:
            self.calls.append(Call(kind, name, other, content))


@contextmanager
def recorded(root: Path) -> Iterator[Recorder]:
    """Record what is asked of the file system below a folder meanwhile."""
    recorder = Recorder(root.resolve())
    stand_ins = {
        "replace": _renaming(recorder, os.replace),
        "rename": _renaming(recorder, os.rename),
        "fsync": _syncing(recorder, os.fsync),
        "link": _telling(recorder, "link", os.link),
        "unlink": _telling(recorder, "unlink", os.unlink),
        "rmdir": _telling(recorder, "rmdir", os.rmdir),
        "mkdir": _telling(recorder, "mkdir", os.mkdir),
        "symlink": _linking(recorder, os.symlink),
    }
    with ExitStack() as stack:
        for name, stand_in in stand_ins.items():
            stack.enter_context(patch.object(os, name, stand_in))
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
        folder = f"/proc/self/fd/{options['dir_fd']}" if options.get("dir_fd") is not None else ""
        whole = Path(os.path.realpath(folder), path) if folder else path
        plain(path, *rest, **options)
        recorder.add(kind, whole, rest[0] if kind == "link" else None)

    return call


def _linking(recorder: Recorder, plain: Callable) -> Callable:
    def symlink(target, path, *rest, **options):
        plain(target, path, *rest, **options)
        recorder.calls.append(Call("symlink", recorder.below(path) or "", os.fspath(target)))

    return symlink


@dataclass
class Walked:
    """What the crash states of an act come to.

    Attributes
    ----------
    states
        How many were made.
    distinct
        How many of them differ, and were laid on the disk and read.
    seen
        What readers saw, with how often.
    wrong
        Of each that was neither old nor new, or from which the act could not be done again: how to make it once more.
    """

    states: int = 0
    distinct: int = 0
    seen: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@unsynced()
def walked(act: Act, folder: Path, *, again: int = 0, most_open: int = MOST_OPEN) -> Walked:
    """Every crash state of an act, each looked at.

    Parameters
    ----------
    act
        What is done; `before` it nothing crashes.
    folder
        An empty one, to work in.
    again
        So many times do the act once more from each new state, which must succeed, and let that crash everywhere, too.
    most_open
        See `MOST_OPEN`.
    """
    live = Workspace.open(folder / "live", "small")
    act.before(live)
    before, old = read_disk(live.root), act.seen(live)
    with recorded(live.root) as recorder:
        act.do(live)
    look = _Look(act, folder / "crash" / "small", {old, act.seen(live)}, act.seen(live), Walked())
    crashed = look.at_all(before, recorder.calls, most_open, act.name)
    for _ in range(again):
        crashed = [
            new
            for origin, disk in crashed
            for new in look.at_all(disk, look.done_again(disk, origin), most_open, f"{origin}, then again")
        ]
    return look.walked


@dataclass
class _Look:
    """Looks at crash states, at each that differs once."""

    act: Act
    place: Path
    allowed: set[Hashable]
    new: Hashable
    walked: Walked
    known: dict[frozenset, Hashable] = field(default_factory=dict)

    def at_all(self, before: Disk, calls: Sequence[Call], most_open: int, origin: str) -> list[tuple[str, Disk]]:
        """Look at all states of some calls; gives those that were not known, each with how it comes about."""
        found = []
        for how, disk in states(before, calls, most_open):
            self.walked.states += 1
            key = frozenset((TEMPORARY.sub(".tmp", name), entry) for name, entry in disk.items())
            if key not in self.known:
                found.append((f"{origin}: {how}", disk))
                self.known[key] = self._seen(disk, f"{origin}: {how}")
                self.walked.distinct += 1
            self.walked.seen[self.known[key]] += 1
        return found

    def _seen(self, disk: Disk, origin: str) -> Hashable:
        write_disk(disk, self.place)
        try:
            seen = self.act.seen(Workspace(self.place))
        except Exception as error:  # whatever a reader would stumble over
            self.walked.wrong.append(f"{origin}: {type(error).__name__}: {error}")
            return f"{type(error).__name__}"
        if seen not in self.allowed:
            self.walked.wrong.append(f"{origin}: {seen}")
        return seen

    def done_again(self, disk: Disk, origin: str) -> list[Call]:
        """The calls of the act done from a crash state."""
        write_disk(disk, self.place)
        workspace = Workspace.open(self.place.parent, self.place.name)
        with recorded(workspace.root) as recorder:
            try:
                self.act.do(workspace)
                seen = self.act.seen(workspace)
            except Exception as error:  # told as it is: the next run needed a person
                seen = f"{type(error).__name__}: {error}"
        if seen != self.new:
            self.walked.wrong.append(f"{origin}, done again: {seen}")
        return recorder.calls


def read_disk(root: Path) -> Disk:
    """What lies below a folder."""
    disk: Disk = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            disk[name] = ("link", str(path.readlink()))
        else:
            disk[name] = FOLDER if path.is_dir() else ("file", path.read_bytes())
    return disk


def write_disk(disk: Disk, place: Path) -> None:
    """Lay it into a folder, in which nothing else is afterwards."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, (kind, content) in sorted(disk.items()):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "folder":
            path.mkdir(exist_ok=True)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.symlink_to(content)


def states(before: Disk, calls: Sequence[Call], most_open: int = MOST_OPEN) -> Iterator[tuple[str, Disk]]:
    """Every state that a crash after any of the calls may leave, with how it comes about.

    Parameters
    ----------
    before
        What lay there.
    calls
        Of the run, in order.
    most_open
        See `MOST_OPEN`.
    """
    for after in range(len(calls) + 1):
        made = calls[:after]
        synced, settled = _synced(made), _settled(made)
        pending = [n for n, call in enumerate(made) if call.kind != "sync" and n not in settled]
        unsure = [
            n for n, call in enumerate(made) if call.kind == "rename" and call.content is not None and n not in synced
        ][:2]
        for dropped in _parts(pending, most_open):
            for cut in product(CUTS, repeat=len(unsure)):
                disk, cuts = dict(before), dict(zip(unsure, cut, strict=True))
                _play(disk, made, dropped, cuts)
                yield f"{after} calls, without {sorted(dropped)}, {cuts or 'all whole'}", disk


def _synced(calls: Sequence[Call]) -> set[int]:
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


def _settled(calls: Sequence[Call]) -> set[int]:
    """Changes of folders that the sync of the folder followed; a folder whose later name is on the disk was made."""
    done, synced, named = set(), set[str](), set[str]()
    for number in reversed(range(len(calls))):
        call = calls[number]
        if call.kind == "sync" and call.content is None:
            synced.add(call.path)
        elif (dirname(call.to if call.kind in ("rename", "link") else call.path) or ".") in synced:
            done.add(number)
            named |= {call.path} if call.kind == "rename" else set()
        elif call.kind == "mkdir" and call.path in named:
            done.add(number)
    return done


def _parts(pending: Sequence[int], most_open: int) -> Iterator[set[int]]:
    """Which of the pending changes never reached the disk."""
    most = len(pending) if len(pending) <= most_open else 3
    for size in range(most + 1):
        yield from map(set, combinations(pending, size))


def _play(disk: Disk, calls: Sequence[Call], dropped: set[int], cut: dict[int, str]) -> None:
    """Do to a disk what reached it."""
    for number, call in enumerate(calls):
        there = disk.get(call.path)
        if call.kind == "sync" and call.content is not None:
            if _is_folder(disk, dirname(call.path)):
                disk[call.path] = ("file", call.content)
        elif number in dropped:
            continue
        elif call.kind == "mkdir":
            _remove_tree(disk, call.path)  # what is made is empty, whatever bore its name
            if _is_folder(disk, dirname(call.path)):
                disk[call.path] = FOLDER
        elif call.kind == "rename":
            _rename(disk, call, cut.get(number, "all"))
        elif call.kind == "rmdir":
            _remove_tree(disk, call.path)
        elif call.kind == "link" and there and call.to not in disk:
            disk[call.to] = there
        elif call.kind == "symlink":
            disk[call.path] = ("link", call.to)
        elif call.kind == "unlink":
            disk.pop(call.path, None)


def _is_folder(disk: Disk, name: str) -> bool:
    return name == "" or disk.get(name) == FOLDER


def _remove_tree(disk: Disk, folder: str) -> None:
    for name in [name for name in disk if name == folder or name.startswith(f"{folder}/")]:
        del disk[name]


def _rename(disk: Disk, call: Call, cut: str) -> None:
    there = disk.pop(call.path, None)
    if call.content is not None:
        if _is_folder(disk, dirname(call.to)):
            disk[call.to] = ("file", _remains(call.content, cut))
    elif there and _is_folder(disk, dirname(call.to)):
        disk[call.to] = there
        for name in [name for name in disk if name.startswith(f"{call.path}/")]:
            disk[call.to + name[len(call.path) :]] = disk.pop(name)


def _remains(content: bytes, cut: str) -> bytes:
    """What is there of a file that was not synced."""
    half = len(content) // 2
    return {"none": b"", "half": content[:half], "zeros": content[:half] + bytes(len(content) - half), "all": content}[
        cut
    ]
