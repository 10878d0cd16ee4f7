"""The simulated operator: same seed same bytes, raw files as an operator's, and every planted truth really there."""

import ast
import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from pipelines.config.mapping_file import load_mapping
from pipelines.demo.simulator.simulate import simulate
from tests.raw import read_tables

ROOT = Path(__file__).parents[3]
CUSTOMERS = 8_000


@dataclass
class World:
    """The raw files and the truth of one simulation, as pandas frames."""

    raw: Path

    def parquet(self, pattern: str) -> pd.DataFrame:
        return pd.concat([pd.read_parquet(path) for path in sorted(self.raw.glob(pattern))], ignore_index=True)

    def csv(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.raw / name, encoding="gbk", dtype=str, keep_default_na=False)

    @cached_property
    def master(self) -> pd.DataFrame:
        return self.csv("cust_main.csv").set_index("用户编号")

    @cached_property
    def bills(self) -> pd.DataFrame:
        bills = self.parquet("bill_*.parquet").drop_duplicates()
        bills = bills[bills.应收_分 >= 0]
        return bills.assign(yuan=(bills.应收_分 - bills.优惠_分) / 100, month=pd.to_datetime(bills.账期, format="%Y%m"))

    @cached_property
    def usage(self) -> pd.DataFrame:
        return self.parquet("usage/*.parquet")

    @cached_property
    def complaints(self) -> pd.DataFrame:
        complaints = self.csv("complaint.csv")
        return complaints.assign(day=pd.to_datetime(complaints.受理时间))

    def truth(self, name: str = "truth") -> pd.DataFrame:
        frame = pd.read_parquet(self.raw.parent / "truth" / f"{name}.parquet")
        days = [c for c in frame if c.endswith("_on") or c in ("joined", "month", "rise_start", "rise_billed")]
        return frame.assign(**{c: pd.to_datetime(frame[c]) for c in days})

    @cached_property
    def lives(self) -> pd.DataFrame:
        """One row per number: its holder of today, who is the only one with it in the first place."""
        truth = self.truth()
        recycled = truth.customer_id[truth.former_holder]
        return truth[~truth.customer_id.isin(recycled)].set_index("customer_id")

    @cached_property
    def hazards(self) -> pd.DataFrame:
        return self.truth("hazards")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("operator") / "data" / "operator" / "raw"
    simulate(folder, CUSTOMERS, seed=7)
    return World(folder)


def fingerprints(folder: Path, seed: int) -> dict[str, str]:
    simulate(folder / "raw", 300, seed, date(2025, 1, 1), date(2026, 1, 1))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    first, again, other = (
        fingerprints(tmp_path / "a", 7),
        fingerprints(tmp_path / "b", 7),
        fingerprints(tmp_path / "c", 8),
    )
    assert first == again
    assert first.keys() == other.keys()
    same = [name for name in first if first[name] == other[name]]
    assert same == ["truth/campaigns.parquet"]  # the campaigns planned are the same; who is in them is not


@pytest.mark.parametrize(
    ("customers", "start", "end"),
    [
        (49, date(2025, 1, 1), date(2026, 1, 1)),
        (300, date(2025, 1, 2), date(2026, 1, 1)),
        (300, date(2025, 1, 1), date(2026, 1, 15)),
        (300, date(2025, 3, 1), date(2026, 1, 1)),
    ],
)
def test_periods_and_sizes_that_cannot_be_simulated_are_refused(tmp_path, customers, start, end):
    with pytest.raises(ValueError, match="cannot simulate"):
        simulate(tmp_path / "raw", customers, 7, start, end)
    assert not (tmp_path / "raw").exists()


def test_the_master_has_one_row_per_number(world):
    assert len(world.master) == CUSTOMERS
    assert world.master.index.is_unique
    assert set(world.master.状态) == {"1", "2", "9"}
    assert world.master.index.str.startswith("0").all()  # leading zeros must survive


