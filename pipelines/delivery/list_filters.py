"""Filters as people write them, in codes or in words of either language, to the codes of the score table."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from features.errors import HeadwaterError
from models.scores.columns import BY_NAME
from pipelines.config.settings import Settings
from pipelines.wording.formats import NOTHING, number, percent, word
from pipelines.wording.texts import LANGUAGES, has, text
from targeting import filters
from targeting.candidates import Scores
from targeting.filters import ListFilters

SHOWN = 12
"""Values that are named where one does not exist."""


def resolved(
    given: Mapping[str, Sequence[str] | None], scores: Scores, kind: str, settings: Settings
) -> ListFilters | None:
    """The filters of a command; None where none is given.

    Parameters
    ----------
    given
        Name of a filter -> values as they were written; None or none for all.
    scores
        Whose values exist.
    kind
        Of the list.
    settings
        Tiers and actions that nobody may have today exist, too.

    Raises
    ------
    HeadwaterError
        E299 (exit 2) for a value that does not exist, with the nearest that do.
    """
    asked = {name: values for name, values in given.items() if values}
    if not asked:
        return None
    return ListFilters.model_validate(
        {
            name: tuple(_code(name, value, _existing(name, scores, kind, settings), kind) for value in values)
            for name, values in asked.items()
        }
    )


def _existing(name: str, scores: Scores, kind: str, settings: Settings) -> list[str]:
    """Codes that a filter may name: those of the scores, of the contract and of the configuration."""
    column = filters.column(name, kind)
    configured = {
        "tier": [tier.name for tier in settings.tiers.tiers],
        "action": [action.code for action in settings.actions.playbook],
    }
    known = filters.known(scores.select([column]), name, kind)
    return list(dict.fromkeys([*known, *BY_NAME[column].values, *configured.get(name, [])]))


def _code(name: str, given: str, existing: Sequence[str], kind: str) -> str:
    """The code that a value stands for, whatever its case. Raises E299."""
    codes = {shown.casefold(): code for code in reversed(existing) for shown in _written(name, code, kind)}
    found = codes.get(given.strip().casefold())
    if found is None:
        close = get_close_matches(given.strip().casefold(), list(codes), n=3, cutoff=0.5)
        near = list(dict.fromkeys(codes[shown] for shown in close))
        named = {"name": f"@filter.{name}", "nearest": ", ".join(near) or None, "known": _named(existing)}
        raise HeadwaterError("E299", given=given, **named)
    return found


def _written(name: str, code: str, kind: str) -> list[str]:
    """A code as it may be written."""
    if name == "reason":
        return [code, *(text(f"reasons.{code}", lang) for lang in LANGUAGES if has(f"reasons.{code}"))]
    return [code, *(word(filters.column(name, kind), code, lang) for lang in LANGUAGES)]


def _named(existing: Sequence[str]) -> str:
    more = f" … ({len(existing)})" if len(existing) > SHOWN else ""
    return (", ".join(existing[:SHOWN]) or "—") + more


def setting_name(name: str, lang: str) -> str:
    """A filter or setting of a list in words."""
    key = f"lists.setting.{name}"
    return text(key, lang) if has(key) else name


def in_words(name: str, value: Any, kind: str, lang: str) -> str:
    """The value of a filter or setting in words.

    Parameters
    ----------
    name
        Of the filter, or a field of `ListSettings`.
    value
        As a list keeps it; None where it was not set.
    kind
        Of the list.
    lang
        `zh` or `en`.
    """
    if isinstance(value, list | tuple):
        return text("lists.or", lang).join(option_word(name, code, kind, lang) for code in value)
    if isinstance(value, bool):
        return text(f"lists.{'yes' if value else 'no'}", lang)
    if name in ("holdout", "min_probability"):
        return percent(value, lang, 1)
    if isinstance(value, int | float):
        return number(value, lang, 0 if value == round(value) else 2)
    key = f"lists.setting_value.{name}_{value}"
    return text(key, lang) if has(key) else NOTHING if value is None else str(value)


def option_word(name: str, code: str, kind: str, lang: str) -> str:
    """A value of a filter in words; a code that nothing knows stands for itself."""
    if name == "reason":
        return text(f"reasons.{code}", lang) if has(f"reasons.{code}") else code
    return word(filters.column(name, kind), code, lang)
