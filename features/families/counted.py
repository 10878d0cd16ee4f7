"""Counts of the values that a configuration lists, of the columns that a mapping adds or has: why they called, what came of it.

What counts is written down, so that training and every night count the same whatever comes; values that are not
listed are counted as others. Who was in touch and of whom no row says the value is unknown; who was not has none.
"""

import ibis
import ibis.expr.types as ir

from features.counted import CountedValue
from features.definition import Kind, Window, Words, days
from features.grains import Events
from features.series import NOTHING, number

UNTOLD: Words = ("none of the rows of that time tells it", "该期间的记录均未说明")

contacts = Kind(Events, "contacts", unit="count", reason="contacts", null=UNTOLD, per="value")
complaints = Kind(Events, "complaints", unit="count", reason="complaints", null=UNTOLD, per="value")
plans = Kind(Events, "subscriptions", unit="count", reason="plan", null=UNTOLD, per="value")


def _counted(rows: Events, value: CountedValue, window: Window) -> ir.Value:
    """Rows of the window with the value; null where there are some and none of them says."""
    inside = window.covers(rows.days_ago)
    told = number((inside & value.told(rows)).sum())
    untold = (told == 0) & (number(inside.sum()) > 0)
    return ibis.ifelse(untold, NOTHING, number((inside & value.holds(rows)).sum()))


@contacts("contacts, {value}, {n} days", "近{n}天接触次数（{value}）", days(90, 365), column="contacts_{value}")
def contacts_value(rows: Events, value: CountedValue, window: Window) -> ir.Scalar:
    """Contacts of the last {n} days with {value}, a value that the configuration counts apart.
    近{n}天“{value}”的接触次数，取值由配置声明"""
    return _counted(rows, value, window)


@complaints("complaints, {value}, {n} days", "近{n}天投诉次数，{value}", days(90, 365), column="complaints_{value}")
def complaints_value(rows: Events, value: CountedValue, window: Window) -> ir.Scalar:
    """Complaints of the last {n} days with {value}, a value that the configuration counts apart.
    近{n}天“{value}”的投诉次数，取值由配置声明"""
    return _counted(rows, value, window)


@plans("plans begun, {value}, {n} days", "近{n}天新生效套餐数（{value}）", days(90, 365), column="plans_{value}")
def plans_value(rows: Events, value: CountedValue, window: Window) -> ir.Scalar:
    """Plans that began in the last {n} days with {value}, a value that the configuration counts apart.
    近{n}天“{value}”的新生效套餐数，取值由配置声明"""
    return _counted(rows, value, window)
