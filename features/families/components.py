"""Components of the bill that are billed apart, such as rent, overage or roaming: how much, which share, where heading.

A mapping adds them to `bills`. Months are those of ARPU; a bill without the component has none of it.
"""

import ibis.expr.types as ir

from features.definition import Kind, Window, months
from features.families.arpu import YOUNG, YOUNGER, billed
from features.grains import Events
from features.series import Series, ratio

NOTHING_BILLED = ("nothing billed in that time", "该期间没有账单金额")

levels = Kind(Events, "bills", unit="currency/month", reason="bill_level", null=YOUNG, per="component")
shares = Kind(Events, "bills", unit="ratio", reason="bill_level", null=NOTHING_BILLED, no_events=None, per="component")
changes = Kind(Events, "bills", unit="currency/month", reason="bill_trend", null=YOUNGER, per="component")


def _billed_for(rows: Events, component: str) -> Series:
    """What of the bills of each closed month is for a component, in hundredths."""
    return Series(rows[f"component_{component}"], rows.ago, rows.known)


@levels("{component} per month, {n} months", "近{n}个月月均{component}", months(3), column="{component}_billed")
def component_billed(rows: Events, component: str, window: Window) -> ir.Scalar:
    """Mean billed per month for {component} over the last {n} closed months, a component that the mapping declares.
    近{n}个已出账月账单中{component}的月均金额，由映射文件声明"""
    return _billed_for(rows, component).mean(window)


@shares(
    "{component}, share of the bills of {n} months",
    "近{n}个月账单中{component}占比",
    months(3),
    column="{component}_bill_share",
)
def component_bill_share(rows: Events, component: str, window: Window) -> ir.Scalar:
    """What was billed for {component} in the last {n} closed months over all that was billed in them.
    近{n}个已出账月中{component}占账单金额的比例"""
    return ratio(_billed_for(rows, component).total(window), billed(rows).total(window))


@changes(
    "change of {component}, {n} months against the {n} before",
    "近{n}个月{component}较前{n}个月变化",
    months(3),
    column="{component}_bill_change",
)
def component_bill_change(rows: Events, component: str, window: Window) -> ir.Scalar:
    """Mean billed per month for {component} over the last {n} closed months less that of the {n} months before.
    近{n}个已出账月{component}的月均金额减去再往前{n}个月的月均金额"""
    series, before = _billed_for(rows, component), window.before()
    n, earlier = series.count(window), series.count(before)
    more = series.total(window) * earlier - series.total(before) * n  # whole numbers: one division rounds once
    return more / (100.0 * n * earlier).nullif(0.0)
