"""A column that tells the outcome by itself is found, in whatever form; honest ones are not accused."""

import numpy as np
import pandas as pd
import pytest

from models.evaluation.leaks import found, leaking, single_feature_auc
from models.evaluation.metrics import auc
from tests.models import sample
from tests.models.evaluation import leaking_world

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


LABELS = ["churned_90"]


@pytest.fixture(scope="module")
def exported():
    return leaking_world.world(2)


@pytest.mark.parametrize("name", leaking_world.PLANTED)
def test_what_an_export_of_today_says_of_leavers_is_found(exported, name):
    rows = exported.rows.assign(planted=leaking_world.PLANTED[name](exported))
    assert list(found(rows, LABELS, ["planted"])) == ["planted"]


def test_a_relation_that_the_newest_window_does_not_know_was_written_afterwards(exported):
    rows = exported.rows.assign(planted=leaking_world.PLANTED["class reviewed late"](exported))
    assert found(rows, LABELS, ["planted"])["planted"].why == "faded"
    shuffled = rows.assign(planted=rows["planted"].sample(frac=1, random_state=1, ignore_index=True))
    assert found(shuffled, LABELS, ["planted"]) == {}


def test_against_one_window_alone_a_status_of_today_would_pass(exported):
    """Who leaves later has it as well, so that it tells a window worse than the limit."""
    rows = exported.rows.assign(status=leaking_world.PLANTED["status"](exported))
    assert found(rows, LABELS, timed=["status"]) == {}
    assert found(rows, LABELS, recorded=["status"])["status"].auc > 0.95


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))])
def test_nothing_is_found_in_clean_worlds(seed):
    """Contracts about to end, notice given, months of silence, staff who never leave, ids, postcodes and streets."""
    rows, recorded, timed = leaking_world.honest(leaking_world.world(seed))
    assert found(rows, LABELS, recorded, timed) == {}


def test_what_is_cut_by_time_is_held_against_its_own_window(exported):
    rows = exported.rows
    y = rows["churned_90"].to_numpy(dtype=float)
    bands = np.random.default_rng(0).permutation(10)
    rows = rows.assign(copy=y, band=bands[(y * 5).astype(int) + rows["who"].to_numpy() % 5].astype(float))
    assert set(found(rows, LABELS, timed=["copy", "band", "term"])) == {"copy", "band"}
    assert found(rows, LABELS, timed=["copy"], limit=1.0) == {}


def test_without_dates_a_value_of_a_few_is_told_when_it_cannot_be_chance():
    outcome = np.r_[np.ones(40), np.zeros(60)].astype(bool)
    rows = pd.DataFrame({"customer_id": np.arange(100).astype(str), "as_of": pd.Timestamp(2026, 1, 1), "left": outcome})
    for filled, expected in (((0, 5), []), ((0, 30), ["few"]), ((10, 55), [])):
        few = np.full(100, np.nan)
        few[slice(*filled)] = 1.0
        assert list(found(rows.assign(few=few), ["left"], ["few"])) == expected, filled


def test_with_few_outcomes_nothing_is_told(exported):
    rows = exported.rows.head(200).assign(copy=exported.rows["churned_90"].head(200))
    assert rows["copy"].sum() < 20 and found(rows, LABELS, ["copy"]) == {}
