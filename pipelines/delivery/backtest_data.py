"""What the page of a backtest is made of: every target at every origin, all figures, and what is in force today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from features.definition import Feature
from models.targets.registry import TARGETS
from models.targets.target import Target
from models.training import Trained
from pipelines.delivery.report_data import Evaluation
from pipelines.delivery.speech import ModelSpeech


@dataclass(frozen=True)
class Champion:
    """What is in force for a target: its version, such as `churn/3`, and the record of its training."""

    version: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class BacktestData:
    """Everything on the page.

    Attributes
    ----------
    name
        Of the project.
    as_of
        What was known by then was used.
    results
        Target -> what came of it at each origin, oldest first.
    figures
        Every figure, in the columns of the Parquet file.
    champions
        Target -> what is in force; no entry where there is none, or its record is not kept here.
    features
        Column -> feature, for its words.
    currency
        ISO code of all money.
    """

    name: str
    as_of: date
    results: Mapping[str, Sequence[Trained]]
    figures: pd.DataFrame
    champions: Mapping[str, Champion] = field(default_factory=dict)
    features: Mapping[str, Feature] = field(default_factory=dict)
    currency: str = "CNY"

    def of(self, target: str, window: str, metric: str | None = None) -> pd.DataFrame:
        """The figures of one target in one kind of window; of one metric where that is named."""
        found = self.figures[self.figures["target"].eq(target) & self.figures["window"].eq(window)]
        return found if metric is None else found[found["metric"].eq(metric)]


@dataclass(frozen=True)
class BacktestPage(ModelSpeech):
    """One language of the page; `tell` looks words up under `backtest`."""

    words = "backtest"

    data: BacktestData
    lang: str

    @property
    def currency(self) -> str:
        return self.data.currency

    @property
    def features(self) -> Mapping[str, Feature]:
        return self.data.features


def target_of(trained: Trained) -> Target:
    """What a training predicts."""
    return TARGETS[trained.target]


def evaluation(trained: Trained) -> Evaluation:
    """How good a training was at its origin, as report and card show it."""
    return Evaluation(
        trained.metrics,
        trained.final,
        trained.winner,
        trained.beats_rule,
        level=trained.levels.get(trained.winner),
        folds=trained.split.folds,
        left_out=tuple(trained.left_out),
        apart=trained.apart,
    )
