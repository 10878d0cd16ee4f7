"""What the nights are measured with: champions, trees whose contributions are compared, and a note for the rivals."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.asked import CONFIG, NIGHT, NOTE, ROWS, trees_file
from benchmarks.needed import needed
from benchmarks.operator import SEED
from models.learners.trees import Trees
from models.targets.registry import TARGETS
from pipelines.engine.assembly import Assembly
from pipelines.flows import dataset, retrain, training_record
from pipelines.project import Project
from pipelines.tracking.tracking import Version
from pipelines.workspace import bundles
from pipelines.workspace.progress import Steps

TREES: dict[str, dict[str, int]] = {"default": {}, "reference": {"num_leaves": 31, "max_depth": 6}}
"""Trees as the shipped settings make them, and as those with which the bar of reasons was set."""
EXPLAINED = 100_000
"""Rows whose reasons are made at once: a chunk of customers, as in a night."""


def learn() -> dict[str, Any]:
    """Champions for the night, without a registry, which the night does not ask; and trees with rows to explain."""
    project = Project.open(CONFIG)
    data, winners = dataset.dataset(project, NIGHT, list(TARGETS), Steps(quiet=True)), {}
    for target in TARGETS:
        trained = retrain.learn(project, data, target, Steps(quiet=True))
        version = Version(target, 1, "", {}, ())
        training_record.save_evaluation(project.workspace, version, trained)
        bundles.install(project.workspace, target, version.name, trained.model.to_files())
        winners[target] = trained.winner
    _note(project)
    _keep_trees(project)
    return {"champions": winners}


def _keep_trees(project: Project) -> None:
    """Trees on one night's features: whose numbers they predict does not matter here."""
    with Assembly(project, project.tables(NIGHT), [NIGHT]) as assembly:
        wide = pd.concat(assembly.snapshots()).drop(columns=["customer_id", "as_of"])
    random = np.random.default_rng(SEED)
    goal = (wide["arpu_3m"] > wide["arpu_3m"].median()).to_numpy(dtype=float)
    goal = np.where(random.random(len(goal)) < 0.3, 1 - goal, goal)
    for name, shape in TREES.items():
        learner = Trees(min_child_samples=20, n_jobs=project.settings.threads).set_params(**shape).fit(wide, goal)
        trees_file(name).write_text(learner.texts()["trees"], encoding="utf-8")
    rows = learner.encoder_.transform(wide)
    many = rows[random.integers(0, len(rows), EXPLAINED)]
    np.save(ROWS, many * random.uniform(0.9, 1.1, many.shape).astype(many.dtype))  # no two rows alike


def _note(project: Project) -> None:
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
