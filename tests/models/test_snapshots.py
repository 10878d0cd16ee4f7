"""The labelled snapshots of one target: what is learnt from, what is kept apart, and what it is worth."""

import numpy as np
import pandas as pd
import pytest

from features.errors import HeadwaterError
from models.snapshots import Rows, ordered
from models.targets.registry import TARGETS
from tests.models import sample

FRAME = sample.snapshots(300)
SPLIT = sample.split()
EVERY = pytest.mark.parametrize("name", list(TARGETS))


def rows(name: str, frame: pd.DataFrame = FRAME) -> Rows:
    return Rows(TARGETS[name], frame, SPLIT, sample.FEATURES, sample.SETTINGS)


def test_parts_are_forward_in_time_and_share_no_row():
    known = rows("churn")
    for rehearsal in SPLIT.rehearsals:
        fit, later = known.of(rehearsal.learnt)[0].index, known.of([rehearsal.day])[0].index
        assert len(fit) and len(later) and not set(fit) & set(later)
    assert not len(known.of([SPLIT.final])[0]) and len(known.final.open())


@EVERY
def test_what_is_judged_is_what_the_target_is_defined_for(name):
    known = rows(name)
    seen = [known.on(day) for day in SPLIT.calibrate]
    assert all(part[known.label].notna().all() for part in seen)
    assert known.counts["calibrate"] == sum(map(len, seen)) and known.counts["every"] == len(known.learnt())
    assert set(known.learnt()["as_of"]) == set(SPLIT.every) and not len(known.on(SPLIT.final))


def test_a_target_learns_from_the_rows_that_it_says():
    """Ranking potential VIPs by value learns from those who are high-value already; nobody else does."""
    assert rows("vip").of(SPLIT.every)[1]["vip"].isna().any()
    assert rows("churn").of(SPLIT.every)[1]["churned_30"].notna().all()


def test_labels_come_with_what_is_learnt_beside():
    frame, labels = rows("value").of(SPLIT.every)
    assert list(frame) == list(sample.FEATURES)
    assert labels["churned"].equals(labels["churned_30"]) and "churned" not in rows("churn").of(SPLIT.every)[1]


def test_money_is_at_stake_in_who_leaves_and_realised_otherwise():
    churn, value = rows("churn"), rows("value")
    seen = churn.on(SPLIT.calibrate[0])
    outcome = churn.outcome(seen)
    assert outcome.value == pytest.approx(seen["arpu"] * seen["churned_30"])  # the rule of today: ARPU for the horizon
    assert value.outcome(seen).value == pytest.approx(seen["value"])


@EVERY
def test_labels_of_one_class_or_too_few_positives_are_refused(name):
    frame = FRAME.assign(churned_30=False, value=0.0, vip=pd.array([False] * len(FRAME), dtype="boolean"))
    with pytest.raises(HeadwaterError, match=r"E351|E453"):
        rows(name, frame)


def test_rows_are_ordered_by_date_and_customer_and_not_copied_without_need():
    mixed = FRAME.sample(frac=1, random_state=1)
    again = ordered(mixed)
    assert again.sort_values(["as_of", "customer_id"]).index.equals(again.index)
    assert np.shares_memory(ordered(again)["arpu"].to_numpy(), again["arpu"].to_numpy())
