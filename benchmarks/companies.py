"""Simulated companies that nobody tuned anything to: what training publishes, judged on the next window that it has not seen.

`python -m benchmarks.companies` takes one after the other, up to 40, and goes on where it stopped: every company is kept
in workspace/companies.json as soon as it is told. Each has its own size, history, level of churn, trend, season, tables
and gap. A training as on one date ships a model; what it says of that date's customers is held against what became of them
in the window that begins there, of which nothing was known. `--table` prints what is there.

With some hundreds of customers leaving, a model whose every probability is right is off by chance, too. So each bar is
told with what such a model would reach: its leavers are drawn from the published probabilities themselves (`by_chance`).
"""

import argparse
import json
import shutil
import tempfile
import time
from contextlib import chdir
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from benchmarks.measure import ROOT
from benchmarks.shipping import splits
from features.errors import HeadwaterError
from models import training
from models.evaluation import gates, judging
from models.snapshots import Rows
from models.splits import Split
from models.targets.registry import TARGETS
from models.training import Trained
from pipelines.demo.simulator.people import Market
from pipelines.demo.simulator.simulate import END, simulate
from pipelines.flows import dataset
from pipelines.flows.retrain import MACHINE
from pipelines.project import Project
from pipelines.workspace import files
from pipelines.workspace.progress import Steps

OUT = Path("workspace/companies.json")
COUNT, TARGET, TOP = 40, "churn", 0.05
DRAWS = 200
"""Windows that are drawn from a company's own probabilities."""
OPTIONAL = ("subscriptions", "payments", "complaints", "contacts", "surveys", "consents")
RAW = Path("data/operator/raw")
FILES = {"usage": "usage/usage_{}.parquet", "bills": "bill_{}.parquet"}


@dataclass(frozen=True)
class Company:
    """How one company differs from the others.

    Attributes
    ----------
    number
        Its seed, too.
    customers
        Numbers that it has given out.
    months
        Of history, until the end of the simulation.
    market
        How its customers behave.
    without
        Tables that it does not have.
    gap
        Table and month of which nothing was ever delivered; None where nothing is missing.
    """

    number: int
    customers: int
    months: int
    market: Market
    without: tuple[str, ...]
    gap: tuple[str, str] | None

    @classmethod
    def of(cls, number: int) -> "Company":
        """The same number is the same company."""
        rng = np.random.default_rng(number)
        months = int(rng.integers(18, 31))
        market = Market(
            churn=float(np.exp(rng.uniform(np.log(0.5), np.log(2.2)))),
            trend=float(rng.normal(0, 0.3)),
            season=float(rng.choice([0.0, 0.2, 0.4])),
            worst=int(rng.integers(1, 13)),
            unseen=float(rng.uniform(0.2, 0.9)),
            bound=float(rng.uniform(0.1, 0.9)),
        )
        without = tuple(name for name in OPTIONAL if rng.random() < 0.3)
        table, back = str(rng.choice(["", "usage", "bills"])), int(rng.integers(6, 11))
        gap = (table, f"{pd.Timestamp(END) - pd.DateOffset(months=back):%Y%m}") if table else None
        return cls(number, int(rng.integers(1_500, 3_001)), months, market, without, gap)

    @property
    def start(self) -> date:
        """The first simulated day."""
        return (pd.Timestamp(END) - pd.DateOffset(months=self.months)).date()


def make(company: Company, folder: Path) -> Path:
    """Its raw files and its configuration in a folder; the path of the latter in there."""
    simulate(folder / RAW, company.customers, company.number, company.start, END, company.market)
    if company.gap:
        table, month = company.gap
        (folder / RAW / FILES[table].format(month)).unlink()
    shutil.copytree(ROOT / "configs", folder / "configs")
    mapping = _read(folder / "configs/mappings/operator.yaml")
    mapping["tables"] = {name: table for name, table in mapping["tables"].items() if name not in company.without}
    _write(folder / "configs/mappings/operator.yaml", mapping)
    settings = _read(folder / "configs/operator.yaml") | {"threads": 1}
    if "complaints" in company.without:
        settings["features"].pop("topics")
    if company.gap:
        settings["quality"]["gaps"] = False  # the night stops (E421); overridden, the hole counts as nothing
    if "consents" in company.without:
        settings["contact"] = {"consent": "assumed"}
    _write(folder / "configs/operator.yaml", settings)
    return Path("configs/operator.yaml")


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def published(trained: Trained, project: Project) -> str:
    """What a retraining would make the first champion: the winner, the rule, or nothing."""
    for name in dict.fromkeys((trained.winner, "rule")):
        if gates.decide(trained, None, project.settings.gates, name).passed:
            return name
    return "nothing"


