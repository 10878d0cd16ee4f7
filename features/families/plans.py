"""Plan and contract: what the customer has signed, how long it binds, how often it changed."""

import ibis
import ibis.expr.types as ir

from features.definition import NOT_THERE, Kind, Window, days
from features.grains import Events, WholeRow
from features.series import days_since, number, ratio

NO_PLAN = ("no plan in force", "没有生效的套餐")
NO_FEE = ("no fee on record", "没有月费记录")
NOTHING_AHEAD = ("no plan is announced, or it says no fee", "没有已签未生效的套餐，或其月费未知")
NO_FEES = (
    "a plan is announced, and its fee or that of the plan in force is not known",
    "有已签未生效的套餐，但其月费或当前月费未知",
)
NO_CONTRACT = ("no contract on record", "没有合约")

names = Kind(Events, "subscriptions", unit="text", reason="plan", null=NO_PLAN, no_events=None)
ages = Kind(Events, "subscriptions", unit="days", reason="plan", null=NO_PLAN, no_events=None)
fees = Kind(Events, "subscriptions", unit="currency/month", reason="plan", null=NO_FEE, no_events=None)
counts = Kind(Events, "subscriptions", unit="count", reason="plan")
contracts = Kind(Events, "subscriptions", unit="days", reason="contract", null=NO_CONTRACT, no_events=None)
moves = Kind(Events, "plan_moves", unit="count", reason="plan")
move_ages = Kind(Events, "plan_moves", unit="days", reason="plan", no_events=None)
ahead = Kind(Events, "plans_ahead", unit="currency/month", reason="plan", null=NOTHING_AHEAD, no_events=None)
changes = Kind(WholeRow, "wide", unit="currency/month", reason="plan", null=NO_FEES)
ratios = Kind(WholeRow, "wide", unit="ratio", reason="plan", null=NO_FEE, no_events=None)


def _in_force(rows: Events) -> ir.BooleanValue:
    """Plans that have not ended: `valid_to` is masked until it has come."""
    return rows.happened_on.notnull() & rows.valid_to.isnull()


def _current(rows: Events, column: str) -> ir.Value:
    """The column on the newest plan in force; null where that plan does not have it, whatever older plans had."""
    return rows[column].argmax(rows.happened_on, where=_in_force(rows))


@names("plan", "套餐")
def plan(rows: Events) -> ir.Scalar:
    """Plan in force at the as-of date: the newest that has not ended.
    截止日生效的套餐，即尚未失效的最新套餐"""
    return _current(rows, "plan")


@fees("plan fee", "套餐月费")
def plan_fee(rows: Events) -> ir.Scalar:
    """Monthly fee of the plan in force.
    截止日生效套餐的月费"""
    return _current(rows, "monthly_fee").cast("float64")


@ages("days on the plan", "当前套餐天数")
def plan_days(rows: Events) -> ir.Scalar:
    """Days since the plan in force began.
    当前套餐生效以来的天数"""
    return days_since(rows.days_ago, _in_force(rows))


@counts("plan changes, {n} days", "近{n}天套餐变更次数", days(182, 365))
def plan_changes(rows: Events, window: Window) -> ir.Scalar:
    """Plans that began in the last {n} days, the first plan ever not counted.
    近{n}天新生效的套餐数，首个套餐不计"""
    first = rows.days_ago.max()
    recent = number(window.covers(rows.days_ago).sum())
    return recent - ibis.ifelse(window.covers(first).fill_null(False), 1.0, 0.0)


@fees("fee change since joining", "较首个套餐的月费变化")
def plan_fee_change(rows: Events) -> ir.Scalar:
    """Fee of the plan in force minus fee of the first plan.
    当前月费减去首个套餐月费"""
    first = rows.monthly_fee.argmin(rows.happened_on, where=rows.happened_on.notnull())
    return (_current(rows, "monthly_fee") - first).cast("float64")


@fees("fee over the highest fee", "月费与最高月费之比", unit="ratio")
def plan_fee_of_peak(rows: Events) -> ir.Scalar:
    """Fee of the plan in force over the highest fee ever; below 1 after a downgrade.
    当前月费除以历史最高月费，低于 1 表示降过档"""
    return ratio(plan_fee(rows), rows.monthly_fee.max().cast("float64"))


@contracts("days to the end of the contract", "距合约到期天数")
def contract_days_left(rows: Events) -> ir.Scalar:
    """Days until the contract of the plan in force ends; negative once it has ended.
    距合约到期的天数，已到期为负"""
    return _current(rows, "contract_end").delta(rows.as_of.max(), unit="day").cast("float64")


