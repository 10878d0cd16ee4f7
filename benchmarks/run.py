"""`make bench`: every part in a process of its own, all in one run, told as ratios and held against the bars.

The table goes to the terminal, the list of {name, customers, value, bar, met, unit} to a JSON file, and a picture of it
beside that. Seconds are those of the work; what a process spends on imports and on opening the project is a line of its
own. This process imports nothing heavy: what it holds would count as the peak of every child.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

from benchmarks import bars, page
from benchmarks.bars import GB, Costs, Line, Size
from benchmarks.measure import ROOT, Cost, median, once

OUT = Path("workspace/bench.json")
SMALLEST, LARGEST = 1_000, 20_000
"""Customers that are simulated; more are tiles of them."""
MANY = 1_000_000
"""More customers than this are too many for rivals that hold all rows, and for what takes hours."""
FEATURETOOLS = ROOT / ".venv/featuretools/bin/python"


@dataclass(frozen=True)
class Task:
    """A part over so many tiles. `key` is what its cost is called; `left` says why it is not run."""

    key: str
    part: str
    tiles: int
    more: tuple[str, ...] = ()
    repeats: int = 1
    left: str = ""

    @property
    def command(self) -> list[str]:
        store = f"stores/{self.tiles}"
        if self.part == "featuretools":
            return [str(FEATURETOOLS), "-W", "ignore", "-m", "benchmarks.by_featuretools", "measured.json", store]
        return [sys.executable, "-m", "benchmarks.parts", "measured.json", self.part, store, *self.more]


def sized(customers: int, base: int | None = None) -> Size:
    """At least twenty tiles where the base is not too small for that: a tenth of the customers is measured too."""
    base = base or max(SMALLEST, min(LARGEST, customers // 20))
    return Size(base, max(1, customers // base))


def plan(size: Size, repeats: int) -> Iterator[Task]:
    """The parts of a run in their order, each with how often it is run."""
    yield from _prepared(size)
    yield from _of_features(size, repeats)
    yield from _of_few()
    for trees in bars.TREES:
        yield Task(f"fast_{trees}", "reasons_fast", 1, (trees,))
        yield Task(f"own_{trees}", "reasons_own", 1, (trees,))
        yield Task(f"same_{trees}", "same_reasons", 1, (trees,))
    yield Task("night_tenth", "night", size.tenth)
    yield Task("night", "night", size.tiles)
    little = "told from a million customers on" if size.customers < MANY else ""
    yield Task("night_tenth_after", "night", size.tenth, left=little)
    hours = "hours for so many customers" if size.customers > MANY else ""
    yield Task("together", "together", size.tiles, left=hours)
    yield Task("two", "two_of_twelve", size.tiles, left=hours)


def _prepared(size: Size) -> Iterator[Task]:
    for name in ("simulate", "read", "learn"):
        yield Task(name, name, 1)
    others = sorted({1, size.tenth} - {size.tiles})
    yield Task("tile", "tile", size.tiles, tuple(map(str, others)))
    yield Task("tile_raw", "tile_raw", size.tiles, left=_raw(size))


def _raw(size: Size) -> str:
    return "raw files of so many customers are not made" if size.customers > MANY else ""


def _of_features(size: Size, repeats: int) -> Iterator[Task]:
    held = "it holds all rows: too many for the memory of one machine" if size.customers > MANY else ""
    polars = "" if importlib.util.find_spec("polars") else "Polars is not installed (extra `bench`)"
    yield Task("scan", "scan", size.tiles, repeats=repeats)
    yield Task("night_features", "night_features", size.tiles, repeats=repeats)
    yield Task("us", "subset_by_us", size.tiles, repeats=repeats)
    yield Task("sql", "subset_by_sql", size.tiles, repeats=repeats)
    yield Task("raw_sql", "subset_by_raw_sql", size.tiles, left=_raw(size))
    yield Task("polars", "subset_by_polars", size.tiles, left=polars or held)
    yield Task("pandas", "subset_by_pandas", size.tiles, left=held)
    yield Task("equality", "equality", size.tiles)


def _of_few() -> Iterator[Task]:
    """featuretools is too slow for more than the base, so the others are measured on the base too."""
    left = "" if FEATURETOOLS.is_file() else "its environment is not there (`make bench` makes it)"
    yield Task("us_few", "subset_by_us", 1, left=left)
    yield Task("sql_few", "subset_by_sql", 1, left=left)
    yield Task("featuretools", "featuretools", 1, left=left)
    yield Task("equality_few", "equality", 1, left=left)


def chosen(size: Size, repeats: int, only: Sequence[str]) -> Iterator[Task]:
    """The plan; with `only`, no more than these after what they all need. Raises ValueError for a name that is none."""
    needed, tasks = {task.key for task in _prepared(size)}, list(plan(size, repeats))
    unknown = set(only) - {task.key for task in tasks}
    if unknown:
        raise ValueError(f"no part is called {', '.join(sorted(unknown))}")
    for task in tasks:
        wanted = not only or task.key in only or (task.key in needed and task.part != "tile_raw")
        yield task if wanted else replace(task, left=bars.LEFT_OUT)


def measured(folder: Path, size: Size, tasks: Iterable[Task]) -> Costs:
    """Every task's cost, or why there is none; the project is made in the folder first. Nothing stops at a failure."""
    (folder / "customers.json").write_text(str(size.base), encoding="utf-8")
    costs, runs = Costs({"machine": _machine()}), defaultdict[str, list[Cost]](list)
    for repeats, alike in groupby(tasks, key=lambda task: task.repeats):
        for task in list(alike) * repeats:  # in turn: what befalls the machine meanwhile befalls them all
            if why := task.left or costs.left.get(task.key):
                costs.left[task.key] = why
                continue
            print(f"{task.key:16}", end=" ", flush=True)
            try:
                runs[task.key].append(once(task.command, folder))
            except RuntimeError as error:
                costs.left[task.key] = str(error)
                print(error, flush=True)
                continue
            print(_said(runs[task.key][-1]), flush=True)
    costs.ran |= {key: median(found) for key, found in runs.items() if key not in costs.left}
    return costs


