"""Contacts: how often customers call us, and how often we call them."""

import ibis.expr.types as ir

from features.definition import Window, days, feature
from features.series import number, over

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
    zh="近{n}天被营销活动触达的次数",
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


@feature(
    "contacts",
    unit="days",
    label=("days since he last contacted us", "距最近主动联系天数"),
    zh="距客户最近一次主动联系我们的天数",
    null=("never contacted us", "从未主动联系我们"),
    reason="contacts",
    no_events=None,
)
def days_since_inbound(rows: ir.Table) -> ir.Value:
    """Days since the newest contact that the customer began."""
    return rows.days_ago.min(where=rows.direction == "inbound").cast("float64") + 1.0


@feature(
    "contacts",
    unit="days",
    label=("days since we last contacted him", "距最近外呼天数"),
    zh="距我们最近一次主动联系客户的天数",
    null=("never contacted by us", "我们从未主动联系"),
    reason="contacts",
    no_events=None,
)
def days_since_outbound(rows: ir.Table) -> ir.Value:
    """Days since the newest contact that we began."""
    return rows.days_ago.min(where=rows.direction == "outbound").cast("float64") + 1.0


@feature(
    "contacts",
    unit="count",
    label=("change of his contacts, {n} days", "近{n}天主动联系次数变化"),
    zh="近{n}天客户主动联系次数减去再往前{n}天的次数",
    reason="contacts",
    windows=days(
        90,
    ),
)
def inbound_change(rows: ir.Table, window: Window) -> ir.Value:
    """Contacts that the customer began in the last {n} days, less those of the {n} days before."""
    return inbound_contacts(rows, window) - inbound_contacts(rows, window.before())


@feature(
    "contacts",
    unit="ratio",
    label=("share of contacts begun by him, {n} days", "近{n}天接触中客户主动占比"),
    zh="近{n}天双方接触中由客户发起的占比",
    null=("no contact in that time", "该期间没有接触"),
    reason="contacts",
    windows=days(
        365,
    ),
    no_events=None,
)
def inbound_share(rows: ir.Table, window: Window) -> ir.Value:
    """Contacts of the last {n} days that the customer began, over those that either side began."""
    inbound, outbound = inbound_contacts(rows, window), outbound_contacts(rows, window)
    return over(inbound, inbound + outbound)
