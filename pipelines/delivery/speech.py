"""The words and formats in which a page of one language tells anything."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from features.definition import Feature
from pipelines.wording import formats
from pipelines.wording.texts import text


class Speech(ABC):
    """What pages of one language have in common; `say` looks words up under `report`."""

    lang: str

    @property
    @abstractmethod
    def currency(self) -> str:
        """ISO code of all money."""

    def say(self, key: str, **values: Any) -> str:
        return text(f"report.{key}", self.lang, **values)

    def count(self, value: Any) -> str:
        return formats.number(value, self.lang)

    def share(self, value: Any, digits: int = 1) -> str:
        return formats.percent(value, self.lang, digits)

    def money(self, value: Any, digits: int = 0) -> str:
        return formats.money(value, self.currency, self.lang, digits)

    def big_money(self, value: Any) -> str:
        return formats.big_money(value, self.currency, self.lang)

    def day(self, value: date | None) -> str:
        return formats.day(value, self.lang)

    def word(self, column: str, code: Any) -> str:
        return formats.word(column, code, self.lang)


class Words(Speech):
    """Sentences of the report, where there is no page around them."""

    def __init__(self, lang: str, currency: str):
        self.lang, self._currency = lang, currency

    @property
    def currency(self) -> str:
        return self._currency


class ModelSpeech(Speech):
    """A page about models: `tell` looks words up under a part of the catalogue that is its own."""

    words: ClassVar[str]
    """The part of the catalogue."""

    @property
    @abstractmethod
    def features(self) -> Mapping[str, Feature]:
        """Column -> feature."""

    def tell(self, key: str, **values: Any) -> str:
        return text(f"{self.words}.{key}", self.lang, **values)

    def feature(self, column: str) -> str:
        """A feature, or an attribute that customers are grouped by, in words."""
        feature = self.features.get(column)
        return feature.label(self.lang) if feature else column
