"""Contacts: how often customers call us, and how often we call them."""

import ibis.expr.types as ir

from features.definition import Kind, Window, days
from features.grains import Events
from features.series import number, ratio

NONE = ("no contact in that time", "该期间没有接触")
NEVER = ("never in contact", "从未接触")

counts = Kind(Events, "contacts", unit="count", reason="contacts")
ages = Kind(Events, "contacts", unit="days", reason="contacts", null=NEVER, no_events=None)
shares = Kind(Events, "contacts", unit="ratio", reason="contacts", null=NONE, no_events=None)


@counts("times they contacted us, {n} days", "近{n}天主动联系次数", days(30, 90, 365))
def inbound_contacts(rows: Events, window: Window) -> ir.Scalar:
    """Contacts that the customer began, last {n} days.
    近{n}天客户主动联系我们的次数"""
    return number((window.covers(rows.days_ago) & (rows.direction == "inbound")).sum())


@counts("times we contacted them, {n} days", "近{n}天我方外呼次数", days(90, 365))
def outbound_contacts(rows: Events, window: Window) -> ir.Scalar:
    """Contacts that we began, last {n} days.
    近{n}天我们主动联系客户的次数"""
    return number((window.covers(rows.days_ago) & (rows.direction == "outbound")).sum())


@counts("campaign contacts, {n} days", "近{n}天营销活动接触次数", days(180))
def campaign_contacts(rows: Events, window: Window) -> ir.Scalar:
    """Treated campaign contacts of the last {n} days.
    近{n}天被营销活动触达的次数"""
    return number((window.covers(rows.days_ago) & (rows.arm == "treated")).sum())


@counts("channels used, {n} days", "近{n}天接触渠道数", days(180))
def contact_channels(rows: Events, window: Window) -> ir.Scalar:
    """Distinct channels of the contacts of the last {n} days.
    近{n}天接触涉及的渠道数"""
    return number(rows.channel.nunique(where=window.covers(rows.days_ago)))


@ages("days since the last contact", "距最近接触天数")
def days_since_contact(rows: Events) -> ir.Scalar:
    """Days since the newest contact either way; 1 is the day before the as-of date.
    距最近一次接触的天数"""
    return rows.days_ago.min().cast("float64") + 1.0


@ages("days since they last contacted us", "距最近主动联系天数", null=("never contacted us", "从未主动联系我们"))
def days_since_inbound(rows: Events) -> ir.Scalar:
    """Days since the newest contact that the customer began.
    距客户最近一次主动联系我们的天数"""
    return rows.days_ago.min(where=rows.direction == "inbound").cast("float64") + 1.0


@ages("days since we last contacted them", "距最近外呼天数", null=("never contacted by us", "我们从未主动联系"))
def days_since_outbound(rows: Events) -> ir.Scalar:
    """Days since the newest contact that we began.
    距我们最近一次主动联系客户的天数"""
    return rows.days_ago.min(where=rows.direction == "outbound").cast("float64") + 1.0


@counts("change of their contacts, {n} days", "近{n}天主动联系次数变化", days(90))
def inbound_change(rows: Events, window: Window) -> ir.Scalar:
    """Contacts that the customer began in the last {n} days, less those of the {n} days before.
    近{n}天客户主动联系次数减去再往前{n}天的次数"""
    return inbound_contacts(rows, window) - inbound_contacts(rows, window.before())


@shares("share of contacts begun by them, {n} days", "近{n}天接触中客户主动占比", days(365))
def inbound_share(rows: Events, window: Window) -> ir.Scalar:
    """Contacts of the last {n} days that the customer began, over those that either side began.
    近{n}天双方接触中由客户发起的占比"""
    inbound, outbound = inbound_contacts(rows, window), outbound_contacts(rows, window)
    return ratio(inbound, inbound + outbound)
