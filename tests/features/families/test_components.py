"""Worked examples of components of bills: rent of 20 in May and June, of 10 before; a bill without it has none."""

import ibis

from features.blocks import money
from tests.features.blocks.rows import rows_of

BILLS = """
    customer_id | happened_at | amount | rent
    busy        | 2024-07-01  | 50     | 20
    busy        | 2024-06-01  | 40     | 20
    busy        | 2024-05-01  | 10     | null
"""


def test_components_are_summed_beside_the_bill(con: ibis.BaseBackend):
    """Billed in arrears, seen on 1 July: June is not closed, May has 20 of 40, April none of 10."""
    found = rows_of(con, money.bills, "ago", "billed", "component_rent", bills=BILLS)
    assert found["busy"][:3] == [(0, 4000.0, 2000.0), (1, 1000.0, None)]
