"""The project that is measured: the shipped operator in a folder of its own, with champions and canonical tables."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from benchmarks import tiles
from benchmarks.asked import NOTE, RAW_TILED
from benchmarks.measure import ROOT
from benchmarks.needed import needed
from models.learners import Trees
from pipelines import retrain, simulator
from pipelines.assembly import Assembly
from pipelines.progress import Steps
from pipelines.project import Project

NIGHT = date(2026, 11, 1)
SEED = 7
CONFIG = Path("configs/operator.yaml")
RAW = Path("data/operator/raw")
ROWS, CUSTOMERS = Path("rows.npy"), Path("customers.json")
TREES: dict[str, dict[str, int]] = {"default": {}, "reference": {"leaves": 31, "depth": 6}}
"""Trees as the shipped settings make them, and as those with which the bar of reasons was set."""
EXPLAINED = 100_000
"""Rows whose reasons are made at once: a chunk of customers, as in a night."""
QUICK: dict[str, dict[str, Any]] = {
    "protocol": {"count": 7},
    "gates": {"positives": 5, "calibration": 0.2, "bias": 0.5, "slice_loss": 1.0, "beat_rule": False},
    "training": {
        "resamples": 20,
        "min_positives": 5,
        "refit": False,
        "candidates": {target: ["trees"] for target in ("churn", "value", "vip")},
    },
}
"""Laid over the shipped settings: how well the models do is not the subject here, and few customers must pass."""


def configure(folder: Path) -> None:
    shutil.copytree(ROOT / "configs", folder / "configs")
    path = folder / CONFIG
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(laid(settings, QUICK), allow_unicode=True), encoding="utf-8")


def laid(settings: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Settings with others laid over them, key by key."""
    both = {k: laid(settings.get(k) or {}, v) if isinstance(v, dict) else v for k, v in over.items()}
    return settings | both


def simulate() -> dict[str, Any]:
    """Raw files and settings in the current folder, for as many customers as `customers.json` there says."""
    configure(Path.cwd())
    customers = json.loads(CUSTOMERS.read_text(encoding="utf-8"))
    simulator.simulate(RAW, customers, SEED)
    return {"customers": customers}


def learn() -> dict[str, Any]:
    """Champions for the night; and trees with the rows that they are to explain."""
    project = Project.open(CONFIG)
    names, steps = ["churn", "value", "vip"], Steps(quiet=True)
    found = retrain.run(project, NIGHT, names, steps, promote=True)
    note(project)
    keep_trees(project)
    return {"champions": {made["target"]: made["winner"] for made in found}}


def keep_trees(project: Project) -> None:
    """Trees on one night's features: whose numbers they predict does not matter here."""
    assembly = Assembly(project, project.tables(NIGHT), [NIGHT])
    wide = pd.concat(assembly.snapshots()).drop(columns=["customer_id", "as_of"])
    random = np.random.default_rng(SEED)
    goal = (wide["arpu_3m"] > wide["arpu_3m"].median()).to_numpy(dtype=float)
    goal = np.where(random.random(len(goal)) < 0.3, 1 - goal, goal)
    for name, shape in TREES.items():
        learner = Trees(min_rows=20, threads=project.settings.threads).set_params(**shape).fit(wide, goal)
        trees_file(name).write_text(learner.texts()["trees"], encoding="utf-8")
    rows = learner.encoder_.transform(wide)
    many = rows[random.integers(0, len(rows), EXPLAINED)]
    np.save(ROWS, many * random.uniform(0.9, 1.1, many.shape).astype(many.dtype))  # no two rows alike


def trees_file(name: str) -> Path:
    return Path(f"trees_{name}.txt")


def tile(folder: Path) -> dict[str, Any]:
    """The customers of the project as many times as the name of the folder says."""
    project = Project.open(CONFIG)
    found = tiles.tile(project.tables(NIGHT), folder, int(folder.name), project.settings.threads)
    return {"rows": sum(count.used for count in found.counts.values())}


def tile_raw(folder: Path) -> dict[str, Any]:
    """The raw files that the subset of features needs, as many times as the name of the folder says."""
    count, since = int(folder.name), f"usage_{NIGHT - timedelta(days=430):%Y%m}.parquet"
    RAW_TILED.mkdir()
    tiles.tile_csv(RAW / "cust_main.csv", RAW_TILED / "cust_main.csv", count, place=0)
    tiles.tile_csv(RAW / "complaint.csv", RAW_TILED / "complaint.csv", count, place=1)
    usage = [path for path in sorted((RAW / "usage").glob("*.parquet")) if path.name >= since]
    for source in [*sorted(RAW.glob("bill_*.parquet")), *usage]:
        tiles.repeated(source, RAW_TILED / source.name, count, ("用户编号",))
    return {"files": len(list(RAW_TILED.iterdir()))}


def note(project: Project) -> None:
    """What the rivals must know of the project, so that they need not open it."""
    tables, rules = project.tables(NIGHT), project.settings.features
    newest = NIGHT - timedelta(days=rules.closing_days + rules.billed_in_arrears)
    facts = {
        "as_of": NIGHT.isoformat(),
        "cutoff": project.cutoff(NIGHT).isoformat(),
        "measures": tables.measures,
        "closed": newest.year * 12 + newest.month - 1,
        "threads": project.settings.threads,
        "needed": needed(project, tables, NIGHT),
    }
    NOTE.write_text(json.dumps(facts), encoding="utf-8")
