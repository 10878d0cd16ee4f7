"""Peers: a customer beside the others of the same as-of date: those on their plan, in their region, everybody.

A change that everybody shares is the season or a price rise and not their own. Needs the rows of a whole population.
"""

import ibis
import ibis.expr.types as ir

from features.definition import Kind, Window, months, weeks
from features.grains import Peers
from features.series import NOTHING, hundredths, ratio

ALONE = ("not billed for a whole month yet, or nobody else to compare with", "尚无完整账期，或没有可比的其他客户")
NO_PLAN = ("no plan in force, or nobody else on it to compare with", "没有生效的套餐，或同套餐没有可比的其他客户")
NO_REGION = ("no region on record, or nobody else in it to compare with", "没有地市，或同地市没有可比的其他客户")
NO_CHANGE = ("nothing to compare with before, of their own or of others", "本人或其他客户之前没有可比数据")

ranks = Kind(Peers, "peers", unit="ratio", reason="bill_level", null=ALONE)
levels = Kind(Peers, "peers", unit="ratio", reason="bill_level", null=NO_PLAN, no_events=None)
changes = Kind(Peers, "peers", unit="ratio", reason="bill_trend", null=NO_CHANGE, no_events=None)
use = Kind(Peers, "peers", unit="ratio", reason="plan", null=NO_PLAN, no_events=None, per="measure")
use_changes = Kind(Peers, "peers", unit="ratio", reason="usage_trend", null=NO_CHANGE, no_events=None, per="measure")


def _rank_among(rows: Peers, value: ir.NumericColumn, *group: str) -> ir.NumericColumn:
    """Share of the others of the group with less; null without others, a value, or a group of one's own."""
    value = hundredths(value)
    keys = [rows.as_of, *[rows[c] for c in group]]
    lower = ibis.rank().over(ibis.window(group_by=keys, order_by=ibis.asc(value, nulls_first=False)))
    others = value.count().over(ibis.window(group_by=keys)) - 1
    share = ratio(lower.cast("float64"), others.cast("float64"))
    return ibis.ifelse(_known(value, rows, group), share, NOTHING)


def _of_median(rows: Peers, value: ir.NumericColumn, *group: str) -> ir.NumericColumn:
    """The value over the median of its group, their own included; null without others or a group of one's own."""
    keys = ibis.window(group_by=[rows.as_of, *[rows[c] for c in group]])
    several = value.count().over(keys) >= 2
    return ibis.ifelse(_known(value, rows, group) & several, ratio(value, value.median().over(keys)), NOTHING)


def _known(value: ir.NumericColumn, rows: Peers, group: tuple[str, ...]) -> ir.BooleanColumn:
    """Is the value known, and the group that it belongs to?"""
    return ibis.and_(value.notnull(), *[rows[c].notnull() for c in group])


@levels(
    "rank of the bill on their plan, {n} months",
    "近{n}个月账单在同套餐客户中的位次",
    months(3),
    reads=("arpu_3m", "plan"),
)
def arpu_rank_plan(rows: Peers, window: Window) -> ir.Column:
    """Share of the others on the plan whose ARPU of {n} months is lower: 0 is the lowest of them, 1 the highest.
    同套餐其他客户中近{n}个月月均账单比其低的占比：0 为最低，1 为最高"""
    return _rank_among(rows, rows[f"arpu_{window.suffix}"], "plan")


@ranks(
    "rank of the bill in their region, {n} months",
    "近{n}个月账单在同地市客户中的位次",
    months(3),
    reads=("arpu_3m", "region"),
    null=NO_REGION,
)
def arpu_rank_region(rows: Peers, window: Window) -> ir.Column:
    """Share of the others in the region whose ARPU of {n} months is lower: 0 is the lowest of them, 1 the highest.
    同地市其他客户中近{n}个月月均账单比其低的占比：0 为最低，1 为最高"""
    return _rank_among(rows, rows[f"arpu_{window.suffix}"], "region")


@ranks("rank of the bill among everybody, {n} months", "近{n}个月账单在全部客户中的位次", months(3), reads=("arpu_3m",))
def arpu_rank_all(rows: Peers, window: Window) -> ir.Column:
    """Share of all others whose ARPU of {n} months is lower: 0 is the lowest of them, 1 the highest.
    全部其他客户中近{n}个月月均账单比其低的占比：0 为最低，1 为最高"""
    return _rank_among(rows, rows[f"arpu_{window.suffix}"])


@levels(
    "bill over the median of their plan, {n} months",
    "近{n}个月账单与同套餐中位数之比",
    months(3),
    reads=("arpu_3m", "plan"),
)
def arpu_of_plan(rows: Peers, window: Window) -> ir.Column:
    """ARPU of {n} months over the median ARPU of the customers on the same plan.
    近{n}个月月均账单除以同套餐客户的中位数"""
    return _of_median(rows, rows[f"arpu_{window.suffix}"], "plan")


@changes(
    "change of the bill over that of their plan, {n} months",
    "近{n}个月账单变化与同套餐中位变化之比",
    months(3),
    reads=("arpu_ratio_3m", "plan"),
)
def arpu_ratio_of_plan(rows: Peers, window: Window) -> ir.Column:
    """Bill of the last {n} months over the {n} before, over the median of that ratio on the plan: season taken out.
    近{n}个月与前{n}个月账单之比，除以同套餐客户该比值的中位数：剔除季节和调价，低于 1 为本人走低"""
    return _of_median(rows, rows[f"arpu_ratio_{window.suffix}"], "plan")


@changes(
    "change of the bill over that of everybody, {n} months",
    "近{n}个月账单变化与全体中位变化之比",
    months(3),
    reads=("arpu_ratio_3m",),
)
def arpu_ratio_of_all(rows: Peers, window: Window) -> ir.Column:
    """Bill of the last {n} months over the {n} before, over the median of that ratio of everybody: season taken out.
    近{n}个月与前{n}个月账单之比，除以全部客户该比值的中位数：剔除季节，低于 1 为本人走低"""
    return _of_median(rows, rows[f"arpu_ratio_{window.suffix}"])


@use(
    "{measure} over the median of their plan, {n} weeks",
    "近{n}周{measure}与同套餐中位数之比",
    weeks(12),
    column="{measure}_of_plan",
    reads=("{measure}_mean_12w", "plan"),
)
def measure_of_plan(rows: Peers, measure: str, window: Window) -> ir.Column:
    """{measure} of {n} weeks over the median on their plan: far below 1 they pay for what they do not use.
    近{n}周{measure}除以同套餐客户的中位数：远低于 1 为付了费而少用，远高于 1 为超出套餐"""
    return _of_median(rows, rows[f"{measure}_mean_{window.suffix}"], "plan")


@use_changes(
    "change of {measure} over that of everybody, {n} weeks",
    "近{n}周{measure}变化与全体中位变化之比",
    weeks(12),
    column="{measure}_ratio_of_all",
    reads=("{measure}_ratio_12w",),
)
def measure_ratio_of_all(rows: Peers, measure: str, window: Window) -> ir.Column:
    """{measure} of the last {n} weeks over the {n} before, over the median of that ratio of everybody.
    近{n}周与前{n}周{measure}之比，除以全部客户该比值的中位数：剔除季节，低于 1 为本人走低"""
    return _of_median(rows, rows[f"{measure}_ratio_{window.suffix}"])
