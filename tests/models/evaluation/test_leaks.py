"""A column that tells the outcome by itself is found, in whatever form; honest ones are not accused."""

import numpy as np
import pytest

from models.evaluation.leaks import leaking, single_feature_auc
from models.evaluation.metrics import auc
from tests.models import sample

ROWS = sample.snapshots(400)
Y = ROWS["churned_30"].to_numpy(dtype=float)
RNG = np.random.default_rng(0)
PLANTED = {
    "copy": Y,
    "mirror": -Y,
    "noisy copy": Y + RNG.normal(0, 0.2, len(Y)),
    "null when churned": np.where(Y == 1, np.nan, RNG.normal(size=len(Y))),
    "word": np.where(Y == 1, "closed", "open"),
    "amount after churn": np.where(Y == 1, 0.0, RNG.gamma(2, 50, len(Y))),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_found_and_named(name):
    found = leaking(ROWS.assign(planted=PLANTED[name]), Y, [*sample.FEATURES, "planted"])
    assert list(found) == ["planted"] and found["planted"] > 0.95


def test_no_false_alarms():
    for seed in range(5):
        clean = sample.snapshots(200, seed)
        assert leaking(clean, clean["churned_30"].to_numpy(dtype=float), sample.FEATURES) == {}


def test_it_is_the_auc_of_the_column_in_its_better_direction():
    alone = single_feature_auc(ROWS, Y, ["arpu", "silence"])
    for column in alone.index:
        area = auc(Y, ROWS[column].to_numpy())
        assert alone[column] == pytest.approx(max(area, 1 - area))


@pytest.mark.parametrize("each", [1, 2, 5])
def test_words_that_stand_for_few_customers_are_no_leak(each):
    """An address says who somebody is, and nothing of what they will do: its rate among its own rows is the answer."""
    for seed in range(3):
        rows = sample.snapshots(300, seed)
        address = rows["customer_id"].str[1:].astype(int) // each
        outcome = rows["churned_30"].to_numpy(dtype=float)
        rows = rows.assign(address=address.astype(str) + " High Street")
        assert leaking(rows, outcome, [*sample.FEATURES, "address"]) == {}
        assert single_feature_auc(rows, outcome, ["address"])["address"] < 0.65


def test_without_ids_every_row_is_a_customer():
    rows = sample.snapshots(300).drop(columns="customer_id")
    alone = single_feature_auc(rows, rows["churned_30"].to_numpy(dtype=float), sample.FEATURES)
    assert alone.between(0.5, 0.95).all()
