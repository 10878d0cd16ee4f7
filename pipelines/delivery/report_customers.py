"""The customers' part of the report: cards, matrix, who is at risk, who is on the way up, lifecycle."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.scores.columns import STAGES
from pipelines.delivery import report_grade
from pipelines.delivery.report_data import Page
from pipelines.wording.formats import masked, missing
from pipelines.wording.reasons import sentences

TOP_ROWS = 15
RISKY = ("high", "critical")
LEVELS = ("high", "medium", "low")
LIGHTEST, DARKEST = (0.96, 0.56)  # lightness of the matrix cells, least and most revenue at risk


def cards(page: Page) -> list[dict[str, Any]]:
    """The four figures that the page opens with."""
    ok, horizon = page.data.ok, churn_days(page)
    risky = _count(ok["churn_risk_band"], RISKY)
    worse = _count(ok["churn_trend"], ["worsening"])
    potential, low = _count(ok["is_potential_vip"], [True]), int(ok["vip_probability"].notna().sum())
    at_risk, staying = ok["value_at_risk"].sum(min_count=1), _retained_over_horizon(ok)
    note = page.say("high_risk_note", share=page.share(_ratio(risky, len(ok))), n=page.count(worse))
    return [
        _card(page, "active", page.count(len(page.data.frame)), page.say("active_note", n=page.count(len(ok)))),
        _card(page, "high_risk", page.count(risky), note),
        _card(
            page,
            "potential",
            page.count(potential),
            page.say("potential_note", share=page.share(_ratio(potential, low))),
        ),
        {
            "kind": "at_risk",
            "label": page.say("at_risk", days=horizon) if horizon else page.say("at_risk_plain"),
            "value": page.big_money(at_risk),
            "note": page.say("at_risk_note", share=page.share(_ratio(at_risk, staying))),
        },
    ]


def has_scores(page: Page) -> dict[str, bool]:
    """Which sections have anything to show: a target that nothing scored is unknown, and not nothing."""
    columns = {"matrix": "value_risk_cell", "risk": "churn_probability", "vip": "vip_probability"}
    ok = page.data.ok
    return {section: bool(ok.empty or ok[column].notna().any()) for section, column in columns.items()}


def _count(column: pd.Series, values: Iterable[Any]) -> int | None:
    """How many have one of these values; None where nobody has any, for the model is not there."""
    return int(column.isin(list(values)).sum()) if column.notna().any() else None


def _card(page: Page, kind: str, value: str, note: str) -> dict[str, str]:
    return {"kind": kind, "label": page.say(kind), "value": value, "note": note}


def matrix(page: Page) -> list[dict[str, Any]]:
    """Rows by value, high first; cells by risk, low first; the darker, the more revenue at risk per customer."""
    ok = page.data.ok
    cell_of = ok["value_risk_cell"].astype(object)
    grouped = ok.groupby(cell_of)["value_at_risk"].agg(n="size", money="sum", each="mean")
    most = grouped["each"].max() if len(grouped) else 0.0
    cells = {f"{v}_{r}": _cell(page, f"{v}_{r}", grouped, most) for v in LEVELS for r in LEVELS}
    return [
        {
            "value": page.say("value_level", level=page.word("value_band", v)),
            "cells": [cells[f"{v}_{r}"] for r in reversed(LEVELS)],
        }
        for v in LEVELS
    ]


def risk_levels(page: Page) -> list[str]:
    """Heads of the matrix's columns, low risk first."""
    return [page.say("risk_level", level=page.word("churn_risk_band", level)) for level in reversed(LEVELS)]


def _cell(page: Page, name: str, grouped: pd.DataFrame, most: float) -> dict[str, Any]:
    figures = grouped.loc[name] if name in grouped.index else {"n": 0, "money": 0.0, "each": 0.0}
    depth = figures["each"] / most if most else 0.0
    return {
        "advice": page.say(f"cell_{name}"),
        "count": page.say("matrix_cell", n=page.count(figures["n"])),
        "money": page.say("matrix_money", money=page.big_money(figures["money"]), each=page.money(figures["each"])),
        "lightness": f"{100 * (LIGHTEST + (DARKEST - LIGHTEST) * depth):.0f}%",
    }


def risk_rows(page: Page) -> list[dict[str, Any]]:
    """The customers with the most revenue at risk, ids masked; held-out customers are left out.

    Without a value they come by their probability.
    """
    ok = page.data.ok
    column = "value_at_risk" if ok["value_at_risk"].notna().any() else "churn_probability"
    highest = highest_rows(ok, ~ok["is_holdout"] & ok[column].notna(), column)
    return [_risk_row(page, row) for row in _records(page, highest, "churn")]


def risk_lead(page: Page) -> str:
    """Who is shown first, and what their probability means; a table without dates knows no days."""
    n, days, churn = len(risk_rows(page)), churn_days(page), page.data.evaluations.get("churn")
    if not days and page.data.ok["churn_probability"].notna().any():
        return page.say("risk_lead_listed", n=n, calibrated=report_grade.calibrated(page, churn, None))
    known = page.data.ok.empty or page.data.ok["value_at_risk"].notna().any()
    shown = report_grade.calibrated(page, churn, days)
    return page.say("risk_lead" if known else "risk_lead_probability", n=n, calibrated=shown)


def _risk_row(page: Page, row: dict[str, Any]) -> dict[str, Any]:
    return _person(page, row) | {
        "probability": page.share(row["churn_probability"], 0),
        "top": page.say("top", share=page.share(max(1 - row["churn_percentile"] / 100, 0.001), 1)),
        "band": row["churn_risk_band"],
        "band_word": page.word("churn_risk_band", row["churn_risk_band"]),
        "trend": page.word("churn_trend", row["churn_trend"]),
        "value": page.money(row["value_12m_pred"]),
        "at_risk": page.money(row["value_at_risk"]),
    }


