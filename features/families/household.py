"""Household and group: what others on the same account do. Who has no account on record is unknown, not alone."""

import ibis
import ibis.expr.types as ir

from features.definition import Window, days, feature, months
from features.series import NOTHING, number, over

UNRECORDED = ("no account on record", "没有账户记录")
ALONE = ("no account on record, or nobody else on it", "没有账户记录，或账户下没有其他成员")


def _on_record(rows: ir.Table, value: ir.NumericScalar) -> ir.NumericScalar:
    """The value, null for a customer without an account."""
    return ibis.ifelse(rows.account_id.count() > 0, value, NOTHING)


@feature(
    "household",
    unit="count",
    label=("others on his account", "账户内其他成员数"),
    zh="截止日同一账户下在网的其他客户数",
    null=UNRECORDED,
    reason="household",
)
def household_members(rows: ir.Table) -> ir.Value:
    """Other customers with us on the same account at the as-of date."""
    here = number(rows.members.sum(where=rows.days_ago.isnull()))
    return _on_record(rows, ibis.greatest(here - 1.0, 0.0))


@feature(
    "household",
    unit="count",
    label=("others of his account who left, {n} days", "近{n}天账户内离网成员数"),
    zh="近{n}天同一账户下离网的其他客户数",
    null=UNRECORDED,
    reason="household",
    windows=days(90, 180),
)
def household_left(rows: ir.Table, window: Window) -> ir.Value:
    """Other customers of the same account who left in the last {n} days."""
    return _on_record(rows, number(rows.members.sum(where=window.covers(rows.days_ago))))


@feature(
    "household_bills",
    unit="currency/month",
    label=("bill of the whole account, {n} months", "近{n}个月账户月均账单"),
    zh="近{n}个已出账月账户内全部在网成员（含本人）的账单合计，按月平均",
    null=ALONE,
    reason="household",
    windows=months(3),
    no_events=None,
)
def household_bill(rows: ir.Table, window: Window) -> ir.Value:
    """Billed to all members with us, himself included, in the last {n} closed months, per month."""
    return _shared(rows, rows.total.sum(where=window.covers(rows.ago)).fill_null(0.0) / (100.0 * window.size))


@feature(
    "household_bills",
    unit="ratio",
    label=("his share of the account's bill, {n} months", "近{n}个月本人账单占账户的比例"),
    zh="近{n}个已出账月本人账单占账户内全部在网成员账单合计的比例",
    null=ALONE,
    reason="household",
    windows=months(3),
    no_events=None,
)
def household_bill_share(rows: ir.Table, window: Window) -> ir.Value:
    """His own bills of the last {n} closed months over those of all members with us."""
    inside = window.covers(rows.ago)
    return over(rows.own.sum(where=inside).fill_null(0.0), rows.total.sum(where=inside))


def _shared(rows: ir.Table, value: ir.NumericScalar) -> ir.NumericScalar:
    """The value, null for a customer who has his account to himself."""
    return ibis.ifelse(rows.others.any().fill_null(False), value, NOTHING)


@feature(
    "household_complaints",
    unit="count",
    label=("complaints of others on his account, {n} days", "近{n}天账户内其他成员投诉次数"),
    zh="近{n}天同一账户下其他在网客户的投诉次数",
    null=UNRECORDED,
    reason="household",
    windows=days(
        180,
    ),
)
def household_complaints(rows: ir.Table, window: Window) -> ir.Value:
    """Complaints of the last {n} days by the other customers with us on the same account."""
    inside = window.covers(rows.days_ago)
    return _on_record(rows, number(rows.total.sum(where=inside)) - number(rows.own.sum(where=inside)))
