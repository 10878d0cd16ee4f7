"""The public face for notebooks; each name is loaded when it is first asked for."""

from importlib import import_module
from typing import Any

NAMES = {
    "ChurnClassifier": "models.churn",
    "ValueRegressor": "models.value",
    "PotentialVipClassifier": "models.potential_vip",
    "MonthlySplit": "models.splits",
    "TargetSettings": "models.target_settings",
    "TrainingSettings": "models.settings",
    "train": "models.training",
    "reasons": "models.reasons",
    "from_files": "models.bundle",
}
__all__ = list(NAMES)


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(NAMES[name]), name)
