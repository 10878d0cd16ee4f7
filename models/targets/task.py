"""What kind of thing is predicted, yes or no or an amount, and what follows from that for any target."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from models.evaluation.metrics import CLASSIFICATION_METRICS, REGRESSION_METRICS, Metric

Objective = Literal["binary", "amount"]
TWEEDIE_POWER = 1.5
"""Variance power of amounts: many zeros and a long tail."""


@dataclass(frozen=True)
class Task:
    """How predictions of a kind are learnt and judged.

    Attributes
    ----------
    objective
        What learners learn, and so on which scale a level is shifted: log-odds, or logarithms of money.
    metrics
        Every figure that is reported, by name.
    level_metric
        The metric that the gate of the level looks at.
    leaks
        Is a single feature that tells the outcome by itself looked for?
    plots
        Names of the pictures of the judged window, beside those of every task.
    """

    objective: Objective
    metrics: Mapping[str, Metric]
    level_metric: Literal["ece", "total_bias"]
    leaks: bool
    plots: tuple[str, ...]


CLASSIFICATION = Task("binary", CLASSIFICATION_METRICS, "ece", leaks=True, plots=("calibration", "rates"))
REGRESSION = Task("amount", REGRESSION_METRICS, "total_bias", leaks=False, plots=("deciles",))