@pytest.mark.parametrize("name", ["cust_main.csv", "plan_history.csv", "complaint.csv", "survey.csv", "consent.csv"])
def test_text_files_are_gbk_and_not_utf8(world, name):
    content = (world.raw / name).read_bytes()
    assert "用户编号" in content.decode("gbk").splitlines()[0]
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")


def test_nothing_is_loaded_at_or_after_the_end(world):
    contacts = world.parquet("contact.parquet")
    end = pd.Timestamp("2026-11-01")
    assert world.usage.入库时间.max() < end
    assert contacts.入库时间.max() < end
    assert world.parquet("payment_*.parquet").缴费时间.max() < end
    assert world.complaints.办结时间.max() < "2026-11-01"
    assert world.bills.账期.max() == "202609"  # October is billed in November


def test_some_usage_is_late_and_some_is_corrected(world):
    loaded = world.usage.dropna()
    late = (loaded.入库时间 - loaded.使用时间) > pd.Timedelta(days=1)
    assert 0.01 < late.mean() < 0.04
    once = loaded.drop_duplicates()
    assert 0 < once.duplicated(["用户编号", "使用时间"]).mean() < 0.003


@pytest.mark.slow
def test_the_mapping_reads_everything_and_quarantines_the_few_bad_rows(world, con, monkeypatch):
    monkeypatch.chdir(world.raw.parents[2])
    mapping = load_mapping(ROOT / "configs/mappings/operator.yaml")
    tables = read_tables(ibis.duckdb.connect(threads=2), mapping, as_of=date(2026, 11, 1))
    assert len(tables.tables) == 9
    for name, count in tables.counts.items():
        assert count.in_ == count.used + count.quarantined + count.duplicates, name
        assert count.quarantined <= 0.002 * count.in_ + 1, name
    assert tables.counts["bills"].duplicates > 0
    assert tables.counts["usage"].duplicates > 0
    rules = {name: set(rows.column("rule").to_pylist()) for name, rows in tables.quarantine.items()}
    assert {"empty", "not_negative"} <= rules["usage"]
    assert rules["customers"] == {"not_a_date"}
    assert "resolved_after_opened" in rules["complaints"]
    first = tables["bills"].amount.sum().to_pyarrow().as_py()
    mean = float(first) / tables.counts["bills"].used
    assert 20 < mean < 150  # yuan, not fen


def test_some_customers_have_two_bills_a_month(world):
    mobile = world.bills.groupby(["用户编号", "账期"]).size()
    assert 0.02 < (mobile == 2).mean() < 0.15
    assert mobile.max() == 2


def test_about_two_percent_leave_a_month(world):
    lives = world.lives
    rates = []
    for month in pd.date_range("2025-05-01", "2026-10-01", freq="MS"):
        here = lives[(lives.joined < month) & ~(lives.left_on <= month)]
        rates.append((here.left_on < month + pd.DateOffset(months=1)).mean())
    assert 0.012 < min(rates) < max(rates) < 0.030
    assert 0.015 < np.mean(rates) < 0.025


def left_within_90_days(world, ids, day) -> pd.Series:
    left = world.lives.left_on.reindex(ids).to_numpy()
    day = pd.to_datetime(day).to_numpy()
    return pd.Series((left > day) & (left <= day + np.timedelta64(90, "D")))


def test_complaints_raise_the_hazard(world):
    seen = world.complaints[world.complaints.用户编号.isin(world.lives.index) & (world.complaints.day < "2026-08-01")]
    complained = left_within_90_days(world, seen.用户编号, seen.day).mean()
    assert complained > 1.6 * 0.054  # of everybody, about 5.4 % leave within 90 days
    hazards = world.hazards
    assert hazards.hazard[hazards.mood > 1].mean() > 2.5 * hazards.hazard[hazards.mood < 0.1].mean()


def test_the_unhappy_who_stay_silent_leave_too(world):
    quiet = world.hazards[~world.hazards.customer_id.isin(world.complaints.用户编号)]
    quiet = quiet[quiet.customer_id.isin(world.lives.index) & (quiet.month < "2026-07-01")]
    sour, content = quiet[quiet.mood > 0.8], quiet[quiet.mood < 0.1]
    left = left_within_90_days(world, sour.customer_id, sour.month)
    assert left.mean() > 1.6 * left_within_90_days(world, content.customer_id, content.month).mean()
    assert sour.customer_id[left.to_numpy()].nunique() > 100  # leavers whom no complaint announces


