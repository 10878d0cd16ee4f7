"""What is said of a measured campaign, from the figures that are kept of it: on the terminal and on the page alike."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.ingest.campaigns_on_record import OnRecord
from pipelines.wording.formats import NOTHING, money, number, percent
from pipelines.wording.texts import text
from targeting.campaigns import FEWEST_EVENTS, FEWEST_PEOPLE

Told = Mapping[str, Any]
PEOPLE = {"churn": "saved", "vip": "converted"}


def status(told: Told, lang: str) -> str:
    """The result in two or three words."""
    return text(f"campaigns.status.{told['status']}", lang)


def mean(value: float | None, outcome: str, currency: str, lang: str) -> str:
    """A share, or an amount of money, of one arm."""
    return money(value, currency, lang) if outcome == "value" else percent(value, lang, 1)


def difference(found: Told | None, outcome: str, currency: str, lang: str) -> str:
    """A difference of the arms with its interval; a dash where there is none.

    Parameters
    ----------
    found
        value, low, high.
    outcome
        Shares differ by percentage points, money by money.
    currency
        ISO 4217.
    lang
        `zh` or `en`.
    """
    if found is None:
        return NOTHING
    if outcome == "value":
        return _interval({key: money(value, currency, lang, signed=True) for key, value in found.items()}, lang)
    shown = {key: number(100 * value, lang, 1, signed=True) for key, value in found.items()}
    return _interval(shown | {"value": text("campaigns.points", lang, value=shown["value"])}, lang)


def amount(found: Told | None, currency: str, lang: str) -> str:
    """Money of the whole campaign with its interval."""
    if found is None:
        return NOTHING
    return _interval({key: money(value, currency, lang, 0) for key, value in found.items()}, lang)


def people(found: Told | None, lang: str) -> str:
    """Customers with the interval of their number."""
    return NOTHING if found is None else _interval({key: number(value, lang) for key, value in found.items()}, lang)


def _interval(shown: Mapping[str, str], lang: str) -> str:
    return text("campaigns.interval", lang, **shown)


def figures(told: Told, currency: str, lang: str) -> list[tuple[str, str]]:
    """Name and figure of everything that was measured, in the order in which it is read.

    Parameters
    ----------
    told
        As `flows.campaigns.as_dict` gives it.
    currency
        ISO 4217.
    lang
        `zh` or `en`.
    """
    outcome = told["outcome"]
    shown = [(name, difference(told[name], outcome, currency, lang)) for name in ("effect", "unadjusted")]
    if outcome in PEOPLE:
        shown.append((PEOPLE[outcome], people(told["people"], lang)))
    shown.append(("revenue" if told["margin"] == 1 else "margin", amount(told["revenue"], currency, lang)))
    shown.append(("cost", money(told["cost"], currency, lang, 0)))
    shown.append(("net", amount(told["net"], currency, lang)))
    roi = told["roi"]
    shares = {} if roi is None else {key: percent(value, lang) for key, value in roi.items()}
    shown.append(("roi", _interval(shares, lang) if shares else NOTHING))
    return [(text(f"campaigns.figure.{name}", lang), value) for name, value in shown]


def arms(told: Told, currency: str, lang: str) -> list[list[str]]:
    """A row per arm: its name, customers listed, outcome known, contacted, mean of the outcome. Parameters are those of `figures`."""
    rows = []
    for name in ("treated", "control"):
        arm = told[name]
        counts = [number(arm[key], lang) for key in ("listed", "followed", "contacted")]
        shown = mean(arm["mean"], told["outcome"], currency, lang)
        rows.append([text(f"campaigns.arm.{name}", lang), *counts, shown])
    return rows


def arm_titles(outcome: str, lang: str) -> list[str]:
    """What stands above the columns of `arms`."""
    names = ("arm", "listed", "followed", "contacted", f"mean_{outcome}")
    return [text(f"campaigns.column.{name}", lang) for name in names]


def verdict(told: Told, currency: str, lang: str) -> str:
    """The result as one sentence. Parameters are those of `figures`."""
    known = told["status"]
    if known == "waiting":
        return text("campaigns.waiting", lang, matures=told["matures_on"])
    if known == "no_control":
        return text("campaigns.no_control", lang)
    if known == "too_few":
        return text("campaigns.too_few", lang, events=FEWEST_EVENTS, people=FEWEST_PEOPLE)
    values = {
        "effect": difference(told["effect"], told["outcome"], currency, lang),
        "people": people(told["people"], lang),
    }
    return text(f"campaigns.{known}_{told['outcome']}", lang, **values)


def remarks(told: Told, currency: str, lang: str) -> Iterator[str]:
    """What else has to be known before the figures are used. Parameters are those of `figures`."""
    if told["late"]:
        yield text("campaigns.late", lang)
    if "treated" not in told:
        return
    treated, control = told["treated"], told["control"]
    if told["status"] == "no_control":
        both = {"came": treated["mean"], "expected": told["expected"]}
        shown = {key: mean(value, told["outcome"], currency, lang) for key, value in both.items()}
        yield text(f"campaigns.before_after_{told['outcome']}", lang, **shown)
    for name in told["doubts"]:
        values = {"held_out": control["contacted"] or 0, "listed": treated["listed"]}
        yield text(f"campaigns.doubt.{name}", lang, **values, missed=treated["listed"] - (treated["contacted"] or 0))
    for name in ("elsewhere", "absent", "undefined", "erased"):
        if told[name]:
            yield text(f"campaigns.{name}", lang, n=told[name])
    if told["contacts"]["outside"]:
        yield text("campaigns.outside", lang, n=told["contacts"]["outside"])
    if not told["contacts"]["on_record"]:
        yield text("campaigns.not_on_record", lang)
    if told["incentive"]:
        yield text("campaigns.most", lang)


def unregistered_titles(lang: str) -> list[str]:
    """What stands above the columns of `unregistered`."""
    return [text(f"campaigns.column.{name}", lang) for name in ("name", "days", "contacted", "control", "evidence")]


def unregistered(found: Sequence[OnRecord], lang: str) -> list[list[str]]:
    """A row per campaign that only the contacts table knows, and what it is worth as evidence."""
    rows = []
    for one in found:
        days = text("campaigns.range", lang, start=one.first, end=one.last)
        evidence = text(f"campaigns.evidence.{'not_registered' if one.held_out else 'not_randomised'}", lang)
        rows.append([one.name, days, number(one.contacted, lang), number(one.held_out, lang), evidence])
    return rows
