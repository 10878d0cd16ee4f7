"""The labelled snapshots of one target by their dates: what is learnt from, and what is kept apart."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.errors import HeadwaterError
from models.judging import FinalWindow, Outcome
from models.settings import TrainingSettings
from models.splits import Split


class Rows:
    """The labelled snapshots of one target, in a fixed order, by their dates. The final date is kept apart."""

    def __init__(
        self, target: str, frame: pd.DataFrame, split: Split, features: tuple[str, ...], settings: TrainingSettings
    ):
        days = pd.to_datetime(frame["as_of"]).dt.date
        frame = frame.assign(as_of=days).sort_values(["as_of", "customer_id"], ignore_index=True)
        self.target, self.features, self.settings, self.split = target, features, settings, split
        self.horizons = horizons(frame) if target == "churn" else (0,)
        frame = frame[self._wanted(frame)]
        self._past = frame[frame["as_of"] != split.final]
        self.final = FinalWindow(frame[frame["as_of"] == split.final].reset_index(drop=True))
        self.counts = {
            name: self._count(name, dates) for name, dates in (("fit", split.fit), ("calibrate", split.calibrate))
        }

    def _wanted(self, frame: pd.DataFrame) -> Any:
        """Rows whose label is known; ranking by value also learns from those who are high-value already."""
        return frame["value"].notna() if self.target == "vip" else frame[self.label].notna()

    @property
    def label(self) -> str:
        return f"churned_{self.horizons[-1]}" if self.target == "churn" else self.target

    def _count(self, part: str, dates: Sequence[date]) -> int:
        """Rows of a part. Refuses labels of one class, and too few positives."""
        label = self._past.loc[self._past["as_of"].isin(dates), self.label].dropna().astype(float)
        hits, least = int((label > 0).sum()), self.settings.min_positives
        one_class = hits == 0 or (hits == len(label) and self.target != "value")
        if len(label) >= least and one_class:
            raise HeadwaterError("E351", target=self.target, positives=hits, rows=len(label))
        if hits < least:
            raise HeadwaterError("E453", target=self.target, part=part, positives=hits, least=least)
        return len(label)

    def of(self, dates: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Features and labels of some dates."""
        return self.parts(self._past[self._past["as_of"].isin(dates)])

    def parts(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        labels = [c for c in rows.columns if c.startswith("churned_") or c in ("value", "vip")]
        outcomes = rows[labels]
        if self.target == "value" and (main := main_churn(rows)):
            outcomes = outcomes.assign(churned=rows[main])
        return rows[list(self.features)], outcomes

    def outcome(self, rows: pd.DataFrame) -> Outcome:
        """What is judged, with money: at stake for churn, realised otherwise."""
        y = rows[self.label].to_numpy(dtype=float)
        if self.target == "churn":
            stake = self.settings.candidates.rules.value
            money = rows[stake.column].fillna(0).to_numpy(dtype=float) * stake.factor
            return Outcome(self.target, y, y * np.maximum(money, 0), rows["customer_id"].to_numpy())
        return Outcome(
            self.target, y, np.maximum(rows["value"].to_numpy(dtype=float), 0), rows["customer_id"].to_numpy()
        )

    def judged(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows that the target is defined for."""
        return rows[rows[self.label].notna()].reset_index(drop=True)

    def calibration(self) -> pd.DataFrame:
        return self.judged(self._past[self._past["as_of"].isin(self.split.calibrate)])

    def fitted(self) -> pd.DataFrame:
        return self.judged(self._past[self._past["as_of"].isin(self.split.fit)])


def horizons(frame: pd.DataFrame) -> tuple[int, ...]:
    """Days of the churn labels in the frame, rising; the longest is the main one."""
    return tuple(sorted(int(c.removeprefix("churned_")) for c in frame.columns if c.startswith("churned_")))


def main_churn(frame: pd.DataFrame) -> str | None:
    found = horizons(frame)
    return f"churned_{found[-1]}" if found else None
