"""Complaints: how many, about what, and whether they were solved. Silence is not absence of complaint."""

import ibis
import ibis.expr.types as ir

from features.definition import Window, days, feature
from features.series import number

NEVER = ("never complained", "从未投诉")
NONE = ("no complaint in that time", "该期间没有投诉")
UNGRADED = ("no complaint with a grade in that time", "该期间没有定级的投诉")
NONE_SOLVED = ("no complaint of that time is solved", "该期间没有已解决的投诉")


@feature(
    "complaints",
    unit="count",
    label=("complaints in {n} days", "近{n}天投诉次数"),
    zh="近{n}天的投诉次数",
    reason="complaints",
    windows=days(30, 90, 180, 365),
)
def complaint_count(rows: ir.Table, window: Window) -> ir.Value:
    """Complaints of the last {n} days."""
    return number(window.covers(rows.days_ago).sum())


@feature(
    "complaints",
    unit="days",
    label=("days since the last complaint", "距最近投诉天数"),
    zh="距最近一次投诉的天数",
    null=NEVER,
    reason="complaints",
    no_events=None,
)
def days_since_complaint(rows: ir.Table) -> ir.Value:
    """Days since the newest complaint; 1 is the day before the as-of date."""
    return rows.days_ago.min().cast("float64") + 1.0


@feature(
    "complaints",
    unit="count",
    label=("complaints unsolved now", "未解决投诉数"),
    zh="截止日仍未解决的投诉数",
    reason="complaints",
)
def complaints_open(rows: ir.Table) -> ir.Value:
    """Complaints that were not solved before the as-of date."""
    return number((rows.days_ago.notnull() & rows.resolved_at.isnull()).sum())


@feature(
    "complaints",
    unit="days",
    label=("age of the oldest open complaint", "最久未解决投诉的天数"),
    zh="最久未解决的投诉已过去的天数",
    reason="complaints",
)
def complaint_open_days(rows: ir.Table) -> ir.Value:
    """Days since the oldest unsolved complaint was made."""
    return number(rows.days_ago.max(where=rows.resolved_at.isnull()) + 1)


@feature(
    "complaints",
    unit="days",
    label=("days to solve, {n} days", "近{n}天平均解决天数"),
    zh="近{n}天投诉中已解决者的平均解决天数",
    null=NONE_SOLVED,
    reason="complaints",
    windows=days(
        365,
    ),
    no_events=None,
)
def complaint_solving_days(rows: ir.Table, window: Window) -> ir.Value:
    """Mean days from complaint to solution, of those made in the last {n} days and solved."""
    took = rows.resolved_at.delta(rows.happened_at, unit="microsecond")  # whole numbers: any order adds up the same
    return took.mean(where=window.covers(rows.days_ago)) / 86_400_000_000.0


@feature(
    "complaints",
    unit="count",
    label=("topics complained about, {n} days", "近{n}天投诉主题数"),
    zh="近{n}天投诉涉及的不同主题数",
    reason="complaints",
    windows=days(
        180,
    ),
)
def complaint_topics(rows: ir.Table, window: Window) -> ir.Value:
    """Distinct topics of the complaints of the last {n} days."""
    return number(rows.topic.nunique(where=window.covers(rows.days_ago)))


@feature(
    "complaints",
    unit="count",
    label=("repeated complaints, {n} days", "近{n}天重复投诉次数"),
    zh="近{n}天就同一主题再次投诉的次数",
    reason="complaints",
    windows=days(
        180,
    ),
)
def complaints_repeated(rows: ir.Table, window: Window) -> ir.Value:
    """Complaints of the last {n} days beyond the first one on each topic; without a topic nothing is repeated."""
    about = window.covers(rows.days_ago) & rows.topic.notnull()
    return number(about.sum()) - complaint_topics(rows, window)


@feature(
    "complaints",
    unit="grade",
    label=("gravest complaint, {n} days", "近{n}天最严重投诉等级"),
    zh="近{n}天投诉的最高严重程度",
    null=UNGRADED,
    reason="complaints",
    windows=days(
        180,
    ),
    no_events=None,
)
def complaint_severity(rows: ir.Table, window: Window) -> ir.Value:
    """Highest severity among the complaints of the last {n} days."""
    return rows.severity.max(where=window.covers(rows.days_ago)).cast("float64")


@feature(
    "complaints",
    unit="ratio",
    label=("recent share of complaints", "近期投诉占比"),
    zh="近90天投诉占近365天投诉的比例",
    null=NONE,
    reason="complaints",
    no_events=None,
)
def complaint_recent_share(rows: ir.Table) -> ir.Value:
    """Complaints of the last 90 days over those of the last 365."""
    year = complaint_count(rows, Window(365, "d"))
    return complaint_count(rows, Window(90, "d")) / ibis.ifelse(year > 0, year, ibis.null("float64"))
