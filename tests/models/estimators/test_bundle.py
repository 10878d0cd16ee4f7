"""Models as text: bit-equal after the round trip, and nothing foreign, damaged or mismatched is accepted."""

import json
import math

import numpy as np
import pytest

from features.errors import HeadwaterError
from models.estimators.bundle import from_files
from models.estimators.churn import ChurnClassifier
from models.estimators.value import ValueRegressor
from models.learners import linear
from models.learners.linear import Linear
from models.learners.trees import RENAMED, Trees
from tests.models import sample

FRAME = sample.snapshots(300).assign(churned=lambda f: f["churned_30"])
X = FRAME[list(sample.FEATURES)]
SMALL = {"n_estimators": 10, "num_leaves": 5, "max_depth": 3, "min_child_samples": 20}


def churn(learner=None):
    made = ChurnClassifier(learner or Trees(**SMALL), 30, (15, 30))
    made.fit(X, FRAME, eval_set=(X, FRAME))
    made.facts_ = {"feature_set_hash": "abc", "目标": "流失"}
    return made


def value():
    return ValueRegressor(Trees("amount", **SMALL)).fit(X, FRAME, eval_set=(X, FRAME))


@pytest.mark.parametrize("made", [churn(), churn(Linear()), value()], ids=["trees", "linear", "value"])
def test_a_round_trip_is_bit_equal(made):
    files = made.to_files()
    again = from_files(json.loads(json.dumps(files)))
    assert type(again) is type(made) and again.facts_ == made.facts_
    assert again.outputs(X).equals(made.outputs(X))
    assert np.array_equal(again.contributions(X).to_numpy(), made.contributions(X).to_numpy())
    assert again.to_files() == files
    assert set(files) <= {"bundle.json", "trees.txt", "retained_trees.txt"}
    assert all(isinstance(text, str) for text in files.values())


def test_the_document_names_what_people_ask_for():
    document = json.loads(churn().to_files()["bundle.json"])
    assert document["kind"] == "churn" and document["facts"]["feature_set_hash"] == "abc"
    assert document["model"]["learner"]["encoder"]["columns"] == list(sample.FEATURES)
    assert set(document["model"]["calibrators"]) == {"15", "30"}
    assert not [v for v in document["model"]["calibrators"]["30"].values() if isinstance(v, float) and math.isnan(v)]


def refusal(files) -> tuple[str, int]:
    """Code and exit code with which files are refused."""
    with pytest.raises(HeadwaterError) as caught:
        from_files(files)
    return caught.value.problem.code, caught.value.exit_code


@pytest.mark.parametrize(
    "name", ["model.pkl", "code/run.py", "x.skops", "../trees.txt", "MLmodel", "trees.txt.exe", ""]
)
def test_foreign_files_are_refused_before_anything_is_read(name):
    assert refusal(churn().to_files() | {name: "boo"}) == ("E513", 5)


def test_missing_damaged_and_mistaken_documents_are_refused():
    files = churn().to_files()
    assert refusal({}) == ("E513", 5)
    assert refusal({n: t for n, t in files.items() if n != "trees.txt"}) == ("E513", 5)
    assert refusal(churn(Linear()).to_files() | {"trees.txt": files["trees.txt"]}) == ("E513", 5)
    assert refusal(files | {"bundle.json": files["bundle.json"][:-9]}) == ("E513", 5)
    assert refusal(files | {"bundle.json": "[]"}) == ("E513", 5)
    document = json.loads(files["bundle.json"])
    assert refusal(files | {"bundle.json": json.dumps(document | {"kind": "other"})}) == ("E513", 5)
    assert refusal(files | {"bundle.json": json.dumps(document | {"format": 99})}) == ("E513", 5)


def test_permuted_or_renamed_features_are_refused():
    files = churn().to_files()
    for change in (lambda c: c[::-1], lambda c: ["renamed", *c[1:]], lambda c: c[:-1]):
        document = json.loads(files["bundle.json"])
        encoder = document["model"]["learner"]["encoder"]
        encoder["columns"] = change(encoder["columns"])
        assert refusal(files | {"bundle.json": json.dumps(document)}) == ("E512", 5)


EARLIER = {name: old for old, name in {**RENAMED, **linear.RENAMED}.items()}
"""Parameters of learners to their names in files of 0.1.0."""


@pytest.mark.parametrize("made", [churn(), churn(Linear()), value()], ids=["trees", "linear", "value"])
def test_files_with_parameters_under_their_earlier_names_are_read(made):
    files = made.to_files()
    document = json.loads(files["bundle.json"])
    for name in ("learner", "retained"):
        if stored := document["model"].get(name):
            stored["params"] = {EARLIER.get(key, key): value for key, value in stored["params"].items()}
            assert {"rounds", "strength"} & stored["params"].keys()
    again = from_files(files | {"bundle.json": json.dumps(document)})
    assert again.outputs(X).equals(made.outputs(X)) and again.to_files() == files
