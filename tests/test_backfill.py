"""The program that makes nights again from later deliveries: what it delivers, and that it sees what differs."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.backfill import KINDS, Operator, Outcome, differing

FIRST, LATER = date(2025, 7, 12), date(2025, 12, 1)


def rows(**columns: list) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": ["a", "b"], **columns})


def test_what_differs_is_told_by_column_and_null_is_null():
    one, other = rows(x=[1.0, None], y=["p", "q"]), rows(x=[1.0, None], y=["p", "r"])
    assert differing(one, one.iloc[::-1]) == {}
    assert differing(one, other) == {"y": 1}
    assert differing(one, one.assign(x=[None, None])) == {"x": 1}
    one = one.assign(kind=pd.Categorical(["a", "b"]))
    lists = one.assign(z=[np.array(["a", "b"]), np.array([])])
    assert differing(lists, lists.assign(z=[np.array(["a", "b"]), np.array([])])) == {}
    assert differing(lists, lists.assign(z=[np.array(["a"]), np.array([])])) == {"z": 1}
    assert differing(one, one.assign(customer_id=["a", "c"])) == {"customer_id": 2}


def test_a_night_that_stopped_is_another_than_one_that_did_not():
    ran, stopped = Outcome(rows(), rows(), "d"), Outcome(rows(), rows(), stopped="E421")
    assert ran.differing(stopped) and not stopped.differing(stopped)
    assert ran.differing(Outcome(rows(), rows(), "e")) == {"rows_sha256": 1}


@pytest.fixture(scope="module")
def operators(tmp_path_factory) -> dict[str, Operator]:
    """One of each kind after two deliveries."""
    made = {}
    for kind in KINDS:
        made[kind] = Operator.simulated(tmp_path_factory.mktemp(kind), "money", kind, 100, 3)
        made[kind].deliver(FIRST)
        made[kind].deliver(LATER)
    return made


def delivered(operator: Operator, pattern: str) -> list[pd.DataFrame]:
    return [pd.read_parquet(path) for path in sorted(Path(operator.folder, "raw").glob(pattern))]


def test_bills_come_late_and_are_corrected_in_a_later_file(operators):
    first, later = delivered(operators["snapshots"], "bills/*.parquet")
    assert first.delivered.max() < FIRST <= later.delivered.min()
    assert (later["账期"] <= "202506").any(), "late"
    assert later.merge(first, on=["用户编号", "账期", "业务类型"]).eval("应收_分_x != 应收_分_y").any(), "corrected"


def test_customers_are_delivered_in_each_of_the_three_ways(operators):
    key = ["用户编号", "入网日期"]
    changes = delivered(operators["changes"], "customers/*.parquet")
    assert len(changes) == 2 and pd.concat(changes).duplicated(key).any()
    sizes = {}
    for kind in ("snapshots", "mutable"):
        (whole,) = delivered(operators[kind], "customers/*.parquet")
        assert not whole.duplicated(key).any() and "delivered" not in whole
        sizes[kind] = len(whole)
    assert sizes["mutable"] > sizes["snapshots"], "the file of the last day, whatever the night"
