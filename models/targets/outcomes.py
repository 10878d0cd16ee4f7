"""What is predicted: who churned, what they were worth, who became high-value, in [as_of + gap, as_of + gap + horizon).

Days are local dates: day 0 is the as-of date itself. A label is null until its whole window and the reporting delay
are over, and for customers it is not defined for: those who left during the gap have no churn label, those who are
high-value already have no potential-VIP label.
"""

from collections.abc import Mapping
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.definition import KEY
from features.series import hundredths
from features.visible import seen
from models.targets.settings import ChurnTarget, HighValue, TargetSettings, ValueTarget, VipTarget

Tables = Mapping[str, ir.Table]


def columns(settings: TargetSettings) -> list[str]:
    """The columns that `labels` adds to the key."""
    return [*(f"churned_{h}" for h in settings.churn.known), "value", "high_value_now", "vip"]


def labels(
    spine: ir.Table, tables: Tables, settings: TargetSettings, visible_until: datetime, *, reporting_delay_days: int = 0
) -> ir.Table:
    """One row per (customer_id, as_of) of the spine.

    Args:
        spine: customer_id, as_of (date), cutoff (UTC instant), activated_on; the whole population of each date.
        visible_until: only what had happened and was known before this UTC instant counts.
        reporting_delay_days: how long after its end a window is taken as complete.

    Returns:
        Key, `churned_<h>` (boolean), `value` (float64, currency), `high_value_now` and `vip` (boolean).
    """
    after = _happened_after(spine, tables["bills"], visible_until)
    facts = _churned(spine, after, tables, settings.churn)
    facts = facts.join(_valued(spine, after, tables, settings.value), KEY)
    facts = facts.join(_became(spine, after, tables, settings.vip), KEY)
    ready = mature(spine, settings, visible_until, reporting_delay_days)
    rows = facts.join(ready, KEY)
    kept = {f"churned_{h}": rows[f"churned_{h}"] for h in settings.churn.known}
    masked = {name: rows.ready_churn.ifelse(column, None) for name, column in kept.items()}
    masked["value"] = rows.ready_value.ifelse(rows.value, None)
    masked["high_value_now"] = rows.high_value_now
    masked["vip"] = (rows.ready_vip & ~rows.high_value_now).ifelse(rows.vip, None)
    return rows.select(*KEY, **masked)


def mature(spine: ir.Table, settings: TargetSettings, until: datetime, delay: int) -> ir.Table:
    """Per row of the spine and target: is its window, with the reporting delay, over?"""
    # Both ends are local midnights; half a day of tolerance absorbs the hour that summer time adds or takes.
    limit = ibis.timestamp(until) + ibis.interval(hours=12)

    def over(target: str) -> ir.BooleanValue:
        return spine.cutoff + ibis.interval(days=settings.window_days(target) + delay) <= limit

    return spine.select(*KEY, **{f"ready_{t}": over(t) for t in ("churn", "value", "vip")})


def _happened_after(spine: ir.Table, bills: ir.Table, until: datetime) -> ir.Table:
    """Bills from each as-of date on, seen from `until`: key, `day` (0 is the as-of date), `month`, `amount`.

    Amounts are whole hundredths: their sums are exact, so that no other row can change the last bit of a label.
    """
    later = spine.mutate(cutoff=ibis.timestamp(until))
    own = [later.customer_id == bills.customer_id, seen(later, bills), bills.happened_on >= later.as_of]
    rows = later.inner_join(bills, own)
    day = rows.happened_on.delta(rows.as_of, unit="day")
    return rows.select(*KEY, day=day, month=_month(rows.happened_on), amount=hundredths(rows.amount))


def _month(day: ir.DateValue) -> ir.IntegerValue:
    return day.year().cast("int64") * 12 + day.month()


def inside(day: ir.IntegerValue, gap: int, horizon: int) -> ir.BooleanValue:
    """Half-open: the first day counts, the day after the last does not."""
    return (day >= gap) & (day < gap + horizon)


def _churned(spine: ir.Table, after: ir.Table, tables: Tables, target: ChurnTarget) -> ir.Table:
    """`churned_<h>` per row of the spine; null for those who left during the gap."""
    if target.rule == "labels":
        return _brought(spine, tables, {f"churned_{target.horizon_days}": "churned"})
    if target.rule == "no_bill":
        return _inactive(spine, after, target)
    left = tables["customers"].select("customer_id", "deactivated_on")
    rows = spine.left_join(left, "customer_id").drop("customer_id_right")
    day = rows.deactivated_on.delta(rows.as_of, unit="day")
    stayed = rows.deactivated_on.isnull() | (day >= target.gap_days)
    flags = {h: inside(day, target.gap_days, h).fill_null(False) for h in target.horizons}
    return rows.select(*KEY, **{f"churned_{h}": stayed.ifelse(flag, None) for h, flag in flags.items()})


def _inactive(spine: ir.Table, after: ir.Table, target: ChurnTarget) -> ir.Table:
    """No bill above zero in the window."""
    paid = {h: (inside(after.day, target.gap_days, h) & (after.amount > 0)).any() for h in target.known}
    active = after.group_by(*KEY).aggregate(**{f"paid_{h}": flag for h, flag in paid.items()})
    rows = spine.select(*KEY).left_join(active, KEY)
    return rows.select(*KEY, **{f"churned_{h}": ~rows[f"paid_{h}"].fill_null(False) for h in target.known})


def _brought(spine: ir.Table, tables: Tables, names: dict[str, str]) -> ir.Table:
    """Columns of the `labels` table under our names; null for a row that it does not have."""
    given = tables["labels"]
    rows = spine.select(*KEY).left_join(given, KEY)
    return rows.select(*KEY, **{ours: rows[theirs] for ours, theirs in names.items()})


