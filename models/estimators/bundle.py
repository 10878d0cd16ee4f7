"""From files to a model, whatever its target: the one loader that scoring and notebooks use."""

from collections.abc import Mapping

from features.errors import HeadwaterError
from models.estimators.churn import ChurnClassifier
from models.estimators.packing import MAIN, kind
from models.estimators.potential_vip import PotentialVipClassifier
from models.estimators.value import ValueRegressor

Estimator = ChurnClassifier | ValueRegressor | PotentialVipClassifier
TARGETS: dict[str, type[Estimator]] = {
    "churn": ChurnClassifier,
    "value": ValueRegressor,
    "vip": PotentialVipClassifier,
}


def from_files(files: Mapping[str, str]) -> Estimator:
    """The model that `to_files` wrote, bit for bit; compare the sha256 of the files first (`packing.check`).

    Raises:
        HeadwaterError: E513 for foreign, missing or unreadable files, E512 for other features than the model's.
    """
    found = kind(files)
    if found not in TARGETS:
        raise HeadwaterError("E513", file=MAIN, reason=f"kind {found}")
    return TARGETS[found].from_files(files)
