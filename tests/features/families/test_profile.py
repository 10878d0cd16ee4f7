"""Worked examples of attributes and tenure."""

import ibis

from tests.tables import expect


def test_attributes_and_tenure(con: ibis.BaseBackend):
    """30.4375 days to a month: 30 days are none yet, 31 are one. Months known are closed calendar months."""
    customers = """
        customer_id | activated_on | customer_type | group_size | region
        firm        | 2024-05-31   | group         | large      | north
        someone     | 2023-07-01   | null          | null       | null
    """
    expected = """
        customer_id | seen on    | customer_type | group_size | region | tenure_days | tenure_months | months_known
        firm        | 2024-06-01 | group         | large      | north  | 1           | 0             | 0
        firm        | 2024-06-07 | group         | large      | north  | 7           | 0             | 1
        firm        | 2024-06-30 | group         | large      | north  | 30          | 0             | 1
        firm        | 2024-07-01 | group         | large      | north  | 31          | 1             | 1
        someone     | 2024-07-01 | null          | null       | null   | 366         | 12            | 11
    """
    expect(con, expected, customers=customers)
