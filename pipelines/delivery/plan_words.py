"""A plan of a list in words: the columns of its table, the marks of its lengths, and what follows from it."""

from typing import Any

from pipelines.wording.formats import money, number, percent
from pipelines.wording.texts import text
from targeting.plan import Advice, Plan
from targeting.profit_settings import ProfitSettings

COLUMNS = ("customers", "held_out", "reached", "in_vain", "cost", "saved", "net", "interval", "detectable", "expected")
"""Of the table, in order; their titles are `plan.column.<name>`."""


def mark(customers: int, found: Plan, lang: str) -> str:
    """What a length is: recommended, asked for, both or neither."""
    marks = {"recommended": found.recommended, "asked": found.asked}
    return text("plan.and", lang).join(text(f"plan.{name}", lang) for name, k in marks.items() if k == customers)


def cells(row: dict[str, Any], currency: str, lang: str) -> list[str]:
    """A row of the table, by `COLUMNS`."""
    low, high = (money(row[name], currency, lang, 0) for name in ("net_low", "net_high"))
    counts = [number(row[name], lang) for name in ("customers", "held_out", "reached", "in_vain")]
    amounts = [money(row[name], currency, lang, 0) for name in ("cost", "saved", "net")]
    shares = [points(row[name], lang) for name in ("detectable", "expected")]
    return [*counts, *amounts, f"{low} … {high}", *shares]


def points(share: float | None, lang: str) -> str:
    """A difference of shares in percentage points; a dash where there is none."""
    return number(None if share is None else 100 * share, lang, 1)


def sentences(found: Plan, settings: ProfitSettings, currency: str, lang: str) -> list[str]:
    """What a plan says in words.

    Parameters
    ----------
    found
        The plan.
    settings
        What it was made with.
    currency
        ISO 4217.
    lang
        `zh` or `en`.
    """
    told = [
        worth_it(found, lang),
        basis(found, settings, currency, lang),
        measurable(found, found.asked, found.advice, lang),
    ]
    if found.audience.unknown:
        told.append(text("plan.unknown", lang, n=found.audience.unknown))
    return told


def worth_it(found: Plan, lang: str) -> str:
    """How long the list should be, or that none pays."""
    people = len(found.audience.probability)
    if found.recommended:
        return text("plan.use", lang, n=found.recommended, of=people)
    return text("plan.none_pays", lang, of=people)


def basis(found: Plan, settings: ProfitSettings, currency: str, lang: str) -> str:
    """The costs and the acceptance that were reckoned with, and whose they are."""
    complete = None not in (settings.contact_cost, settings.incentive, settings.acceptance)
    source = "by_action" if found.by_action else "configured" if complete else "assumed"
    rate = {"rate": percent(found.acceptance.mean, lang), "spread": percent(found.acceptance.sd, lang)}
    contact = money(found.costs.contact, currency, lang)
    return text(f"plan.{source}", lang, contact=contact, offer=_offer(found, currency, lang), **rate)


def _offer(found: Plan, currency: str, lang: str) -> str:
    """What offers cost: of one offer, or in the mean of customers, most of whose actions may have none."""
    cost, shown = found.costs.incentive, money(found.costs.incentive, currency, lang)
    if cost == 0:
        return text("plan.offer.none", lang)
    if shown == money(0, currency, lang):
        return text("plan.offer.hardly", lang)
    return text(f"plan.offer.{'mean' if found.by_action else 'each'}", lang, offer=shown)


def measurable(found: Plan, length: int, advice: Advice, lang: str) -> str:
    """Could the effect of a list of this length be seen, and with which holdout if not?

    Parameters
    ----------
    found
        The plan.
    length
        The holdout included.
    advice
        For that length.
    lang
        `zh` or `en`.
    """
    shares = {"seen": points(advice.detectable, lang), "expected": points(advice.expected, lang)}
    held = length - int(found.curve.contacted[length])
    known = {"n": length, "share": percent(held / max(length, 1), lang), "more": percent(advice.share, lang)}
    verdict: str = advice.verdict
    if verdict == "no_control" and advice.share is None:
        verdict = "no_control_helps"
    elif verdict != "no_control" and advice.detectable is None:
        verdict += "_nothing"
    enough = 0 if advice.share is None else round(length * advice.share)
    told = [text(f"plan.{verdict}", lang, **known, **shares, held=enough), *_instead(found, length, advice, lang)]
    return text("plan.then", lang).join(told)


def _instead(found: Plan, length: int, advice: Advice, lang: str) -> list[str]:
    """What would show the effect where no holdout of this list does; nothing where one does."""
    if advice.verdict == "seen" or advice.share is not None:
        return []
    known = {"longer": advice.longer, "half": (advice.longer or 0) // 2, "lists": advice.lists}
    way = ("longer" if advice.longer else "not_longer") if advice.lists else "never"
    told = [text(f"plan.instead_{way}", lang, **known)]
    leavers = float(found.curve.leavers[length]) / max(int(found.curve.contacted[length]), 1)
    if advice.keeps is not None and leavers:
        rates = {"keeps": percent(advice.keeps, lang), "own": percent(advice.expected / leavers, lang)}
        told.append(text("plan.instead_keeps", lang, **rates, half=length // 2))
    return told
