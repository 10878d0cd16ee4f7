"""The labelled snapshots of one target by their dates: what is learnt from, and what is kept apart."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.errors import HeadwaterError
from models.evaluation.judging import FinalWindow, Outcome
from models.settings import TrainingSettings
from models.splits import Split


class Rows:
    """The labelled snapshots of one target, in a fixed order, by their dates. The final date is kept apart."""

    def __init__(
        self, target: str, frame: pd.DataFrame, split: Split, features: tuple[str, ...], settings: TrainingSettings
    ):
        days = pd.to_datetime(frame["as_of"]).dt.date
        frame = ordered(frame.assign(as_of=days))
        self.target, self.features, self.settings, self.split = target, features, settings, split
        self.horizons = _horizons(frame) if target == "churn" else (0,)
        self._frame, last = frame, frame["as_of"] == split.final
        self._known = self._wanted(frame) & ~last
        self.final = FinalWindow(frame[self._wanted(frame) & last].reset_index(drop=True))
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
        label = self._frame.loc[self._at(dates), self.label].dropna().astype(float)
        hits, least = int((label > 0).sum()), self.settings.min_positives
        one_class = hits == 0 or (hits == len(label) and self.target != "value")
        if len(label) >= least and one_class:
            raise HeadwaterError("E351", target=self.target, positives=hits, rows=len(label))
        if hits < least:
            raise HeadwaterError("E453", target=self.target, part=part, positives=hits, least=least)
        return len(label)

    def of(self, dates: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Features and labels of some dates."""
        return self.parts(self._frame[self._at(dates)])

    def _at(self, dates: Sequence[date]) -> Any:
        """The rows of some dates; none of the final one."""
        return self._known & self._frame["as_of"].isin(dates)

    def parts(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Features, in their order, and labels of the same rows; `churned` of the main horizon beside a value."""
        labels = [c for c in rows.columns if c.startswith("churned_") or c in ("value", "vip")]
        outcomes = rows[labels]
        if self.target == "value" and (main := _main_churn(rows)):
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
        """The judged rows on which calibrators are fitted and the winner is chosen."""
        return self.judged(self._frame[self._at(self.split.calibrate)])

    def fitted(self) -> pd.DataFrame:
        """The judged rows from which the candidates of the rehearsal have learnt."""
        return self.judged(self._frame[self._at(self.split.fit)])


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """By date and customer; the very frame when it is so already, for a copy of it is hundreds of megabytes."""
    places = np.lexsort([frame["customer_id"].to_numpy(dtype=str), pd.to_datetime(frame["as_of"]).to_numpy()])
    same = bool((places == np.arange(len(frame))).all())
    return frame.reset_index(drop=True) if same else frame.take(places).reset_index(drop=True)


def _horizons(frame: pd.DataFrame) -> tuple[int, ...]:
    """Days of the churn labels in the frame, rising; the longest is the main one."""
    return tuple(sorted(int(c.removeprefix("churned_")) for c in frame.columns if c.startswith("churned_")))


def _main_churn(frame: pd.DataFrame) -> str | None:
    found = _horizons(frame)
    return f"churned_{found[-1]}" if found else None
