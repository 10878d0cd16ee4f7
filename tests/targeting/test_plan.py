"""The plan of a list: every figure is that of the list which would be drawn, and its advice is right."""

import numpy as np
import pytest

from features.errors import HeadwaterError
from targeting.actions import costs
from targeting.benefit import Costs
from targeting.default_playbook import PLAYBOOK
from targeting.filters import ListFilters
from targeting.holdout import HoldoutSettings
from targeting.list_settings import ListSettings
from targeting.plan import SHARES, advise, plan
from targeting.power import detectable_effect
from targeting.profit import ProfitCurve, Treatment
from targeting.profit_settings import ProfitSettings
from targeting.ranking import churn_list
from tests.scores_sample import sample_scores

SCORES = sample_scores(900)
BUCKETS = HoldoutSettings(salt="sample", share=0.05)
PROFIT = ProfitSettings(contact_cost=2.0, incentive=15.0, acceptance=0.3)


@pytest.mark.parametrize("only", [ListFilters(), ListFilters(region=("north",), type=("personal",))])
def test_each_row_is_the_list_that_would_be_drawn(only):
    settings = ListSettings(top=120, holdout=0.2, only=only)
    found = plan(SCORES, settings, PROFIT, BUCKETS)
    assert found.asked == 120 or len(found.audience.probability) < 120
    assert {found.asked} <= set(found.table["customers"]) and len(found.table) >= 20
    for row in found.table.to_dict("records"):
        drawn = churn_list(SCORES, settings.model_copy(update={"top": row["customers"]}), None, BUCKETS)
        p = drawn.rows["churn_probability"].to_numpy(dtype=float)
        value = drawn.rows["value_if_retained_12m"].astype(float).to_numpy()
        assert (row["contacted"], row["held_out"]) == (len(drawn.rows), len(drawn.control))
        assert row["reached"] == pytest.approx(p.sum()) and row["in_vain"] == pytest.approx((1 - p).sum())
        assert row["saved"] == pytest.approx(0.3 * (p * value).sum())
        assert row["cost"] == pytest.approx(2.0 * len(p) + 15.0 * ((1 - p) + 0.3 * p).sum())
        assert row["net"] == pytest.approx(row["saved"] - row["cost"])
        assert row["net_low"] < row["net"] < row["net_high"]
        seen = detectable_effect(p.mean(), len(p), len(drawn.control))
        assert seen is None or row["detectable"] == pytest.approx(seen)
        assert row["expected"] == pytest.approx(0.3 * p.mean())


def test_leavers_are_those_of_everybody_the_list_is_about():
    found = plan(SCORES, ListSettings(), PROFIT, BUCKETS)
    known = SCORES.to_pandas()
    known = known[known["score_status"].eq("ok")]
    assert found.audience.leavers == pytest.approx(known["churn_probability"].sum(), rel=1e-5)
    assert found.table["reached"].is_monotonic_increasing and found.audience.unknown == 0


def test_the_recommended_length_is_on_the_table():
    found = plan(
        SCORES, ListSettings(holdout=0.0), ProfitSettings(contact_cost=0.1, incentive=2.0, acceptance=0.3), BUCKETS
    )
    row = found.table.set_index("customers").loc[found.recommended]
    assert found.recommended > 0 and row["net"] > 0.95 * found.table["net"].max()
    assert found.advice.verdict == "no_control"


def curve(n: int, base: float, share: float) -> ProfitCurve:
    contacted = np.arange(n) % 100 >= round(100 * share)
    return ProfitCurve.of(np.full(n, base), np.full(n, 100.0), contacted, Costs(1.0, 1.0))


def test_the_example_of_everybody():
    """5,000 customers of whom a quarter would leave, a tenth of them held out: only five points are seen, so hold out more."""
    found = advise(curve(5_000, 0.25, 0.1), 5_000, 0.1, acceptance=0.16)
    assert found.verdict == "hold_out_more" and found.detectable == pytest.approx(0.054, abs=0.001)
    assert found.expected == pytest.approx(0.04) and found.share == 0.25
    assert detectable_effect(0.25, 3_750, 1_250) <= 0.04 < detectable_effect(0.25, 4_000, 1_000)


@pytest.mark.parametrize(
    ("n", "share", "acceptance", "verdict"),
    [
        (20_000, 0.1, 0.3, "seen"),
        (100, 0.1, 0.1, "too_small"),
        (20_000, 0.0, 0.3, "no_control"),
        (60, 0.0, 0.1, "no_control"),
    ],
)
def test_the_advice_says_what_can_be_seen(n, share, acceptance, verdict):
    found = advise(curve(n, 0.2, share), n, share, acceptance)
    assert found.verdict == verdict
    assert (found.share in SHARES) == (verdict in ("seen", "no_control") and n > 1_000)


