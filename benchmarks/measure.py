"""What one part of the work costs, in a process that does nothing else."""

import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KIB = 1024
OUT = "measured.json"

Work = Callable[[], dict[str, Any]]
"""What is measured; it says some facts of itself."""


@dataclass(frozen=True)
class Cost:
    """Of the work alone: `cpu` (user + system) and `wall` seconds. Of the process: `process_cpu`, `peak` bytes.

    `start` is what was resident before the work began, in bytes; `facts` is what the work said of itself.
    """

    cpu: float
    wall: float
    peak: int
    start: int
    process_cpu: float
    facts: dict[str, Any] = field(default_factory=dict)


def _spent() -> float:
    """CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak() -> int:
    """The most that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


def timed(work: Work) -> Cost:
    """Run the work in this process, which must have imported and opened what it needs."""
    start, cpu, wall = _peak(), _spent(), time.perf_counter()
    facts = work()
    cpu, wall = _spent() - cpu, time.perf_counter() - wall
    return Cost(cpu, wall, _peak(), start, _spent(), facts)


def median(costs: Sequence[Cost]) -> Cost:
    """Of several processes that did the same; the facts of the last one."""
    middle = {
        name: statistics.median(getattr(cost, name) for cost in costs)
        for name in ("cpu", "wall", "peak", "start", "process_cpu")
    }
    return Cost(**middle, facts=costs[-1].facts)


def once(command: Sequence[str], folder: Path) -> Cost:
    """The cost of a command in a process of its own.

    It gets the file to write its cost to as its first argument, see `Task.command`. What it writes to stderr goes where
    ours goes. Raises RuntimeError when it fails.
    """
    out = folder / OUT
    out.unlink(missing_ok=True)
    around = os.environ | {"PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(command, cwd=folder, env=around, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError(f"failed with {done.returncode}; its own words stand above")
    return Cost(**json.loads(out.read_text(encoding="utf-8")))


def write(cost: Cost, out: Path) -> None:
    """Leave what a part cost as JSON."""
    out.write_text(json.dumps(asdict(cost)), encoding="utf-8")
