"""Contacts: how often customers call us, and how often we call them."""

import ibis.expr.types as ir

from features.definition import Window, days, feature
from features.series import number

NEVER = ("never in contact", "从未接触")


@feature(
    "contacts",
    unit="count",
    label=("times he contacted us, {n} days", "近{n}天主动联系次数"),
    zh="近{n}天客户主动联系我们的次数",
    reason="contacts",
    windows=days(30, 90, 365),
)
def inbound_contacts(rows: ir.Table, window: Window) -> ir.Value:
    """Contacts that the customer began, last {n} days."""
    return number((window.covers(rows.days_ago) & (rows.direction == "inbound")).sum())


@feature(
    "contacts",
    unit="count",
    label=("times we contacted him, {n} days", "近{n}天我方外呼次数"),
    zh="近{n}天我们主动联系客户的次数",
    reason="contacts",
    windows=days(90, 365),
)
def outbound_contacts(rows: ir.Table, window: Window) -> ir.Value:
    """Contacts that we began, last {n} days."""
    return number((window.covers(rows.days_ago) & (rows.direction == "outbound")).sum())


@feature(
    "contacts",
    unit="count",
    label=("campaign contacts, {n} days", "近{n}天营销活动接触次数"),
    zh="近{n}天参与营销活动的次数",
    reason="contacts",
    windows=days(
        180,
    ),
)
def campaign_contacts(rows: ir.Table, window: Window) -> ir.Value:
    """Treated campaign contacts of the last {n} days."""
    return number((window.covers(rows.days_ago) & (rows.arm == "treated")).sum())


@feature(
    "contacts",
    unit="count",
    label=("channels used, {n} days", "近{n}天接触渠道数"),
    zh="近{n}天接触涉及的渠道数",
    reason="contacts",
    windows=days(
        180,
    ),
)
def contact_channels(rows: ir.Table, window: Window) -> ir.Value:
    """Distinct channels of the contacts of the last {n} days."""
    return number(rows.channel.nunique(where=window.covers(rows.days_ago)))


@feature(
    "contacts",
    unit="days",
    label=("days since the last contact", "距最近接触天数"),
    zh="距最近一次接触的天数",
    null=NEVER,
    reason="contacts",
    no_events=None,
)
def days_since_contact(rows: ir.Table) -> ir.Value:
    """Days since the newest contact either way; 1 is the day before the as-of date."""
    return rows.days_ago.min().cast("float64") + 1.0
