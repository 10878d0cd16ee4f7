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
from models.targets.registry import TARGETS
from models.targets.target import Target


class Rows:
    """The labelled snapshots of one target, in a fixed order, by their dates. The final date is kept apart."""

    def __init__(
        self, target: Target, frame: pd.DataFrame, split: Split, features: tuple[str, ...], settings: TrainingSettings
    ):
        days = pd.to_datetime(frame["as_of"]).dt.date
        frame = ordered(frame.assign(as_of=days))
        self.target, self.features, self.settings, self.split = target, features, settings, split
        self.horizons = target.horizons(frame.columns)
        self._frame, last = frame, frame["as_of"] == split.final
        self._known = self._wanted(frame) & ~last
        self.final = FinalWindow(frame[self._wanted(frame) & last].reset_index(drop=True))
        self.counts = {
            name: self._count(name, dates) for name, dates in (("fit", split.fit), ("calibrate", split.calibrate))
        }

    def _wanted(self, frame: pd.DataFrame) -> Any:
        """Rows that can be learnt from."""
        beside = self.target.learnt_where
        return frame[beside if beside in frame else self.label].notna()

    @property
    def label(self) -> str:
        """The label column of the main horizon."""
        return self.target.label.format(self.horizons[-1])

    def _count(self, part: str, dates: Sequence[date]) -> int:
        """Rows of a part. Refuses labels of one class, and too few positives."""
        label = self._frame.loc[self._at(dates), self.label].dropna().astype(float)
        hits, least = int((label > 0).sum()), self.settings.min_positives
        one_class = hits == 0 or (hits == len(label) and self.target.task.objective == "binary")
        if len(label) >= least and one_class:
            raise HeadwaterError("E351", target=self.target.name, positives=hits, rows=len(label))
        if hits < least:
            raise HeadwaterError("E453", target=self.target.name, part=part, positives=hits, least=least)
        return len(label)

    def of(self, dates: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Features and labels of some dates."""
        return self.parts(self._frame[self._at(dates)])

    def _at(self, dates: Sequence[date]) -> Any:
        """The rows of some dates; none of the final one."""
        return self._known & self._frame["as_of"].isin(dates)

    def parts(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Features, in their order, and labels of the same rows, what the target learns beside among them."""
        known = {name: target.labels_among(rows.columns) for name, target in TARGETS.items()}
        outcomes = rows[[label for labels in known.values() for label in labels]]
        beside = {name: rows[known[other][-1]] for name, other in self.target.beside.items() if known[other]}
        return rows[list(self.features)], outcomes.assign(**beside)

    def outcome(self, rows: pd.DataFrame) -> Outcome:
        """What is judged, with money: at stake in a positive where the target says so, realised otherwise."""
        y = rows[self.label].to_numpy(dtype=float)
        customers = rows["customer_id"].to_numpy()
        if self.target.stake is None:
            return Outcome(self.target.task, y, np.maximum(rows["value"].to_numpy(dtype=float), 0), customers)
        stake = self.settings.candidates.rules.of(self.target.stake)
        money = rows[stake.column].fillna(0).to_numpy(dtype=float) * stake.factor
        return Outcome(self.target.task, y, y * np.maximum(money, 0), customers)

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