def told(company: Company) -> dict[str, Any]:
    """Train as on one date, and judge what is shipped on the window that begins there."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as temporary, chdir(temporary):
        project = Project.open(make(company, Path(temporary)))
        tables = project.tables(END)
        first = dataset.earliest_date(tables.tables, project.settings.protocol)
        then, later = splits(project, END, project.settings.protocol, first)[TARGET]
        data = dataset.snapshots(project, END, tables, {"then": then, "later": later}, Steps(quiet=True))
        chosen = project.settings.training.model_copy(update={"threads": 1, "seed": project.settings.seed})
        known = data.frame[pd.to_datetime(data.frame["as_of"]).dt.date.isin(then.dates)]
        trained = training.train(TARGET, known, then, chosen, data.features)
        figures = judged(trained, published(trained, project), _rows(data, later, chosen))
    about = {"company": asdict(company), "as_of": later.final.isoformat(), "dates": len(then.every)}
    return about | figures | {"cpu": round(time.process_time() - began, 1)}


def _rows(data: dataset.Dataset, later: Split, settings: Any) -> Rows:
    return Rows(TARGETS[TARGET], data.frame, later, data.features, settings)


def judged(trained: Trained, name: str, rows: Rows) -> dict[str, Any]:
    """Every figure of the window that nothing has seen: of what is published, of the rule, of each candidate."""
    seen = rows.judged(rows.final.open())
    X, outcome, score = rows.parts(seen)[0], rows.outcome(seen), rows.target.score
    models = dict(trained.candidates) | ({name: trained.shipped[name]} if name in trained.shipped else {})
    scores = {model: made.outputs(X)[score].to_numpy(dtype=float) for model, made in models.items()}
    auc = outcome.task.metrics["auc"]
    areas = {model: float(auc(outcome.y, told, outcome.value)) for model, told in scores.items()}
    found = {
        "winner": trained.winner,
        "published": name,
        "n": len(seen),
        "positives": int(outcome.y.sum()),
        "auc": areas,
    }
    if name not in scores:
        return found
    weights = judging.resamples(outcome.customers, rows.settings.resamples, rows.settings.seed)
    lead = judging.advantage(outcome, scores[name], scores["rule"], "auc", weights)
    level = level_figures(outcome.y, scores[name])
    drawn = by_chance(scores[name], rows.settings.seed)
    return found | {"lead": asdict(lead), **level, "by_chance": drawn}


def level_figures(y: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Observed over expected of everybody and of the likeliest 5 %, and the expected calibration error.

    Parameters
    ----------
    y
        Who left, 0 or 1.
    probability
        What was said of them, as many.
    """
    ece = TARGETS[TARGET].task.metrics["ece"]
    top = np.argsort(-probability, kind="stable")[: max(1, round(len(y) * TOP))]
    return {
        "level": float(y.sum() / probability.sum()),
        "top_level": float(y[top].sum() / probability[top].sum()),
        "ece": float(ece(y, probability, y)),
    }


BARS = {"level": (0.9, 1.1), "ece": (0.0, 0.02), "top_level": (0.85, 1.15)}
"""Lower and upper bounds."""


def by_chance(probability: np.ndarray, seed: int) -> dict[str, float]:
    """In which share of windows a model would be within each bar if every one of its probabilities were right."""
    rng = np.random.default_rng(seed)
    drawn = [
        level_figures((rng.random(len(probability)) < probability).astype(float), probability) for _ in range(DRAWS)
    ]
    return {name: float(np.mean([low <= one[name] <= high for one in drawn])) for name, (low, high) in BARS.items()}


def bars(companies: list[dict[str, Any]]) -> pd.DataFrame:
    """Every bar: how many companies are within it, how many by chance alone would be, and how many should.

    Parameters
    ----------
    companies
        As `told` has told them.

    Returns
    -------
    pandas.DataFrame
        bar, within, by_chance (shares; null where it is no matter of chance), wanted, n.
    """
    known = [one for one in companies if "lead" in one]
    rows: list[dict[str, Any]] = [
        {
            "bar": f"{name} {low:g}–{high:g}",
            "within": float(np.mean([low <= one[name] <= high for one in known])),
            "by_chance": float(np.mean([one["by_chance"][name] for one in known])),
            "wanted": 0.95,
        }
        for name, (low, high) in BARS.items()
    ]
    best = [max(one["auc"].values()) - one["auc"][one["published"]] for one in known]
    not_below = [one["lead"]["high"] >= 0 for one in known]
    rows.append({"bar": "not below the rule by more than chance", "within": float(np.mean(not_below)), "wanted": 0.95})
    near = float(np.mean(np.array(best) <= 0.005))
    rows.append({"bar": "AUC within .005 of the best candidate", "within": near, "wanted": 0.9})
    return pd.DataFrame(rows).assign(n=len(known))


def run(count: int, out: Path = OUT) -> list[dict[str, Any]]:
    """Tell every company that has not been told yet; a company that cannot be trained is kept with its reason."""
    found = json.loads(out.read_text(encoding="utf-8")) if out.exists() else []
    done = {one["company"]["number"] for one in found}
    out.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        if number not in done:
            found.append(_told_or_why(Company.of(number)))
            files.write_json(out, found)
            print(line(found[-1]), flush=True)
    return found


def _told_or_why(company: Company) -> dict[str, Any]:
    """What a company lacks is a result, too; a fault of ours ends the run."""
    try:
        return told(company)
    except HeadwaterError as error:
        if error.exit_code == MACHINE:
            raise
        return {"company": asdict(company), "published": "nothing", "why": error.problem.code}


def line(one: dict[str, Any]) -> str:
    """A company in a line."""
    if "why" in one:
        return f"{one['company']['number']:>3}  nothing  {one['why']}"
    about = f"{one['company']['number']:>3}  {one['published']:<8} {one['positives']:>4} of {one['n']:<5}"
    if "lead" not in one:
        return about
    area = one["auc"][one["published"]]
    figures = f"O/E {one['level']:.2f}  top {one['top_level']:.2f}  ECE {one['ece']:.3f}"
    return f"{about} {figures}  AUC {area:.3f} ({one['lead']['value']:+.3f} over the rule)  {one['cpu']:.0f} s"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="tell what is there, and simulate nothing")
    asked = parser.parse_args()
    companies = json.loads(asked.out.read_text(encoding="utf-8")) if asked.table else run(asked.count, asked.out)
    print(bars(companies).round(3).to_string(index=False))
