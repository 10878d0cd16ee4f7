"""The project that is measured: the shipped operator in a folder of its own, with champions and canonical tables."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.measure import ROOT
from models.learners import Trees
from pipelines import retrain, simulator
from pipelines.progress import Steps
from pipelines.project import Project

NIGHT = date(2026, 11, 1)
SEED = 7
CONFIG = Path("configs/operator.yaml")
TREES, ROWS, ASKED = Path("trees.txt"), Path("rows.npy"), Path("asked.json")
CUSTOMERS = Path("customers.json")
SAMPLE = 20_000
"""Rows that are explained in both ways; LightGBM's own needs minutes for more."""
QUICK: dict[str, dict[str, Any]] = {
    "protocol": {"count": 7},
    "gates": {"positives": 5, "calibration": 0.2, "bias": 0.5, "slice_loss": 1.0, "beat_rule": False},
    "training": {"resamples": 20, "min_positives": 5},
}
"""Laid over the shipped settings: how well the models do is not the subject here, and few customers must pass."""


def configure(folder: Path) -> None:
    shutil.copytree(ROOT / "configs", folder / "configs")
    path = folder / CONFIG
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, values in QUICK.items():
        settings[name] = settings.get(name, {}) | values
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


def simulate() -> dict[str, Any]:
    """Raw files and settings in the current folder, for as many customers as `customers.json` there says."""
    configure(Path.cwd())
    customers = json.loads(CUSTOMERS.read_text(encoding="utf-8"))
    simulator.simulate(Path("data/operator/raw"), customers, SEED)
    return {"customers": customers}


def learn() -> dict[str, Any]:
    """Champions for the night; and trees with the rows that they are to explain."""
    project = Project.open(CONFIG)
    names, steps = ["churn", "value", "vip"], Steps(quiet=True)
    found = retrain.run(project, NIGHT, names, steps, promote=True)
    keep_trees(project)
    note(project)
    return {"champions": {made["target"]: made["winner"] for made in found}}


def keep_trees(project: Project) -> None:
    """Trees with the default settings on one night's features: whose numbers they predict does not matter here."""
    tables = project.tables(NIGHT)
    wide = project.snapshot(tables, project.spine(tables, [NIGHT])).drop(columns=["customer_id", "as_of"])
    goal = (wide["arpu_3m"] > wide["arpu_3m"].median()).to_numpy(dtype=float)
    noise = np.random.default_rng(SEED).random(len(goal)) < 0.3
    learner = Trees(min_rows=20, threads=project.settings.threads).fit(wide, np.where(noise, 1 - goal, goal))
    TREES.write_text(learner.texts()["trees"], encoding="utf-8")
    np.save(ROWS, learner.encoder_.transform(wide)[:SAMPLE])


def note(project: Project) -> None:
    """What the rivals must know of the project, so that they need not open it."""
    tables, rules = project.tables(NIGHT), project.settings.features
    newest = NIGHT - timedelta(days=rules.closing_days + rules.billed_in_arrears)
    facts = {
        "folder": str(Path("workspace/operator/tables", tables.fingerprint).resolve()),
        "as_of": NIGHT.isoformat(),
        "cutoff": project.cutoff(NIGHT).isoformat(),
        "measures": tables.measures,
        "closed": newest.year * 12 + newest.month - 1,
        "threads": project.settings.threads,
    }
    ASKED.write_text(json.dumps(facts), encoding="utf-8")