def _valued(spine: ir.Table, after: ir.Table, tables: Tables, target: ValueTarget) -> ir.Table:
    """`value`: sum of bills in the window, 0 without any."""
    if target.rule == "labels":
        rows = _brought(spine, tables, {"value": "value"})
        return rows.mutate(value=rows.value.cast("float64"))
    return _total(spine, after, target.gap_days, target.horizon_days)


def _total(spine: ir.Table, after: ir.Table, gap: int, horizon: int) -> ir.Table:
    sums = after.group_by(*KEY).aggregate(cents=after.amount.sum(where=inside(after.day, gap, horizon)))
    rows = spine.select(*KEY).left_join(sums, KEY)
    return rows.select(*KEY, value=rows.cents.fill_null(0.0) / 100.0)


def _worth_now(spine: ir.Table, bills: ir.Table, target: HighValue) -> ir.Table:
    """What a customer brings now, from bills visible at the cutoff: key, `worth` (currency, or currency/month).

    A month counts as a billing month of the lookback when anybody was billed in it.
    """
    rows = spine.inner_join(bills, [spine.customer_id == bills.customer_id, seen(spine, bills)])
    rows = rows.filter(rows.happened_on >= rows.as_of - ibis.interval(days=target.lookback_days))
    rows = rows.select(*KEY, month=_month(rows.happened_on), amount=hundredths(rows.amount))
    sums = rows.group_by(*KEY).aggregate(cents=rows.amount.sum())
    months = rows.group_by("as_of").aggregate(months=rows.month.nunique())
    out = spine.select(*KEY).left_join(sums, KEY).drop("customer_id_right", "as_of_right")
    out = out.left_join(months, "as_of").drop("as_of_right")
    spend = out.cents.fill_null(0.0) / 100.0
    return out.select(*KEY, worth=spend if target.measure == "spend" else spend / out.months.fill_null(1))


def high_value(spine: ir.Table, tables: Tables, target: HighValue) -> ir.Table:
    """Key, `worth`, `threshold` (same unit) and `high_value_now`, for training and for scoring alike.

    Raises:
        ValueError: the amount was not fixed and the percentile is not to be taken per as-of date.
    """
    rows = _worth_now(spine, tables["bills"], target)
    if target.amount is not None:
        return rows.mutate(threshold=ibis.literal(target.amount, "float64"), high_value_now=rows.worth >= target.amount)
    if not target.per_as_of:
        raise ValueError("fix the high-value amount first: settings = fixed(spine, tables, settings)")
    lines = rows.group_by("as_of").aggregate(threshold=rows.worth.quantile(target.percentile / 100))
    rows = rows.left_join(lines, "as_of").drop("as_of_right")
    return rows.mutate(high_value_now=rows.worth > rows.threshold)


def fixed(spine: ir.Table, tables: Tables, settings: TargetSettings) -> TargetSettings:
    """The same settings with the high-value line as an amount of money: the percentile of the newest date of `spine`.

    Called once per training with a date that is learnt from; the amount is kept with the model and does not drift.
    """
    target = settings.vip.high_value
    if target.amount is not None or target.per_as_of:
        return settings
    newest = spine.filter(spine.as_of == spine.as_of.max())
    worth = _worth_now(newest, tables["bills"], target).worth
    amount = round(float(worth.quantile(target.percentile / 100).to_pyarrow().as_py()), 2)
    high = target.model_copy(update={"amount": max(amount, 0.01)})
    return settings.model_copy(update={"vip": settings.vip.model_copy(update={"high_value": high})})


def _became(spine: ir.Table, after: ir.Table, tables: Tables, target: VipTarget) -> ir.Table:
    """`high_value_now`, and `vip`: did the customer become, and stay, high-value in the window?"""
    now = high_value(spine, tables, target.high_value).select(*KEY, "threshold", "high_value_now")
    rule = _sustained if target.becomes.rule == "sustained" else _above_percentile
    rows = now.join(rule(now, after, target), KEY)
    return rows.select(*KEY, "high_value_now", "vip")


def _sustained(now: ir.Table, after: ir.Table, target: VipTarget) -> ir.Table:
    """Mean monthly value at the threshold, and enough of the months: one spike is not enough."""
    window = after.filter(inside(after.day, target.gap_days, target.horizon_days))
    months = window.group_by(*KEY, "month").aggregate(billed=window.amount.sum())
    feed = window.group_by("as_of").aggregate(months=window.month.nunique())
    months = months.join(now.select(*KEY, "threshold"), KEY)
    reached = (months.billed / 100.0 >= months.threshold).sum()
    sums = months.group_by(*KEY).aggregate(cents=months.billed.sum(), reached=reached)
    rows = now.left_join(sums, KEY).drop("customer_id_right", "as_of_right").left_join(feed, "as_of")
    mean = rows.cents.fill_null(0.0) / 100.0 >= rows.threshold * rows.months
    share = (rows.reached.fill_null(0) / rows.months).round(2)  # in whole percents: 0.67 means two of three
    enough = share >= target.becomes.share_of_months
    return rows.select(*KEY, vip=(mean & enough).fill_null(False))


def _above_percentile(now: ir.Table, after: ir.Table, target: VipTarget) -> ir.Table:
    """Value of the window above the percentile of everybody's on that date."""
    rows = _total(now, after, target.gap_days, target.horizon_days)
    lines = rows.group_by("as_of").aggregate(line=rows.value.quantile(target.becomes.percentile / 100))
    rows = rows.left_join(lines, "as_of")
    return rows.select(*KEY, vip=rows.value > rows.line)