def test_the_end_of_a_contract_raises_the_hazard(world):
    plans = world.csv("plan_history.csv")
    plans = plans[plans.用户编号.isin(world.lives.index) & (plans.合约到期日 != "00000000")]
    ends = pd.to_datetime(plans.合约到期日, format="%Y%m%d").groupby(plans.用户编号).agg(["size", "first"])
    only = ends["first"][ends["size"] == 1]  # one commitment in the whole history
    left_to_run = (world.hazards.customer_id.map(only) - world.hazards.month).dt.days
    near, far = world.hazards.hazard[left_to_run.between(0, 40)], world.hazards.hazard[left_to_run > 90]
    assert near.mean() > 4 * far.mean()


def monthly_data(world) -> pd.DataFrame:
    """Customers x months: data per week, in GB."""
    usage = world.usage.dropna()
    usage = usage[usage.流量_KB >= 0].drop_duplicates(["用户编号", "使用时间"])
    month = usage.使用时间.dt.to_period("M").dt.to_timestamp()
    return usage.流量_KB.groupby([usage.用户编号, month]).mean().unstack() / 1024**2


def around(table: pd.DataFrame, event: pd.Series, offsets: range) -> pd.DataFrame:
    """Values of each customer at months relative to its event; NaN outside the period."""
    columns = {}
    for offset in offsets:
        month = event + pd.DateOffset(months=offset)
        at = table.columns.get_indexer(month)
        rows = table.index.get_indexer(event.index)
        values = table.to_numpy()[rows, at]
        columns[offset] = np.where((at >= 0) & (rows >= 0), values, np.nan)
    return pd.DataFrame(columns, index=event.index)


def test_a_rise_shows_in_usage_before_it_shows_in_the_bill_and_then_stays(world):
    rises = world.lives[world.lives.rise_billed.notna() & world.lives.left_on.isna() & ~(world.lives.trips > 0)]
    billed = rises.rise_billed[(rises.rise_billed >= "2025-06-01") & (rises.rise_billed < "2026-06-01")]
    assert len(billed) > 60
    lead = (billed - rises.rise_start.reindex(billed.index)).dt.days
    assert lead.between(55, 125).all()
    data = around(monthly_data(world), billed, range(-6, 4))
    bills = around(world.bills.groupby(["用户编号", "month"]).yuan.sum().unstack(), billed, range(-6, 4))
    used_before, paid_before = data[[-6, -5]].mean(axis=1), bills[[-6, -5]].mean(axis=1)
    assert (data[-1] / used_before).median() > 1.25  # usage is up a month before …
    assert 0.95 < (bills[-1] / paid_before).median() < 1.05  # … while the bill is not
    for month in (0, 1, 2, 3):
        assert (bills[month] / paid_before).median() > 1.4
    assert (data[3] / used_before).median() > 1.25


def test_months_of_a_trip_are_not_followed_by_others(world):
    steady = world.lives[(world.lives.trips == 1) & world.lives.rise_start.isna() & (world.lives.joined < "2024-11-01")]
    bills = world.bills[world.bills.用户编号.isin(steady.index)].groupby(["用户编号", "month"]).yuan.sum().unstack()
    bills = bills[bills.notna().sum(axis=1) > 12]
    high = bills.gt(1.5 * bills.median(axis=1), axis=0)
    assert high.any(axis=1).mean() > 0.7
    assert (high.sum(axis=1) >= 3).mean() < 0.1


