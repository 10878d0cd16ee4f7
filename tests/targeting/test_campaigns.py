"""A campaign in figures: by intention to treat, in people and money, and never more sure than it may be."""

import numpy as np
import pandas as pd
import pytest

from targeting.campaigns import FEWEST_EVENTS, Costs, measure

COSTS = Costs(contact=2.0, incentive=10.0)


def members(n: int = 1_000, saved: float = 0.5, seed: int = 1, share: float = 0.4) -> pd.DataFrame:
    """A list of churn; of would-be leavers who are contacted a share stays, and pays."""
    rng = np.random.default_rng(seed)
    risk = rng.beta(2, 4, n)
    control = rng.random(n) < share
    left = (rng.random(n) < risk) & (control | (rng.random(n) > saved))
    bill = rng.gamma(3, 30, n)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)],
            "unit": [f"C{i:05d}" for i in range(n)],
            "arm": np.where(control, "control", "treated"),
            "came": left.astype(float),
            "left": left.astype(float),
            "money": np.where(left, 0.0, bill),
            "contacts": np.where(control, 0.0, 1.0),
            "contact_cost": np.nan,
            "churn_probability": risk,
            "value_pred": bill,
            "vip_probability": 0.1,
        }
    )


def test_a_campaign_that_works_is_told_in_people_and_money():
    rows = members()
    found = measure(rows, "churn", COSTS, 0.4)
    treated = rows[rows["arm"] == "treated"]
    assert found.status == "works" and found.effect.high < 0 and found.doubts == ()
    plain = treated["came"].mean() - rows.loc[rows["arm"] == "control", "came"].mean()
    assert found.unadjusted.estimate == pytest.approx(plain)
    assert found.people.value == pytest.approx(-found.effect.estimate * len(treated))
    assert found.people.low < found.people.value < found.people.high
    stayed = int((treated["left"] == 0).sum())
    assert found.cost == pytest.approx(2 * len(treated) + 10 * stayed)
    assert found.net.value == pytest.approx(found.revenue.value - found.cost)
    assert found.roi.low == pytest.approx((found.revenue.low - found.cost) / found.cost)
    assert found.effect.half_width < found.unadjusted.half_width


@pytest.mark.parametrize(("saved", "status"), [(0.0, "open"), (0.5, "works")])
def test_nothing_is_open(saved, status):
    assert measure(members(saved=saved, seed=4), "churn", COSTS, 0.4).status == status


def test_more_leavers_among_those_contacted_is_harm():
    rows = members()
    rows["arm"] = np.where(rows["arm"] == "treated", "control", "treated")
    assert measure(rows, "churn", COSTS, 0.6).status == "harms"
    vips = measure(rows, "vip", COSTS, 0.6)
    assert vips.status == "works" and vips.people.low > 0, "more VIPs are wanted, and are people won"


def test_without_a_control_nothing_is_measured():
    rows = members()
    found = measure(rows[rows["arm"] == "treated"], "churn", COSTS, 0.0)
    assert found.status == "no_control" and found.effect is None and found.people is None and found.roi is None
    assert found.expected == pytest.approx(rows.loc[rows["arm"] == "treated", "churn_probability"].mean())


@pytest.mark.parametrize("events", [0, FEWEST_EVENTS - 1])
def test_a_handful_of_leavers_gives_no_interval(events):
    rows = members()
    control = rows.index[rows["arm"] == "control"]
    rows.loc[control, "came"] = 0.0
    rows.loc[control[:events], "came"] = 1.0
    assert measure(rows, "churn", COSTS, 0.4).status == "too_few"
    rows.loc[control[:FEWEST_EVENTS], "came"] = 1.0
    assert measure(rows, "churn", COSTS, 0.4).effect is not None


def test_outcomes_that_are_not_known_are_left_out_and_nobody_is_saved_among_them():
    rows = members()
    rows.loc[rows.index[:200], ["came", "left", "money"]] = np.nan
    found = measure(rows, "churn", COSTS, 0.4)
    alone = measure(rows[rows["came"].notna()], "churn", COSTS, 0.4)
    assert found.effect == alone.effect and found.people == alone.people
    assert found.treated.listed - found.treated.followed > 0


def test_what_weakens_the_evidence_is_told():
    rows = members()
    contacted = rows.copy()
    contacted.loc[contacted["arm"] == "control", "contacts"] = (np.arange((rows["arm"] == "control").sum()) < 7) * 1.0
    contacted.loc[contacted.index[contacted["arm"] == "treated"][:30], "contacts"] = 0.0
    found = measure(contacted, "churn", COSTS, 0.4)
    assert found.doubts == ("control_contacted", "not_reached") and found.control.contacted == 7
    assert found.effect == measure(rows, "churn", COSTS, 0.4).effect, "whoever was not reached counts all the same"
    assert measure(rows, "churn", COSTS, 0.2).doubts == ("not_as_drawn",)
    lost = rows.copy()
    lost.loc[lost.index[lost["arm"] == "treated"][:60], "came"] = np.nan
    assert measure(lost, "churn", COSTS, 0.4).doubts == ("lost_unevenly",)


def test_costs_on_record_go_before_those_that_were_planned_and_without_contacts_everybody_counts():
    rows = members(n=300)
    treated = rows["arm"] == "treated"
    known = rows.assign(contact_cost=np.where(treated & (rows.index < 100), 5.0, np.nan))
    first = int((treated & (rows.index < 100)).sum())
    offered = int((treated & (rows["left"] == 0)).sum())
    assert measure(known, "churn", COSTS, 0.4).cost == 5 * first + 2 * (treated.sum() - first) + 10 * offered
    unknown = rows.assign(contacts=np.nan)
    assert measure(unknown, "churn", COSTS, 0.4).cost == measure(rows, "churn", COSTS, 0.4).cost
    assert measure(unknown, "churn", COSTS, 0.4).treated.contacted is None
    free = measure(rows, "churn", Costs(0.0, 0.0), 0.4)
    assert free.cost == 0 and free.roi is None and free.net == free.revenue


def test_a_score_that_is_not_known_is_no_adjustment():
    rows = members().assign(churn_probability=np.nan)
    found = measure(rows, "churn", COSTS, 0.4)
    assert found.effect == found.unadjusted and found.expected is None
    few = members()
    few.loc[few.index[:50], "churn_probability"] = np.nan
    assert measure(few, "churn", COSTS, 0.4).effect.half_width < found.effect.half_width


def test_money_of_nobody_is_nothing():
    found = measure(members().assign(money=np.nan), "churn", COSTS, 0.4)
    assert found.revenue is None and found.net is None and found.roi is None and found.people is not None
