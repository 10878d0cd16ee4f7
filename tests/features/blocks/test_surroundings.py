"""What others of the region did, without what the customer did; nobody is missed, whether scored or not."""

import ibis
import pytest

from features.blocks import surroundings
from tests.features.blocks.rows import rows_of
from tests.tables import table

CUSTOMERS = """
    customer_id | region | activated_on | deactivated_on
    one         | north  | 2024-01-01   | null
    two         | north  | 2024-01-01   | null
    left        | north  | 2024-01-01   | 2024-06-30
    before      | north  | 2024-01-01   | 2024-04-02
    long ago    | north  | 2024-01-01   | 2024-04-01
    leaving     | south  | 2024-01-01   | 2024-07-01
    only        | west   | 2024-01-01   | null
    nowhere     | null   | 2024-01-01   | 2024-05-01
    unknown     | null   | 2024-01-01   | null
    to come     | north  | 2024-07-01   | null
"""


def test_who_left_is_counted_by_the_day_and_expected_at_the_rate_of_all_others(con: ibis.BaseBackend):
    shown = ("region_left_28", "region_expected_28", "region_left_90", "region_expected_90")
    found = rows_of(con, surroundings.surroundings_left, *shown, customers=CUSTOMERS)
    # 28 days: six were there, one left. 90 days, of which the first is 2 April: eight were there, three left.
    assert found["one"] == found["two"] == [(1.0, pytest.approx(2 / 5), 2.0, pytest.approx(3 * 3 / 7))]
    assert found["leaving"] == found["only"] == [(0.0, None, 0.0, None)], "nobody else is there"
    assert found["unknown"] == [(None, None, None, None)]
    assert found.keys() == {"one", "two", "leaving", "only", "unknown"}


def test_own_complaints_are_no_surroundings(con: ibis.BaseBackend):
    told = "\n".join(
        [
            "customer_id | happened_at",
            *["one | 2024-06-30"] * 3,
            "two | 2024-06-03",
            "two | 2024-06-02",
            "left | 2024-06-20",
        ]
    )
    shown = ("region_complaints_28", "region_expected_28")
    found = rows_of(con, surroundings.surroundings_complaints, *shown, customers=CUSTOMERS, complaints=told)
    assert found["one"] == [(1.0, pytest.approx(1 / 4))] and found["two"] == [(3.0, pytest.approx(3 / 4))]
    assert found["unknown"] == [(None, None)]


def test_refunds_and_failed_attempts_are_no_payments(con: ibis.BaseBackend):
    paid = """
        customer_id | happened_at | amount | failed
        one         | 2024-06-30  | 5.00   | null
        one         | 2024-06-30  | -5.00  | null
        one         | 2024-06-30  | 5.00   | true
        only        | 2024-06-30  | 5.00   | false
    """
    shown = ("region_payments_28", "region_expected_28")
    found = rows_of(con, surroundings.surroundings_payments, *shown, customers=CUSTOMERS, payments=paid)
    assert found["two"] == [(1.0, pytest.approx(2 / 4))] and found["one"] == [(0.0, pytest.approx(1 / 4))]


def test_groups_are_the_region_and_attributes_in_words():
    customers = table("customers", "customer_id | region | customer_type | account_id | left_reason\na | b | c | d | e")
    assert surroundings.groupings(
        customers.mutate(city=ibis.literal("x"), age=ibis.literal(1.0), paperless=ibis.literal(True))
    ) == ["region", "city"]
