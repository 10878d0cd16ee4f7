"""The histories that features are judged with: the past alone, another future, re-dated, moved."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.contracts import CONTRACTS
from features.laws.cases import Case, crowded, moved, moved_spine, otherwise, past
from tests import world as worlds
from tests.features.asking import EVENTS
from tests.features.laws.test_checks import case_of


@pytest.fixture(scope="module")
def given() -> worlds.World:
    return worlds.world(300, seed=305)


@pytest.fixture(scope="module")
def case(given: worlds.World) -> Case:
    return case_of(given)


@pytest.mark.parametrize("name", EVENTS)
def test_the_past_is_what_another_statement_of_it_leaves(given: worlds.World, case: Case, name: str):
    """Once in Arrow for projects, once in pandas for the law of the future: neither knows of the other."""
    assert past(case).tables[name].equals(case_of(worlds.past(given)).tables[name])


def test_another_future_has_the_same_past_and_a_future(case: Case):
    other = otherwise(case, np.random.default_rng(1))
    for name, rows in past(other).tables.items():
        assert rows.equals(past(case).tables[name]), name
        assert not CONTRACTS[name].event or len(other.tables[name]) > len(rows), name


def test_nobody_in_the_past_has_left_or_will(case: Case):
    here = pc.is_in(case.tables["customers"]["customer_id"], case.spine["customer_id"].combine_chunks())
    assert past(case).tables["customers"].filter(here)["deactivated_on"].null_count == len(case.spine)


def test_moved_rows_keep_everything_but_their_dates(case: Case):
    later = moved(case.tables["bills"], 10)
    assert later.schema == case.tables["bills"].schema
    assert later["amount"].equals(case.tables["bills"]["amount"])
    assert pc.all(
        pc.equal(pc.subtract(later["known_at"], case.tables["bills"]["known_at"]), timedelta(days=10))
    ).as_py()
    spine = moved_spine(case.spine, -3)
    assert spine["activated_on"].equals(case.spine["activated_on"])
    assert pc.all(pc.equal(pc.subtract(case.spine["cutoff"], spine["cutoff"]), timedelta(days=3))).as_py()
    assert pa.types.is_date(spine.schema.field("as_of").type)


def test_re_dating_keeps_rows_customers_and_types(case: Case):
    other = crowded(case, np.random.default_rng(3))
    for name, rows in case.tables.items():
        assert other.tables[name].schema == rows.schema
        assert 0.7 * len(rows) < len(other.tables[name]) <= len(rows)
    assert not other.tables["bills"]["happened_at"].equals(case.tables["bills"]["happened_at"])
