"""The rules of a playbook in words."""

import json
from collections.abc import Mapping
from typing import Any

from pipelines.wording.formats import NOTHING, number, percent, word
from pipelines.wording.texts import text
from targeting.playbook import Action, Condition

REASONS = ("churn_reason", "vip_reason")


def condition(when: Condition, lang: str) -> str:
    """For whom a rule is: `potential VIP: yes, consent: no`.

    Parameters
    ----------
    when
        Of the rule.
    lang
        `zh` or `en`.
    """
    parts = [_part(name, wanted, lang) for name, wanted in when.model_dump(exclude_none=True).items()]
    return text("playbook.and", lang).join(parts) or text("playbook.everybody", lang)


def why(told: str | None, rule: str | None, lang: str) -> str:
    """For whom a rule of a published night was, so that who reads an action sees why; a dash where that is not known.

    Parameters
    ----------
    told
        `playbook` of the metadata of the score file; None for one of before there were playbooks.
    rule
        Its name, `action_rule` of the score table.
    lang
        `zh` or `en`.
    """
    rules = {known["rule"]: known for known in json.loads(told)["rules"]} if told else {}
    if rule not in rules:
        return NOTHING
    return condition(Condition.model_validate(rules[rule].get("when", {})), lang)


def fired(when: Mapping[str, Any] | None, lang: str) -> str:
    """Why a customer has their action, as a sentence: for whom the rule is that was the first to fit and had room.

    Parameters
    ----------
    when
        Conditions of the rule; None where they are not known.
    lang
        `zh` or `en`.

    Returns
    -------
    str
        Empty where the rule is not known.
    """
    if when is None:
        return ""
    known = Condition.model_validate(when)
    if known == Condition():
        return text("playbook.fired_last", lang)
    return text("playbook.fired", lang, condition=condition(known, lang))


def _part(name: str, wanted: Any, lang: str) -> str:
    key = f"playbook.when.{name}"
    if isinstance(wanted, bool):
        return text(f"{key}_{'yes' if wanted else 'no'}", lang)
    if isinstance(wanted, int):
        return text(key, lang, n=number(wanted, lang))
    return text(key, lang, values=text("playbook.or", lang).join(_value(name, value, lang) for value in wanted))


def _value(name: str, value: str, lang: str) -> str:
    if name in REASONS:
        return text(f"reasons.{value}", lang)
    return text(f"playbook.consent_{value}", lang) if name == "consent" else word(name, value, lang)


def amount(given: float | str, lang: str) -> str:
    """What a cost is: money as it stands, or a share of the mean 12-month value.

    Parameters
    ----------
    given
        Of an action.
    lang
        `zh` or `en`.
    """
    if isinstance(given, str):
        share = float(given.rstrip(" %")) / 100
        return text("playbook.share_of_value", lang, share=percent(share, lang, 2 if share < 0.001 else 1))
    return number(given, lang, 2)


def limits(action: Action, lang: str) -> str:
    """Quota, quiet days and least benefit of a rule; empty where it has none.

    Parameters
    ----------
    action
        The rule.
    lang
        `zh` or `en`.
    """
    quota = action.quota
    known = {
        "quota": number(quota, lang) if isinstance(quota, int) else quota,
        "quiet_days": number(action.quiet_days, lang) if action.quiet_days else None,
        "least_benefit": None if action.least_benefit is None else number(action.least_benefit, lang, 2),
    }
    told = [text(f"playbook.{name}", lang, n=value) for name, value in known.items() if value is not None]
    return text("playbook.and", lang).join(told)
