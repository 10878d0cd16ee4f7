"""Complaints, contacts, surveys and consents: in order of time, of those who were there, within the period."""

import numpy as np
import pytest

from pipelines.demo.simulator import service

DAY = 86400
KINDS = [
    (service.complaints, "opened"),
    (service.service_contacts, "at"),
    (service.campaign_contacts, "at"),
    (service.surveys, "at"),
    (service.consents, "at"),
]


@pytest.mark.parametrize(("kind", "clock"), KINDS, ids=lambda value: getattr(value, "__name__", value))
def test_rows_are_in_order_and_lie_in_a_life(town, rng, kind, clock):
    who, life, when = town
    rows = kind(*town, rng)
    at, holder = rows[clock], rows["life"]
    assert {len(column) for column in rows.values()} == {len(at)} and len(at) > 20
    assert (np.diff(at) >= 0).all() and at.max() < when.days * DAY
    assert (at // DAY >= who.joined[holder]).all() and (at // DAY <= life.left[holder]).all()


def test_a_complaint_is_solved_after_it_was_opened_or_not_at_all(town, rng):
    rows = service.complaints(*town, rng)
    solved = rows["solved"] >= 0
    assert (rows["solved"][solved] > rows["opened"][solved]).all() and solved.mean() > 0.5


def test_a_score_is_between_one_and_five(town, rng):
    assert set(np.unique(service.surveys(*town, rng)["score"])) <= {1, 2, 3, 4, 5}


def test_most_consent_and_nobody_decides_more_than_twice(town, rng):
    rows = service.consents(*town, rng)
    assert 0.7 < rows["allowed"].mean() < 0.95 and np.bincount(rows["life"]).max() <= 2
