"""What a night costs on Spark, at several sizes: `python -m benchmarks.spark`. A line is put through the measurements.

The customers of a simulated operator stand side by side as often as `--tiles` says. Each size is measured in processes
of its own: Python here, the driver's JVM, and the Python workers. CPU seconds count; wall seconds depend on what else
the machine does. Figures beyond the largest size are the line drawn further, not measurements.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from threading import Thread

from benchmarks.asked import CONFIG, NIGHT
from benchmarks.measure import ROOT

TILES = (4, 16, 64)
BASE = 5_000
FURTHER = (1_000_000, 10_000_000, 100_000_000, 600_000_000)
HZ = os.sysconf("SC_CLK_TCK")
SPARK = {"spark.master": "local[2]", "spark.memory": "3g", "spark.partitions": "8"}


def descendants(pid: int) -> list[int]:
    """A process and all that it started, and they."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(word) for task in tasks for word in _told(task).split()]
    return [pid, *(found for child in children for found in descendants(child))]


def _told(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended meanwhile
        return ""


class Meter(Thread):
    """CPU seconds of this process and its descendants, looked at ten times a second.

    Python workers are killed and not waited for: nobody could tell afterwards what they spent.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.spent: dict[int, float] = {}
        self.start()

    def run(self) -> None:
        while True:
            self.look()
            time.sleep(0.1)

    def look(self) -> float:
        """The sum so far."""
        for process in descendants(os.getpid()):
            if stat := _told(Path(f"/proc/{process}/stat")).rpartition(")")[2].split():
                self.spent[process] = (int(stat[11]) + int(stat[12])) / HZ
        return sum(self.spent.copy().values())


def _prepare(customers: int) -> None:
    """In the current folder: raw files, champions and canonical tables of so many customers."""
    from benchmarks import learning, operator

    operator.CUSTOMERS.write_text(json.dumps(customers), encoding="utf-8")
    operator.simulate()
    learning.learn()


def _measured(tiles: int) -> dict[str, float]:
    """Customers, CPU and wall seconds of features and of scores, with the start of Spark; bytes kept meanwhile."""
    from benchmarks.tiles import stored, tile
    from models.scores.columns import SCHEMA
    from pipelines.engine import spark
    from pipelines.project import Project
    from pipelines.workspace import bundles
    from pipelines.workspace.checkpoints import Pieces
    from pipelines.workspace.progress import Steps
    from pipelines.workspace.publication import Draft

    spark.require_spark()
    from pipelines.engine.spark_scoring import SparkScoringRun

    project = Project.open(CONFIG, **SPARK)
    kept = Path(f"tiled-{tiles}")
    tile(project.tables(NIGHT), kept, tiles, project.settings.threads)
    tables = stored(project, kept)
    champions, pieces = bundles.champions(project.workspace), Pieces.open(project.workspace, f"tiles-{tiles}")
    meter = Meter()
    laps = [(meter.look(), time.perf_counter())]
    run = SparkScoringRun(project, tables, NIGHT, champions, pieces, Steps(quiet=True))
    run.prepare()
    customers, written = run.assembly.total, _size(project.workspace.root.glob(".spark-*"))
    laps.append((meter.look(), time.perf_counter()))
    run.score()
    draft = Draft(project.workspace, NIGHT, SCHEMA, {})
    run.finish(None, draft.add)
    draft.discard()
    laps.append((meter.look(), time.perf_counter()))
    spent = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(laps)]
    names = ("features_cpu", "features_wall", "scores_cpu", "scores_wall")
    return {"customers": customers, **dict(zip(names, (*spent[0], *spent[1]), strict=True)), "kept_bytes": written}


def _size(folders: Iterable[Path]) -> int:
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*.parquet"))


def line(sizes: list[float], costs: list[float]) -> tuple[float, float]:
    """Least squares: the fixed cost, and that of one customer."""
    import numpy as np

    each, fixed = np.polyfit(sizes, costs, 1)
    return float(fixed), float(each)


def _child(folder: Path, *words: str) -> str:
    around = os.environ | {"PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"}
    command = [sys.executable, "-m", "benchmarks.spark", *words]
    done = subprocess.run(command, cwd=folder, env=around, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1] if done.stdout else ""


def tell(found: list[dict[str, float]]) -> None:
    """The measurements, the line through them, and where it leads."""
    print(f"{'customers':>12} {'features':>10} {'scores':>10} {'wall':>10}   CPU s, CPU s, s")
    for row in found:
        wall = row["features_wall"] + row["scores_wall"]
        print(f"{row['customers']:>12,.0f} {row['features_cpu']:>10.0f} {row['scores_cpu']:>10.0f} {wall:>10.0f}")
    sizes = [row["customers"] for row in found]
    fixed, each = line(sizes, [row["features_cpu"] + row["scores_cpu"] for row in found])
    kept = line(sizes, [row["kept_bytes"] for row in found])[1]
    print(
        f"\na night = {fixed:.0f} CPU s + {1e6 * each:.0f} CPU s per million customers; {kept / 1e3:.1f} kB kept of each"
    )
    print(f"\n{'extrapolated':>12} {'core hours':>12} {'kept, GB':>10}   the line drawn further, not measured")
    for customers in FURTHER:
        hours = (fixed + each * customers) / 3600
        print(f"{customers:>12,} {hours:>12.1f} {kept * customers / 1e9:>10.0f}")


def main() -> None:
    """Nights on Spark for more and more customers, each in a process of its own."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    asked.add_argument("--customers", type=int, default=BASE, help="simulated; the others are their copies")
    asked.add_argument("--tiles", type=int, nargs="+", default=TILES, help="how often they stand side by side")
    asked.add_argument("--out", type=Path, help="JSON file for the measurements")
    asked.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    asked.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.prepare:
        _prepare(given.customers)
    elif given.one:
        print(json.dumps(_measured(given.one)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            _child(Path(folder), "--prepare", "--customers", str(given.customers))
            found = [json.loads(_child(Path(folder), "--one", str(tiles))) for tiles in given.tiles]
        tell(found)
        if given.out:
            given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
