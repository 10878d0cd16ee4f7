"""`make bench`: every part in a process of its own, all in one run, told as ratios and held against the bars.

The table goes to the terminal, the list of {name, customers, value, bar, met, unit} to a JSON file. Seconds are those
of the work; what a process spends on imports and on opening the project before is a line of its own.
This process imports nothing heavy: what it holds would count as the peak of every child.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measure import ROOT, Cost, child

OUT = Path("workspace/bench.json")
GB = 1e9
REPEATED = (
    "scan", "night_features", "subset_by_us", "subset_by_sql", "subset_by_pandas", "reasons_fast", "reasons_own", "night",
)  # fmt: skip
ONCE = ("together", "one_by_one", "equality", "same_reasons")
FULL_SIZE = 1_000_000
"""The customers for which the bar of memory was set: fewer can break it, but not meet it."""


@dataclass(frozen=True)
class Line:
    """One figure. `bar` None: no bar for it. `met` None: this run cannot tell."""

    name: str
    customers: int
    value: float
    bar: str | None
    met: bool | None
    unit: str


def at_most(name: str, value: float, bar: float, unit: str = "x CPU") -> tuple:
    return name, value, f"<= {bar:g}", value <= bar, unit


def at_least(name: str, value: float, bar: float, unit: str = "x CPU") -> tuple:
    return name, value, f">= {bar:g}", value >= bar, unit


def plain(name: str, value: float, unit: str) -> tuple:
    return name, value, None, None, unit


def figures(costs: dict[str, Cost], customers: int) -> Iterator[tuple]:
    yield from of_features(costs)
    yield from of_rivals(costs)
    yield from of_reasons(costs)
    yield from of_night(costs, customers)
    for name in ("scan", "night_features", "subset_by_us", "subset_by_sql", "subset_by_pandas", "night"):
        yield plain(f"{name}: CPU of the work", costs[name].cpu, "s")
        yield plain(f"{name}: wall", costs[name].wall, "s")
        yield plain(f"{name}: peak of the process", costs[name].peak / GB, "GB")
    yield plain("night: CPU of imports before the work", costs["night"].process_cpu - costs["night"].cpu, "s")
    yield plain("raw files to canonical tables: CPU", costs["read"].cpu, "s")
    yield plain("raw files to canonical tables: peak", costs["read"].peak / GB, "GB")


def of_features(costs: dict[str, Cost]) -> Iterator[tuple]:
    yield at_most("features of one night / raw scan", costs["night_features"].cpu / costs["scan"].cpu, 12)
    ratio = costs["together"].cpu / costs["one_by_one"].cpu
    yield at_most("twelve snapshots at once / twelve single builds", ratio, 0.35)


def of_rivals(costs: dict[str, Cost]) -> Iterator[tuple]:
    ours, sql, pandas = (costs[f"subset_by_{name}"] for name in ("us", "sql", "pandas"))
    yield at_most("subset of features / SQL by hand", ours.cpu / sql.cpu, 1.15)
    yield at_most("subset of features / pandas", ours.cpu / pandas.cpu, 0.6)
    yield at_most("subset of features / pandas, peak of the process", ours.peak / pandas.peak, 0.3, "x memory")
    added = (ours.peak - ours.start) / (pandas.peak - pandas.start)
    yield plain("subset of features / pandas, peak above that of imports", added, "x memory")
    for name in ("sql", "pandas"):
        difference = costs["equality"].facts[name]
        yield at_most(f"subset of features - {name}, largest difference", difference, 1e-6, "relative")


def of_reasons(costs: dict[str, Cost]) -> Iterator[tuple]:
    fast, own = costs["reasons_fast"], costs["reasons_own"]
    if fast.facts["method"] != "woodelf":
        raise RuntimeError("the fast reasons fell back to LightGBM's own: nothing to compare")
    yield at_least("reasons: pred_contrib / woodelf", own.cpu / fast.cpu, 15)
    difference = costs["same_reasons"].facts["difference"]
    yield at_most("reasons: largest difference", difference, 1e-5, "log-odds")
    yield plain("reasons: woodelf", fast.facts["rows"] / fast.cpu, "rows per CPU s")
    yield plain("reasons: pred_contrib", own.facts["rows"] / own.cpu, "rows per CPU s")


def of_night(costs: dict[str, Cost], customers: int) -> Iterator[tuple]:
    night = costs["night"]
    yield at_most("whole night / raw scan", night.cpu / costs["scan"].cpu, 100)
    yield plain(
        "whole night with new raw files / raw scan", (night.cpu + costs["read"].cpu) / costs["scan"].cpu, "x CPU"
    )
    most = max(night.peak, costs["read"].peak)
    name, value, bar, met, unit = at_most("whole night with new raw files, peak", most / GB, 2.5, "GB")
    yield name, value, bar, (met if customers >= FULL_SIZE or not met else None), unit


def measured(folder: Path, customers: int, repeats: int) -> dict[str, Cost]:
    """Every part's cost, by name; the project is made in the folder first."""
    (folder / "customers.json").write_text(str(customers), encoding="utf-8")
    costs = {}
    for name in ("simulate", "read", "learn", *REPEATED, *ONCE):
        costs[name] = child(name, folder, repeats if name in REPEATED else 1)
        print(
            f"{name:18} {costs[name].cpu:8.2f} CPU s {costs[name].peak / GB:6.2f} GB  {told(costs[name])}", flush=True
        )
    return costs


def told(cost: Cost) -> str:
    return ", ".join(f"{name} {value}" for name, value in cost.facts.items())


def table(lines: list[Line]) -> str:
    """Markdown, so that a page can quote it."""
    words = {True: "yes", False: "NO", None: "-"}
    rows = [f"| {n.name} | {n.value:.3g} | {n.unit} | {n.bar or '-'} | {words[n.met]} |" for n in lines]
    return "\n".join(["| measured | value | unit | bar | met |", "|---|---|---|---|---|", *rows])


def run(customers: int, repeats: int, out: Path) -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        costs = measured(Path(folder), customers, repeats)
    lines = [Line(n, customers, v, bar, met, unit) for n, v, bar, met, unit in figures(costs, customers)]
    out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(line) for line in lines], indent=1)
    out.write_text(text + "\n", encoding="utf-8")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--customers", type=int, default=20_000, help="numbers of the simulated operator, 20,000 if not told"
    )
    parser.add_argument("--repeats", type=int, default=3, help="processes per part; medians are told")
    parser.add_argument("--out", type=Path, default=ROOT / OUT, help="the JSON file")
    chosen = parser.parse_args()
    print("\n" + table(run(chosen.customers, chosen.repeats, chosen.out)) + f"\n\n{chosen.out}")


if __name__ == "__main__":
    main()
