"""Payments: late, overdue and regular. Where bills carry no due date, lateness is unknown."""

import ibis
import ibis.expr.types as ir

from features.definition import Window, days, feature
from features.series import NOTHING, number

NO_DUE = ("no bill fell due", "没有到期账单")
UNDATED = ("bills carry no due date, or payments name no bill", "账单没有应缴日期，或缴费未注明账单")
NEVER = ("never paid", "从未缴费")


def where_dated(rows: ir.Table, value: ir.Value) -> ir.Value:
    """Null for a customer none of whose bills can be judged; without any bill there is simply nothing late."""
    return ibis.ifelse(rows.dated.any().fill_null(True), value, NOTHING)


@feature(
    "settled",
    unit="count",
    label=("bills due in {n} days", "近{n}天到期账单数"),
    zh="近{n}天到期的账单数",
    null=UNDATED,
    reason="payments",
    windows=days(91, 365),
)
def bills_due(rows: ir.Table, window: Window) -> ir.Value:
    """Bills that fell due in the last {n} days."""
    return where_dated(rows, number(window.covers(rows.due_ago).sum()))


@feature(
    "settled",
    unit="count",
    label=("bills paid late or not, {n} days", "近{n}天逾期账单数"),
    zh="近{n}天到期的账单中逾期缴纳或尚未缴清的数量",
    null=UNDATED,
    reason="payments",
    windows=days(91, 365),
)
def bills_late(rows: ir.Table, window: Window) -> ir.Value:
    """Bills due in the last {n} days that were paid late or are still open."""
    return where_dated(rows, number((window.covers(rows.due_ago) & (rows.late > 0)).sum()))


@feature(
    "settled",
    unit="days",
    label=("average days late, {n} days", "近{n}天平均逾期天数"),
    zh="近{n}天到期账单的平均逾期天数，提前为负",
    null=NO_DUE,
    reason="payments",
    windows=days(
        182,
    ),
    no_events=None,
)
def days_late(rows: ir.Table, window: Window) -> ir.Value:
    """Mean days between due date and full payment of bills due in the last {n} days; early is negative."""
    return rows.late.cast("float64").mean(where=window.covers(rows.due_ago))


@feature(
    "settled",
    unit="days",
    label=("longest delay, {n} days", "近{n}天最长逾期天数"),
    zh="近{n}天到期账单的最长逾期天数",
    null=NO_DUE,
    reason="payments",
    windows=days(
        365,
    ),
    no_events=None,
)
def days_late_max(rows: ir.Table, window: Window) -> ir.Value:
    """Longest delay among the bills due in the last {n} days."""
    return rows.late.cast("float64").max(where=window.covers(rows.due_ago))


@feature(
    "settled",
    unit="currency",
    label=("overdue now", "当前欠费"),
    zh="已到期而未缴清的金额",
    null=UNDATED,
    reason="payments",
)
def overdue_amount(rows: ir.Table) -> ir.Value:
    """Unpaid part of all bills that are past their due date."""
    return where_dated(rows, rows.open.sum().fill_null(0.0) / 100.0)


@feature(
    "settled",
    unit="count",
    label=("bills overdue now", "当前欠费账单数"),
    zh="已到期而未缴清的账单数",
    null=UNDATED,
    reason="payments",
)
def overdue_bills(rows: ir.Table) -> ir.Value:
    """Bills past their due date and not fully paid."""
    return where_dated(rows, number((rows.open > 0).sum()))


@feature(
    "settled",
    unit="days",
    label=("days overdue now", "当前最长欠费天数"),
    zh="未缴清账单中最久的已欠天数",
    null=UNDATED,
    reason="payments",
)
def overdue_days(rows: ir.Table) -> ir.Value:
    """Days that the oldest open bill is past its due date."""
    return where_dated(rows, number((rows.due_ago + 1).max(where=rows.open > 0)))


@feature(
    "payments",
    unit="count",
    label=("payments in {n} days", "近{n}天缴费次数"),
    zh="近{n}天的缴费次数",
    reason="payments",
    windows=days(91, 365),
)
def payment_count(rows: ir.Table, window: Window) -> ir.Value:
    """Payments of the last {n} days."""
    return number(window.covers(rows.days_ago).sum())


@feature(
    "payments",
    unit="days",
    label=("days since the last payment", "距最近缴费天数"),
    zh="距最近一次缴费的天数",
    null=NEVER,
    reason="payments",
    no_events=None,
)
def days_since_payment(rows: ir.Table) -> ir.Value:
    """Days since the newest payment; 1 is the day before the as-of date."""
    return rows.days_ago.min().cast("float64") + 1.0


@feature(
    "payments",
    unit="currency",
    label=("paid in {n} days", "近{n}天缴费金额"),
    zh="近{n}天缴费金额合计",
    reason="payments",
    windows=days(
        91,
    ),
)
def paid_amount(rows: ir.Table, window: Window) -> ir.Value:
    """Sum of payments of the last {n} days."""
    return rows.amount.sum(where=window.covers(rows.days_ago)).cast("float64").fill_null(0.0)
