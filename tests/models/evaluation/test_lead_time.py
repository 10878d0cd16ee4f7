"""How many months earlier somebody is named, by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.evaluation import lead_time

FEB, MAY, JUN, JUL = (date(2026, month, 1) for month in (2, 5, 6, 7))


def dated(*pairs: tuple[str, date]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["customer_id", "as_of"])


def test_months_are_counted_from_the_first_naming_of_the_model_to_the_next_of_the_rule():
    named = dated(("a", FEB), ("a", MAY), ("b", MAY), ("c", MAY), ("d", JUL))
    by_rule = dated(("a", JUN), ("a", JUL), ("b", FEB), ("b", MAY), ("e", FEB))
    found, n = lead_time.months_earlier(named, by_rule, JUL, 300, 1)
    # a: February to June; b: on the same day; c: at least until July; d: nothing is known after July
    days = [(JUN - FEB).days, 0, (JUL - MAY).days]
    assert n == 3 and found.value == pytest.approx(np.mean(days) / lead_time.MONTH_DAYS)
    assert 0.0 <= found.low < found.value < found.high <= days[0] / lead_time.MONTH_DAYS


def test_of_nobody_there_is_no_figure():
    found, n = lead_time.months_earlier(dated(), dated(("a", FEB)), JUL, 10, 1)
    assert n == 0 and np.isnan([found.value, found.low, found.high]).all()


def test_an_earlier_naming_by_the_rule_that_it_took_back_does_not_count():
    found, n = lead_time.months_earlier(dated(("a", MAY)), dated(("a", FEB), ("a", JUN)), JUL, 10, 1)
    assert (n, found.value) == (1, pytest.approx((JUN - MAY).days / lead_time.MONTH_DAYS))


@pytest.mark.parametrize("higher", [True, False])
def test_the_rule_names_who_is_high_and_the_first_twentieth_of_the_others(higher: bool):
    people = [f"c{n:02d}" for n in range(40)]
    rows = pd.DataFrame({"customer_id": people * 2, "as_of": [FEB] * 40 + [MAY] * 40})
    paid = np.concatenate([np.arange(40.0), np.arange(40.0)[::-1]])
    rows = rows.assign(paid=paid if higher else -paid, high_value_now=pd.array([False] * 80, dtype="boolean"))
    rows.loc[5, ["paid", "high_value_now"]] = [np.nan, True]
    rows.loc[39, "paid"] = np.nan
    found = lead_time.named_by_rule(rows, "paid", higher=higher)
    assert set(found.itertuples(index=False, name=None)) == {
        ("c05", FEB),
        ("c38", FEB),
        ("c37", FEB),
        ("c00", MAY),
        ("c01", MAY),
    }
