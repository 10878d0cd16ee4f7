"""What is predicted, for training: the labels of every target, in [as_of + gap, as_of + gap + horizon).

A label is null until its whole window and the reporting delay are over, and for customers it is not defined for.
"""

from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.definition import KEY
from models.targets.follow_up import FollowUp, Tables
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings


def columns(settings: TargetSettings) -> list[str]:
    """The columns that `labels` adds to the key."""
    return [c for target in TARGETS.values() for c in (*target.facts, *target.label_columns(settings.of(target.name)))]


def labels(
    spine: ir.Table, tables: Tables, settings: TargetSettings, visible_until: datetime, *, reporting_delay_days: int = 0
) -> ir.Table:
    """One row per (customer_id, as_of) of the spine.

    Parameters
    ----------
    spine
        customer_id, as_of (date), cutoff (UTC instant), activated_on; the whole population of each date.
    tables
        Canonical tables by name.
    settings
        Definitions of the targets, what is fixed once per training among them.
    visible_until
        Only what had happened and was known before this UTC instant counts.
    reporting_delay_days
        How long after its end a window is taken as complete.

    Returns
    -------
    Table
        Key and `columns(settings)`: flags are boolean, `value` is float64 in currency.
    """
    after = FollowUp(spine, tables, visible_until)
    rows = mature(spine, settings, visible_until, reporting_delay_days)
    for target in TARGETS.values():
        rows = rows.join(target.labels(after, settings.of(target.name)), KEY)
    found: dict[str, ir.Value] = {}
    for target in TARGETS.values():
        names = target.label_columns(settings.of(target.name))
        found |= {name: rows[name] for name in target.facts}
        found |= {name: rows[f"ready_{target.name}"].ifelse(rows[name], None) for name in names}
    return rows.select(*KEY, **found)


def mature(spine: ir.Table, settings: TargetSettings, until: datetime, delay: int) -> ir.Table:
    """Key and `ready_<target>`: is its window, with the reporting delay, over?"""
    # Both ends are local midnights; half a day of tolerance absorbs the hour that summer time adds or takes.
    limit = ibis.timestamp(until) + ibis.interval(hours=12)
    ends = {t: spine.cutoff + ibis.interval(days=settings.of(t).window_days + delay) for t in TARGETS}
    return spine.select(*KEY, **{f"ready_{target}": end <= limit for target, end in ends.items()})


def fixed(spine: ir.Table, tables: Tables, settings: TargetSettings) -> TargetSettings:
    """The same settings with what each target fixes once per training; `spine` ends with a date that is learnt from."""
    values = {
        target.name: target.fixed(spine, tables, settings.of(target.name))
        for target in TARGETS.values()
        if target.fixed is not None
    }
    return settings.model_copy(update=values)
