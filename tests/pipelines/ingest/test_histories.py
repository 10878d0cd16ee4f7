"""Rows in another unit inside a file or a month are seen by the customers that they belong to; quiet months stop nothing."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from features.errors import HeadwaterError
from pipelines.config import settings
from pipelines.config.quality import Quality
from pipelines.ingest import canonical, histories
from pipelines.wording import errors
from tests.raw import MONTHS, Monthly

AS_OF = date(2026, 1, 10)
MONTH_STARTS = pd.date_range("2025-01-01", periods=13, freq="MS")


class Grown:
    """A project whose bills and usage lie in one file each, as in a database: no file can be odd."""

    def __init__(self, folder):
        self.raw, self.folder, self.config = Monthly(folder), folder / "ws" / "tiny", folder / "config.yaml"
        self.quality = "{max_quarantined: 0.02}"

    def read(self):
        for kind in ("bill", "usage"):
            parts = [self.raw.rows.pop(f"{kind}_{month}") for month in MONTHS]
            self.raw.rows[f"{kind}_all"] = [parts[0][0], *(row for part in parts for row in part[1:])]
        self.raw.write()
        self.config.write_text(f"name: tiny\nmapping: mapping.yaml\nquality: {self.quality}\n")
        con = ibis.duckdb.connect(threads=1)
        return canonical.canonical(con, settings.load(self.config, environment={}), self.folder, AS_OF)


@pytest.fixture
def grown(tmp_path):
    return Grown(tmp_path)


def test_a_quiet_world_is_read_and_its_sizes_are_known(grown):
    sizes = grown.read().sizes
    assert set(sizes) == {"bills.amount", "usage.data_mb", "usage.sms"}
    assert sizes["bills.amount"] == pytest.approx(np.exp(np.log(40 + 0.37 * np.arange(1, 101)).mean()), rel=1e-6)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("file", "column", "factor", "rows", "told"),
    [
        ("bill_202512", "应收_分", 100, 45, ("bills", "amount", "/ 100", "2026-01")),
        ("bill_202512", "应收_分", 100, None, ("bills", "amount", "/ 100", "2026-01")),
        ("usage_202512", "短信", 60, None, ("usage", "sms", "/ 60", "2025-12")),
        ("usage_202512", "流量_KB", 1 / 1024, 50, ("usage", "data_mb", "* 1024", "2025-12")),
    ],
)
def test_rows_in_another_unit_stop_with_their_month_and_what_was_tried(grown, file, column, factor, rows, told):
    grown.raw.times(file, column, factor, rows)
    with pytest.raises(HeadwaterError) as error:
        grown.read()
    problem = error.value.problem
    values = problem.values
    assert (problem.code, values["table"], problem.column, values["step"], values["month"]) == ("E328", *told)
    assert values["customers"] >= (rows or 90) and problem.file.endswith("_all.csv")
    for lang in ("en", "zh"):
        assert told[2] in errors.sentence(problem, "fix", lang)
        assert f'quality > changed > {told[0]}.{told[1]}: ["{told[3]}"]' in errors.sentence(problem, "fix", lang)


def test_a_change_that_is_true_is_accepted_for_its_month_alone(grown):
    grown.raw.times("bill_202512", "应收_分", 100)
    grown.quality = '{max_quarantined: 0.02, changed: {bills.amount: ["2026-01"]}, largest_change: 200}'
    assert grown.read().counts["bills"].used == 700


def history(rng, customers=400, spread=0.25, months=13):
    """Logarithms of sizes: a level of each customer, and what every month adds to it."""
    return rng.normal(3, 1, (customers, 1)) + rng.normal(0, spread, (customers, months))


def table(logs, known=None, rows=None):
    """As `_sizes` gives it."""
    customers, months = np.indices(logs.shape)
    frame = pd.DataFrame({"customer_id": customers.ravel().astype(str), "month": MONTH_STARTS[months.ravel()]})
    frame = frame.assign(amount=logs.ravel(), rows_amount=1 if rows is None else rows.ravel())
    return frame if known is None else frame[known.ravel()].reset_index(drop=True)


def test_the_usual_size_is_the_same_to_the_last_bit_in_any_order(con):
    """DuckDB gives rows and groups in the order in which its threads are done; score files keep these figures."""
    drawn = np.random.default_rng(5)
    frame = pd.DataFrame({"x": drawn.gamma(0.7, 900, 200_000), "n": np.arange(200_000)})
    frame.loc[::7, "x"] = None
    orders = [con.create_table(f"sizes_{n}", frame.sample(frac=1, random_state=n), temp=True) for n in range(3)]
    means = [histories.mean_logarithm(rows.x).to_pyarrow().as_py() for rows in orders]
    assert len(set(means)) == 1 and means[0] == pytest.approx(np.log(frame["x"]).mean(), abs=1e-6)
    for _ in range(4):
        groups = pd.DataFrame({"x": drawn.normal(9, 1, 30_000) / 7, "rows_x": drawn.integers(0, 30, 30_000)})
        told = [histories.usual(groups.sample(frac=1, random_state=n), ["x"])["x"] for n in range(12)]
        assert len(set(told)) == 1
        assert told[0] == pytest.approx(np.exp(np.average(groups["x"], weights=groups["rows_x"])))


def odd(logs, quality=None, **more):
    return histories.judged(table(logs, **more), "bills", ["amount"], quality or Quality())


def test_two_hundred_quiet_draws_and_no_stop():
    """Growth, seasons, price lists that rise by a fifth, gaps, customers who come and go, and a few who change a lot."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        logs = history(rng, int(rng.integers(60, 600)), rng.uniform(0.02, 0.5))
        logs += np.log(1 + 0.2 * np.sin(np.arange(13) / 2 + rng.uniform(0, 6)))
        logs[:, -1] += np.log(rng.uniform(0.8, 1.2))
        few = rng.random(len(logs)) < 0.02
        logs[few] += rng.normal(0, 2, (few.sum(), 13))
        assert odd(logs, known=rng.random(logs.shape) < rng.uniform(0.6, 1)) == [], seed


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("factor", [100.0, 0.01, 1000.0, 10.0])
def test_a_tenth_of_customers_in_another_unit_is_found(seed, factor):
    rng = np.random.default_rng(seed)
    logs = history(rng)
    logs[:40, -1 - seed % 2] += np.log(factor)
    (found,) = odd(logs)
    assert found.factor == pytest.approx(factor) and found.month == MONTH_STARTS[-1 - seed % 2].date()
    assert found.customers >= 0.75 * 40 and found.of == 400


