"""Sketches tell of two nights what their rows would: compared with the slow way, on every value."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from models.evaluation import drift, sketches


def table(**columns):
    return pd.DataFrame(columns)


def moved(before, now, column="x"):
    old, new = (sketches.sketch(frame, [column]) for frame in (before, now))
    return sketches.shifts(old, new)[column]


def naive_rounded(value):
    return float(f"{value:.1e}")


@pytest.mark.parametrize("seed", range(5))
def test_numbers_are_told_as_their_rows_tell(seed):
    """To two digits, which the slow way gives the rows, too."""
    rng = np.random.default_rng(seed)
    old, new = rng.lognormal(4, 1, 3000), rng.lognormal(4.2, 1.1, 2000)
    old[:400], new[:500] = 0.0, 0.0
    found = moved(table(x=old), table(x=new))
    slow_old, slow_new = ([naive_rounded(v) for v in values] for values in (old, new))
    assert found.distance == pytest.approx(ks_2samp(slow_old, slow_new).statistic, abs=1e-12)
    assert found.psi == pytest.approx(drift.stability(slow_old, slow_new), abs=0.02)
    assert found.now == pytest.approx(np.median(new), rel=0.06)
    assert (found.rows_before, found.rows) == (3000, 2000)


def test_rounding_keeps_two_digits_of_any_size_and_sign():
    values = np.array([0.0, 1.234, -1.26, 999.9, 1e-7, -123456.0, 0.0999])
    assert sketches.rounded(values) == pytest.approx([naive_rounded(v) for v in values], rel=1e-12)


def test_equal_nights_have_not_moved_and_another_unit_has():
    rows = table(x=np.random.default_rng(0).lognormal(3, 1, 2000))
    assert (moved(rows, rows).psi, moved(rows, rows).distance) == (0.0, 0.0)
    other = moved(rows, table(x=rows["x"] * 60))
    assert other.psi > 2 and other.distance > 0.8
    assert other.now / other.before == pytest.approx(60, rel=0.1)


def test_unknown_is_a_bin_of_its_own():
    rows = np.random.default_rng(1).normal(size=1000)
    found = moved(table(x=rows), table(x=np.where(np.arange(1000) < 500, np.nan, rows)))
    assert (found.unknown_before, found.unknown) == (0.0, 0.5)
    assert found.psi > 0.5 and found.distance == 0.5


def test_words_are_counted_and_rare_ones_together():
    names = [f"p{n}" for n in range(150)]
    old = table(x=["plan_a"] * 600 + ["plan_b"] * 400)
    assert moved(old, table(x=["plan_a"] * 400 + ["plan_b"] * 600)).distance == pytest.approx(0.2)
    assert moved(old, table(x=["plan_a"] * 600 + [None] * 400)).unknown == pytest.approx(0.4)
    sketch = sketches.sketch(table(x=names * 2), ["x"])
    assert len(sketch) == sketches.MOST_WORDS + 2 and sketch["rows"].sum() == 300


@pytest.mark.parametrize(
    ("old", "new"),
    [([np.nan] * 9, [1.0] * 9), ([1.0] * 9, [np.nan] * 9), ([np.nan] * 9, [np.nan] * 9), ([True], [False])],
)
def test_nothing_known_on_either_side_is_no_error(old, new):
    found = moved(table(x=old), table(x=new))
    assert np.isfinite(found.psi) and 0 <= found.distance <= 1


def test_columns_that_one_night_lacks_are_left_out():
    old, new = (
        sketches.sketch(table(a=[1.0], b=[2.0]), ["a", "b"]),
        sketches.sketch(table(b=[2.0], c=["x"]), ["b", "c"]),
    )
    assert list(sketches.shifts(old, new)) == ["b"]
    assert sketches.sketch(table(), []).empty
