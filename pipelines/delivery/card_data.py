"""What a model card is made of: the record of a training, and the configuration under which it is used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from features.definition import Feature
from models.targets.registry import TARGETS
from models.targets.target import Target
from pipelines.config.settings import Settings
from pipelines.delivery.report_data import Evaluation
from pipelines.delivery.speech import ModelSpeech


@dataclass(frozen=True)
class CardModel:
    """One version of a target's model.

    Attributes
    ----------
    target
        Its name.
    version
        Such as `churn/3`; empty before it is registered.
    facts
        Everything that training found; what a version of before does not have is not on record.
    final
        The judged rows: y, and one column of predictions per candidate.
    """

    target: str
    version: str
    facts: Mapping[str, Any]
    final: pd.DataFrame

    @cached_property
    def evaluation(self) -> Evaluation:
        """How good it is, as the report shows it too."""
        return Evaluation.of(self.facts, self.final)

    @property
    def asked(self) -> Target:
        """What is predicted."""
        return TARGETS[self.target]

    @property
    def positives(self) -> int:
        """Of the judged rows."""
        return int((self.final["y"] > 0).sum())


@dataclass(frozen=True)
class CardData:
    """Everything on a card.

    Attributes
    ----------
    settings
        How the models are used.
    models
        In the order of the registry.
    features
        Column -> feature, for its words.
    unknown
        Versions of which no evaluation is kept.
    """

    settings: Settings
    models: Sequence[CardModel]
    features: Mapping[str, Feature] = field(default_factory=dict)
    unknown: Sequence[str] = ()


@dataclass(frozen=True)
class CardPage(ModelSpeech):
    """One language of a card; `tell` looks words up under `card`."""

    words = "card"

    data: CardData
    lang: str

    @property
    def currency(self) -> str:
        return self.data.settings.tables.currency

    @property
    def features(self) -> Mapping[str, Feature]:
        return self.data.features

    def listed(self, names: Sequence[str]) -> str:
        """Names one after the other."""
        return ("、" if self.lang == "zh" else ", ").join(names)
