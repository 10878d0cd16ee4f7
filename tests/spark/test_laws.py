"""Laws that do not need thousands of worlds, asked of Spark; that it equals DuckDB is test_same.py."""

import pytest

from features.blocks.registry import EVERYBODY
from tests.features import test_catalogue as laws
from tests.features.asking import Asker, differing, without_nan
from tests.world import rewritten, world

pytestmark = pytest.mark.slow

test_one_row_per_customer_and_date = laws.test_one_row_per_customer_and_date_with_events_or_without


def test_the_future_changes_nothing(ask: Asker):
    given = world(2_000, seed=311)
    answer = ask(given)
    assert without_nan(answer)
    of_others = {f.column for f in ask.features if f.source in EVERYBODY}  # each world has a date of its own
    assert differing(answer, ask(rewritten(given, world(2_000, seed=312)))) - of_others == set()
