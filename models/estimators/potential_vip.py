"""The potential-VIP estimator: who becomes, and stays, high-value, among those who are not."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from models.estimators.classifier import CalibratedClassifier, both_classes
from models.learners.blends import ByValue


class PotentialVipClassifier(CalibratedClassifier):
    """Fit on a frame with `vip` (null for those it is not defined for) and, to rank by value, `value` of everybody."""

    kind = "vip"
    label = "vip"

    def learn(self, X: pd.DataFrame, y: Any) -> tuple[Any, ...]:
        if not isinstance(self.learner, ByValue):
            return super().learn(X, y)
        outcome = self.outcome(y, self.horizon)
        both_classes(outcome[~np.isnan(outcome)], self.kind)
        return (clone(self.learner).fit(X, outcome, y["value"].to_numpy(dtype=float)),)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """vip_probability, and vip_score_raw (log-odds)."""
        raw = self.decision_function(X)
        table = {"vip_probability": self.probabilities(raw)[self.horizon], "vip_score_raw": raw}
        return pd.DataFrame(table, index=X.index)
