"""Worked examples of values that are counted apart."""

import ibis
import pytest

from features.build import build
from features.catalogue import catalogue
from features.settings import FeatureSettings
from features.spine import everyone
from tests.features.blocks.rows import CUSTOMERS, SEEN_ON
from tests.tables import table

CONTACTS = """
    customer_id | happened_at | reason | arm
    busy        | 2024-06-20  | 资费   | null
    busy        | 2024-06-21  | 资费   | control
    busy        | 2024-03-12  | 资费   | null
    busy        | 2024-06-22  | moving | null
    busy        | 2024-06-23  | null   | null
"""
LISTED = {"contacts": {"reason": {"price": "资费", "network": "网络"}}}


def counts(con: ibis.BaseBackend, contacts: str, listed: dict) -> dict[str, dict]:
    settings = FeatureSettings.model_validate({"counted": listed})
    features = [f for f in catalogue((), values=settings.counted_values()) if f.counted]
    tables = {"customers": table("customers", CUSTOMERS), "contacts": table("contacts", contacts)}
    wide = build(tables, everyone(tables["customers"], [SEEN_ON], "UTC"), features, settings)
    return {row["customer_id"]: row for row in con.to_pyarrow(wide).to_pylist()}


def test_listed_values_and_all_others_are_counted_and_controls_are_not(con: ibis.BaseBackend):
    found = counts(con, CONTACTS, LISTED)["busy"]
    assert {name: n for name, n in found.items() if name.startswith("contacts_")} == {
        "contacts_reason_price_90d": 1,
        "contacts_reason_price_365d": 2,
        "contacts_reason_network_90d": 0,
        "contacts_reason_network_365d": 0,
        "contacts_reason_other_90d": 1,
        "contacts_reason_other_365d": 1,
    }


def test_nothing_is_none_and_untold_is_unknown(con: ibis.BaseBackend):
    untold = "customer_id | happened_at | reason\nbusy | 2024-06-20 | null"
    found = counts(con, untold, LISTED)
    assert found["idle"]["contacts_reason_price_90d"] == 0
    assert found["busy"]["contacts_reason_price_90d"] is None
    assert found["busy"]["contacts_reason_other_90d"] is None


def test_a_value_that_nobody_listed_yet_changes_no_other_column(con: ibis.BaseBackend):
    """What counts is written down: a new word of tomorrow is another one, and never takes the place of one of today's."""
    newer = CONTACTS + "    busy | 2024-06-24 | roaming | null\n" * 5
    before, after = (counts(con, rows, LISTED)["busy"] for rows in (CONTACTS, newer))
    assert {name for name in before if before[name] != after[name]} == {
        "contacts_reason_other_90d",
        "contacts_reason_other_365d",
    }


def test_columns_are_called_by_the_value_in_both_languages():
    settings = FeatureSettings.model_validate({"counted": LISTED})
    price, *_, other = [f for f in catalogue((), values=settings.counted_values()) if f.counted]
    assert (price.label("en"), price.label("zh")) == (
        "contacts, reason 资费, 90 days",
        "近90天接触次数（reason：资费）",
    )
    assert other.label("en") == "contacts, other reason, 365 days"
    words = {"reason_price": ("about the price", "因为资费")}
    named = next(f for f in catalogue((), values=settings.counted_values(), words=words) if f.counted)
    assert named.label("zh") == "近90天接触次数（因为资费）"
    column = {"reason": ("why they called", "来电原因")}
    called = next(f for f in catalogue((), values=settings.counted_values(), words=column) if f.counted)
    assert (called.label("en"), called.label("zh")) == (
        "contacts, why they called 资费, 90 days",
        "近90天接触次数（来电原因：资费）",
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"other": "别的"}, "are counted as"),
        ({"price": "资费", "cost": "资费"}, "two names"),
        ({"资费": "资费"}, "pattern"),
        ([f"v{n}" for n in range(13)], "at most 12"),
        ([], "at least 1"),
    ],
)
def test_values_that_cannot_be_counted_are_refused(values, said: str):
    with pytest.raises(ValueError, match=said):
        FeatureSettings.model_validate({"counted": {"contacts": {"reason": values}}})
