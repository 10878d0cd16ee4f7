"""What new files cost a night: those with a new customers file and one new usage file against nights with nothing new.

`python -m benchmarks.reading` prints the ratio of user CPU of whole nights in turn, each in a process of its own, and that
of their reading alone; 1 where whole nights are above the bar. `--raw` reads all raw files of the operator anew, once, and
prints its CPU: the command to compare two versions of the code with.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import date, timedelta

import numpy as np
import pandas as pd

from benchmarks.asked import CONFIG, NIGHT
from benchmarks.measure import ROOT
from benchmarks.operator import CUSTOMERS, RAW, simulate
from models.targets.registry import TARGETS
from pipelines.flows import dataset, nightly, retrain
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.workspace import bundles
from pipelines.workspace.progress import Steps

BAR = 1.3
MOVED = 0.003
"""Share of the customers whose region is another in the next customers file."""


def user_cpu() -> float:
    """Seconds of this process so far."""
    return os.times().user


def learn() -> None:
    """Champions without a registry, which a night does not ask; whom they learn from does not matter here."""
    project = Project.open(CONFIG, **{"training.most_rows": 10_000})
    data = dataset.dataset(project, NIGHT, list(TARGETS), Steps(quiet=True))
    for target in TARGETS:
        trained = retrain.learn(project, data, target, Steps(quiet=True))
        bundles.install(project.workspace, target, f"{target}/1", trained.model.to_files())


def night(as_of: date) -> None:
    """Run a night in this process; its CPU and that of its reading to stdout, as JSON."""
    project = Project.open(CONFIG)
    before = user_cpu()
    files = project.tables(as_of).files["read"]
    reading = user_cpu() - before
    nightly.run(Night(project, as_of, Steps(quiet=True)))
    print(json.dumps({"night": user_cpu(), "reading": reading, "files": files}))


def deliver(as_of: date) -> None:
    """A customers file in which some have moved, and a usage file of the days before a night."""
    rng, path = np.random.default_rng(as_of.toordinal()), RAW / "cust_main.csv"
    people = pd.read_csv(path, dtype=str, encoding="gbk", keep_default_na=False)
    moved = rng.random(len(people)) < MOVED
    people["地市编码"] = people["地市编码"].where(~moved, rng.permutation(people["地市编码"].to_numpy()))
    people.to_csv(path, index=False, encoding="gbk", lineterminator="\n")
    rows = pd.read_parquet(RAW / "usage" / f"usage_{NIGHT - timedelta(days=1):%Y%m}.parquet")
    week = rows[rows["使用时间"] >= rows["使用时间"].max() - pd.Timedelta(days=1)].dropna()
    late = (pd.Timestamp(as_of) - pd.Timedelta(hours=12)) - week["使用时间"].min()
    fresh = week.assign(使用时间=week["使用时间"] + late, 入库时间=pd.Timestamp(as_of) - pd.Timedelta(hours=2))
    fresh.to_parquet(RAW / "usage" / f"usage_{as_of:%Y%m%d}.parquet")


def read_all() -> None:
    """Read all raw files anew in this process; its CPU to stdout, as JSON."""
    project = Project.open(CONFIG)
    before = user_cpu()
    project.tables(NIGHT)
    print(json.dumps({"reading": user_cpu() - before}))


def spent(part: str, *values: str) -> dict[str, float]:
    """What a part of this module prints of itself, run in a process of its own in the current folder."""
    command = [sys.executable, "-m", "benchmarks.reading", "--part", part, *values]
    around = os.environ | {"PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(command, env=around, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout or b"{}")
    return found


def nights(count: int) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """So many nights with nothing new, and as many with new files, in turn; what each cost.

    A first night, which reads all files, comes before them and does not count. The last is that of the newest data: nights
    after it would stop, for nothing else is delivered.
    """
    quiet, busy, day = [], [], NIGHT - timedelta(days=2 * count)
    spent("night", day.isoformat())
    for _ in range(count):
        day += timedelta(days=1)
        quiet.append(spent("night", day.isoformat()))
        day += timedelta(days=1)
        deliver(day)
        busy.append(spent("night", day.isoformat()))
    return quiet, busy


def compared(count: int) -> int:
    """Print what nights with and without new files cost, and their ratio; 1 where it is above the bar."""
    quiet, busy = nights(count)
    for name, costs in (("nothing new", quiet), ("new files", busy)):
        means = {key: statistics.mean(cost[key] for cost in costs) for key in ("night", "reading", "files")}
        print(
            f"{name:12} night {means['night']:.1f} s, its reading {means['reading']:.2f} s, {means['files']:.0f} files"
        )
    ratio = sum(cost["night"] for cost in busy) / sum(cost["night"] for cost in quiet)
    print(f"ratio {ratio:.3f} x CPU, bar {BAR}")
    return int(ratio > BAR)


PARTS = {"simulate": simulate, "learn": learn, "night": lambda day: night(date.fromisoformat(day)), "raw": read_all}


def main(arguments: list[str] | None = None) -> int:
    """Measure; 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000, help="of the simulated operator (20,000)")
    parser.add_argument("--nights", type=int, default=2, help="of each kind (2)")
    parser.add_argument("--raw", action="store_true", help="only read all raw files of the operator, anew")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.part:
        PARTS[asked.part[0]](*asked.part[1:])
        return 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        CUSTOMERS.write_text(str(asked.customers), encoding="utf-8")
        spent("simulate")
        if asked.raw:
            print(f"reading all raw files: {spent('raw')['reading']:.1f} s of CPU")
            return 0
        spent("learn")
        return compared(asked.nights)


if __name__ == "__main__":
    sys.exit(main())
