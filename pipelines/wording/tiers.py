"""The pyramid in words."""

from typing import Any

from pipelines.wording.formats import money, number, percent, word
from pipelines.wording.texts import text
from targeting.pyramid import Pyramid

COLUMNS = ("tier", "customers", "share_of_customers", "revenue", "share_of_revenue")
"""What `cells` tells, by the names of their titles."""


def name_of(tier: str | None, lang: str) -> str:
    """A tier as people call it; who has none is not rated."""
    return word("tier_current", tier, lang) if tier else text("tiers.unknown", lang)


def cells(row: dict[str, Any], currency: str, lang: str) -> list[str]:
    """A row of `Pyramid.tiers`: tier, customers and their share, revenue and its share.

    Parameters
    ----------
    row
        Its figures.
    currency
        ISO 4217.
    lang
        `zh` or `en`.
    """
    amounts = [money(row["revenue"], currency, lang, 0), percent(row["share_of_revenue"], lang, 1)]
    return [
        name_of(row["tier"], lang),
        number(row["customers"], lang),
        percent(row["share_of_customers"], lang, 1),
        *amounts,
    ]


def eighty_twenty(found: Pyramid, lang: str) -> list[str]:
    """The 80/20 check, as far as there is revenue, and the reviews.

    Parameters
    ----------
    found
        The pyramid.
    lang
        `zh` or `en`.
    """
    told = []
    if found.top_share is not None:
        known = {"share": percent(found.top_share, lang), "customers": percent(found.for_80, lang)}
        told.append(text("tiers.eighty_twenty", lang, **known))
    return [*told, text("tiers.review" if found.review else "tiers.no_review", lang, n=found.review)]
