"""A small town over a year and a half: its people, their lives, the calendar, and chance."""

from datetime import date

import numpy as np
import pytest

from pipelines.demo.simulator.lives import live
from pipelines.demo.simulator.people import calendar, people


@pytest.fixture(scope="session")
def town():
    when = calendar(date(2023, 1, 1), date(2024, 7, 1))
    who = people(800, when.days, np.random.default_rng(1))
    return who, live(who, when, np.random.default_rng(2)), when


@pytest.fixture
def rng():
    return np.random.default_rng(3)
