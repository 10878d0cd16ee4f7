"""Every block by its name: over tables without rows each keeps its spine and names the tables that it reads."""

from datetime import date

import ibis
import pytest

from features.blocks.registry import ACROSS, BLOCKS
from features.definition import ROW
from features.identity import empty_tables
from features.settings import FeatureSettings
from features.spine import Population, population
from tests.world import everything


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_needs_the_tables_that_it_names_and_no_others(name: str):
    needed, block = BLOCKS[name]
    tables = empty_tables(["sms"])
    spine = population(tables, [date(2026, 1, 1)], "UTC", Population())
    rows = block(spine, {table: tables[table] for table in needed}, FeatureSettings())
    assert isinstance(rows, ibis.Table) and ROW in rows.columns
    for table in needed:
        with pytest.raises(KeyError, match=table):
            block(spine, {t: tables[t] for t in needed if t != table}, FeatureSettings())


def test_every_block_has_features_and_those_across_accounts_are_blocks():
    assert {f.source for f in everything()} - {"peers", "wide"} == set(BLOCKS)
    assert set(ACROSS) <= set(BLOCKS)
