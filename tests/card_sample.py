"""What training leaves of a version, as a model card is made of it: the sample evaluations with their circumstances."""

from pathlib import Path
from typing import Any

from features.catalogue import catalogue
from pipelines.delivery.card_data import CardModel
from tests.scores_sample import sample_evaluations

CONFIG = Path(__file__).parents[1] / "configs" / "operator.yaml"
FEATURES = {feature.column: feature for feature in catalogue(("data_mb",))}
DATES = {"learnt": ["2026-01-01", "2026-07-01"], "final": "2026-07-01"}
GATE = {"passed": True, "checks": [{"name": "finite", "passed": True}], "champion": None}
CIRCUMSTANCES = {
    "as_of": "2026-11-01",
    "tables": ["bills", "customers"],
    "features": 2,
    "feature_set_hash": "f3a1c0de",
    "inputs": "1nputs",
    "gate": GATE,
    "importance": {"arpu_3m": 0.1, "tenure_days": 0.7, "data_mb_12w": 0.2},
}


def group(level: str, value: float, metric: str = "auc") -> dict[str, Any]:
    """What is recorded of one group of customers."""
    return {"slice": "region", "level": level, "metric": metric, "value": value, "n": 300, "positives": 20.0}


def made(target: str = "churn", **changed: Any) -> CardModel:
    """The record of one version, some of it changed."""
    found = sample_evaluations()[target]
    facts: dict[str, Any] = {"metrics": found.metrics.to_dict("records"), "winner": "trees", "beats_rule": True}
    judged_by = {"churn": "auc", "value": "normalised_gini", "vip": "average_precision"}[target]
    facts |= {"dates": DATES, "rows": {"every": 9_000, "final": len(found.final)}, "windows": 3, "leaks": {}}
    facts |= {"judged_by": judged_by, "slices": [group("north", 0.5), group("south", 0.99)]} | CIRCUMSTANCES
    return CardModel(target, f"{target}/4", facts | changed, found.final)
