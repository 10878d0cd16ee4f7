"""The project that is measured: the shipped operator in a folder of its own, with canonical tables."""

import json
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from benchmarks import tiles
from benchmarks.asked import CONFIG, NIGHT, RAW_TILED
from benchmarks.measure import ROOT
from models.targets.registry import TARGETS
from pipelines.demo.simulator.simulate import simulate as simulate_operator
from pipelines.project import Project

SEED = 7
RAW, CUSTOMERS = Path("data/operator/raw"), Path("customers.json")
QUICK: dict[str, dict[str, Any]] = {
    "protocol": {"count": 7},
    "gates": {"positives": 5, "calibration": 0.2, "bias": 0.5, "slice_loss": 1.0, "beat_rule": False},
    "training": {
        "resamples": 20,
        "min_positives": 5,
        "refit": False,
        "candidates": {target: ["trees"] for target in TARGETS},
    },
}
"""Laid over the shipped settings: how well the models do is not the subject here, and few customers must pass."""


def _configure(folder: Path) -> None:
    shutil.copytree(ROOT / "configs", folder / "configs")
    path = folder / CONFIG
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(_laid(settings, QUICK), allow_unicode=True), encoding="utf-8")


def _laid(settings: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Settings with others laid over them, key by key."""
    both = {k: _laid(settings.get(k) or {}, v) if isinstance(v, dict) else v for k, v in over.items()}
    return settings | both


def simulate() -> dict[str, Any]:
    """Raw files and settings in the current folder, for as many customers as `customers.json` there says."""
    _configure(Path.cwd())
    customers = json.loads(CUSTOMERS.read_text(encoding="utf-8"))
    simulate_operator(RAW, customers, SEED)
    return {"customers": customers}


def tile(folder: Path, others: Sequence[str]) -> dict[str, Any]:
    """The customers of the project as many times as the name of the folder says, and others beside it; its rows."""
    project = Project.open(CONFIG)
    tables, threads = project.tables(NIGHT), project.settings.threads
    for name in others:
        tiles.tile(tables, folder.with_name(name), int(name), threads)
    found = tiles.tile(tables, folder, int(folder.name), threads)
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
