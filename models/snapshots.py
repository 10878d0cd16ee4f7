"""The labelled snapshots of one target by their dates: what is learnt from, and what is kept apart."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from features.errors import HeadwaterError
from models.evaluation.judging import FinalWindow, Outcome
from models.settings import TrainingSettings
from models.splits import Split
from models.targets.registry import TARGETS
from models.targets.target import Target

MOST_TIMES = 20
"""A control counts for so many at most: one customer of a hundred would say what all of them do."""


class Rows:
    """The labelled snapshots of one target, in a fixed order, by their dates. The final date is kept apart."""

    def __init__(
        self, target: Target, frame: pd.DataFrame, split: Split, features: tuple[str, ...], settings: TrainingSettings
    ):
        days = pd.to_datetime(frame["as_of"]).dt.date
        frame = ordered(frame.assign(as_of=days))
        self.target, self.features, self.settings, self.split = target, features, settings, split
        self.horizons = target.horizons(frame.columns)
        # parts of one date stand where dates stand elsewhere (`cross_validation`): then there is no later day, and no window
        self.by_period = settings.candidates.by_period(target, self.horizons) and split.days > 0
        if split.today and self.by_period:
            frame = self._as_known(frame, split.today)
        self._frame, last = frame, frame["as_of"] == split.final
        self._known = self._wanted(frame) & ~last
        self.final = FinalWindow(frame[self._wanted(frame) & last].reset_index(drop=True))
        self.rehearsals = tuple(r for r in split.rehearsals if self._lack(r.learnt) is self._lack((r.day,)) is None)
        self.counts = {"every": self._count(split.every)}
        if self.treated:
            self.counts["treated"] = self.treated
        self.counts |= {"calibrate": sum(int(self._label(r.day).notna().sum()) for r in self.rehearsals)}

    def _wanted(self, frame: pd.DataFrame) -> Any:
        """Rows that can be learnt from."""
        beside = self.target.learnt_where
        return frame[beside if beside in frame else self.label].notna()

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """The features of which nobody has said that they were known, however well they tell the outcome."""
        return tuple(name for name in self.features if name not in self.settings.confirmed)

    @property
    def label(self) -> str:
        """The label column of the main horizon."""
        return self.target.label.format(self.horizons[-1])

    def _label(self, *dates: date) -> pd.Series:
        return self._frame.loc[self._at(dates), self.label]

    def _lack(self, dates: Sequence[date]) -> HeadwaterError | None:
        """Why nothing can be learnt from some dates, or said of them: labels of one class, or too few positives."""
        label = self._label(*dates).dropna().astype(float)
        hits, least = int((label > 0).sum()), self.settings.min_positives
        one_class = hits == 0 or (hits == len(label) and self.target.task.objective == "binary")
        if len(label) >= least and one_class:
            return HeadwaterError("E351", target=self.target.name, positives=hits, rows=len(label))
        if hits < least:
            return HeadwaterError("E453", target=self.target.name, part="every", positives=hits, least=least)
        return None

    def _count(self, dates: Sequence[date]) -> int:
        """Rows that are learnt from. Refuses labels of one class, and too few positives."""
        if lack := self._lack(dates):
            raise lack
        return int(self._label(*dates).notna().sum())

    def of(
        self, dates: Sequence[date], most: int | None = None, *, told: date | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Features and labels of what is learnt from.

        Parameters
        ----------
        dates
            Learnt whole.
        most
            Of each n-th customer where there are more rows.
        told
            The day that is told then. Where somebody learns the time to an event, later dates come with what they had
            shown of it by that day, the rest of their labels null.
        """
        places = self._draw(self._at(dates), most)
        if told is None or not self.by_period:
            return self.parts(self._weighed(self._frame[places]))
        partial = self._draw(self._partial(dates, told), most)
        return self.parts(self._weighed(self._as_known(self._frame[places | partial], told)))

    def all(self, final: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Features and labels of every date, known whole or in part; `final` are the rows of the final one, which was
        opened."""
        places = self._at(self.split.every)
        if self.by_period:
            places = places | self._shown()
        return self.parts(self._weighed(pd.concat([self._frame[places], final], ignore_index=True)))

    def _weighed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What is learnt from: nobody whom a campaign treated, and who was left alone on purpose as often as they count.

        A row that counts four times is there four times, which every learner understands.
        """
        times = self._times(rows)
        return rows if times is None else rows.loc[rows.index.repeat(times)].reset_index(drop=True)

    def _times(self, rows: pd.DataFrame) -> Any:
        """How often each row is learnt; None: each once."""
        name, treated = self.target.weight, self.settings.treated
        if treated == "with" or name is None or name not in rows:
            return None
        weight = rows[name].to_numpy(dtype=float, na_value=1.0)
        times = np.clip(np.rint(weight), weight > 0, MOST_TIMES) if treated == "weigh" else weight > 0
        return None if (times == 1).all() else times.astype(int)

    def untreated(self, rows: pd.DataFrame) -> Any:
        """Booleans: the rows by which candidates are chosen and held against each other, those that may be learnt from; None: all,
        because all are learnt from, or because fewer than `min_positives` positives would be left."""
        times = self._times(rows)
        hits = rows[self.label].to_numpy(dtype=float, na_value=0.0) > 0
        return None if times is None or int((hits & (times > 0)).sum()) < self.settings.min_positives else times > 0

    @property
    def treated(self) -> int:
        """Rows of `every` date that are not learnt from because a campaign treated their customers."""
        times = self._times(self._frame[self._at(self.split.every)])
        return 0 if times is None else int((times == 0).sum())

    def dates_learnt(self, *, partly: bool) -> list[date]:
        """The dates that `all` learns from; `partly`: also those of which only a part is known."""
        beside = self._frame.loc[self._beside(partly=partly), "as_of"]
        return sorted({*self.split.every, self.split.final, *beside})

    def count_partial(self, *, partly: bool) -> int:
        """Rows that `all` learns from beside those of `every` and of the final date."""
        return int((self._beside(partly=partly) & ~self._at(self.split.every)).sum())

    def _beside(self, *, partly: bool) -> Any:
        """The rows of dates that are known in part, or only those of them whose outcome is whole by now."""
        return self._shown() if partly and self.by_period else self._at(self.split.partial)

    def partial_dates(self, told: date) -> list[date]:
        """The dates after `every` that had shown a part of their outcome by a day."""
        return sorted(set(self._frame.loc[self._partial(self.split.every, told), "as_of"]) - set(self.split.every))

    def later(self) -> pd.DataFrame:
        """Rows after the final date that have shown their shortest horizon by now; nothing that is judged has learnt
        them."""
        return self._frame[self._shown() & (self._frame["as_of"] > self.split.final)].reset_index(drop=True)

    def outcomes(self, rows: pd.DataFrame) -> Any:
        """Rows x horizons: had it happened by then, 1 or 0, NaN where that is not known; float64."""
        labels = [rows[self.target.label.format(h)].astype("Float64") for h in self.horizons]
        return np.column_stack([label.to_numpy(dtype=float, na_value=np.nan) for label in labels])

    def _among(self, dates: Sequence[date]) -> Any:
        return self._frame["as_of"].isin(dates)

    def _shown(self) -> Any:
        """The rows before and after the final date of which the shortest horizon is known."""
        return self._among((*self.split.every, *self.split.partial)) & self._frame[self._first].notna()

    @property
    def _first(self) -> str:
        """The label column of the shortest horizon."""
        return self.target.label.format(self.horizons[0])

    def _known_by(self, day: date, horizon: int) -> date:
        """The newest date of which a horizon is known by a day, reporting delay included."""
        return day - timedelta(days=self.split.days - (self.horizons[-1] - horizon))

    def _partial(self, dates: Sequence[date], told: date) -> Any:
        """The rows from the first of some dates on that are not learnt whole: their shortest horizon was known by a day."""
        days, newest = self._frame["as_of"], self._known_by(told, self.horizons[0])
        return self._shown() & ~self._at(dates) & (days >= min(dates)) & (days <= newest)

    def _as_known(self, rows: pd.DataFrame, day: date) -> pd.DataFrame:
        """The rows with this target's labels null where they were not known by a day."""
        known = {h: rows["as_of"] <= self._known_by(day, h) for h in self.horizons}
        names = {self.target.label.format(h): seen for h, seen in known.items()}
        return rows.assign(**{name: rows[name].where(seen) for name, seen in names.items()})

    def _draw(self, places: Any, most: int | None) -> Any:
        """Of each n-th customer where there are more than `most` rows at these places."""
        if most is None or int(places.sum()) <= most:
            return places
        kept = places.copy()
        kept[places] = one_in(self._frame.loc[places, "customer_id"], most)
        return kept

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

    def knows(self, *columns: str) -> bool:
        """Are these columns there?"""
        return set(columns) <= set(self._frame.columns)

    def dated(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of every row of every date, with customer_id and as_of: what was known then and is no outcome."""
        return self._frame[["customer_id", "as_of", *columns]]

    def on(self, day: date) -> pd.DataFrame:
        """The judged rows of a date before the final one."""
        return self.judged(self._frame[self._at([day])])

    def learnt(self) -> pd.DataFrame:
        """The judged rows of every date before the final one."""
        return self.judged(self._frame[self._at(self.split.every)])


def drawn(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """The rows of each n-th customer, so that they are `most` at most; all where they are that already."""
    return rows if len(rows) <= most else rows[one_in(rows["customer_id"], most)]


def one_in(customers: pd.Series, most: int) -> Any:
    """Which rows belong to each n-th customer, so that they are `most` at most."""
    return pd.factorize(customers, sort=True)[0] % -(-len(customers) // most) == 0


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """By date and customer; the very frame when it is so already, for a copy of it is hundreds of megabytes."""
    places = np.lexsort([frame["customer_id"].to_numpy(dtype=str), pd.to_datetime(frame["as_of"]).to_numpy()])
    same = bool((places == np.arange(len(frame))).all())
    return frame.reset_index(drop=True) if same else frame.take(places).reset_index(drop=True)
