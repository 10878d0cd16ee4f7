"""Value: an expectation at the right level, a band that holds, and more if the customer stays."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from models.estimators.value import ValueRegressor, _sure_ratio, amounts
from models.evaluation.metrics import coverage, mae, normalised_gini, total_bias
from models.learners.linear import Linear
from models.learners.rule import Rule
from models.learners.trees import Trees
from tests.models import sample

DAYS = sample.split().dates
FRAME = sample.snapshots(900).assign(churned=lambda f: f["churned_30"])
FIT, LATER, NEW = (FRAME[FRAME["as_of"] == d] for d in (DAYS[0], DAYS[3], DAYS[5]))
X = list(sample.FEATURES)
Y = ["value", "churned"]
SMALL = {"n_estimators": 30, "learning_rate": 0.1, "num_leaves": 7, "max_depth": 3, "min_child_samples": 20}
LEARNERS = [Linear("amount", 0.1), Trees("amount", **SMALL), Rule("amount", "arpu")]


def model(learner):
    return ValueRegressor(learner).fit(FIT[X], FIT[Y], eval_set=(LATER[X], LATER[Y]))


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_band_holds_and_the_parts_are_in_order(learner):
    told, truth = model(learner).outputs(NEW[X]), NEW["value"].to_numpy()
    assert list(told) == ["value_pred", "value_p10", "value_p90", "value_if_retained"]
    assert 0.75 < coverage(truth, told["value_p10"].to_numpy(), told["value_p90"].to_numpy()) < 0.88
    assert (told["value_p10"] <= told["value_pred"]).all() and (told["value_pred"] <= told["value_p90"]).all()
    assert (told["value_if_retained"] >= told["value_pred"]).all()


def test_models_are_at_the_right_level_and_better_than_the_run_rate():
    truth = NEW["value"].to_numpy()
    told = {
        name: model(m).outputs(NEW[X])["value_pred"].to_numpy() for name, m in zip("lr", LEARNERS[::2], strict=True)
    }
    assert total_bias(truth, told["l"]) == pytest.approx(1, abs=0.1)
    assert mae(truth, told["l"]) < mae(truth, told["r"])
    assert normalised_gini(truth, told["l"]) > normalised_gini(truth, told["r"])


def test_the_rule_is_left_as_people_use_it():
    assert model(LEARNERS[2]).outputs(NEW[X])["value_pred"].to_numpy() == pytest.approx(NEW["arpu"].to_numpy())


def test_those_who_stay_are_worth_more():
    stayed = NEW[~NEW["churned"]]
    told = model(LEARNERS[0]).outputs(stayed[X])
    assert told["value_if_retained"].sum() / stayed["value"].sum() == pytest.approx(1, abs=0.1)
    assert told["value_if_retained"].sum() > told["value_pred"].sum() * 1.05


def test_a_rehearsal_fits_what_is_judged_and_nothing_else():
    made = model(LEARNERS[0])
    whole, judged = made.learn(FIT[X], FIT[Y]), made.rehearse(FIT[X], FIT[Y])
    assert np.array_equal(judged[0].raw(NEW[X]), whole[0].raw(NEW[X]))
    assert judged[1] is judged[0] and not np.array_equal(whole[1].raw(NEW[X]), whole[0].raw(NEW[X]))


def test_contributions_add_up_to_the_logarithm_of_the_value():
    for learner in LEARNERS:
        made = model(learner)
        parts = made.contributions(NEW[X]).sum(axis=1).to_numpy()
        assert np.exp(parts) == pytest.approx(made.outputs(NEW[X])["value_pred"].to_numpy(), rel=1e-4)


def test_a_refit_takes_the_level_of_the_newest_rows():
    """Prices doubled: after a refit the total of the anchor rows is right again, and the band is kept."""
    made = model(LEARNERS[0])
    band = made.band_
    dear = LATER[Y].assign(value=LATER["value"] * 2)
    made.adopt(
        made.learn(pd.concat([FIT[X], LATER[X]]), pd.concat([FIT[Y], dear])), (LATER[X], dear), made.raw(LATER[X])
    )
    assert made.outputs(LATER[X])["value_pred"].sum() == pytest.approx(dear["value"].sum())
    assert made.band_ == band


@pytest.mark.parametrize(("dearer", "mended"), [(1.0, False), (1.01, False), (1.3, True), (0.7, True)])
def test_a_refit_is_brought_to_the_newest_rows_where_it_is_off_by_more_than_chance(dearer, mended):
    made, told = model(LEARNERS[0]), LATER[Y].assign(value=LATER["value"] * dearer)
    made.adopt(made.learn(LATER[X], LATER[Y]), (LATER[X], told), made.raw(LATER[X]))
    assert (made.level_ != 1.0) is mended
    if mended:
        assert made.outputs(LATER[X])["value_pred"].sum() == pytest.approx(told["value"].sum())


def test_a_level_beyond_chance_is_that_of_its_bootstrap():
    """Within 1.96 standard errors of 1 nothing is mended: as often as the interval of a bootstrap leaves out 1."""
    rng = np.random.default_rng(9)
    for factor in (0.9, 0.97, 1.0, 1.03, 1.1):
        guess = rng.gamma(2.0, 50.0, 2_000)
        paid = guess * rng.lognormal(-0.32, 0.8, len(guess)) * factor
        drawn = rng.integers(0, len(guess), (400, len(guess)))
        low, high = np.quantile(paid[drawn].sum(axis=1) / guess[drawn].sum(axis=1), [0.025, 0.975])
        assert _sure_ratio(paid, guess) == (1.0 if low <= 1 <= high else pytest.approx(paid.sum() / guess.sum()))


def test_it_is_a_scikit_learn_estimator_and_takes_plain_amounts():
    made = clone(ValueRegressor(Linear("amount"), coverage=0.5))
    assert made.coverage == 0.5
    told = made.fit(FIT[X], FIT["value"], eval_set=(LATER[X], LATER["value"])).outputs(NEW[X])
    inside = coverage(NEW["value"].to_numpy(), told["value_p10"].to_numpy(), told["value_p90"].to_numpy())
    assert 0.4 < inside < 0.65


def test_unknown_churn_counts_as_not_stayed_and_nobody_staying_is_survived():
    frame = pd.DataFrame({"value": [1.0, 2.0, 3.0], "churned": pd.array([False, None, True], dtype="boolean")})
    assert amounts(frame)[1].tolist() == [True, False, False]
    assert amounts(frame.assign(churned=True))[1].all()


def test_at_a_margin_everything_that_is_told_is_that_share_of_it():
    """What is learnt from a share of the money says that share of the money, the rule at its margin as well."""
    rules = sample.SETTINGS.candidates.rules
    factor = sample.SETTINGS.at_margin(0.4).candidates.rules.of("value").factor
    assert factor == pytest.approx(0.4 * rules.of("value").factor)
    for learner, at_margin in zip(LEARNERS, [*LEARNERS[:2], Rule("amount", "arpu", factor=0.4)], strict=True):
        less = FIT[Y].assign(value=FIT["value"] * 0.4), LATER[Y].assign(value=LATER["value"] * 0.4)
        told = ValueRegressor(at_margin).fit(FIT[X], less[0], eval_set=(LATER[X], less[1])).outputs(NEW[X])
        assert told.to_numpy() == pytest.approx(0.4 * model(learner).outputs(NEW[X]).to_numpy(), rel=0.01)


def test_margin_one_is_todays_rule_as_it_stands():
    assert sample.SETTINGS.at_margin(1.0) == sample.SETTINGS
