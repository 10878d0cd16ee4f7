"""Forward in time: no label window reaches into a later part, whatever the protocol."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from features.errors import HeadwaterError
from models.splits import MonthlySplit, Protocol, origins, plan, stepped
from pipelines.wording import errors

CDNOW = Protocol(
    every="30d", first=date(1997, 7, 4), last=date(1997, 12, 31), final=date(1998, 4, 1), reporting_delay_days=0
)


def test_the_published_protocol():
    split = plan(date(1998, 7, 1), CDNOW, 91)
    first, *_, newest = split.rehearsals
    assert newest.day == date(1997, 12, 31) and newest.learnt == (date(1997, 7, 4), date(1997, 8, 3), date(1997, 9, 2))
    assert first.learnt == newest.learnt[:1] and len(split.rehearsals) == 3
    assert split.final == date(1998, 4, 1)
    assert len(split.every) == 7 and split.dates == (*split.every, split.final)


@settings(deadline=None)
@given(
    every=st.sampled_from(["1mo", "2mo", "7d", "30d", "91d"]),
    window=st.integers(1, 200),
    delay=st.integers(0, 30),
    calibrate=st.integers(1, 3),
    count=st.integers(1, 40),
    days=st.integers(0, 2500),
)
def test_no_label_window_reaches_into_a_later_part(*, every, window, delay, calibrate, count, days):
    today = date(2020, 1, 1) + timedelta(days=days)
    protocol = Protocol(every=every, calibrate=calibrate, count=count, reporting_delay_days=delay)
    try:
        split = plan(today, protocol, window)
    except HeadwaterError as error:
        assert error.problem.code == "E452"
        return
    window_days = timedelta(days=window + delay)
    if split.folds:
        assert split.every == (split.final,) and split.final + window_days <= today
        return
    for rehearsal in split.rehearsals:
        assert max(rehearsal.learnt) + window_days <= rehearsal.day
        assert {rehearsal.day, *rehearsal.learnt} <= set(split.every)
    assert max(split.every) + window_days <= split.final
    assert split.final + window_days <= today
    assert len(split.rehearsals) <= calibrate and list(split.calibrate) == sorted(set(split.calibrate))
    assert list(split.every) == sorted(set(split.every)) and len(split.every) <= count


@settings(deadline=None)
@given(
    every=st.sampled_from(["1mo", "7d", "30d"]),
    shortest=st.integers(1, 60),
    delay=st.integers(0, 30),
    most=st.integers(0, 8),
    days=st.integers(600, 1500),
)
def test_dates_known_in_part_have_shown_their_shortest_horizon(*, every, shortest, delay, most, days):
    today = date(2020, 1, 1) + timedelta(days=days)
    protocol = Protocol(every=every, reporting_delay_days=delay, partial=most)
    whole, split = plan(today, protocol, 90), plan(today, protocol, 90, shortest_days=shortest)
    assert (split.every, split.final, split.rehearsals) == (whole.every, whole.final, whole.rehearsals)
    assert whole.partial == () and len(split.partial) <= most and list(split.partial) == sorted(split.partial)
    assert not {split.final, *split.every} & set(split.partial)
    assert all(d > split.every[-1] and d + timedelta(days=shortest + delay) <= today for d in split.partial)
    assert split.dates == tuple(sorted({*split.every, split.final, *split.partial}))


def test_the_newest_months_are_there_as_far_as_they_are_known():
    split = plan(date(2026, 11, 1), Protocol(), 90, shortest_days=30)
    assert split.every[-1] == date(2026, 3, 1) and split.final == date(2026, 7, 1)
    assert split.partial == tuple(date(2026, month, 1) for month in (4, 5, 6, 8, 9))
    assert plan(date(2026, 11, 1), Protocol(last=date(2026, 5, 1)), 90, shortest_days=30).partial == split.partial[:2]
    assert plan(date(2026, 11, 1), Protocol(partial=3), 90, shortest_days=30).partial == split.partial[::2]
    (origin,) = origins(date(2026, 11, 1), Protocol(), 90, 1, shortest_days=30)
    assert origin.today == split.today == date(2026, 11, 1)
    assert origin.partial == split.partial[:2]  # by 1 July; nothing is shipped, and nothing newer is needed


def test_removing_the_purge_would_be_seen():
    """With a purge of no days the same dates would all be fitted: the law above has something to forbid."""
    long, short = (plan(date(1998, 7, 1), CDNOW, days).rehearsals[-1] for days in (91, 1))
    assert len(long.learnt) < len(short.learnt)


def test_month_steps_keep_the_day_of_the_month():
    assert stepped(date(2026, 1, 31), "1mo", 1) == date(2026, 2, 28)
    split = plan(date(2026, 11, 1), Protocol(count=6), 90)
    assert split.final == date(2026, 7, 1)
    assert {d.day for d in split.every} == {1}


def test_earliest_bounds_the_dates():
    early = plan(date(2026, 11, 1), Protocol(), 30, date(2025, 10, 1))
    assert min(early.every) == date(2025, 10, 1)


@pytest.mark.parametrize(
    ("protocol", "today", "code"),
    [
        (Protocol(final=date(2026, 10, 1)), date(2026, 11, 1), "E451"),
        (Protocol(first=date(2026, 6, 1), unjudged="wait"), date(2026, 11, 1), "E452"),
        (Protocol(first=date(2026, 8, 1)), date(2026, 11, 1), "E452"),
    ],
    ids=["labels not in yet", "one window, and it is to be waited", "history starts too late"],
)
def test_what_cannot_be_planned_is_refused(protocol, today, code):
    with pytest.raises(HeadwaterError) as caught:
        plan(today, protocol, 90)
    assert caught.value.problem.code == code and caught.value.exit_code == 4


def test_with_one_window_over_customers_are_judged_and_with_two_later_time_is():
    """Training works from the moment one label window is over; the way it is judged grows with the history."""
    first, days = date(2026, 1, 1), 90
    plans = [
        plan(today, Protocol(), days, first) for today in (date(2026, 5, 10), date(2026, 10, 1), date(2026, 12, 15))
    ]
    assert [found.folds for found in plans] == [5, 0, 0]
    assert [len(found.rehearsals) for found in plans[1:]] == [0, 1] and plans[1].every == (first, date(2026, 2, 1))
    assert plans[0].dates == (plans[0].final,) and plans[0].days == 95
    with pytest.raises(HeadwaterError) as caught:
        plan(date(2026, 3, 1), Protocol(), days, first)
    assert caught.value.problem.code == "E452"


def test_a_label_that_is_in_on_the_very_day_counts():
    protocol = Protocol(every="30d", final=date(2026, 8, 3), reporting_delay_days=0, count=12)
    assert plan(date(2026, 11, 1), protocol, 90).final == date(2026, 8, 3)
    with pytest.raises(HeadwaterError):
        plan(date(2026, 10, 31), protocol, 90)


def test_rolling_origins_move_back_and_stop_where_history_ends():
    found = origins(date(2026, 11, 1), Protocol(count=None), 30, 4, date(2026, 3, 1))
    finals = [split.final for split in found]
    assert finals == sorted(finals) and finals[-1] == plan(date(2026, 11, 1), Protocol(), 30).final
    assert 1 < len(found) <= 4
    with pytest.raises(HeadwaterError):
        origins(date(2026, 11, 1), Protocol(), 30, 4, date(2026, 10, 1))


def test_monthly_split_is_a_scikit_learn_splitter():
    days = pd.date_range("2025-01-01", periods=8, freq="MS").repeat(30)
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"as_of": days, "x": rng.normal(size=len(days))})
    y = (X["x"] + rng.normal(size=len(days)) > 0).astype(int).to_numpy()
    cv = MonthlySplit(n_splits=3, purge="90D")
    for train, test in cv.split(X):
        assert days[test].nunique() == 1
        assert (days[train] + pd.Timedelta("90D")).max() <= days[test][0]
    scores = cross_val_score(LogisticRegression(), X[["x"]], y, groups=X["as_of"], cv=cv, scoring="roc_auc")
    assert len(scores) == cv.get_n_splits() and scores.min() > 0.5
    with pytest.raises(HeadwaterError):
        list(MonthlySplit(n_splits=9).split(X))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_too_little_history_is_told_in_days_and_by_its_settings(lang):
    with pytest.raises(HeadwaterError) as error:
        plan(date(2026, 11, 1), Protocol(history_days=120, unjudged="wait"), 90, date(2026, 5, 1))
    said = "\n".join(errors.lines(error.value, lang))
    for word in ("2026-07-01", "2026-05-01", "95", "215", "protocol.history_days", "120", "horizon_days"):
        assert word in said, said
    assert "—" not in said
