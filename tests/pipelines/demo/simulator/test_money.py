"""Bills and payments in fen: one bill a service and month, and no payment without its bill."""

import numpy as np
import pytest

from pipelines.demo.simulator.money import bills_by_month, payments


@pytest.fixture
def months(town, rng):
    return list(bills_by_month(*town, rng))


def test_the_last_month_is_not_billed(town, months):
    assert [month for month, _ in months] == list(range(town[2].months - 1))


def test_everybody_of_a_month_has_one_bill_and_one_more_for_broadband(town, months):
    who, life, when = town
    for month, bills in months:
        here = (who.joined < when.edges[month + 1]) & (life.left > when.edges[month])
        assert bills["life"][bills["service"] == bills["service"][0]].tolist() == np.flatnonzero(here).tolist()
        pairs = np.stack([bills["life"], bills["service"]])
        assert np.unique(pairs, axis=1).shape == pairs.shape
        assert (who.broadband[bills["life"][bills["service"] != bills["service"][0]]] > 0).all()


def test_amounts_are_whole_fen(months):
    for _, bills in months:
        assert bills["gross"].dtype == bills["discount"].dtype == "int64" and (bills["gross"] >= 0).all()


def test_a_payment_pays_one_bill_in_full_and_once(town, months, rng):
    _, _, when = town
    for _, bills in months:
        paid = payments(bills, *town, rng)
        assert len(np.unique(paid["bill"])) == len(paid["bill"]) <= len(bills["life"])
        assert (paid["amount"] == (bills["gross"] - bills["discount"])[paid["bill"]]).all() and (
            paid["amount"] > 0
        ).all()
        assert (paid["paid"] < when.days * 86400).all()
