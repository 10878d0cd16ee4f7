"""A model of uplift is used where it knows whom contacting helps, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.uplift import campaign, pair
from targeting import uplift
from targeting.known_before import FEATURES
from targeting.uplift import fitted, trial


def test_it_finds_those_whom_contacting_helps():
    found = trial(pair("north", 2, 900), "churn")
    assert found and found.campaigns == 2 and found.customers == 1_800 and found.adopted
    best = next(one for one in found.learners if one.name == found.adopted)
    assert best.is_better and best.ahead and best.ahead.low > 0
    assert best.curve[5] > found.risk.curve[5], "the first half of its list gains more"
    assert best.curve[-1] == pytest.approx(found.risk.curve[-1]), "everybody is everybody in any order"


def test_one_campaign_is_not_enough_and_neither_are_two_of_which_one_tells_nothing():
    first, second = pair("north", 1, 300)
    assert trial([first], "churn") is None
    assert trial([first, second.assign(came=0.0)], "churn") is None
    assert trial([first, second.assign(churn_probability=np.nan)], "churn") is None


def test_nobody_is_predicted_by_a_model_that_saw_their_account(monkeypatch):
    """Also where somebody is in both campaigns, and where one account has several customers."""

    class Watching:
        kind = "watching"

        def __init__(self, objective, random_state):
            self.seen = set[float]()

        def fit(self, X, y, treated):
            self.seen = set(X["tenure_months"])
            return self

        def outcomes(self, X):
            assert self.seen and self.seen.isdisjoint(X["tenure_months"])
            predicted.extend(X["tenure_months"])
            return np.ones(len(X)), X["churn_probability"].to_numpy()

    predicted: list[float] = []
    monkeypatch.setattr(uplift, "LEARNERS", (Watching,))
    lists = [campaign(number, "alike", 120) for number in range(2)]
    accounts = [f"A{place // 2}" for place in range(120)]
    number = [float(place // 2) for place in range(120)]  # of the account, as the learner sees it
    assert trial([rows.assign(unit=accounts, tenure_months=number) for rows in lists], "churn")
    assert len(predicted) == 240


def test_money_is_tried_too_and_campaigns_of_before_know_less():
    rng = np.random.default_rng(5)
    lists = []
    for rows in pair("north", 1, 300):
        worth = pd.Series(rng.gamma(3, 30, len(rows)))
        bare = rows.assign(**dict.fromkeys(FEATURES[3:], None), came=worth * (1 - rows["came"]), value_pred=worth)
        lists.append(bare)
    found = trial(lists, "value")
    assert found and found.adopted is None and len(found.learners) == 2


@pytest.mark.slow
def test_where_nobody_is_helped_it_is_not_used():
    """In at least 95 of 100 pairs; nor where all are helped alike more often than that."""
    adopted = [trial(pair("nothing", seed, 350), "churn").adopted for seed in range(60)]
    assert sum(one is not None for one in adopted) <= 3


@pytest.mark.slow
def test_the_same_campaigns_give_the_same_figures():
    lists = pair("north", 3, 300)
    assert repr(trial(lists, "churn")) == repr(trial([rows.copy() for rows in lists], "churn"))


def test_a_fitted_learner_knows_nothing_beyond_the_scores_that_campaigns_reached():
    lists = pair("north", 2, 600)
    found = fitted(lists, "churn", "t_learner")
    assert found
    rows = lists[0].assign(churn_probability=lists[0]["churn_probability"].where(lists[0].index >= 20, 0.01))
    told = found.uplift(rows)
    assert np.isnan(told[:20]).all() and not np.isnan(told[20:]).any()
    north = rows["region"].eq("north").to_numpy()[20:]
    assert told[20:][north].mean() > told[20:][~north].mean() + 0.1
    assert fitted(lists[:1], "churn", "t_learner") is None
