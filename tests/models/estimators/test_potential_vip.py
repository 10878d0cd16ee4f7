"""Potential VIP: learnt among those who are not high-value, ranked directly or by expected value."""

import numpy as np
import pytest

from features.errors import HeadwaterError
from models.estimators.potential_vip import PotentialVipClassifier
from models.evaluation.metrics import average_precision
from models.learners.blends import ByValue
from models.learners.linear import Linear
from models.learners.rule import Rule
from models.learners.trees import Trees
from tests.models import sample

DAYS = sample.split().dates
FRAME = sample.snapshots(900)
FIT, LATER, NEW = (FRAME[FRAME["as_of"] == d] for d in (DAYS[0], DAYS[3], DAYS[5]))
ASKED = NEW[NEW["vip"].notna()]
X, Y = list(sample.FEATURES), ["vip", "value"]
TREES = Trees("amount", n_estimators=30, learning_rate=0.1, num_leaves=7, max_depth=3, min_child_samples=20)
LEARNERS = [Linear(), ByValue(Linear("amount", 0.1)), ByValue(TREES)]


def model(learner):
    return PotentialVipClassifier(learner, 0, (0,)).fit(FIT[X], FIT[Y], eval_set=(LATER[X], LATER[Y]))


@pytest.mark.parametrize("learner", LEARNERS)
def test_it_beats_ranking_by_spend(learner):
    truth = ASKED["vip"].to_numpy(dtype=float)
    told = model(learner).outputs(ASKED[X])
    assert list(told) == ["vip_probability", "vip_score_raw"]
    rule = average_precision(truth, ASKED["arpu"].to_numpy())
    assert average_precision(truth, told["vip_probability"].to_numpy()) > rule + 0.05
    assert told["vip_probability"].mean() == pytest.approx(truth.mean(), abs=0.05)


@pytest.mark.parametrize("learner", LEARNERS)
def test_contributions_are_log_odds_and_add_up(learner):
    made = model(learner)
    parts = made.contributions(ASKED[X]).sum(axis=1).to_numpy()
    assert parts == pytest.approx(made.outputs(ASKED[X])["vip_score_raw"].to_numpy(), abs=1e-4)


def test_a_high_value_customer_teaches_nothing_about_becoming_one():
    """Only the value ranker sees those who are high-value already."""
    odd = FIT.assign(noise=np.where(FIT["vip"].isna(), 1e6, FIT["noise"]))
    asked = odd[odd["vip"].notna()]
    direct = PotentialVipClassifier(Linear()).fit(odd[X], odd[Y])
    assert np.array_equal(
        direct.decision_function(ASKED[X]),
        PotentialVipClassifier(Linear()).fit(asked[X], asked[Y]).decision_function(ASKED[X]),
    )


def test_a_low_payer_who_grows_stands_above_a_flat_one_who_pays_more():
    pair = NEW[X].head(2).assign(arpu=[60.0, 75.0], trend=[2.0, 0.0], silence=5.0, plan="P50", noise=0.0)
    for learner in LEARNERS:
        low, flat = model(learner).outputs(pair)["vip_score_raw"]
        assert low > flat
    by_spend = model(Rule(column="arpu")).outputs(pair)["vip_score_raw"]
    assert by_spend.iloc[0] < by_spend.iloc[1]


def test_nobody_becoming_vip_is_refused():
    none = FIT[Y].assign(vip=FIT["vip"] & False)
    for learner in LEARNERS:
        with pytest.raises(HeadwaterError) as caught:
            PotentialVipClassifier(learner).fit(FIT[X], none)
        assert caught.value.problem.code == "E351"
