"""The marketing report: one self-contained HTML page in both languages that makes no outside requests."""

from typing import Any

from markupsafe import Markup

from models.scores.columns import BY_NAME
from pipelines.delivery import charts, report_customers, report_grade, report_models, report_pyramid, report_runs
from pipelines.delivery.report_data import ListEntry, Page, ReportData, TableUse
from pipelines.delivery.templating import languages, template
from pipelines.wording.formats import word
from pipelines.wording.texts import has, text

TERMS = (
    "churn_probability",
    "churn_percentile",
    "churn_risk_band",
    "churn_trend",
    "value_pred",
    "value_12m_pred",
    "value_at_risk",
    "value_band",
    "vip_probability",
    "is_potential_vip",
    "vip_gap",
    "arpu_3m",
    "lifecycle_stage",
    "recommended_action",
    "action_priority",
)
METRIC_TERMS = (
    "auc",
    "average_precision",
    "lift",
    "captured",
    "brier",
    "ece",
    "mae",
    "normalised_gini",
    "total_bias",
    "coverage",
    "interval",
)


def render(data: ReportData, lang: str = "zh") -> str:
    """The page as text. Both languages are in it, `lang` is shown first; the switch needs no script.

    The same data gives the same text.
    """
    pages = [_view(Page(data, language)) for language in languages(lang)]
    return str(template("report.html").render(pages=pages, lang=lang))


def _view(page: Page) -> dict[str, Any]:
    """Everything that the template shows in one language, finished words and figures only."""
    data = page.data
    weights = report_customers.reason_weights(page)
    return {
        "lang": page.lang,
        "say": page.say,
        "word": page.word,
        "name": data.name,
        "as_of": page.day(data.as_of),
        "title": page.say("title"),
        "facts": [
            (page.say("data_date"), page.day(data.as_of)),
            (page.say("run"), data.run_id),
            *((text(f"targets.{target}.name", page.lang), version) for target, version in data.models.items()),
        ],
        "scored": report_customers.has_scores(page),
        "cards": report_customers.cards(page),
        "matrix": report_customers.matrix(page),
        "risk_levels": report_customers.risk_levels(page),
        "risk_lead": report_customers.risk_lead(page),
        "good_lead": page.say("good_lead_folds" if _in_folds(data) else "good_lead"),
        "tiers": report_customers.has_tiers(page),
        "risk": report_customers.risk_rows(page),
        "vips": report_customers.vip_rows(page),
        "vip_lead": _vip_lead(page),
        "stages": report_customers.stages(page),
        "pyramid": report_pyramid.tiers(page),
        "actions": report_pyramid.actions(page),
        "reasons": _reasons_picture(page, weights) if weights else None,
        "lists": [_list(page, entry) for entry in data.lists],
        "evaluations": _with_markup(report_models.models(page)),
        "few": report_grade.FEW,
        "left_out": list(data.left_out.get(page.lang, ())),
        "quality": [_table(page, use) for use in data.quality],
        "warnings": list(data.warnings.get(page.lang, ())),
        "statuses": report_customers.statuses(page),
        "recent": report_runs.rows(page),
        "glossary": glossary(page.lang),
    }


def _in_folds(data: ReportData) -> bool:
    """Were the models judged on other customers, and not on later time?"""
    return any(evaluation.folds for evaluation in data.evaluations.values())


def _vip_lead(page: Page) -> str:
    if page.data.threshold is None:
        return page.say("vip_lead_plain")
    return page.say("vip_lead", threshold=page.money(page.data.threshold, 2))


def _reasons_picture(page: Page, weights: dict[str, float]) -> Markup:
    figure = charts.reasons(weights, page.lang)
    return Markup(charts.svg(figure, f"{page.lang}-reasons", page.say("reasons")))


def _with_markup(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Our own pictures are markup; everything else on the page is escaped."""
    for block in blocks:
        for picture in block["pictures"]:
            picture["svg"] = Markup(picture["svg"])
    return blocks


def _list(page: Page, entry: ListEntry) -> dict[str, Any]:
    counts = entry.counts
    suppressed = [
        (word("suppress_reason", reason, page.lang), page.count(n)) for reason, n in counts.suppressed.items()
    ]
    return {
        "kind": page.say(f"list_{entry.kind}"),
        "list_id": entry.list_id,
        "files": entry.files,
        "eligible": page.count(counts.eligible),
        "listed": page.count(counts.listed),
        "suppressed": page.count(sum(counts.suppressed.values())),
        "suppressed_by": suppressed,
        "held_out": page.count(counts.held_out),
        "beyond": page.count(counts.beyond_top + counts.same_account),
    }


def _table(page: Page, use: TableUse) -> dict[str, Any]:
    return {
        "name": text(f"terms.table.{use.table}", page.lang) if has(f"terms.table.{use.table}") else use.table,
        "rows_in": page.count(use.rows_in),
        "used": page.count(use.used),
        "quarantined": page.count(use.quarantined),
        "is_quarantined": use.quarantined > 0,
        "duplicates": page.count(use.duplicates),
        "filtered": page.count(use.filtered),
        "newest": page.day(use.newest),
        "behind": _behind(page, use),
    }


def _behind(page: Page, use: TableUse) -> str:
    """How far the newest row lies before the data date; a table of what is agreed may reach beyond it."""
    if use.newest is None:
        return ""
    days = (page.data.as_of - use.newest).days
    span = text("figures.day" if days == 1 else "figures.days", page.lang, n=page.count(days))
    return page.say("behind", n=span) if days > 0 else page.say("behind_not")


def glossary(lang: str) -> list[tuple[str, str]]:
    """Term and formula, of the score table first, then of the measures of quality."""
    from_scores = [(_label(term, lang), text(f"glossary.{term}", lang)) for term in TERMS]
    named = [(key, f"metric_{key}" if has(f"report.metric_{key}") else f"term_{key}") for key in METRIC_TERMS]
    return from_scores + [(text(f"report.{name}", lang), text(f"glossary.{key}", lang)) for key, name in named]


def _label(term: str, lang: str) -> str:
    column = BY_NAME[term]
    return column.zh if lang == "zh" else column.en
