"""`headwater list plan`: how long the at-risk list should be, in money, and what it could show."""

from typing import TYPE_CHECKING, Any

from rich.table import Table

from pipelines.cli.lists import (
    Action,
    AsOf,
    Holdout,
    MinValue,
    Reason,
    Region,
    Stage,
    Tier,
    Top,
    Type,
    ValueBand,
    list_app,
    share,
)
from pipelines.cli.run import Run, command
from pipelines.wording.formats import money, number, percent
from pipelines.wording.texts import text

if TYPE_CHECKING:
    from targeting.plan import Plan

COLUMNS = ("customers", "held_out", "reached", "in_vain", "cost", "saved", "net", "interval", "detectable", "expected")


@command(list_app, "plan")
def plan(
    run: Run,
    top: Top = None,
    holdout: Holdout = None,
    as_of: AsOf = None,
    min_value: MinValue = None,
    region: Region = None,
    tier: Tier = None,
    type: Type = None,
    stage: Stage = None,
    reason: Reason = None,
    action: Action = None,
    value_band: ValueBand = None,
) -> None:
    """How many to contact: leavers reached, cost, net benefit and what the control could show, at every length of the at-risk list."""
    from pipelines.delivery import lists
    from pipelines.workspace.publication import read_publication

    project = run.project
    publication = read_publication(project.workspace, as_of.date() if as_of else None)
    options = {"top": top, "holdout": share(holdout), "min_value": min_value}
    wanted = {"region": region, "tier": tier, "type": type, "stage": stage, "reason": reason, "action": action}
    found = lists.planned(project, publication, options, wanted | {"value_band": value_band})
    run.tell(as_of=publication.as_of.isoformat(), plan=as_dict(found), currency=project.mapping.currency)
    _say(run, found, project.mapping.currency)


def as_dict(found: "Plan") -> dict[str, Any]:
    """A plan for programs: the table as rows, and everything that it rests on."""
    rows = [{name: _plain(value) for name, value in row.items()} for row in found.table.to_dict("records")]
    advice = found.advice
    return {
        "rows": rows,
        "recommended": found.recommended,
        "asked": found.asked,
        "contactable": len(found.audience.probability),
        "leavers": found.audience.leavers,
        "without_value": found.audience.unknown,
        "expected_maximum_profit": found.profit.expected,
        "contact_cost": found.costs.contact,
        "incentive": found.costs.incentive,
        "acceptance": found.acceptance.mean,
        "by_action": found.by_action,
        "measurable": {
            "verdict": advice.verdict,
            "detectable": advice.detectable,
            "expected": advice.expected,
            "enough_holdout": advice.share,
        },
    }


def _plain(value: Any) -> Any:
    """A number that JSON knows; None where it is not known."""
    import pandas as pd

    if pd.isna(value):
        return None
    return int(value) if float(value).is_integer() else round(float(value), 6)


def _say(run: Run, found: "Plan", currency: str) -> None:
    """The table, the recommended length, what it rests on, and whether the list that was asked for can be measured."""
    lang = run.language
    table = Table(box=None, pad_edge=False)
    for name in ("mark", *COLUMNS):
        title = text(f"plan.column.{name}", lang) if name != "mark" else ""
        table.add_column(title, justify="right" if name != "mark" else "left")
    for row in found.table.to_dict("records"):
        table.add_row(_mark(row["customers"], found, lang), *_cells(row, currency, lang), style=_style(row, found))
    run.say(table)
    amounts = {
        "contact": money(found.costs.contact, currency, lang),
        "offer": money(found.costs.incentive, currency, lang),
    }
    for sentence in sentences(found, run.project.settings.profit, amounts, lang):
        run.say(sentence)


def _style(row: dict[str, Any], found: "Plan") -> str:
    return "bold" if row["customers"] in (found.recommended, found.asked) else ""


def _mark(customers: int, found: "Plan", lang: str) -> str:
    """What a length is: recommended, asked for, both or neither."""
    marks = {"recommended": found.recommended, "asked": found.asked}
    return text("plan.and", lang).join(text(f"plan.{name}", lang) for name, k in marks.items() if k == customers)


def _cells(row: dict[str, Any], currency: str, lang: str) -> list[str]:
    low, high = (money(row[name], currency, lang, 0) for name in ("net_low", "net_high"))
    counts = [number(row[name], lang) for name in ("customers", "held_out", "reached", "in_vain")]
    amounts = [money(row[name], currency, lang, 0) for name in ("cost", "saved", "net")]
    points = [_points(row[name], lang) for name in ("detectable", "expected")]
    return [*counts, *amounts, f"{low} … {high}", *points]


def _points(share: float | None, lang: str) -> str:
    """A difference of shares in percentage points; a dash where there is none."""
    return number(None if share is None else 100 * share, lang, 1)


def sentences(found: "Plan", settings: Any, amounts: dict[str, str], lang: str) -> list[str]:
    """What a plan says in words.

    Parameters
    ----------
    found
        The plan.
    settings
        Its `ProfitSettings`.
    amounts
        contact and offer, in money.
    lang
        `zh` or `en`.
    """
    told = []
    people = len(found.audience.probability)
    if found.recommended:
        told.append(text("plan.use", lang, n=found.recommended, of=people))
    else:
        told.append(text("plan.none_pays", lang, of=people))
    complete = None not in (settings.contact_cost, settings.incentive, settings.acceptance)
    source = "by_action" if found.by_action else "configured" if complete else "assumed"
    rate = {"rate": percent(found.acceptance.mean, lang), "spread": percent(found.acceptance.sd, lang)}
    told.append(text(f"plan.{source}", lang, **amounts, **rate))
    advice = found.advice
    points = {"seen": _points(advice.detectable, lang), "expected": _points(advice.expected, lang)}
    held = found.table.set_index("customers")["held_out"].get(found.asked, 0)
    known = {"n": found.asked, "share": percent(held / max(found.asked, 1), lang), "more": percent(advice.share, lang)}
    verdict: str = advice.verdict
    if verdict == "no_control" and advice.share is None:
        verdict = "no_control_helps"
    elif verdict != "no_control" and advice.detectable is None:
        verdict += "_nothing"
    told.append(text(f"plan.{verdict}", lang, **known, **points))
    if found.audience.unknown:
        told.append(text("plan.unknown", lang, n=found.audience.unknown))
    return told