def test_without_values_there_is_no_plan_and_unknown_ones_are_told():
    frame = SCORES.to_pandas()
    with pytest.raises(HeadwaterError, match="E294"):
        plan(frame.assign(value_if_retained_12m=None), ListSettings(), PROFIT, BUCKETS)
    some = frame.assign(value_if_retained_12m=frame["value_if_retained_12m"].where(frame.index % 3 > 0))
    found = plan(some, ListSettings(), PROFIT, BUCKETS)
    whole = plan(frame, ListSettings(), PROFIT, BUCKETS)
    assert found.audience.unknown + len(found.audience.probability) == len(whole.audience.probability)
    assert found.audience.unknown > 100
    nobody = plan(frame.assign(contact_allowed=False, suppress_reason="arrears"), ListSettings(), PROFIT, BUCKETS)
    assert nobody.table.empty and nobody.recommended == 0


def test_by_their_own_actions_net_is_the_sum_of_what_the_scores_say():
    """One truth: a plan of customers whose action neither sells nor grows adds up to their action_priority."""
    paid = {}
    for action in PLAYBOOK:
        of = costs(action, SCORES.to_pandas()["value_if_retained_12m"].astype(float).mean())
        paid[action.name] = Treatment(of.contact, of.incentive, action.save_rate)
    frame = SCORES.to_pandas()
    plain = [action.name for action in PLAYBOOK if action.growth_rate == 0]
    frame = frame[frame["action_rule"].isin(plain)].reset_index(drop=True)
    found = plan(frame, ListSettings(holdout=0.0, top=100), ProfitSettings(), BUCKETS, paid=paid)
    assert found.by_action
    for row in found.table.to_dict("records"):
        drawn = churn_list(frame, ListSettings(holdout=0.0, top=row["customers"]), None, BUCKETS).rows
        assert row["net"] == pytest.approx(drawn["action_priority"].astype(float).sum(), abs=0.01 * row["customers"])


def ranking(n: int = 12_000) -> tuple[np.ndarray, np.ndarray]:
    """Customers who differ in probability, and in what their action keeps: calls at the top, messages further down."""
    p = np.sort(np.random.default_rng(3).beta(1.2, 5, n))[::-1]
    return p, np.where(np.arange(n) < n // 3, 0.25, 0.06)


def share_seen(p: np.ndarray, kept: np.ndarray, lists: int = 1, campaigns: int = 1_500) -> float:
    """In which share of campaigns with half held out by chance the test of every book sees an effect; customer by customer."""
    rng, n, seen = np.random.default_rng(9), len(p) * lists, 0
    p, kept = np.tile(p, lists), np.tile(kept, lists)
    for _ in range(campaigns):
        treated = rng.permutation(n) < n // 2
        left = rng.random(n) < np.where(treated, p * (1 - kept), p)
        ours, theirs = left[treated].mean(), left[~treated].mean()
        pooled = left.mean()
        error = np.sqrt(pooled * (1 - pooled) * (1 / treated.sum() + 1 / (~treated).sum()))
        seen += abs(ours - theirs) > 1.959964 * error
    return seen / campaigns


def test_where_no_holdout_of_a_list_shows_its_effect_what_is_named_instead_does():
    """Longer lists and several together, by campaigns that are drawn one after the other."""
    p, kept = ranking()
    sums = ProfitCurve.of(p, np.full(len(p), 100.0), np.arange(len(p)) % 10 > 0, Costs(1.0, 0.0), kept / 0.25)
    found = advise(sums, 150, 0.1, acceptance=0.25)
    assert (found.verdict, found.share) == ("too_small", None) and found.longer and found.lists == 2
    assert share_seen(p[: found.longer], kept[: found.longer]) == pytest.approx(0.8, abs=0.04)
    assert share_seen(p[:150], kept[:150], found.lists) > 0.76
    assert share_seen(p[:150], kept[:150]) < 0.76
    assert found.keeps is not None and found.keeps > 0.25
    assert share_seen(p[:150], np.full(150, found.keeps)) == pytest.approx(0.8, abs=0.04)


def test_further_down_nothing_is_seen_and_nothing_is_promised():
    """Where what is expected shrinks faster than the list grows no longer one is named; an action that keeps nobody is never seen."""
    p, _ = ranking()
    nothing = ProfitCurve.of(
        p, p, np.ones(len(p), dtype=bool), Costs(1.0, 0.0), np.where(np.arange(len(p)) < 300, 1.0, 0.0)
    )
    found = advise(nothing, 300, 0.1, acceptance=0.05)
    assert found.longer is None and found.lists is not None and found.lists > 10
    never = advise(nothing, 300, 0.1, acceptance=1e-6)
    assert (never.longer, never.lists) == (None, None) and never.keeps == found.keeps
