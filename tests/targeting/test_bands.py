"""Bands follow capacity or the base rate, never fixed cuts."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from targeting import bands
from targeting.bands import BandSettings, RiskCuts, VipRule

RNG = np.random.default_rng(3)
CHURN = pd.Series(RNG.beta(1, 20, 1_000))
FRAME = pd.DataFrame(
    {
        "churn_probability": CHURN,
        "value_pred": RNG.gamma(2, 100, 1_000),
        "vip_probability": pd.Series(RNG.beta(1, 50, 1_000)).where(RNG.random(1_000) > 0.2),
    }
)


def test_capacity_names_the_configured_shares():
    told = bands.bands(FRAME, BandSettings())["churn_risk_band"].value_counts()
    assert told.to_dict() == {"low": 800, "medium": 150, "high": 40, "critical": 10}


def test_base_rate_bands_are_multiples_of_it():
    settings = BandSettings(risk_rule="base_rate", base_rate=RiskCuts(medium=1, high=2, critical=4))
    told = bands.risk_bands(pd.Series([0.049, 0.05, 0.1, 0.2, np.nan]), pd.Series(np.nan, range(5)), settings, 0.05)
    assert told.tolist()[:4] == ["low", "medium", "high", "critical"]
    assert told.isna()[4]


def test_rare_churn_still_has_a_high_band():
    frame = FRAME.assign(churn_probability=CHURN / 100)
    assert (bands.bands(frame, BandSettings())["churn_risk_band"] == "critical").sum() == 10


def test_ties_of_calibration_are_told_apart_by_the_score_before_it():
    tied = pd.Series([0.1, 0.1, 0.1, 0.4])
    assert bands.percentiles(tied, pd.Series([3.0, 1.0, 2.0, 0.0])).tolist() == [75, 25, 50, 100]
    assert bands.percentiles(tied).tolist() == [50, 50, 50, 100]


def test_row_order_changes_nothing():
    shuffled = FRAME.sample(frac=1, random_state=1)
    told = bands.bands(FRAME, BandSettings())
    pd.testing.assert_frame_equal(bands.bands(shuffled, BandSettings()).loc[told.index], told)


def test_value_bands_and_cells():
    told = bands.bands(FRAME, BandSettings())
    assert told["value_band"].value_counts().to_dict() == {"low": 500, "medium": 300, "high": 200}
    assert set(told["value_risk_cell"]) <= {
        f"{v}_{r}" for v in ("low", "medium", "high") for r in ("low", "medium", "high")
    }
    critical = told["churn_risk_band"].eq("critical")
    assert told.loc[critical, "value_risk_cell"].str.endswith("_high").all()


def test_equal_values_are_medium():
    equal = pd.Series([5.0] * 10)
    assert bands.value_bands(equal, equal.rank(pct=True), BandSettings()).eq("medium").all()


def test_small_moves_are_no_trend():
    now = pd.Series([0.30, 0.31, 0.30, 0.30, np.nan])
    before = pd.Series([0.10, 0.30, 0.60, np.nan, 0.30])
    told = bands.churn_trend(now, before, BandSettings())
    assert told.tolist()[:4] == ["worsening", "steady", "improving", "new"]
    assert told.isna()[4]


def test_without_an_earlier_publication_everybody_is_new():
    assert bands.bands(FRAME, BandSettings())["churn_trend"].eq("new").all()


def test_potential_vips_pass_every_condition_that_is_set():
    probability = FRAME["vip_probability"]
    rank = bands.percentiles(probability)
    share = bands.potential_vip(probability, rank, VipRule(top_share=0.1, min_lift=None))
    both = bands.potential_vip(probability, rank, VipRule(top_share=0.1, min_probability=0.08, min_lift=None))
    assert abs(share.sum() - 0.1 * probability.notna().sum()) <= 1
    assert 0 < both.sum() < share.sum()
    assert (probability[both] >= 0.08).all()
    assert not share[probability.isna()].any()


def test_a_rule_without_conditions_is_refused():
    with pytest.raises(ValidationError):
        VipRule(top_share=None, min_lift=None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"capacity": {"medium": 0.1, "high": 0.2, "critical": 0.3}},
        {"value_quantiles": (0.8, 0.5)},
        {"fixed_cuts": (0.33, 0.66)},
    ],
)
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        BandSettings(**wrong)