def vip_rows(page: Page) -> list[dict[str, Any]]:
    """Potential VIPs, the most probable first, with their distance to the high-value line."""
    ok = page.data.ok
    highest = highest_rows(ok, ok["is_potential_vip"].eq(True) & ~ok["is_holdout"], "vip_probability")
    usual = ok["vip_probability"].mean()
    return [_vip_row(page, row, usual) for row in _records(page, highest, "vip")]


def highest_rows(rows: pd.DataFrame, where: pd.Series, column: str) -> pd.DataFrame:
    """The few with the most of a column, equals by id; to sort millions of whole rows for them would cost gigabytes.

    Parameters
    ----------
    rows
        With customer_id and the column.
    where
        True for those that may be chosen, same index.
    column
        Numbers.

    Returns
    -------
    pandas.DataFrame
        At most `TOP_ROWS` rows, the highest first.
    """
    few = rows.loc[rows.loc[where, column].nlargest(TOP_ROWS, keep="all").index]
    return few.sort_values([column, "customer_id"], ascending=[False, True]).head(TOP_ROWS)


def _records(page: Page, rows: pd.DataFrame, kind: str) -> list[dict[str, Any]]:
    reasons_by_row = page.data.reasons(kind, rows.index).to_pylist()
    return [row | {"reasons": reasons} for row, reasons in zip(rows.to_dict("records"), reasons_by_row, strict=True)]


def _vip_row(page: Page, row: dict[str, Any], usual: float) -> dict[str, Any]:
    bill, gap = row["arpu_3m"], row["vip_gap"]
    return _person(page, row) | {
        "probability": page.share(row["vip_probability"], 0),
        "times": page.say("times", n=f"{row['vip_probability'] / usual:.1f}"),
        "bill": page.money(bill),
        "gap": page.money(gap),
        "reached": _progress_width(bill, gap, page.data.threshold),
        "value": page.money(row["value_12m_pred"]),
    }


def _progress_width(bill: float, gap: float, threshold: float | None) -> str:
    """How much of the way to the high-value line is done, as a width."""
    whole = threshold if threshold else bill + gap
    return "0%" if missing(whole) or missing(gap) else f"{100 * (_ratio(max(whole - gap, 0.0), whole) or 0):.0f}%"


def _person(page: Page, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer": masked(row["customer_id"]),
        "tier": page.word("tier_current", row["tier_current"]),
        "reasons": sentences(row["reasons"], page.wording),
        "action": page.word("recommended_action", row["recommended_action"]),
    }


def has_tiers(page: Page) -> bool:
    """Does the project have tiers at all?"""
    return bool(page.data.frame["tier_current"].notna().any())


def stages(page: Page) -> list[dict[str, Any]]:
    """Customers per lifecycle stage with bill, churn and revenue at risk."""
    ok = page.data.ok
    named = ok["lifecycle_stage"].astype(object)
    names = [stage for stage in STAGES if named.eq(stage).any()]
    parts = [(page.word("lifecycle_stage", stage), ok[named.eq(stage)]) for stage in names]
    if named.isna().any():
        parts.append((page.say("stage_unknown"), ok[named.isna()]))
    return [_stage(page, name, part, len(ok)) for name, part in parts]


def _stage(page: Page, name: str, part: pd.DataFrame, everybody: int) -> dict[str, Any]:
    share = len(part) / everybody
    return {
        "name": name,
        "count": page.count(len(part)),
        "share": page.share(share),
        "width": f"{100 * share:.1f}%",
        "bill": page.money(part["arpu_3m"].mean(), 2),
        "churn": page.share(part["churn_probability"].mean()),
        "at_risk": page.big_money(part["value_at_risk"].sum(min_count=1)),
    }


def reason_weights(page: Page) -> dict[str, float]:
    """Business reason to its share of everything that pushes the scores of high-risk customers up."""
    ok = page.data.ok
    risky = ok.index[ok["churn_risk_band"].isin(RISKY)]
    reasons = pc.list_flatten(page.data.reasons("churn", risky)).combine_chunks()
    pushing = reasons.filter(pc.greater(pc.struct_field(reasons, "direction"), 0))
    table = pa.table({part: pc.struct_field(pushing, part) for part in ("code", "contribution")})
    sums = table.group_by("code").aggregate([("contribution", "sum")]).to_pylist()
    weights = {row["code"]: abs(row["contribution_sum"]) for row in sums}
    total = sum(weights.values())
    return {code: weight / total for code, weight in weights.items()} if total else {}


def statuses(page: Page) -> list[tuple[str, str]]:
    """How many customers were scored, and how many were not for which reason; in words."""
    counted = page.data.frame["score_status"].astype(object).value_counts()
    return [(page.word("score_status", status), page.count(count)) for status, count in counted.items()]


def churn_days(page: Page) -> int:
    """Days of the main churn horizon; 0 where nothing scored churn, or the data have no dates."""
    days = _first(page.data.frame["churn_horizon_days"].dropna())
    return int(days) if days is not None else 0


def _retained_over_horizon(ok: pd.DataFrame) -> float:
    """Revenue within the churn horizon if everybody stayed: value at risk / churn probability."""
    likely = ok["churn_probability"] > 0
    return float((ok.loc[likely, "value_at_risk"] / ok.loc[likely, "churn_probability"]).sum())


def _ratio(part: float | None, whole: float) -> float | None:
    return part / whole if part is not None and not missing(part) and whole else None


def _first(values: Iterable[Any]) -> Any:
    return next(iter(values), None)
