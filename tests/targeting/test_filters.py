"""Filters: what a loop over customers keeps, whether they lie in Arrow or in pandas."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.filters import COLUMNS, FILTERS, ListFilters, column, known, passes
from tests.scores_sample import sample_scores

TABLE = sample_scores(120)
FRAME = TABLE.to_pandas()


def slow(row: dict, filters: ListFilters, kind: str) -> bool:
    """One customer after the other."""
    for name, values in filters.asked.items():
        cell = row[column(name, kind)]
        own = {reason["code"] for reason in cell or ()} if name == "reason" else {cell}
        if not own & set(values):
            return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["vip", "churn"]))
def test_a_row_passes_where_a_loop_lets_it(data, kind):
    asked = {
        name: tuple(
            data.draw(st.lists(st.sampled_from([*known(TABLE, name, kind), "nobody"]), max_size=3, unique=True))
        )
        for name in data.draw(st.lists(st.sampled_from(FILTERS), max_size=3, unique=True))
    }
    filters = ListFilters(**asked)
    expected = [slow(row, filters, kind) for row in TABLE.to_pylist()]
    assert passes(TABLE, filters, kind).tolist() == expected
    assert passes(FRAME, filters, kind).tolist() == expected
    cut = pa.concat_tables([TABLE.slice(0, 37), TABLE.slice(37)])
    assert passes(cut, filters, kind).tolist() == expected


@pytest.mark.parametrize("name", FILTERS)
def test_known_values_are_those_that_somebody_has(name):
    found = known(TABLE, name, "churn")
    assert found == known(FRAME, name, "churn") == sorted(found) and found
    everybody = [passes(TABLE, ListFilters(**{name: (value,)}), "churn").any() for value in found]
    assert all(everybody)


def test_no_filter_lets_everybody_pass_and_null_is_none_of_any_values():
    assert passes(TABLE, ListFilters(), "vip").all()
    place = TABLE.column_names.index("region")
    unknown = TABLE.set_column(place, TABLE.schema.field("region"), pa.nulls(TABLE.num_rows, TABLE.schema.types[place]))
    assert not passes(unknown, ListFilters(region=("north",)), "vip").any()
    assert known(unknown, "region", "vip") == []
    assert not np.any(passes(TABLE.slice(0, 0), ListFilters(reason=("plan",)), "vip"))


def test_every_filter_has_its_column():
    assert set(COLUMNS) == set(FILTERS) - {"reason"} and column("reason", "vip") == "vip_reasons"
