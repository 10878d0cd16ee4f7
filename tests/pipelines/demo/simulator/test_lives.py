"""Lives: nobody leaves before they join, months are complete, and events lie in a life."""

import numpy as np


def test_nobody_leaves_before_they_join_and_some_leave(town):
    who, life, when = town
    assert (life.left > who.joined).all()
    assert 0.1 < (life.left < when.days).mean() < 0.6


def test_every_month_has_every_measure_of_everybody(town):
    who, life, when = town
    assert {np.shape(months) for months in life.months.values()} == {(when.months, len(who))}


def test_those_who_are_here_have_joined_and_not_left(town):
    who, life, when = town
    for month in range(when.months):
        here = life.months["here"][month].astype(bool)
        assert (who.joined[here] < when.edges[month + 1]).all() and (life.left[here] > when.edges[month]).all()


def test_everybody_begins_with_a_plan(town):
    who, life, _ = town
    holder, start, *_ = life.events_of("plans", 6)
    first = np.full(len(who), np.iinfo("int64").max)
    np.minimum.at(first, holder, start.astype("int64"))
    assert (first == who.joined).all()
