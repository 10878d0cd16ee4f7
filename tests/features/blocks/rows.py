"""The rows of a block over tables written as text, seen on 1 July 2024."""

from datetime import date

import ibis

from features.blocks.registry import Block
from features.settings import FeatureSettings
from features.spine import everyone
from tests.tables import table

CUSTOMERS = "customer_id | activated_on\nbusy | 2024-03-10\nidle | 2024-03-10"
SEEN_ON = date(2024, 7, 1)


def rows_of(
    con: ibis.BaseBackend, block: Block, *show: str, customers: str = CUSTOMERS, settings=None, **texts: str
) -> dict[str, list[tuple]]:
    """The columns `show` of the block per customer, in order; nulls come last."""
    tables = {name: table(name, text) for name, text in texts.items()} | {"customers": table("customers", customers)}
    spine = everyone(tables["customers"], [SEEN_ON], "UTC")
    named = block(spine, tables, settings or FeatureSettings()).join(spine.select("row", who="customer_id"), "row")
    found: dict[str, list[tuple]] = {}
    for row in con.to_pyarrow(named.select("who", *show)).to_pylist():
        found.setdefault(row["who"], []).append(tuple(row[c] for c in show))
    return {who: sorted(rows, key=lambda row: [(v is None, v) for v in row]) for who, rows in found.items()}
