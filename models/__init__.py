"""The public face for notebooks; each name is loaded when it is first asked for."""

from importlib import import_module
from typing import Any

NAMES = {
    "ChurnClassifier": "models.estimators.churn",
    "ValueRegressor": "models.estimators.value",
    "PotentialVipClassifier": "models.estimators.potential_vip",
    "MonthlySplit": "models.splits",
    "TargetSettings": "models.targets.settings",
    "TrainingSettings": "models.settings",
    "train": "models.training",
    "reasons": "models.scores.reasons",
    "from_files": "models.estimators.bundle",
}
__all__ = list(NAMES)


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(NAMES[name]), name)
