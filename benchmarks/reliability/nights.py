"""Whole nights that are killed, started twice, or find the disk full, while somebody reads all the time.

Nights are children of a process that has loaded what they need: one begins in milliseconds, so that kills hit work and
not imports. `python -m benchmarks.reliability.nights` is that process; `Nights` speaks to it, a line of JSON each way.
"""

import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.measure import ROOT
from features.errors import HeadwaterError
from pipelines.workspace import files, runs
from pipelines.workspace.paths import Workspace

AS_OF = date(2026, 10, 1)
"""A night before the one that the operator has published."""
POINTS = (
    "engine.scoring_run.ScoringRun.finish",
    "workspace.publication._archive_old",
    "workspace.publication._sync_folder",
    "workspace.checkpoints.remove_pieces",
    "flows.outputs.write_lists",
    "flows.outputs.write_report",
    "flows.nightly._record_outcome",
)
"""Where a night is killed by name: it dies instead of going on there."""
PRELOADED = (
    "pipelines.cli.app",
    "pipelines.flows.nightly",
    "pipelines.flows.outputs",
    "pipelines.engine.engines",
    "lightgbm",
)
BUSY = 6
SECONDS_TO_LEAVE = 2.0
SERVER = os.getpid()
"""Of the process whose children run nights; they have it from there."""


@dataclass(frozen=True)
class Ended:
    """How a night ended: its exit code, negative for a signal; the seconds it took, and those of CPU; its last words."""

    code: int
    seconds: float
    cpu: float
    said: str = ""


