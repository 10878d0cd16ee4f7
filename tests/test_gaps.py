"""Gaps planted in three businesses: nothing is published as zero without a word, and quiet nights are not stopped."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from benchmarks.gaps import BUSINESSES, START, Gap, gaps, levels, main, outcome, stored, world
from features.blocks import months
from pipelines.ingest import completeness

OPERATOR = replace(BUSINESSES[0], customers=80)
AS_OF = date(2025, 12, 10)
DAY = timedelta(days=1)
LATE = Gap("bills", "a few late", date(2025, 12, 1), AS_OF, share=0.1, late=20)
YESTERDAY = Gap("usage", "newest days", AS_OF - 2 * DAY, AS_OF)
MIDDLE = Gap("usage", "day", date(2025, 11, 19), date(2025, 11, 20))


@pytest.fixture(scope="module")
def operator() -> dict:
    """The last half year of use: more is not needed to see a gap in it."""
    made = world(OPERATOR, np.random.default_rng(5))
    used = made["usage"]
    return made | {"usage": used[used.happened_on >= str(AS_OF - 180 * DAY)].reset_index(drop=True)}


@pytest.fixture(scope="module")
def whole(con: ibis.BaseBackend, tmp_path_factory, operator: dict) -> pd.DataFrame:
    return levels(con, OPERATOR, stored(con, tmp_path_factory.mktemp("whole"), operator), AS_OF)


def led_to(con: ibis.BaseBackend, folder, tables: dict, whole: pd.DataFrame, gap: Gap) -> str:
    return outcome(con, folder, OPERATOR, gap.planted(tables, np.random.default_rng(6)), whole, gap, AS_OF)


@pytest.mark.parametrize(
    ("gap", "expected"),
    [(LATE, "known"), (MIDDLE, "stopped"), pytest.param(YESTERDAY, "known", marks=pytest.mark.slow)],
)
def test_what_a_gap_leads_to(con, tmp_path, operator: dict, whole: pd.DataFrame, gap: Gap, expected: str):
    assert led_to(con, tmp_path, operator, whole, gap) == expected


def nothing_awaited(settings) -> int:
    return 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gap", "place", "name", "slip"),
    [
        (LATE, months, "_most_awaited", nothing_awaited),
        pytest.param(MIDDLE, completeness, "_of_days", lambda days: [], marks=pytest.mark.slow),
    ],
    ids=["late bills are none", "nobody looks at days"],
)
def test_a_planted_bug_is_seen(
    con, tmp_path, operator: dict, whole, monkeypatch, gap, place, name: str, slip: Callable
):
    monkeypatch.setattr(place, name, slip)
    assert led_to(con, tmp_path, operator, whole, gap) == "zero"


def test_there_are_sixty_of_every_kind_in_every_table(operator: dict):
    rng, shapes = np.random.default_rng(1), {"operator": operator}
    few = [replace(b, customers=12) for b in BUSINESSES]
    found = [gap for b in few for gap in gaps(b, shapes.get(b.name) or world(b, rng), AS_OF, rng)]
    assert len(found) >= 60
    assert np.datetime64(min(gap.first for gap in found)) > START


@pytest.mark.slow
def test_no_gap_is_published_as_zero_and_no_quiet_night_stops():
    """Fifteen quiet nights, and gaps that a count can tell; `python -m benchmarks.gaps` looks at two hundred nights."""
    assert main(1) == 0
