"""The people simulated and their calendar: shares add up, and months are those of the calendar."""

from datetime import date

import numpy as np
import pytest

from pipelines.demo.simulator.people import calendar, people


@pytest.fixture(scope="module")
def crowd():
    return people(4_000, 900, np.random.default_rng(3))


def test_months_begin_where_the_calendar_says():
    when = calendar(date(2023, 11, 1), date(2024, 4, 1))
    assert (when.months, when.days, when.numbers.tolist()) == (5, 152, [11, 12, 1, 2, 3])
    firsts = when.dates(when.edges[:-1])
    assert all(str(day).endswith("-01") for day in firsts)
    assert when.month_of(when.edges[:-1]).tolist() == list(range(5))
    assert when.month_of(np.array([-5, 10_000])).tolist() == [0, 4]


def test_every_trait_is_there_for_everybody_and_shares_are_shares(crowd):
    assert {len(values) for values in vars(crowd).values()} == {4_000}
    for name in ("outspoken", "answers", "night", "discount"):
        values = getattr(crowd, name)
        assert values.min() >= 0 and values.max() <= 1
    assert crowd.joined.max() < 900 and 0.6 < (crowd.joined < 0).mean() < 0.8


def test_members_of_a_family_share_an_account_in_pairs(crowd):
    sizes = np.bincount(np.unique(crowd.account, return_inverse=True)[1])
    assert set(sizes) == {1, 2}
    shared = np.isin(crowd.account, np.unique(crowd.account)[sizes == 2])
    assert (crowd.kind[shared] == 1).all()


def test_the_same_chance_draws_the_same_people():
    one, other = (people(50, 400, np.random.default_rng(1)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))
