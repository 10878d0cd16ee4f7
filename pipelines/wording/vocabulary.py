"""One word per term and language: the terms of the glossary, and which sentences say another word for one of them."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import yaml
from pydantic import Field

from features.strict import Strict
from pipelines.wording.texts import Language


class Term(Strict):
    """A term of the glossary.

    Attributes
    ----------
    en, zh
        The word.
    meaning
        Language -> what it means.
    instead
        Language -> regular expressions of words that mean the same and are not written.
    exceptions
        Keys of the catalogue, or beginnings of keys, where such a word means something else.
    """

    en: str
    zh: str
    meaning: dict[Language, str]
    instead: dict[Language, tuple[str, ...]] = {}
    exceptions: tuple[str, ...] = Field((), alias="except")

    def word(self, lang: Language) -> str:
        """The word in one language."""
        return self.zh if lang == "zh" else self.en


@cache
def vocabulary() -> dict[str, Term]:
    """Every term by its key, in the order of `vocabulary.yaml`."""
    written = yaml.safe_load(files("pipelines.wording").joinpath("vocabulary.yaml").read_text(encoding="utf-8"))
    return {key: Term.model_validate(entry) for key, entry in written.items()}


def other_words(sentence: str, lang: Language, key: str = "") -> Iterator[tuple[str, str]]:
    """Words of a sentence that the glossary has another word for.

    Parameters
    ----------
    sentence
        Of the catalogue, placeholders and all.
    lang
        Its language.
    key
        Of the sentence; a term does not judge the keys that it excepts.

    Yields
    ------
    tuple of str
        The word that was found, and the one that is written instead.
    """
    for term in vocabulary().values():
        if not key.startswith(term.exceptions or ("\0",)):
            for pattern in term.instead.get(lang, ()):
                yield from ((found.group(), term.word(lang)) for found in re.finditer(pattern, sentence))
