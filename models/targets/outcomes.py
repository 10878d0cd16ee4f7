"""What is predicted, for training: the labels of every target, in [as_of + gap, as_of + gap + horizon).

A label is null until its own horizon and the reporting delay are over, while a bill of its window is awaited, and for
customers it is not defined for: of several horizons the short ones are known first.
"""

from collections.abc import Container
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.contracts import CONTRACTS
from features.definition import KEY
from features.settings import FeatureSettings
from models.targets.follow_up import FollowUp, Tables
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from models.targets.target import Definition, Target


def told(tables: Container[str], settings: TargetSettings) -> list[Target]:
    """The targets whose outcomes these tables can tell, predicted or not: money is looked at beside other targets."""
    return [t for t in TARGETS.values() if all(n.partition(".")[0] in tables for n in t.asks(settings.of(t.name)))]


def columns(settings: TargetSettings, tables: Container[str] = CONTRACTS) -> list[str]:
    """The columns that `labels` adds to the key."""
    found = told(tables, settings)
    return [c for target in found for c in (*target.facts, *target.label_columns(settings.of(target.name)))]


def labels(
    spine: ir.Table,
    tables: Tables,
    settings: TargetSettings,
    visible_until: datetime,
    *,
    features: FeatureSettings,
    reporting_delay_days: int = 0,
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
    features
        When months of bills close and settle; a label is null while a bill of its window is awaited.
    reporting_delay_days
        How long after its end a window is taken as complete.

    Returns
    -------
    Table
        Key and `columns(settings, tables)`: flags are boolean, `value` is float64 in currency.
    """
    after = FollowUp(spine, tables, visible_until, features)
    rows = mature(spine, settings, visible_until, reporting_delay_days)
    targets = told(tables, settings)
    for target in targets:
        rows = rows.join(target.labels(after, settings.of(target.name)), KEY)
    found: dict[str, ir.Value] = {}
    for target in targets:
        found |= {name: rows[name] for name in target.facts}
        for days in settings.of(target.name).known:
            name = target.label.format(days)
            found[name] = rows[f"ready_{target.name}_{days}"].ifelse(rows[name], None)
    return rows.select(*KEY, **found)


def mature(spine: ir.Table, settings: TargetSettings, until: datetime, delay: int) -> ir.Table:
    """Key and `ready_<target>_<days>`: is the window of that horizon, with the reporting delay, over?"""
    # Both ends are local midnights; half a day of tolerance absorbs the hour that summer time adds or takes.
    limit = ibis.timestamp(until) + ibis.interval(hours=12)
    ends = {
        f"ready_{name}_{days}": spine.cutoff + ibis.interval(days=_window(settings.of(name), days, delay))
        for name in TARGETS
        for days in settings.of(name).known
    }
    return spine.select(*KEY, **{name: end <= limit for name, end in ends.items()})


def _window(definition: Definition, days: int, delay: int) -> int:
    """Days from the as-of date until the outcome of a horizon is surely known; 0 where the answer has no date."""
    return definition.gap_days + days + delay if definition.dated else 0


def fixed(spine: ir.Table, tables: Tables, settings: TargetSettings, features: FeatureSettings) -> TargetSettings:
    """The same settings with what each target fixes once per training; `spine` ends with a date that is learnt from."""
    values = {
        target.name: target.fixed(spine, tables, settings.of(target.name), features)
        for target in told(tables, settings)
        if target.fixed is not None
    }
    return settings.model_copy(update=values)
