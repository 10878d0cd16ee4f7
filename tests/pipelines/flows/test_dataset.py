"""What is learnt from: where history begins, and which columns tell anything."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from features.errors import HeadwaterError
from models.settings import Rules
from models.splits import Protocol, in_turns
from pipelines.flows import dataset
from pipelines.project import Project
from pipelines.workspace.progress import Steps
from tests.demo_project import NIGHT


def test_history_begins_with_the_first_bills():
    bills = ibis.memtable({"happened_on": [date(2024, 3, 5), date(2024, 1, 9)]})
    protocol = Protocol(history_days=90)
    assert dataset.earliest_date({"bills": bills}, protocol) == date(2024, 1, 9) + timedelta(days=90)


def test_without_bills_history_begins_with_the_first_use_then_any_event_then_the_first_activation():
    tables = {
        name: ibis.memtable({column: [day, date(2024, 12, 1)]})
        for name, column, day in (
            ("customers", "activated_on", date(2024, 1, 1)),
            ("complaints", "happened_on", date(2024, 2, 1)),
            ("usage", "happened_on", date(2024, 3, 1)),
        )
    }
    protocol = Protocol(history_days=0)
    for name, first in (("usage", 3), ("complaints", 2), ("customers", 1)):
        assert dataset.earliest_date(tables, protocol) == date(2024, first, 1), name
        del tables[name]


def test_nothing_is_learnt_of_dates_before_anybody_was_on_record():
    rows = {
        "activated_on": [date(2020, 1, 1), date(2024, 6, 2)],
        "known_at": [pd.Timestamp(2024, 1, 31), pd.Timestamp(2024, 2, 29)],
    }
    tables = {"customers": ibis.memtable(rows)}
    assert dataset.earliest_date(tables, Protocol(history_days=0)) == date(2024, 1, 31)


def test_a_column_that_is_the_same_for_everybody_is_not_learnt_from_unless_people_rank_by_it():
    frame = pd.DataFrame(
        {"null": [np.nan] * 3, "same": [1.0] * 3, "half": [1.0, np.nan, 1.0], "word": ["a", "a", "b"], "arpu_3m": 0.0}
        | {"void": pd.array([None] * 3, dtype=object)}
    )
    assert dataset.telling_columns(frame, list(frame), Rules()) == ("half", "word", "arpu_3m")
    assert dataset.telling_columns(frame.head(1), list(frame), Rules()) == ("arpu_3m",)
    assert dataset.shortened(["a", "b"]) == "a, b" and dataset.shortened(list("abcdefgh")).endswith("f …")


def test_dates_on_which_nobody_was_a_customer_are_refused_with_the_day_that_the_data_reach(own_operator):
    """As those of today are, without --as-of, where data end long ago."""
    project, steps = Project.open("configs/operator.yaml"), Steps(quiet=True)
    tables = dataset.read_tables(project, NIGHT, steps)
    with pytest.raises(HeadwaterError, match="E430") as refused:
        dataset.snapshots(project, date(2031, 1, 1), tables, {"churn": in_turns(date(1990, 9, 1), 3)}, steps)
    assert refused.value.problem.values["nearest"] == "2026-11-02"
