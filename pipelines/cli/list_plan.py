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
from pipelines.wording.texts import text

if TYPE_CHECKING:
    from targeting.plan import Plan


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
            "longer": advice.longer,
            "lists_together": advice.lists,
            "keeps_to_be_seen": advice.keeps,
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
    from pipelines.delivery import plan_words

    lang = run.language
    table = Table(box=None, pad_edge=False)
    for name in ("mark", *plan_words.COLUMNS):
        title = text(f"plan.column.{name}", lang) if name != "mark" else ""
        table.add_column(title, justify="right" if name != "mark" else "left")
    for row in found.table.to_dict("records"):
        cells = plan_words.cells(row, currency, lang)
        table.add_row(plan_words.mark(row["customers"], found, lang), *cells, style=_style(row, found))
    run.say(table)
    for sentence in plan_words.sentences(found, run.project.settings.profit, currency, lang):
        run.say(sentence)


def _style(row: dict[str, Any], found: "Plan") -> str:
    return "bold" if row["customers"] in (found.recommended, found.asked) else ""
