"""Consent and last contact as they stood at the as-of date."""

from datetime import date

import ibis
import pytest

from features.blocks.permissions import facts, permissions
from features.spine import everyone
from tests.tables import table

CUSTOMERS = "customer_id | activated_on\nyes | 2024-01-01\nno | 2024-01-01\nunasked | 2024-01-01"
CONSENTS = """
    customer_id | purpose   | happened_at | known_at   | allowed
    yes         | marketing | 2024-02-01  | 2024-02-01 | false
    yes         | marketing | 2024-03-01  | 2024-03-01 | true
    yes         | marketing | 2024-07-01  | 2024-07-01 | false
    no          | marketing | 2024-02-01  | 2024-02-01 | true
    no          | marketing | 2024-06-30  | 2024-06-30 | false
    unasked     | research  | 2024-02-01  | 2024-02-01 | true
"""
CONTACTS = """
    customer_id | happened_at | direction
    yes         | 2024-06-01  | outbound
    yes         | 2024-05-01  | outbound
    yes         | 2024-06-20  | inbound
    yes         | 2024-07-01  | outbound
    no          | 2024-06-20  | inbound
"""


def decisions(con: ibis.BaseBackend, **texts: str) -> dict[str, tuple]:
    tables = {name: table(name, text) for name, text in texts.items()}
    spine = everyone(table("customers", CUSTOMERS), [date(2024, 7, 1)], "UTC")
    rows = con.to_pyarrow(permissions(tables, spine, "marketing")).to_pylist()
    assert len(rows) == 3
    return {row["customer_id"]: (row["consent"], row["last_contact_on"]) for row in rows}


def test_the_newest_decision_for_the_purpose_counts(con: ibis.BaseBackend):
    found = decisions(con, consents=CONSENTS, contacts=CONTACTS)
    assert found == {"yes": (True, date(2024, 6, 1)), "no": (False, None), "unasked": (None, None)}


@pytest.mark.parametrize(("told", "lag"), [(3, 3), (None, None)], ids=["three days", "no usage"])
def test_facts_say_how_many_days_of_usage_have_not_come(con: ibis.BaseBackend, told: int | None, lag: int | None):
    customers = table(
        "customers", "customer_id | activated_on | account_id\nA | 2024-01-01 | one\nB | 2024-02-01 | two"
    )
    spine = everyone(customers, [date(2024, 7, 1)], "UTC")
    spine = spine if told is None else spine.mutate(usage_lag=ibis.literal(told, "int64"))
    rows = con.to_pyarrow(facts({"customers": customers}, spine, "marketing").order_by("customer_id")).to_pylist()
    assert [(row["customer_id"], row["account_id"], row["usage_lag"]) for row in rows] == [
        ("A", "one", lag),
        ("B", "two", lag),
    ]


def test_without_the_tables_nothing_is_known(con: ibis.BaseBackend):
    assert set(decisions(con).values()) == {(None, None)}
