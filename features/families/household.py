"""Household and group: what others on the same account do. Who has no account on record is unknown, not alone."""

import ibis
import ibis.expr.types as ir

from features.definition import Kind, Window, days, months
from features.grains import Events
from features.series import NOTHING, number, ratio

UNRECORDED = ("no account on record", "没有账户记录")
ALONE = ("no account on record, or nobody else on it", "没有账户记录，或账户下没有其他成员")

others = Kind(Events, "household", unit="count", reason="household", null=UNRECORDED)
complaints = Kind(Events, "household_complaints", unit="count", reason="household", null=UNRECORDED)
levels = Kind(Events, "household_bills", unit="currency/month", reason="household", null=ALONE, no_events=None)
shares = Kind(Events, "household_bills", unit="ratio", reason="household", null=ALONE, no_events=None)


def _on_record(rows: Events, value: ir.NumericScalar) -> ir.NumericScalar:
    """The value, null for a customer without an account."""
    return ibis.ifelse(rows.account_id.count() > 0, value, NOTHING)


@others("others on their account", "账户内其他成员数")
def household_members(rows: Events) -> ir.Scalar:
    """Other customers with us on the same account at the as-of date.
    截止日同一账户下在网的其他客户数"""
    here = number(rows.members.sum(where=rows.days_ago.isnull()))
    return _on_record(rows, ibis.greatest(here - 1.0, 0.0))


@others("others of their account who left, {n} days", "近{n}天账户内离网成员数", days(90, 180))
def household_left(rows: Events, window: Window) -> ir.Scalar:
    """Other customers of the same account who left in the last {n} days.
    近{n}天同一账户下离网的其他客户数"""
    return _on_record(rows, number(rows.members.sum(where=window.covers(rows.days_ago))))


@levels("bill of the whole account, {n} months", "近{n}个月账户月均账单", months(3))
def household_bill(rows: Events, window: Window) -> ir.Scalar:
    """Billed to all members with us, the customer included, in the last {n} closed months, per month.
    近{n}个已出账月账户内全部在网成员（含本人）的账单合计，按月平均"""
    return _shared(rows, rows.total.sum(where=window.covers(rows.ago)).fill_null(0.0) / (100.0 * window.size))


@shares("their share of the account's bill, {n} months", "近{n}个月本人账单占账户的比例", months(3))
def household_bill_share(rows: Events, window: Window) -> ir.Scalar:
    """Their own bills of the last {n} closed months over those of all members with us.
    近{n}个已出账月本人账单占账户内全部在网成员账单合计的比例"""
    inside = window.covers(rows.ago)
    return ratio(rows.own.sum(where=inside).fill_null(0.0), rows.total.sum(where=inside))


def _shared(rows: Events, value: ir.NumericScalar) -> ir.NumericScalar:
    """The value, null for a customer who has the account to themselves."""
    return ibis.ifelse(rows.others.any().fill_null(False), value, NOTHING)


@complaints("complaints of others on their account, {n} days", "近{n}天账户内其他成员投诉次数", days(180))
def household_complaints(rows: Events, window: Window) -> ir.Scalar:
    """Complaints of the last {n} days by the other customers with us on the same account.
    近{n}天同一账户下其他在网客户的投诉次数"""
    inside = window.covers(rows.days_ago)
    return _on_record(rows, number(rows.total.sum(where=inside)) - number(rows.own.sum(where=inside)))