class Nights:
    """Runs nights of an operator, each a child of one process."""

    def __init__(self, operator: Path):
        around = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.reliability.nights"],
            cwd=operator, env=around, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *, together: int = 1, after: float | None = None, point: str = "") -> list[Ended]:
        """Run a night, or several that begin together.

        Parameters
        ----------
        together
            How many.
        after
            Seconds after which they are killed; None lets them end.
        point
            Where they kill themselves; "" for nowhere.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        asked = {"words": ["nightly", "--as-of", AS_OF.isoformat(), "-q", "--lang", "en"], "together": together}
        self._process.stdin.write(json.dumps(asked | {"after": after, "point": point}) + "\n")
        self._process.stdin.flush()
        return [Ended(**ended) for ended in json.loads(self._process.stdout.readline())]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def serve() -> None:
    """Be the process of `Nights`: fork for each line what it asks for."""
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        begun = time.perf_counter()
        children = [_begin(asked["words"], asked["point"], number) for number in range(asked["together"])]
        if asked["after"] is not None:
            time.sleep(asked["after"])
            for child in children:
                os.kill(child, signal.SIGKILL)
        print(json.dumps(_ends(children, begun)), flush=True)


def _said(number: int) -> Path:
    """Where a child's stderr goes: not to the operator's disk, which may be full."""
    return Path(tempfile.gettempdir(), f"headwater-said-{SERVER}-{number}")


def _begin(words: Sequence[str], point: str, number: int) -> int:
    """The id of a child that runs a command."""
    child = os.fork()
    if child:
        return child
    with _said(number).open("w") as said, open(os.devnull, "w") as nothing:  # noqa: PTH123 a device
        os.dup2(said.fileno(), 2)
        os.dup2(nothing.fileno(), 1)
        if point:
            _kill_at(point)
        from pipelines.cli import app

        sys.argv = ["headwater", *words]
        app.main()
    os._exit(1)  # a command ends by itself


def _kill_at(point: str) -> None:
    """Let a function kill the process that calls it."""
    place, name = found_point(point)
    setattr(place, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))


def found_point(point: str) -> tuple[Any, str]:
    """The module or class of a named point, and the name in it. Raises AttributeError for one that is gone."""
    holder, _, name = point.rpartition(".")
    module, _, last = holder.rpartition(".")
    is_class = last[:1].isupper()
    place = importlib.import_module(f"pipelines.{module if is_class else holder}")
    place = getattr(place, last) if is_class else place
    getattr(place, name)
    return place, name


def _ends(children: Sequence[int], begun: float) -> list[dict[str, Any]]:
    """How each ended, as soon as it did, in the order in which they were begun."""
    ended: dict[int, dict[str, Any]] = {}
    while len(ended) < len(children):
        child, status, usage = os.wait3(0)
        seconds, cpu = time.perf_counter() - begun, usage.ru_utime + usage.ru_stime
        ended[child] = {"code": os.waitstatus_to_exitcode(status), "seconds": seconds, "cpu": cpu}
    for number, child in enumerate(children):
        ended[child]["said"] = _said(number).read_text(encoding="utf-8")[-500:]
        _said(number).unlink()
    return [ended[child] for child in children]


@dataclass
class Reader:
    """Reads every published date over and over, in a thread: whole, of one run, and the newest never goes back.

    Attributes
    ----------
    reads
        How many files were read.
    wrong
        Of each that was not whole: what was seen.
    """

    workspace: Workspace
    reads: int = 0
    wrong: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def reading(self) -> Iterator["Reader"]:
        """Read meanwhile."""
        thread = threading.Thread(target=self._read_on)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _read_on(self) -> None:
        newest = None
        while not self._stop.is_set():
            for path in (*self.workspace.scores.glob("????-??-??.parquet"), self.workspace.latest):
                self._read(path)
            serving = self.workspace.serving_date()
            if newest and (serving is None or serving < newest):
                self.wrong.append(f"latest went back from {newest} to {serving}")
            newest = serving

    def _read(self, path: Path) -> None:
        try:
            with path.open("rb") as handle:
                file = pq.ParquetFile(handle, page_checksum_verification=True)
                stored, rows = file.metadata.metadata, file.read(columns=["as_of", "customer_id"])
            days = {str(day) for day in rows["as_of"].unique().to_pylist()}
            if days != {stored[b"headwater.as_of"].decode()} or rows.num_rows != int(stored[b"headwater.rows"]):
                self.wrong.append(f"{path}: {days}, {rows.num_rows} rows")
        except FileNotFoundError:
            return  # a date that is not published yet
        except Exception as error:  # whatever a reader would stumble over
            self.wrong.append(f"{path}: {type(error).__name__}: {error}")
        self.reads += 1


def outputs(workspace: Workspace) -> dict[str, str]:
    """What a night leaves for people and programs, by its bytes."""
    paths = [workspace.score_file(AS_OF), *(workspace.list_file(kind, AS_OF, "xlsx") for kind in ("vip", "churn"))]
    paths.append(workspace.report(AS_OF))
    return {path.name: files.sha256(path) for path in paths if path.exists()}


def forget(workspace: Workspace) -> None:
    """As if the night had never been; the record of its calls stays, and is in no output but the report."""
    for path in (
        *workspace.lists.glob(f"*{AS_OF}*"),
        *workspace.reports.glob(f"*{AS_OF}*"),
        workspace.score_file(AS_OF),
    ):
        path.unlink(missing_ok=True)
    for folder in workspace.runs.iterdir():
        record = folder / "record.json"
        if record.exists() and json.loads(record.read_text(encoding="utf-8")).get("as_of") == AS_OF.isoformat():
            shutil.rmtree(folder)
    shutil.rmtree(workspace.archive)
    workspace.archive.mkdir()


@dataclass
class Killed:
    """What came of kills: how many, how many hit a running night, what was read meanwhile, and what went wrong."""

    kills: int = 0
    hit: int = 0
    reads: int = 0
    torn: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def killed(operator: Path, count: int, seed: int, points: Sequence[str] = POINTS) -> Killed:
    """Kill nights at random moments and at every named point; each is finished by the next run, to the same bytes.

    Parameters
    ----------
    operator
        Is written to.
    count
        Kills at random, uniform over the length of a night and a little more.
    seed
        Of the moments.
    points
        Where nights kill themselves.
    """
    workspace, found, draw = Workspace(operator / "workspace" / "operator"), Killed(), random.Random(seed)
    nights = Nights(operator)
    try:
        with Reader(workspace).reading() as reader:
            (whole,) = nights.run()
            assert whole.code == 0, whole
            good, facts = outputs(workspace), _facts(workspace)
            for number in range(count + len(points)):
                point = points[number - count] if number >= count else ""
                after = None if point else draw.uniform(0, whole.seconds * 1.15)
                forget(workspace)
                (ended,) = nights.run(after=after, point=point)
                found.kills, found.hit = found.kills + 1, found.hit + (ended.code == -signal.SIGKILL)
                where = f"seed {seed}, kill {number}: {point or f'after {after:.2f} s'}"
                if point and ended.code != -signal.SIGKILL:
                    found.wrong.append(f"{where}: was never reached ({ended.code} {ended.said})")
                (again,) = nights.run()
                found.wrong += [f"{where}: {what}" for what in _unfinished(workspace, again, good, facts)]
    finally:
        nights.close()
    found.reads, found.torn = reader.reads, reader.wrong
    return found


def _facts(workspace: Workspace) -> Mapping[str, str]:
    return dict(runs.verified_score_file(workspace, AS_OF).meta)


def _unfinished(workspace: Workspace, again: Ended, good: dict[str, str], facts: Mapping[str, str]) -> Iterator[str]:
    """What is not as after a night that nobody disturbed; the report tells of recent runs, so of it only that it is there."""
    if again.code != 0:
        yield f"the next run ended with {again.code}: {again.said}"
        return
    now = outputs(workspace)
    for name, content in good.items():
        if name not in now or (now[name] != content and not name.endswith(".html")):
            yield f"{name} is {'another' if name in now else 'not there'}"
    if _facts(workspace) != facts:
        yield "the scores say other things of themselves"
    if left := [path.name for path in workspace.scores.glob(".*")]:
        yield f"left behind: {left}"


def started_twice(operator: Path, count: int) -> tuple[list[float], list[str]]:
    """Two nights that begin together: one publishes, the other ends with 6. CPU seconds of those that left, and what went
    wrong. A machine that is shared makes wall seconds tell of others."""
    workspace, seconds, wrong = Workspace(operator / "workspace" / "operator"), list[float](), list[str]()
    nights = Nights(operator)
    try:
        for number in range(count):
            forget(workspace)
            ended = sorted(nights.run(together=2), key=lambda end: end.code)
            if [end.code for end in ended] != [0, BUSY] or not workspace.score_file(AS_OF).exists():
                wrong.append(f"start {number}: {ended}")
                continue
            seconds.append(ended[1].cpu)
            if ended[1].cpu > SECONDS_TO_LEAVE:
                wrong.append(f"start {number}: left after {ended[1].cpu:.1f} s of CPU, {ended[1].seconds:.1f} s")
    finally:
        nights.close()
    return seconds, wrong


def filled(operator: Path) -> Iterator[str]:
    """What goes wrong where the disk is full; the operator lies on a small one. With every byte taken and none to spare,
    at several sizes of what is free: exit 7, the published date as it was; then room is made, and the night succeeds."""
    workspace, ballast = Workspace(operator / "workspace" / "operator"), operator / "ballast"
    before = files.sha256(workspace.latest)
    nights = Nights(operator)
    try:
        for free in (0, 64_000, 400_000, 1_500_000):
            forget(workspace)
            _fill(ballast, free)
            (ended,) = nights.run()
            if ended.code != 7:
                yield f"{free:,} bytes free: exit {ended.code} {ended.said}"
            if files.sha256(workspace.latest) != before or workspace.score_file(AS_OF).exists():
                yield f"{free:,} bytes free: what is published changed"
            ballast.unlink()
        (ended,) = nights.run()
        if ended.code != 0:
            yield f"with room again: exit {ended.code} {ended.said}"
        try:
            runs.verified_score_file(workspace, AS_OF)
        except HeadwaterError as error:
            yield f"with room again: {error}"
    finally:
        nights.close()


def _fill(ballast: Path, free: int) -> None:
    """Take all room but so many bytes."""
    room = shutil.disk_usage(ballast.parent).free - free
    with ballast.open("wb") as out:
        os.posix_fallocate(out.fileno(), 0, max(1, room))


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """A file system of its own in memory. Raises PermissionError where this account may not mount one."""
    place.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not made or made.returncode:
        raise PermissionError(f"no tmpfs may be mounted at {place}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


if __name__ == "__main__":
    serve()