def test_usage_falls_before_many_leave(world):
    gone = world.lives[world.lives.fades & (world.lives.left_on > "2025-06-01") & (world.lives.left_on < "2026-10-01")]
    stays = world.lives[world.lives.left_on.isna() & (world.lives.joined < "2024-11-01")]
    left = gone.left_on.dt.to_period("M").dt.to_timestamp()
    data = monthly_data(world)
    leaving = around(data, left, range(-6, 0))
    staying = around(data, pd.Series(pd.Timestamp("2026-03-01"), stays.index), range(-6, 0))
    kept = (staying[-1] / staying[-6]).median()
    assert 0.9 < kept < 1.3  # season and a slow general growth
    assert (leaving[-1] / leaving[-6]).median() < 0.7 * kept


def test_numbers_are_given_to_someone_else(world):
    truth = world.truth()
    former = truth[truth.former_holder].set_index("customer_id")
    now = truth[~truth.former_holder].set_index("customer_id").reindex(former.index)
    assert len(former) >= 0.004 * CUSTOMERS
    assert (now.joined - former.left_on).dt.days.min() >= 90
    joined = world.master.入网日期.reindex(former.index)
    assert (joined == now.joined.dt.strftime("%Y%m%d")).all()  # the master shows only the new holder
    older = world.bills[world.bills.用户编号.isin(former.index)]
    assert (older.month < older.用户编号.map(now.joined)).groupby(older.用户编号).any().all()


def test_campaigns_have_a_random_control_and_their_true_effect(world):
    listed = world.parquet("contact.parquet").dropna(subset="活动编号")
    campaigns = world.truth("campaigns").set_index("campaign_id")
    assert set(campaigns.log_hazard_effect) == {-0.8, 0.0}
    assert 0.22 < (listed.组别 == "C").mean() < 0.28
    assert (listed.成本_分[listed.组别 == "C"] == 0).all()
    start = (
        listed.活动编号.map(listed.groupby("活动编号").接触时间.min())
        .dt.normalize()
        .dt.to_period("M")
        .dt.to_timestamp()
    )
    decided = listed.用户编号.map(world.lives.decided_on)
    here = ~(decided < start)
    leaves = (decided >= start) & (decided < start + pd.DateOffset(months=3))
    effect = listed.活动编号.map(campaigns.log_hazard_effect)
    rate = leaves[here].groupby([effect[here], listed.组别[here]]).mean()
    assert rate[-0.8, "T"] < 0.7 * rate[-0.8, "C"]
    assert rate[0.0, "T"] == pytest.approx(rate[0.0, "C"], abs=0.025)


def test_those_who_answer_surveys_are_not_everybody(world):
    answered = world.csv("survey.csv")
    assert set(answered.得分) == {"1", "2", "3", "4", "5"}
    lives = world.lives
    unhappy = lives[lives.silent_experiences > 0]
    loud, quiet = unhappy[unhappy.outspoken > 0.5], unhappy[unhappy.outspoken < 0.2]
    assert loud.index.isin(answered.用户编号).mean() > 1.2 * quiet.index.isin(answered.用户编号).mean()


def test_the_price_rise_is_announced_before_it_is_charged(world):
    plans = world.csv("plan_history.csv")
    raised = plans[(plans.套餐编码 == "TC03") & (plans.月费_分 == "6600") & (plans.生效时间 == "20250901")]
    assert len(raised) > 0.05 * CUSTOMERS
    assert (raised.受理时间.str[:10] < "2025-09-01").all()
    assert (plans[(plans.套餐编码 == "TC03") & (plans.生效时间 < "20250901")].月费_分 == "5900").all()


def test_the_truth_is_read_by_nobody_and_the_simulator_reads_no_product_code():
    modules = [
        path for part in ("features", "models", "targeting", "pipelines") for path in (ROOT / part).rglob("*.py")
    ]
    simulator = [path for path in modules if path.parent.name == "simulator"]
    assert len(simulator) > 3
    for path in set(modules) - set(simulator):
        assert "truth.parquet" not in path.read_text(encoding="utf-8"), path
    for path in simulator:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        ours = {
            name for name in names if name and name.split(".")[0] in ("features", "models", "targeting", "pipelines")
        }
        assert all(name == "pipelines" or name.startswith("pipelines.demo.simulator") for name in ours), (
            path,
            ours,
        )
