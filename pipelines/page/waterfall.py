"""From what is usual to what one customer's churn probability is, reason by reason.

Contributions are log-odds before calibration. Each step is told in probability by the night's own curve from one to the other,
so that the first bar begins at the median customer and the last one ends at the published probability exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.page.night import Night

POINTS = 201


@dataclass(frozen=True)
class Curve:
    """Raw scores and the probabilities they stand for, both rising."""

    raw: np.ndarray
    probability: np.ndarray

    def __call__(self, raw: float) -> float:
        return float(np.interp(raw, self.raw, self.probability))

    @property
    def usual(self) -> float:
        """The raw score of the median customer."""
        return float(self.raw[POINTS // 2])


@dataclass(frozen=True)
class Step:
    """One bar.

    Attributes
    ----------
    reason
        As in the score table; None for everything else that the model knows.
    start, end
        Churn probability before and after it.
    contribution
        In log-odds.
    """

    reason: Mapping[str, Any] | None
    start: float
    end: float
    contribution: float


def curve(night: Night) -> Curve | None:
    """That of a night; None where nobody's churn was scored."""
    return night.remembered("curve", lambda: _curve(night))


def _curve(night: Night) -> Curve | None:
    shares = np.linspace(0, 1, POINTS).tolist()
    found = night.query(
        "SELECT quantile_cont(CAST(churn_score_raw AS DOUBLE), $shares) AS raw, "
        "quantile_cont(CAST(churn_probability AS DOUBLE), $shares) AS probability FROM scores "
        "WHERE churn_score_raw IS NOT NULL AND churn_probability IS NOT NULL",
        {"shares": shares},
    )[0]
    return Curve(np.array(found["raw"]), np.array(found["probability"])) if found["raw"] else None


def steps(row: Mapping[str, Any], curve: Curve) -> list[Step]:
    """The bars of one customer, the weightiest reason first, everything else last.

    Parameters
    ----------
    row
        Of the score table, with churn_score_raw, churn_probability and churn_reasons.
    curve
        Of its night.

    Returns
    -------
    list of Step
        Each begins where the one before it ends; none where their churn was not scored.
    """
    if row["churn_score_raw"] is None or row["churn_probability"] is None:
        return []
    reasons = sorted(row["churn_reasons"] or (), key=lambda reason: reason["rank"])
    told = [float(reason["contribution"]) for reason in reasons]
    rest = float(row["churn_score_raw"]) - curve.usual - sum(told)
    raw = curve.usual + np.cumsum([0.0, *told, rest])
    at = [curve(score) for score in raw[:-1]] + [float(row["churn_probability"])]
    parts: Sequence[Mapping[str, Any] | None] = [*reasons, None]
    return [Step(*step) for step in zip(parts, at[:-1], at[1:], [*told, rest], strict=True)]
