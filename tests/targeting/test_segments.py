"""Uplift by segment: each third is a campaign of its own, and who is helped most is found among campaigns together."""

import numpy as np
import pytest

from targeting.campaigns import Costs, measure
from targeting.effects import pooled
from targeting.segments import THIRDS, by_score, pooled_by_score
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
