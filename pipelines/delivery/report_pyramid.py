"""The part of the report that tells who brings how much, and what is to be done for whom."""

from typing import Any

from pipelines.delivery.report_data import Page
from pipelines.wording.texts import text
from pipelines.wording.tiers import eighty_twenty, name_of
from targeting.pyramid import pyramid


def tiers(page: Page) -> dict[str, Any] | None:
    """Customers and monthly bills by tier, highest first, and what is to be said of them; None where nobody has a tier."""
    frame = page.data.frame
    if not frame["tier_current"].notna().any():
        return None
    found = pyramid(frame, page.data.tiers)
    rows = [_tier(page, row) for row in found.tiers.to_dict("records")]
    return {
        "rows": rows,
        "said": _joined(eighty_twenty(found, page.lang), page.lang),
        "how": text("tiers.how", page.lang),
    }


def _joined(sentences: list[str], lang: str) -> str:
    return ("" if lang == "zh" else " ").join(sentences)


def _tier(page: Page, row: dict[str, Any]) -> dict[str, str]:
    return {
        "name": name_of(row["tier"], page.lang),
        "count": page.count(row["customers"]),
        "share": page.share(row["share_of_customers"]),
        "revenue": page.big_money(row["revenue"]),
        "share_of_revenue": page.share(row["share_of_revenue"]),
        "width": f"{100 * row['share_of_revenue']:.1f}%",
    }


def actions(page: Page) -> list[dict[str, str]]:
    """Customers by recommended action, most first, and the net benefit that is expected of it."""
    frame = page.data.frame
    action = frame["recommended_action"].astype(object)
    grouped = frame["action_priority"].astype(float).groupby(action).agg(n="size", money=lambda s: s.sum(min_count=1))
    ordered = grouped.rename_axis("action").reset_index().sort_values(["n", "action"], ascending=[False, True])
    return [
        {
            "name": page.word("recommended_action", row["action"]),
            "count": page.count(row["n"]),
            "benefit": page.money(row["money"]),
        }
        for row in ordered.to_dict("records")
    ]
