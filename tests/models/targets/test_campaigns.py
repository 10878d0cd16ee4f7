"""Who was treated by a campaign while their outcome was awaited, by hand, at the edges of the window."""

from datetime import datetime

import ibis
import pytest

from features.definition import KEY
from features.settings import FeatureSettings
from features.spine import everyone
from models.targets.campaigns import campaign_weights
from models.targets.follow_up import FollowUp
from tests.features.blocks.rows import SEEN_ON
from tests.tables import table

NAMES = ("treated", "control", "both", "twice", "before", "later", "unlisted", "mailed", "unheard", "known late")
CUSTOMERS = "customer_id | activated_on\n" + "\n".join(f"{name} | 2024-03-10" for name in NAMES)
CONTACTS = """
    customer_id | happened_at | known_at   | campaign_id | arm
    treated     | 2024-07-01  | 2024-07-01 | A           | treated
    control     | 2024-07-31  | 2024-07-31 | A           | control
    both        | 2024-07-15  | 2024-07-15 | A           | control
    both        | 2024-07-20  | 2024-07-20 | B           | treated
    twice       | 2024-07-15  | 2024-07-15 | A           | control
    twice       | 2024-07-20  | 2024-07-20 | B           | control
    before      | 2024-06-30  | 2024-06-30 | A           | treated
    later       | 2024-08-01  | 2024-08-01 | A           | treated
    mailed      | 2024-07-15  | 2024-07-15 | C           | treated
    unheard     | 2024-07-15  | 2024-07-15 | D           | control
    known late  | 2024-07-15  | 2024-09-02 | A           | treated
"""
UNTIL = datetime.fromisoformat("2024-09-01")


def weights(con: ibis.BaseBackend, contacts: str | None) -> dict[str, tuple[float | None, bool | None]]:
    """Weight of each customer and whether they are untouched; the window is July, seen from its first day."""
    tables = {"customers": table("customers", CUSTOMERS)}
    tables |= {"contacts": table("contacts", contacts)} if contacts else {}
    after = FollowUp(everyone(tables["customers"], [SEEN_ON], "UTC"), tables, UNTIL, FeatureSettings())
    rows = con.to_pyarrow(campaign_weights(after, 1, 30)).to_pylist()
    assert all(row.keys() == {*KEY, "campaign_weight", "untouched"} for row in rows) and len(rows) == len(NAMES)
    return {row["customer_id"]: (row["campaign_weight"], row["untouched"]) for row in rows}


def test_the_treated_count_for_nothing_and_the_control_for_all_whom_it_stands_for(con: ibis.BaseBackend):
    """A listed six that are known by then, three of them left alone; B two, one of them."""
    found = weights(con, CONTACTS)
    assert found["treated"] == found["both"] == (0.0, False)
    assert found["control"] == (pytest.approx(2.0), True) and found["twice"] == (pytest.approx(4.0), True)
    for name in ("before", "later", "unlisted", "mailed", "unheard", "known late"):
        assert found[name] == (1.0, True), name


@pytest.mark.parametrize("arm", [None, "treated", "control"])
def test_without_a_campaign_of_both_arms_nothing_can_be_told(con: ibis.BaseBackend, arm: str | None):
    contacts = f"customer_id | happened_at | campaign_id | arm\ntreated | 2024-07-01 | A | {arm}" if arm else None
    assert set(weights(con, contacts).values()) == {(None, None)}
