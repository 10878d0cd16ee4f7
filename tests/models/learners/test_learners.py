"""What every learner keeps: contributions add up, files bring it back bit for bit, the same rows give the same text."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from features.errors import HeadwaterError
from models.evaluation.metrics import auc
from models.learners.blends import Blend, ByValue, restore
from models.learners.linear import Linear
from models.learners.rule import Rule
from models.learners.trees import Trees
from tests.models import sample

SMALL = {"n_estimators": 20, "learning_rate": 0.1, "num_leaves": 7, "max_depth": 3, "min_child_samples": 20}
ROWS = sample.snapshots(500, dates=sample.split().dates[:2])
X = ROWS[list(sample.FEATURES)]
CHURNED = ROWS["churned_30"].to_numpy(dtype=float)
VALUE = ROWS["value"].to_numpy(dtype=float)
VIP = ROWS["vip"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)


def fitted(name):
    made = {
        "linear": lambda: Linear().fit(X, CHURNED),
        "trees": lambda: Trees(**SMALL).fit(X, CHURNED),
        "rule": lambda: Rule(column="silence").fit(X, CHURNED),
        "linear money": lambda: Linear("amount").fit(X, VALUE),
        "tree money": lambda: Trees("amount", **SMALL).fit(X, VALUE),
        "rule money": lambda: Rule("amount", "arpu", 1.0).fit(X, VALUE),
        "by value": lambda: ByValue(Trees("amount", **SMALL)).fit(X, VIP, VALUE),
        "blend": lambda: Blend((fitted("linear"), fitted("trees"))),
    }
    return made[name]()


ALL = ("linear", "trees", "rule", "linear money", "tree money", "rule money", "by value", "blend")


@pytest.mark.parametrize("name", ALL)
def test_contributions_and_base_add_up_to_the_raw_score(name):
    learner = fitted(name)
    parts, _ = learner.contributions(X)
    assert parts.shape == (len(X), len(learner.used_columns) + 1)
    assert parts.sum(axis=1) == pytest.approx(learner.raw(X), abs=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_text_and_back_is_bit_equal(name):
    learner = fitted(name)
    again = restore(json.loads(json.dumps(learner.state(), allow_nan=False)), learner.texts())
    assert np.array_equal(again.raw(X), learner.raw(X))
    assert again.used_columns == learner.used_columns


@pytest.mark.parametrize("name", ALL)
def test_the_order_of_columns_and_rows_changes_nothing(name):
    learner = fitted(name)
    turned = X[X.columns[::-1]].iloc[::-1]
    assert np.array_equal(learner.raw(turned)[::-1], learner.raw(X))


@pytest.mark.parametrize("name", ["trees", "tree money"])
def test_the_same_rows_give_the_same_text(name):
    assert fitted(name).texts() == fitted(name).texts()


def test_threads_change_no_byte_of_what_is_learnt():
    alone, together = (Trees(**SMALL, n_jobs=n).fit(X, CHURNED) for n in (1, 2))
    assert together.texts() == alone.texts() and together.state() == alone.state()


@pytest.mark.parametrize("objective", ["binary", "amount"])
def test_threads_of_blas_change_no_byte_of_a_linear_score(objective):
    """They come from the environment, and a matrix product adds up by them."""
    drawn = np.random.default_rng(2)
    wide = pd.DataFrame(drawn.normal(size=(3_000, 90))).add_prefix("x")
    y = np.exp(wide["x0"] / 2 + drawn.normal(size=len(wide))) if objective == "amount" else wide["x0"] > 0.3
    told = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            learner = Linear(objective).fit(wide, y)
            told.append((json.dumps(learner.state()), learner.raw(wide).tobytes()))
    assert told[0] == told[1]


@pytest.mark.parametrize("learner", [Linear(), Trees(), Rule(column="arpu"), ByValue(Linear("amount"))])
def test_parameters_are_those_of_scikit_learn(learner):
    again = clone(learner)
    assert again.get_params(deep=False).keys() == learner.get_params(deep=False).keys()
    assert not [name for name in vars(again) if name.endswith("_")]


def test_the_currency_does_not_matter():
    for learner in (Linear("amount"), Trees("amount", **SMALL)):
        yuan, fen = learner.fit(X, VALUE).raw(X), clone(learner).fit(X, VALUE * 100).raw(X)
        assert fen == pytest.approx(yuan + np.log(100), abs=1e-4)


def test_trees_are_such_that_exact_reasons_are_affordable():
    text = fitted("trees").texts()["trees"]
    assert "num_cat=0" in text and "num_cat=1" not in text
    assert "[zero_as_missing: 0]" in text and "[linear_tree: 0]" in text


def test_a_model_of_other_columns_is_refused():
    learner = fitted("trees")
    state = learner.state()
    state["encoder"]["columns"] = state["encoder"]["columns"][::-1]
    with pytest.raises(HeadwaterError) as caught:
        restore(state, learner.texts())
    assert caught.value.problem.code == "E512" and caught.value.exit_code == 5


def test_rules_rank_as_people_do():
    down = Rule(column="arpu", higher=False).fit(X, CHURNED).raw(X)
    assert (np.argsort(down) == np.argsort(-X["arpu"].to_numpy())).all()
    assert np.exp(fitted("rule money").raw(X)) == pytest.approx(X["arpu"].to_numpy())
    with pytest.raises(HeadwaterError) as caught:
        Rule(column="missing").fit(X, CHURNED)
    assert caught.value.problem.code == "E511"


def test_unknown_values_and_new_words_get_a_score():
    odd = X.head(3).assign(trend=np.nan, plan=["never seen", None, "P10"], silence=[np.nan, 1e12, -1.0])
    for name in ALL:
        assert np.isfinite(fitted(name).raw(odd)).all()


@pytest.mark.parametrize("learner", [Linear(), Trees(**SMALL)])
def test_it_learns_what_is_there_and_nothing_from_shuffled_labels(learner):
    fresh = sample.snapshot(sample.TODAY, 2000, np.random.default_rng(9))
    truth = fresh["churned_30"].to_numpy(dtype=float)
    assert auc(truth, learner.fit(X, CHURNED).raw(fresh)) > 0.7
    shuffled = np.random.default_rng(3).permutation(CHURNED)
    assert 0.42 < auc(truth, clone(learner).fit(X, shuffled).raw(fresh)) < 0.58


def test_an_all_null_table_of_one_column_is_learnt_without_noise():
    rows = pd.DataFrame({"x": [np.nan] * 100})
    learner = Linear().fit(rows, np.arange(100) % 2)
    assert learner.raw(rows) == pytest.approx(0.0, abs=1e-6)
