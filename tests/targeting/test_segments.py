"""Uplift by segment: each third is a campaign of its own, and who is helped most is found among campaigns together."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.uplift import campaign
from targeting.campaigns import Costs, measure
from targeting.effects import effect, pooled
from targeting.known_before import SEGMENTS
from targeting.segments import THIRDS, by_score, by_segment, pooled_by_score, pooled_by_segment
from tests.targeting.test_campaigns import members


def listed(seed: int):
    """A campaign that helps those at the highest risk and nobody else."""
    rows = members(n=3_000, saved=0.0, seed=seed)
    risky = rows["churn_probability"].rank(pct=True) > 2 / 3
    stays = np.random.default_rng(seed).random(len(rows)) < 0.6
    came = rows["came"].where(~(risky & stays & (rows["arm"] == "treated")), 0.0)
    return rows.assign(came=came, rank=np.arange(1, len(rows) + 1))


def test_each_third_is_measured_as_a_campaign_of_its_own():
    rows = listed(1)
    found = by_score(rows, "churn")
    assert tuple(found) == THIRDS
    in_order = rows.sort_values("churn_probability", ignore_index=True)
    for place, name in enumerate(THIRDS):
        alone = measure(in_order.iloc[1_000 * place : 1_000 * (place + 1)], "churn", Costs(0.0, 0.0), 0.4)
        assert found[name].estimate == pytest.approx(alone.effect.estimate, rel=1e-9)
        assert found[name].half_width == pytest.approx(alone.effect.half_width, rel=1e-9)


def test_several_campaigns_find_whom_they_help():
    campaigns = [listed(seed) for seed in range(4)]
    found = pooled_by_score(campaigns, "churn")
    assert found["highest"].random.high < -0.1
    assert found["lowest"].random.spans_zero and found["middle"].random.spans_zero
    assert found["middle"] == pooled([by_score(one, "churn")["middle"] for one in campaigns])


def test_what_cannot_be_told_is_left_out():
    assert pooled_by_score([listed(1)], "churn") == {}
    assert by_score(listed(1).assign(churn_probability=np.nan), "churn") == {}
    few = listed(1)
    few.loc[few["churn_probability"].rank(pct=True) < 1 / 3, "came"] = 0.0
    assert tuple(by_score(few, "churn")) == THIRDS[1:]


def test_a_segment_is_a_campaign_of_its_own_with_a_wider_interval():
    rows = campaign(0, "north", 1_500)
    found = by_segment(rows, "churn")
    assert {(one.by, one.value) for one in found} == {
        *(("region", name) for name in ("north", "south", "east")),
        *(("tier", name) for name in ("gold", "silver")),
        *(("stage", name) for name in ("declining", "steady")),
    }, "everybody is of one type, and that is no segment"
    for one in found:
        own = rows[rows[SEGMENTS[one.by]] == one.value]
        alone = effect(
            own["came"].to_numpy(), (own["arm"] == "treated").to_numpy(), own[["churn_probability"]].to_numpy()
        )
        assert one.effect.estimate == pytest.approx(alone.estimate, rel=1e-9)
        level = 1 - 0.05 / len(found)
        wide = stats.t.ppf(0.5 + level / 2, alone.df) * alone.standard_error
        assert (one.low, one.high) == pytest.approx((alone.estimate - wide, alone.estimate + wide))
    assert {(one.by, one.value) for one in found if one.status == "works"} >= {("region", "north")}
    assert all(one.status == "open" for one in found if one.value in ("south", "east"))


@pytest.mark.slow
def test_all_segments_of_a_campaign_that_does_nothing_are_open_at_once():
    """In at least 95 of 100 campaigns; each alone at its own 95 % would be wrong in one of three."""
    lists = [campaign(0, "nothing", 800, seed=seed) for seed in range(60)]
    at_once = [all(one.status == "open" for one in by_segment(rows, "churn")) for rows in lists]
    alone = [all(one.effect.spans_zero for one in by_segment(rows, "churn")) for rows in lists]
    assert sum(at_once) >= 54 > sum(alone)


def test_segments_of_several_campaigns_together():
    campaigns = [campaign(number, "north", 900) for number in range(3)]
    found = {one.value: one for one in pooled_by_segment(campaigns, "churn")}
    each = [{one.value: one for one in by_segment(rows, "churn")}["north"].effect for rows in campaigns]
    assert found["north"].effect == pooled(each).random and found["north"].status == "works"
    assert pooled_by_segment(campaigns[:1], "churn") == []


def test_small_segments_and_unknown_ones_are_not_told():
    rows = campaign(0, "north", 900)
    few = rows.assign(region=rows["region"].where(rows.index >= 40, "west"), tier_current=None)
    assert "west" not in {one.value for one in by_segment(few, "churn")}
    assert "tier" not in {one.by for one in by_segment(few, "churn")}