@ahead("plans announced", "已签未生效套餐数", unit="count", null=NOT_THERE, no_events=0.0)
def plans_announced(rows: Events) -> ir.Scalar:
    """Plans that are signed, were known before the as-of date and begin on it or later.
    截止日之前已知、截止日及之后才生效的套餐数"""
    return number(rows.happened_on.count())


@ahead("fee of the next plan", "下一套餐月费")
def next_fee(rows: Events) -> ir.Scalar:
    """Monthly fee of the plan that is signed and begins next.
    已签未生效套餐中最先生效者的月费"""
    return rows.monthly_fee.argmin(rows.happened_on, where=rows.happened_on.notnull()).cast("float64")


@ahead(
    "days until the next plan", "距下一套餐生效天数", unit="days", null=("no plan is announced", "没有已签未生效的套餐")
)
def days_to_next_plan(rows: Events) -> ir.Scalar:
    """Days until the plan that is signed begins; 0 is the as-of date itself.
    距已签套餐生效的天数，0 为截止日当天"""
    return rows.days_ahead.min().cast("float64")


@changes("change of fee ahead", "即将发生的月费变化", reads=("plans_announced", "next_fee", "plan_fee"))
def next_fee_change(row: WholeRow) -> ir.Column:
    """Fee of the plan that begins next minus the fee of the plan in force; 0 where none is announced.
    下一套餐月费减去当前月费，没有已签未生效的套餐时为 0"""
    return ibis.ifelse(row.plans_announced == 0, 0.0, row.next_fee - row.plan_fee)


@ratios("bill over plan fee", "账单与月费之比", reads=("arpu_3m", "plan_fee"))
def bill_over_fee(row: WholeRow) -> ir.Column:
    """ARPU of three months over the plan fee; above 1 the customer outgrows the plan.
    近3个月月均账单除以当前月费，高于 1 表示超出套餐"""
    return ratio(row.arpu_3m, row.plan_fee)


@moves("changes to a dearer plan, {n} days", "近{n}天升档次数", days(365))
def plan_upgrades(rows: Events, window: Window) -> ir.Scalar:
    """Plans that began in the last {n} days at a higher fee than the one before; a price rise counts.
    近{n}天换到月费更高的套餐（或原套餐提价）的次数"""
    return number((window.covers(rows.days_ago) & (rows.change > 0)).sum())


@move_ages(
    "days since the last change to a dearer plan", "距最近升档天数", null=("never changed to a dearer plan", "从未升档")
)
def days_since_upgrade(rows: Events) -> ir.Scalar:
    """Days since a plan began at a higher fee than the plan before it.
    距最近一次换到月费更高的套餐的天数"""
    return days_since(rows.days_ago, rows.change > 0)


@moves("changes to a cheaper plan, {n} days", "近{n}天降档次数", days(365))
def plan_downgrades(rows: Events, window: Window) -> ir.Scalar:
    """Plans that began in the last {n} days at a lower fee than the one before; a price cut counts.
    近{n}天换到月费更低的套餐（或原套餐降价）的次数"""
    return number((window.covers(rows.days_ago) & (rows.change < 0)).sum())


@move_ages(
    "days since the last change to a cheaper plan",
    "距最近降档天数",
    null=("never changed to a cheaper plan", "从未降档"),
)
def days_since_downgrade(rows: Events) -> ir.Scalar:
    """Days since a plan began at a lower fee than the plan before it.
    距最近一次换到月费更低的套餐的天数"""
    return days_since(rows.days_ago, rows.change < 0)


@ratios("billed beyond the plan fee", "超出月费的账单", reads=("arpu_3m", "plan_fee"), unit="currency/month")
def bill_beyond_fee(row: WholeRow) -> ir.Column:
    """Part of the ARPU of three months that lies above the plan fee; 0 when nothing does.
    近3个月月均账单超出当前月费的部分，没有超出为 0"""
    beyond = row.arpu_3m - row.plan_fee
    return ibis.ifelse(beyond < 0, 0.0, beyond)


@ratios("highest bill over plan fee", "最高账单与月费之比", reads=("arpu_peak_6m", "plan_fee"))
def peak_over_fee(row: WholeRow) -> ir.Column:
    """Highest monthly billing of six months over the plan fee; far above 1 the plan was once outgrown.
    近6个月最高月账单除以当前月费，远高于 1 说明曾大幅超出套餐"""
    return ratio(row.arpu_peak_6m, row.plan_fee)