def test_what_each_customer_always_has_now_and_then_is_not_judged():
    """Roaming: nothing, or a hundred times as much, and in the holidays of many at once."""
    rng = np.random.default_rng(3)
    away = rng.random((400, 13)) < 0.25
    away[:, -1] |= rng.random(400) < 0.3
    assert odd(history(rng) + away * np.log(100)) == []


def test_a_row_a_month_for_a_row_a_day_is_no_other_unit():
    logs, rows = history(np.random.default_rng(4), spread=0.1), np.full((400, 13), 10)
    logs[:, -1] += np.log(10)
    assert odd(logs, rows=rows)[0].factor == pytest.approx(10)
    rows[:, -1] = 1
    assert odd(logs, rows=rows) == []


def test_a_column_in_which_nobody_is_steady_is_not_judged():
    """Months differ by more than a factor of four either way: a holiday of a third of customers is no other unit."""
    rng = np.random.default_rng(9)
    burst = np.zeros((400, 13))
    burst[:130, -1] = np.log(100)
    assert odd(history(rng, spread=1.5) + burst) == []
    assert len(odd(history(rng, spread=0.3) + burst)) == 1


def test_some_customers_have_ten_times_as_much_in_any_month():
    """A twentieth of them, others each month: that is how this column is."""
    rng = np.random.default_rng(8)
    assert odd(history(rng, 1000, spread=0.1) + (rng.random((1000, 13)) < 0.06) * np.log(10)) == []


def test_a_month_is_no_part_of_its_own_past():
    """All but twenty joined a month ago: one month before is too few to tell what they always had."""
    logs, known = history(np.random.default_rng(6), months=3), np.ones((400, 3), dtype=bool)
    logs[:, -1] += np.log(100)
    known[20:, 0] = False
    assert odd(logs, known=known) == []
    assert len(odd(logs)) == 1


def test_a_first_month_has_no_past():
    assert odd(history(np.random.default_rng(5), months=2)) == []
    assert histories.judged(table(np.empty((0, 0))), "bills", ["amount"], Quality()) == []
