"""The churn estimator: a calibrated probability per horizon and the time by which half of such customers have left."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from models.estimators.classifier import CalibratedClassifier
from models.learners.encoding import Matrix

LONGEST = 3650.0
"""Days; beyond ten years a median time says nothing."""


class ChurnClassifier(CalibratedClassifier):
    """Fit on labels `churned_<days>`, one column per horizon; the learner sees the main one."""

    kind = "churn"

    def told(self, raw: Matrix) -> pd.DataFrame:
        """churn_probability, churn_score_raw (log-odds), churn_probability_<days> …, median_days_to_churn."""
        table = super().told(raw)
        by_horizon = {h: table[f"churn_probability_{h}"].to_numpy() for h in self.calibrators_}
        return table.assign(median_days_to_churn=median_days(by_horizon))


def median_days(by_horizon: Mapping[int, Matrix]) -> Matrix:
    """Days until the chance of having left reaches one half; at most ten years.

    Between horizons the hazard is constant, and after the last one it goes on as it was up to there on average.
    """
    horizons = sorted(by_horizon)
    stay = [np.log(np.clip(1 - by_horizon[h], 1e-9, 1.0)) for h in horizons]
    half = np.log(0.5)
    rate = np.maximum(-stay[-1] / horizons[-1], 1e-12)
    days = horizons[-1] + (stay[-1] - half) / rate
    before = [(0, np.zeros_like(stay[0])), *zip(horizons, stay, strict=True)]
    for (start, high), (end, low) in reversed(list(pairwise(before))):
        crossed = (low <= half) & (high > half)
        share = (high - half) / np.where(crossed, high - low, 1.0)
        days = np.where(crossed, start + share * (end - start), days)
    return np.minimum(days, LONGEST)
