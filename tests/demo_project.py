"""A whole small operator, made once per test session: raw files, trained champions, one published night."""

import fcntl
import shutil
from datetime import date
from pathlib import Path

import yaml

from models.targets.registry import TARGETS
from pipelines.demo.simulator import simulate
from pipelines.flows import nightly, retrain
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.workspace.progress import Steps

ROOT = Path(__file__).resolve().parent.parent
NIGHT = date(2026, 11, 1)
CUSTOMERS = 2_500
QUICK = {
    "protocol": {"every": "1mo", "count": 7, "calibrate": 1, "reporting_delay_days": 5},
    "gates": {"positives": 5, "calibration": 0.2, "bias": 0.5, "slice_loss": 1.0, "beat_rule": False},
    "training": {
        "resamples": 40,
        "min_positives": 5,
        "candidates": {"trees": {"n_estimators": 60, "min_child_samples": 20}},
    },
    "threads": 1,
}
"""Laid over configs/operator.yaml: small data must pass the gates, and tests must be quick."""


def configure(folder: Path) -> Path:
    """The shipped configuration of the operator with the quick settings, in `folder`."""
    shutil.copytree(ROOT / "configs", folder / "configs", dirs_exist_ok=True)
    path = folder / "configs" / "operator.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(merged(settings, QUICK), allow_unicode=True), encoding="utf-8")
    return path


def merged(settings: dict, over: dict) -> dict:
    both = {
        k: merged(settings[k], v) if isinstance(settings.get(k), dict) and isinstance(v, dict) else v
        for k, v in over.items()
    }
    return settings | both


def built(folder: Path) -> Path:
    """Simulate, train, run one night; workers of one session share the result."""
    folder.mkdir(exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            configure(folder)
            simulate.simulate(folder / "data" / "operator" / "raw", CUSTOMERS, 7)
            project, steps = Project.open("configs/operator.yaml"), Steps(quiet=True)
            retrain.run(project, NIGHT, list(TARGETS), steps, promote=True)
            nightly.run(Night(project, NIGHT, Steps(quiet=True)))
            Project.open("configs/operator.yaml").tables(
                NIGHT
            )  # files just written are hashed once more; later nobody writes
            (folder / "ready").touch()
    return folder
