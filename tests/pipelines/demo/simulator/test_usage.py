"""Usage by week: rows of those who were there, parts within their whole, corrections after what they correct."""

import numpy as np
import pytest

from pipelines.demo.simulator.usage import usage_by_month

DAY = 86400


@pytest.fixture
def rows(town, rng):
    months = [columns for _, columns in usage_by_month(*town, rng)]
    return {name: np.concatenate([columns[name] for columns in months]) for name in months[0]}


def test_a_week_ends_on_a_sunday(town, rows):
    days = town[2].dates(rows["used"] // DAY)
    assert (np.is_busday(days, weekmask="0000001")).all()


def test_rows_are_of_those_who_were_there(town, rows):
    who, life, _ = town
    sunday = rows["used"] // DAY
    assert (who.joined[rows["life"]] <= sunday).all() and (life.left[rows["life"]] > sunday - 6).all()


def test_parts_are_within_their_whole_and_nothing_is_negative(rows):
    measures = ("data_kb", "night_kb", "away_kb", "voice", "sms")
    assert all((rows[name] >= 0).all() for name in measures)
    assert (rows["night_kb"] <= rows["data_kb"] + 1).all() and (rows["away_kb"] <= rows["data_kb"] + 1).all()


def test_rows_are_loaded_after_their_week_and_before_the_end(town, rows):
    assert (rows["loaded"] > rows["used"]).all() and (rows["loaded"] < town[2].days * DAY).all()


def test_a_correction_is_loaded_later_and_brings_no_less(rows):
    order = np.lexsort((rows["loaded"], rows["used"], rows["life"]))
    life, used, loaded, data = (rows[name][order] for name in ("life", "used", "loaded", "data_kb"))
    second = (life[1:] == life[:-1]) & (used[1:] == used[:-1])
    assert 0 < second.mean() < 0.05
    assert (loaded[1:][second] > loaded[:-1][second]).all() and (data[1:][second] >= data[:-1][second]).all()
