"""What of the score table needs everybody, and what does not; sums and ranks do not depend on the chunks."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.catalogue import catalogue
from features.errors import HeadwaterError
from models.evaluation import night_gates
from models.targets.vip import HighValue
from pipelines.config.settings import Settings
from pipelines.engine import scoring, second_pass
from pipelines.engine.scoring import Scorer, Summary
from tests.scores_sample import sample_scores

TABLE = sample_scores(600)


def test_values_are_taken_at_their_places_and_null_elsewhere():
    values = pa.array(["a", "b", "c"])
    assert scoring._take_or_null(values, np.array([2, -1, 0, 0])).to_pylist() == ["c", None, "a", "a"]


def test_nothing_is_scored_without_a_champion():
    with pytest.raises(HeadwaterError, match="E521"):
        Scorer(date(2026, 11, 1), {}, (), "", Settings(), "CNY", {})


def test_at_a_margin_money_is_margin_and_the_tier_stays_that_of_what_is_billed():
    tiers = {"tiers": [{"name": "low", "from_monthly": 0}, {"name": "high", "from_monthly": 100}]}
    settings = Settings.model_validate({"tiers": tiers, "targets": {"value": {"horizon_days": 91}}})
    billed = pd.DataFrame({"churn_probability": [0.1, 0.2], "value_pred": [270.0, 330.0], "_retained": [300.0, 400.0]})
    frame = billed.assign(is_high_value_now=False, arpu_3m=90.0)
    seen = pd.DataFrame({"threshold": [120.0, 120.0], "worth": [90.0, 90.0]})
    money = ["value_pred", "_retained"]
    less = frame.assign(**(frame[money] * 0.4))
    revenue, margin = (
        scoring._with_tiers(scoring._with_amounts(f, seen, settings), seen, settings, HighValue(), m)
        for f, m in ((frame, 1.0), (less, 0.4))
    )
    assert revenue["tier_predicted"].tolist() == margin["tier_predicted"].tolist() == ["low", "high"]
    for column in ("value_12m_pred", "value_if_retained_12m", "value_at_risk"):
        assert margin[column].to_numpy() == pytest.approx(0.4 * revenue[column].to_numpy())
    assert margin["vip_gap"].equals(revenue["vip_gap"])


@pytest.mark.parametrize("horizons", [(90, 90), (60, 180)], ids=["as long", "longer"])
def test_value_if_retained_and_expected_value_do_not_contradict(horizons):
    """Those who stay are at most all of what is expected: P(stay) x value if retained <= value. Two models may disagree,
    one-off buyers of much above all: 975 expected, 10,138 if retained with a probability of .63 of leaving."""
    churn_days, value_days = horizons
    targets = {"churn": {"horizon_days": churn_days}, "value": {"horizon_days": value_days}}
    drawn = np.random.default_rng(3)
    told = pd.DataFrame(
        {
            "churn_probability": np.r_[0.63, 0.0, 1.0, np.nan, drawn.uniform(0, 1, 400)],
            "value_pred": np.r_[975.0, 50.0, 1.0, 80.0, drawn.gamma(0.5, 400, 400)],
        }
    )
    told["_retained"] = np.r_[10_138.0, 50.0, 70.0, 90.0, told["value_pred"][4:] * drawn.uniform(1, 9, 400)]
    frame = told.assign(is_high_value_now=False, arpu_3m=90.0)
    seen = pd.DataFrame({"threshold": 120.0, "worth": 90.0}, index=frame.index)
    money = scoring._with_amounts(frame, seen, Settings.model_validate({"targets": targets}))
    stay = (1 - told["churn_probability"]) ** (value_days / churn_days)
    horizon = money["value_if_retained_12m"] * value_days / 365
    known = stay.notna()
    assert (stay * horizon <= told["value_pred"] * (1 + 1e-9))[known].all()
    assert (horizon >= told["value_pred"] * (1 - 1e-9)).all()
    assert horizon[[0, 3]].tolist() == pytest.approx([min(10_138, 975 / stay[0]), 90.0])
    lost = told["churn_probability"] * horizon * churn_days / value_days
    assert money["value_at_risk"][known].to_numpy() == pytest.approx(lost[known].to_numpy())


def test_the_margin_of_scores_is_that_of_the_champion_and_1_where_none_is_on_record():
    def trained(facts):
        return {"value": SimpleNamespace(model=SimpleNamespace(facts_=facts))}

    assert scoring.margin_of(trained({"targets": {"value": {"margin": 0.4}}})) == 0.4
    assert [scoring.margin_of(c) for c in ({}, trained({}), trained({"targets": {"value": {}}}))] == [1.0] * 3


def test_plain_types_keep_every_value():
    plain = scoring.plain_types(TABLE.select(list(night_gates.WATCHED)))
    assert not any(pa.types.is_decimal(field.type) for field in plain.schema)
    for name in night_gates.WATCHED:
        before, after = TABLE[name].to_pylist(), plain[name].to_pylist()
        words = [v for v in before if isinstance(v, str | bool)]
        assert [v for v in after if isinstance(v, str | bool)] == words, name
        amounts = [float(v) for v in before if not isinstance(v, str | bool | None)]
        assert [v for v in after if not isinstance(v, str | bool | None)] == pytest.approx(amounts, rel=1e-12), name


@pytest.mark.parametrize("size", [600, 250, 7])
def test_a_summary_of_chunks_is_the_summary_of_all(size):
    whole, chunks = Summary(), Summary()
    whole.add(TABLE)
    for first in range(0, TABLE.num_rows, size):
        chunks.add(TABLE.slice(first, size))
    assert chunks.facts() == whole.facts()
    frame = TABLE.to_pandas()
    facts = whole.facts()
    assert facts["scored"] == (frame["score_status"] == "ok").sum() < facts["customers"] == 600
    assert facts["high_risk"] == frame["churn_risk_band"].isin(["high", "critical"]).sum()
    assert facts["potential_vips"] == frame["is_potential_vip"].sum()
    assert Decimal(facts["value_at_risk"]) == frame["value_at_risk"].dropna().sum()


def test_ranks_are_among_everybody_with_their_means():
    everybody = TABLE.to_pandas()[["churn_probability", "value_pred", "vip_probability"]].astype(float)
    ranks = second_pass.ranks(everybody)
    assert ranks.churn == pytest.approx(everybody["churn_probability"].mean())
    assert ranks.vip == pytest.approx(everybody["vip_probability"].mean())
    assert ranks.frame["churn_percentile"].idxmax() == everybody["churn_probability"].idxmax()
    assert len(ranks.frame) == len(everybody)


def test_the_high_value_amount_is_that_of_the_champions():
    amount = {"vip": {"high_value": {"amount": 123.0}}}
    fixed = {"vip": SimpleNamespace(model=SimpleNamespace(facts_={"targets": amount}))}
    assert scoring.targets_of(fixed, Settings()).vip.high_value.amount == 123.0
    unfixed = {"churn": SimpleNamespace(model=SimpleNamespace(facts_={}))}
    assert scoring.targets_of(unfixed, Settings()) == Settings().targets


def test_a_contract_ends_so_many_days_after_the_date():
    wide = pd.DataFrame({"as_of": [date(2026, 11, 1)] * 2, "contract_days_left": [31.0, np.nan]})
    assert scoring._contract_end(wide).tolist() == [date(2026, 12, 2), None]


def test_who_is_high_value_or_objects_has_no_score_of_vips():
    frame = pd.DataFrame({"is_high_value_now": [True, False, False], "vip_probability": 0.5, "churn_probability": 0.5})
    columns = {c: 0.5 for t in scoring.TARGETS.values() if not t.everybody for c in t.outputs.values()}
    masked = scoring._mask_unasked(frame.assign(**columns), pd.DataFrame({"consent": [True, False, None]}))
    assert masked["vip_probability"].isna().tolist() == [True, True, False]
    assert masked["churn_probability"].notna().all()


def test_who_has_no_score_of_vips_is_told_early_or_not_by_nothing():
    """No model, a customer who objects, one without history: unknown, and never "no"."""
    rows = pd.DataFrame({"vip_early": [True, False, True, None], "vip_probability": [0.5, 0.2, np.nan, np.nan]})
    told = scoring._early(rows, rows)
    assert told.isna().tolist() == [False, False, True, True] and told[:2].tolist() == [True, False]
    assert scoring._early(rows.assign(vip_probability=np.nan), rows).isna().all()
    nobody = rows.assign(vip_early=None)
    assert scoring._early(rows, nobody).isna().all()


def test_a_night_builds_what_champions_learnt_from_and_what_is_shown_and_all_that_these_read():
    features = catalogue(("data_mb",))

    def needed(**facts: object) -> set[str]:
        champion = SimpleNamespace(model=SimpleNamespace(facts_=facts))
        return {feature.column for feature in scoring.features_needed(features, {"churn": champion})}

    assert len(needed()) == len(features), "a champion that does not say needs everything"
    few, more = needed(features=[]), needed(features=["arpu_rank_plan_3m", "satisfaction_365d"])
    assert set(scoring.SHOWN) <= few < more < {feature.column for feature in features}
    assert {"bills_awaited", "months_known"} <= few, "flags are raised by them"
    assert {"arpu_rank_plan_3m", "plan", "satisfaction_365d"} <= more - few
    assert {"arpu_trend_6m", "usage_days_52w"} <= few, "lifecycle_stage reads them"
