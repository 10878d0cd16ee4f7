"""Surroundings: do those around a customer leave, complain and pay more often than everybody, of late?

A competitor who attacks one city shows first in who leaves there. Figures are ratios to everybody at the same time, so
that a season or a rise of prices that all share is none; and they are drawn towards 1, for few customers tell little.
"""

import ibis.expr.types as ir

from features.blocks.surroundings import EVENT_DAYS, LEFT_DAYS
from features.definition import Kind, Window, days
from features.grains import Events

PRIOR = 10.0
"""Events that a group is held to have had as expected, beside those that were seen: the shape of the gamma distribution
of relative rates, which then spread by a third."""
NOBODY = ("not on record, nobody else there, or nobody left anywhere", "未登记，没有其他客户，或全体无人离网")
NOTHING_SEEN = ("not on record, nobody else there, or none anywhere", "未登记，没有其他客户，或全体均无记录")

leaving = Kind(Events, "surroundings_left", unit="ratio", reason="surroundings", null=NOBODY, no_events=None)
complaining = Kind(Events, "surroundings_complaints", "ratio", "surroundings", null=NOTHING_SEEN, no_events=None)
paying = Kind(Events, "surroundings_payments", "ratio", "surroundings", null=NOTHING_SEEN, no_events=None)


def _relative(rows: Events, group: str, name: str, window: Window) -> ir.Scalar:
    """Seen over expected, drawn towards 1: the posterior mean of a relative rate with a gamma prior of mean 1 (Clayton
    and Kaldor, Biometrics 1987)."""
    seen, expected = rows[f"{group}_{name}_{window.size}"].max(), rows[f"{group}_expected_{window.size}"].max()
    return (seen + PRIOR) / (expected + PRIOR)


@leaving("leaving in their region beside everywhere, {n} days", "近{n}天同地市离网与全体之比", days(*LEFT_DAYS))
def left_in_region(rows: Events, window: Window) -> ir.Scalar:
    """Others of the region who left in the last {n} days, over as many as would have at the rate of everybody; drawn towards 1 where few.
    近{n}天同地市离网的其他客户数，除以按全体离网率应有的人数；人数少时向 1 收缩"""
    return _relative(rows, "region", "left", window)


@complaining("complaints in their region beside everywhere, {n} days", "近{n}天同地市投诉与全体之比", days(EVENT_DAYS))
def complaints_in_region(rows: Events, window: Window) -> ir.Scalar:
    """Complaints of the last {n} days by others of the region with us, over as many as at the rate of everybody; drawn towards 1 where few.
    近{n}天同地市其他在网客户的投诉次数，除以按全体投诉率应有的次数；人数少时向 1 收缩"""
    return _relative(rows, "region", "complaints", window)


@paying("payments in their region beside everywhere, {n} days", "近{n}天同地市缴费与全体之比", days(EVENT_DAYS))
def payments_in_region(rows: Events, window: Window) -> ir.Scalar:
    """Payments of the last {n} days by others of the region with us, over as many as at the rate of everybody; drawn towards 1 where few.
    近{n}天同地市其他在网客户的缴费次数，除以按全体缴费率应有的次数；人数少时向 1 收缩"""
    return _relative(rows, "region", "payments", window)


@leaving(
    "leaving among those of the same {attribute} beside everybody, {n} days",
    "近{n}天{attribute}相同的客户离网与全体之比",
    days(*LEFT_DAYS),
    column="left_in_{attribute}",
    per="attribute",
)
def left_in_attribute(rows: Events, attribute: str, window: Window) -> ir.Scalar:
    """Others of the same {attribute} who left in the last {n} days, over as many as would have at the rate of everybody; drawn towards 1 where few.
    近{n}天{attribute}相同的其他客户离网人数，除以按全体离网率应有的人数；人数少时向 1 收缩"""
    return _relative(rows, attribute, "left", window)


@complaining(
    "complaints among those of the same {attribute} beside everybody, {n} days",
    "近{n}天{attribute}相同的客户投诉与全体之比",
    days(EVENT_DAYS),
    column="complaints_in_{attribute}",
    per="attribute",
)
def complaints_in_attribute(rows: Events, attribute: str, window: Window) -> ir.Scalar:
    """Complaints of the last {n} days by others of the same {attribute}, over as many as at the rate of everybody; drawn towards 1 where few.
    近{n}天{attribute}相同的其他在网客户投诉次数，除以按全体投诉率应有的次数；人数少时向 1 收缩"""
    return _relative(rows, attribute, "complaints", window)


@paying(
    "payments among those of the same {attribute} beside everybody, {n} days",
    "近{n}天{attribute}相同的客户缴费与全体之比",
    days(EVENT_DAYS),
    column="payments_in_{attribute}",
    per="attribute",
)
def payments_in_attribute(rows: Events, attribute: str, window: Window) -> ir.Scalar:
    """Payments of the last {n} days by others of the same {attribute}, over as many as at the rate of everybody; drawn towards 1 where few.
    近{n}天{attribute}相同的其他在网客户缴费次数，除以按全体缴费率应有的次数；人数少时向 1 收缩"""
    return _relative(rows, attribute, "payments", window)
