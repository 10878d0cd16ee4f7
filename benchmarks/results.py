"""`make results`: every figure of the three demo sets from one command, as pages, as JSON and as the table of docs/results.md.

Each set is backtested on the date of its configuration, the final window opened once. What is written:
`docs/results/<set>.md`, the page and the Parquet file of its workspace, `workspace/results.json` with a row per
{dataset, target, model, metric, value, low, high}, and the tables between the marks of docs/results.md. Sets named on the
command line are run; figures of the others are those of their newest Parquet file here, and a set that was never run here
leaves the table. Figures of `python -m benchmarks.campaigns`, where it was run, stand in the JSON file too, and so does what was to
be reached from scores to money (`benchmarks.reached`: name, value, bar, met), each from the file that its benchmark wrote; the short benchmarks
are run where they were not. `--reached` runs nothing else and prints these. `--companies` tells
what `python -m benchmarks.companies` has found.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import audience, campaigns, companies, exports, reached
from pipelines.cli import backtests
from pipelines.delivery import backtest_page
from pipelines.demo import raw_files
from pipelines.flows import backtest
from pipelines.project import Project
from pipelines.workspace import files
from pipelines.workspace.progress import Steps

SETS = ("cdnow", "complete-journey", "operator")
OUT, PAGE = Path("workspace/results.json"), Path("docs/results.md")
COLUMNS = ["dataset", "target", "model", "metric", "value", "low", "high"]
SHOWN = {
    "churn": ("auc", "average_precision", "brier", "ece", "captured_value_at_10pct"),
    "value": ("normalised_gini", "mae", "total_bias", "coverage"),
    "vip": ("average_precision", "auc", "precision_at_1pct", "precision_at_5pct", "ece"),
}
"""Target -> the metrics that the table shows."""


def config(name: str) -> Path:
    """Of a demo set."""
    return Path("configs") / f"{name}.yaml"


def run(name: str) -> None:
    """Backtest one set, and write what it tells."""
    project, steps = Project.open(config(name)), Steps("en")
    demo = project.settings.demo
    raw_files.make(name, demo.customers, demo.seed)
    as_of = project.day()
    results = backtest.run(project, as_of, project.targets(), 1, steps)
    told = backtest.told(project, as_of, results)
    backtest.write_figures(project, told)
    backtest_page.write_page(project.workspace.backtest_page(as_of), told, "en")
    files.write_text(Path("docs/results") / f"{name}.md", backtests.markdown(project, as_of, results))


def figures(names: Sequence[str] = SETS) -> pd.DataFrame | None:
    """The figures of every set that has been run, in the columns of the Parquet file; None where none was."""
    found = []
    for name in names:
        project = Project.open(config(name))
        path = project.workspace.backtest(project.day())
        if path.exists():
            found.append(pd.read_parquet(path).assign(dataset=name))
    return pd.concat(found, ignore_index=True) if found else None


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """What the JSON file holds: each candidate on the final window; bounds that are not known are null."""
    kept = table[table["window"].eq("judged") & table["group"].isna() & ~table["metric"].isin(["promised", "observed"])]
    return json.loads(kept[COLUMNS].to_json(orient="records", double_precision=6))


def lines(table: pd.DataFrame) -> list[str]:
    """The Markdown table of docs/results.md: the rule, the chosen model, and how far it is ahead."""
    told = ["| | measure | rule | chosen model | ahead by |", "|---|---|---|---|---|"]
    judged = table[table["window"].eq("judged") & table["group"].isna()]
    leads = table[table["window"].eq("lead")].set_index(["dataset", "target", "metric"])
    for (name, target), part in judged.groupby(["dataset", "target"], sort=False):
        for metric in SHOWN[target]:
            found = part[part["metric"].eq(metric)]
            if found["value"].isna().all():
                continue
            rule, chosen = (found[found["model"].eq("rule")], found[found["chosen"]])
            about = f"{name}, {target}" if metric == SHOWN[target][0] else ""
            ahead = _interval(leads.loc[(name, target, metric)], "+") if (name, target, metric) in leads.index else ""
            cells = [_interval(one.iloc[0]) for one in (rule, chosen)]
            told.append(f"| {about} | {metric} | {cells[0]} | {cells[1]} {chosen['model'].iloc[0]} | {ahead} |")
    return told


def _interval(row: pd.Series, sign: str = "") -> str:
    value, low, high = (_number(row[key], sign) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _number(value: float, sign: str) -> str:
    return f"{value:{sign}.3f}" if abs(value) < 10 else f"{value:{sign}.1f}"


def company_lines(found: list[dict[str, Any]]) -> list[str]:
    """The bars of the simulated companies as Markdown: of all, and of those whose tables were delivered whole."""
    table, whole = companies.bars(found), [one for one in found if one["company"].get("gap") is None]
    apart = companies.bars(whole) if whole else table.iloc[:0]
    within = dict(zip(apart["bar"], apart["within"], strict=True))
    told = [
        f"{len(found)} companies, {int(table['n'].iloc[0])} of them with a model that was published; {len(whole)} without a gap.",
        "",
        "| bar | companies within it | those without a gap | of right probabilities, by chance | wanted |",
        "|---|--:|--:|--:|--:|",
    ]
    for row in table.to_dict("records"):
        cells = [
            _percent(row["within"]),
            _percent(within.get(row["bar"])),
            _percent(row["by_chance"]),
            _percent(row["wanted"]),
        ]
        told.append(f"| {row['bar']} | " + " | ".join(cells) + " |")
    return told


def _percent(share: float | None) -> str:
    return "" if share is None or pd.isna(share) else f"{share:.0%}"


def replaced(page: str, mark: str, told: Sequence[str]) -> str:
    """A page with other lines between `<!-- mark -->` and `<!-- /mark -->`. Raises ValueError without these."""
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.S)
    if not pattern.search(page):
        raise ValueError(f"the page has no marks <!-- {mark} --> and <!-- /{mark} -->")
    return pattern.sub(lambda found: found[1] + "\n".join(told) + "\n" + found[2], page)


def write_json(table: pd.DataFrame | None) -> None:
    """The JSON file: figures of the sets that were run here, of campaigns, and what was to be reached."""
    known = [] if table is None else rows(table)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(OUT, known + campaign_rows() + [one.as_row() for one in reached.reached()])


def run_missing() -> None:
    """Run the short benchmarks of what was to be reached that have no file here: about ten minutes together, most of it 2,000 campaigns, for 200 are too few to tell."""
    for benchmark in (audience, campaigns, exports):
        if not benchmark.OUT.exists():
            subprocess.run([sys.executable, "-m", benchmark.__name__], check=True)


def write(table: pd.DataFrame) -> None:
    """The JSON file and the table of the sets in docs/results.md."""
    write_json(table)
    files.write_text(PAGE, replaced(PAGE.read_text(encoding="utf-8"), "figures", lines(table)))


def campaign_rows() -> list[dict[str, Any]]:
    """What `python -m benchmarks.campaigns` has found here, as rows of the JSON file; none where it was not run."""
    if not campaigns.OUT.exists():
        return []
    found = json.loads(campaigns.OUT.read_text(encoding="utf-8"))
    head = {"dataset": "simulated campaigns", "low": None, "high": None}
    told = []
    for name, known in found.items():
        world, _, outcome = name.partition(", ")
        told += [head | {"target": outcome, "model": world, "metric": key, "value": known[key]} for key in known]
    return [{column: row[column] for column in COLUMNS} for row in told]


def write_companies() -> None:
    """The table of the companies in docs/results.md, as workspace/companies.json has them."""
    found = json.loads(companies.OUT.read_text(encoding="utf-8"))
    files.write_text(PAGE, replaced(PAGE.read_text(encoding="utf-8"), "companies", company_lines(found)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"{', '.join(SETS)}; all when left out")
    parser.add_argument("--written", action="store_true", help="run nothing; tell the sets that have been run here")
    parser.add_argument(
        "--companies", action="store_true", help="run nothing; tell the companies that have been told here"
    )
    parser.add_argument(
        "--reached",
        action="store_true",
        help="run no set; what was to be reached from scores to money, measured if it is not",
    )
    asked = parser.parse_args()
    if unknown := set(asked.sets) - set(SETS):
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    if asked.companies:
        write_companies()
    else:
        for each in () if asked.written or asked.reached else asked.sets or SETS:
            run(each)
        if not asked.written:
            run_missing()
        known = figures()
        if known is None or asked.reached:
            write_json(known)
        else:
            write(known)
        print(reached.table(reached.reached()))
    print(f"{OUT} {PAGE}")