def _said(cost: Cost) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in cost.facts.items())
    return f"{cost.cpu:8.2f} CPU s {cost.wall:8.2f} s {cost.peak / GB:6.2f} GB  {facts}"


def _machine() -> Cost:
    """What the figures depend on beside the work."""
    return Cost(0, 0, 0, 0, 0, {"cores": os.cpu_count() or 1, "load": round(os.getloadavg()[0], 2)})


def _run(size: Size, tasks: Iterable[Task], out: Path) -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        costs = measured(Path(folder), size, tasks)
    lines = bars.lines(costs, size)
    out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(line) for line in lines], indent=1)
    out.write_text(text + "\n", encoding="utf-8")
    return lines


def main() -> None:
    """Run every part in a process of its own, and print the figures beside their bars."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000, help="numbers of the operator, 100,000 if not told")
    parser.add_argument("--base", type=int, help="how many of them are simulated; the rest are tiles of these")
    parser.add_argument(
        "--repeats",
        type=int,
        help="processes per part whose bar is near, in turn; medians are told; 3, or 1 above a million",
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="PART", help="these and what they need, e.g. scan night"
    )
    parser.add_argument("--out", type=Path, default=ROOT / OUT, help="the JSON file; the picture lies beside it")
    parser.add_argument("--docs", action="store_true", help="put table and picture into docs/performance.md too")
    asked = parser.parse_args()
    repeats = asked.repeats or (3 if asked.customers <= MANY else 1)
    size = sized(asked.customers, asked.base)
    lines = _run(size, list(chosen(size, repeats, asked.only)), asked.out)
    print(f"\n{page.table(lines)}\n\n{asked.out}")
    # in a process of its own: drawing needs libraries that this one must not load before it is done
    subprocess.run([sys.executable, "-m", "benchmarks.page", str(asked.out), *["--docs"] * asked.docs], check=True)


if __name__ == "__main__":
    main()
