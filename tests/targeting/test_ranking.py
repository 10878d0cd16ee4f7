"""Lists: everybody is accounted for, order of input changes nothing, held-out and suppressed customers are on none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from targeting.filters import ListFilters
from targeting.holdout import HoldoutSettings, arms
from targeting.list_settings import ListSettings
from targeting.ranking import churn_list, vip_list
from tests.scores_sample import sample_frame, sample_scores

FRAME = sample_frame(600)
DRAWS = (vip_list, churn_list)
KINDS = {"vip": vip_list, "churn": churn_list}
BUCKETS = HoldoutSettings(salt="sample", share=0.05)


@st.composite
def worlds(draw):
    """Small score tables of any mixture of status, consent, holdout and null scores."""
    n = draw(st.integers(0, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame = FRAME.sample(n, random_state=draw(st.integers(0, 1_000))).reset_index(drop=True)
    frame["is_holdout"] = rng.random(n) < 0.3
    frame["is_potential_vip"] = rng.random(n) < 0.6
    frame["contact_allowed"] = rng.random(n) < 0.5
    frame["suppress_reason"] = np.where(frame["contact_allowed"], None, rng.choice(["arrears", "no_consent"], n))
    frame["account_id"] = rng.choice([None, "a", "b", "c"], n)
    return frame


@settings(max_examples=60, deadline=None)
@given(worlds(), st.integers(1, 12), st.sampled_from([0.0, 0.3, 0.9]), st.sampled_from(DRAWS))
def test_everybody_is_accounted_for(frame, top, holdout, draw):
    made = draw(frame, ListSettings(top=top, holdout=holdout, potential_only=False))
    counts = made.counts
    left_out = sum(counts.suppressed.values()) + counts.held_out + counts.same_account + counts.beyond_top
    assert counts.eligible == counts.listed + left_out and counts.adds_up
    assert counts.listed == len(made.rows) and counts.held_out_here == len(made.control)
    assert len(made.rows) + len(made.control) <= top
    on_it = pd.concat([made.rows, made.control])
    assert on_it["contact_allowed"].all() and not on_it["is_holdout"].any()
    assert on_it["customer_id"].is_unique
    assert on_it["account_id"].dropna().is_unique


@pytest.mark.parametrize("draw", DRAWS)
def test_row_order_changes_nothing(draw):
    shuffled = FRAME.sample(frac=1, random_state=5)
    first, second = (draw(frame, ListSettings(top=50)) for frame in (FRAME, shuffled))
    assert first.rows["customer_id"].tolist() == second.rows["customer_id"].tolist()
    assert first.counts == second.counts


@pytest.mark.parametrize("kind", KINDS)
def test_the_control_group_does_not_depend_on_scores(kind):
    made = KINDS[kind](FRAME, ListSettings(top=100, holdout=0.3), "a-list", BUCKETS)
    drawn = arms(FRAME["customer_id"], kind, 0.3, BUCKETS)
    control = set(FRAME.loc[drawn == "control", "customer_id"])
    assert set(made.control["customer_id"]) <= control and len(made.control) > 5
    assert not set(made.rows["customer_id"]) & control


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_control_tonight_was_control_last_night_whatever_was_scored(kind):
    later = FRAME.assign(
        as_of=pd.Timestamp("2026-12-01"), **{f"{kind}_probability": FRAME[f"{kind}_probability"] ** 0.5}
    )
    later["value_at_risk"] = FRAME["value_at_risk"].sample(frac=1, random_state=3).to_numpy()
    settings = ListSettings(top=200, holdout=0.2, potential_only=False)
    first, second = (KINDS[kind](frame, settings, None, BUCKETS) for frame in (FRAME, later))
    assert first.list_id != second.list_id
    assert not set(first.control["customer_id"]) & set(second.rows["customer_id"])
    assert set(first.control["customer_id"]) & set(second.control["customer_id"])


def test_of_an_account_its_first_is_listed_and_all_of_it_is_on_one_side():
    """The control of a household is the household: whom else they call does not change who is control."""
    accounts = FRAME.assign(account_id=[f"h{i // 3}" for i in range(len(FRAME))])
    made = churn_list(accounts, ListSettings(top=1_000, holdout=0.3), None, BUCKETS)
    members = pd.concat([made.rows, made.control])
    assert members["account_id"].is_unique and made.counts.same_account > 100 and made.counts.adds_up
    best = accounts[~accounts["is_holdout"] & accounts["contact_allowed"] & accounts["score_status"].eq("ok")]
    assert members.set_index("account_id")["value_at_risk"].equals(
        best.groupby("account_id")["value_at_risk"].max().loc[members["account_id"]]
    )
    others = churn_list(
        accounts.iloc[::-1].assign(value_at_risk=accounts["value_at_risk"].iloc[::-1].to_numpy()),
        ListSettings(top=1_000, holdout=0.3, churn_order="churn_probability"),
        None,
        BUCKETS,
    )
    assert not set(others.rows["account_id"]) & set(made.control["account_id"])
    everybody = churn_list(accounts, ListSettings(top=1_000, one_per_account=False), None, BUCKETS)
    assert everybody.counts.same_account == 0 and not everybody.rows["account_id"].is_unique


def test_an_account_that_is_called_like_a_customer_is_not_that_customer():
    pair = FRAME[FRAME["contact_allowed"] & ~FRAME["is_holdout"] & FRAME["score_status"].eq("ok")].head(2)
    pair = pair.assign(account_id=[None, pair["customer_id"].iloc[0]])
    assert len(churn_list(pair, ListSettings(holdout=0)).rows) == 2


def test_filters_narrow_a_list_and_say_so():
    only = ListFilters(region=("north", "south"), stage=("declining",))
    made = churn_list(FRAME, ListSettings(only=only, top=1_000))
    assert set(made.rows["region"]) == {"north", "south"} and set(made.rows["lifecycle_stage"]) == {"declining"}
    assert made.filters["region"] == ["north", "south"] and "tier" not in made.filters
    scored = int(FRAME["score_status"].eq("ok").sum())
    assert made.counts.adds_up and made.counts.filtered == scored - made.counts.eligible > 0
    table = churn_list(sample_scores(600), ListSettings(only=only, top=1_000))
    assert table.rows["customer_id"].tolist() == made.rows["customer_id"].tolist() and table.counts == made.counts


def test_customers_who_are_high_value_now_are_no_potential_vips():
    made = vip_list(FRAME, ListSettings(top=1_000, potential_only=False))
    assert not made.rows["is_high_value_now"].any()
    assert made.rows["vip_probability"].is_monotonic_decreasing
    assert vip_list(FRAME, ListSettings()).rows["is_potential_vip"].all()


def test_a_grower_stands_above_a_flat_customer_who_pays_more():
    pair = FRAME[~FRAME["is_high_value_now"] & FRAME["contact_allowed"] & FRAME["score_status"].eq("ok")].head(2)
    pair = pair.assign(arpu_3m=[50.0, 100.0], vip_probability=[0.4, 0.1], is_potential_vip=True, is_holdout=False)
    assert vip_list(pair, ListSettings(holdout=0)).rows["arpu_3m"].tolist() == [50.0, 100.0]


@pytest.mark.parametrize("order", ["value_at_risk", "churn_probability", "action_priority"])
def test_the_churn_list_follows_the_configured_order(order):
    assert churn_list(FRAME, ListSettings(churn_order=order)).rows[order].is_monotonic_decreasing


def test_filters_are_applied_and_kept():
    made = churn_list(FRAME, ListSettings(min_value=200, min_probability=0.1))
    assert (made.rows["value_pred"] >= 200).all() and (made.rows["churn_probability"] >= 0.1).all()
    assert made.filters["min_value"] == 200 and made.filters["list"] == "churn"


def test_a_table_and_a_frame_give_the_same_list():
    made = [churn_list(scores, ListSettings()) for scores in (sample_scores(600), sample_scores(600).to_pandas())]
    assert made[0].rows["customer_id"].tolist() == made[1].rows["customer_id"].tolist()
    assert str(made[0].as_of) == "2026-11-01" and made[0].list_id == "churn-2026-11-01"


def test_without_any_known_consent_no_list_is_drawn():
    silent = FRAME.assign(contact_allowed=False, suppress_reason="consent_unknown")
    with pytest.raises(HeadwaterError) as raised:
        churn_list(silent, ListSettings())
    assert raised.value.problem.code == "E261"


def test_an_empty_table_gives_an_empty_list():
    assert vip_list(FRAME.head(0), ListSettings()).counts.eligible == 0


def test_without_a_value_a_churn_list_is_ranked_by_probability_and_says_so():
    worthless = FRAME.assign(value_at_risk=None, value_pred=None, action_priority=None)
    made = churn_list(worthless, ListSettings(top=50))
    assert made.filters["churn_order"] == "churn_probability" and len(made.rows)
    assert made.rows["churn_probability"].is_monotonic_decreasing
    assert churn_list(FRAME, ListSettings(top=50)).filters["churn_order"] == "value_at_risk"


def test_a_least_value_where_none_is_predicted_is_refused_and_leaves_nobody_out_in_silence():
    worthless = FRAME.assign(value_pred=None)
    with pytest.raises(HeadwaterError, match="E239"):
        churn_list(worthless, ListSettings(min_value=10))
    assert churn_list(FRAME, ListSettings(min_value=10)).counts.eligible > 0


@pytest.mark.parametrize("draw", [churn_list, vip_list])
def test_a_list_begins_with_whom_a_contact_changes_most_and_goes_on_as_usual(draw):
    frame = sample_frame(300)
    settings = ListSettings(top=80, holdout=0.2)
    usual = draw(frame, settings)
    uplift = np.where(np.arange(300) % 3 == 0, np.random.default_rng(3).random(300), np.nan)
    found = draw(frame, settings, uplift=uplift)
    known = dict(zip(frame["customer_id"], uplift, strict=True))
    members = pd.concat([found.rows, found.control]).sort_values("rank")
    told = members["customer_id"].map(known)
    first = told.dropna()
    assert len(first) and list(first) == sorted(first, reverse=True) and told.iloc[: len(first)].notna().all()
    others = pd.concat([usual.rows, usual.control]).sort_values("rank")["customer_id"]
    rest = list(members["customer_id"][told.isna().to_numpy()])
    assert rest == [one for one in others if np.isnan(known[one])][: len(rest)]
    assert found.counts.adds_up and found.counts.eligible == usual.counts.eligible
    again = draw(frame.iloc[::-1].reset_index(drop=True), settings, uplift=uplift[::-1])
    assert list(again.rows["customer_id"]) == list(found.rows["customer_id"])
