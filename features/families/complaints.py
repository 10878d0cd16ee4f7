"""Complaints: how many, about what, and whether they were solved. Silence is not absence of complaint."""

import ibis
import ibis.expr.types as ir

from features.definition import Window, days, feature
from features.series import NOTHING, number, over

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


@feature(
    "complaints",
    unit="count",
    label=("complaints about {topic}, {n} days", "近{n}天投诉次数（{topic}）"),
    zh="近{n}天主题为“{topic}”的投诉次数，主题由配置声明",
    reason="complaints",
    windows=days(
        180,
    ),
    per="topic",
)
def complaints_topic(rows: ir.Table, topic: str, window: Window) -> ir.Value:
    """Complaints of the last {n} days about {topic}, a topic that the configuration declares."""
    return number((window.covers(rows.days_ago) & (rows.topic == topic)).sum())


@feature(
    "complaints",
    unit="ratio",
    label=("share of complaints unsolved, {n} days", "近{n}天投诉未解决占比"),
    zh="近{n}天的投诉中截止日仍未解决的占比",
    null=NONE,
    reason="complaints",
    windows=days(
        365,
    ),
    no_events=None,
)
def complaints_unsolved_share(rows: ir.Table, window: Window) -> ir.Value:
    """Share of the complaints of the last {n} days that were not solved before the as-of date."""
    unsolved = number((window.covers(rows.days_ago) & rows.resolved_at.isnull()).sum())
    return over(unsolved, complaint_count(rows, window))


@feature(
    "complaints",
    unit="days",
    label=("longest time to solve, {n} days", "近{n}天最长解决天数"),
    zh="近{n}天投诉中已解决者的最长解决天数",
    null=NONE_SOLVED,
    reason="complaints",
    windows=days(
        365,
    ),
    no_events=None,
)
def complaint_solving_max(rows: ir.Table, window: Window) -> ir.Value:
    """Most days from complaint to solution, of those made in the last {n} days and solved."""
    took = rows.resolved_at.delta(rows.happened_at, unit="microsecond")
    return took.max(where=window.covers(rows.days_ago)).cast("float64") / 86_400_000_000.0


@feature(
    "complaints",
    unit="days",
    label=("usual days between complaints, {n} days", "近{n}天平均投诉间隔天数"),
    zh="近{n}天首末次投诉之间的天数除以（投诉次数减一）",
    null=("fewer than two complaints", "不足两次投诉"),
    reason="complaints",
    windows=days(
        365,
    ),
    no_events=None,
)
def complaint_gap(rows: ir.Table, window: Window) -> ir.Value:
    """Days from the first to the last complaint of the last {n} days over the number of complaints less one."""
    inside = window.covers(rows.days_ago)
    span = (rows.days_ago.max(where=inside) - rows.days_ago.min(where=inside)).cast("float64")
    return over(span, number(inside.sum()) - 1.0)


@feature(
    "wide",
    unit="ratio",
    label=("bill after the last complaint over before", "投诉后与投诉前账单之比"),
    zh="最近一次投诉前后的月均账单之比：投诉在15至45天前取近1个月与前1个月之比，46至135天前取近3个月与前3个月之比",
    null=("no complaint 15 to 135 days ago, or nothing billed before", "15至135天前没有投诉，或之前没有账单"),
    reason="complaints",
    no_events=None,
    reads=("days_since_complaint", "arpu_ratio_1m", "arpu_ratio_3m"),
)
def bill_after_complaint(row: ir.Table, _: object) -> ir.Value:
    """Bills after over before the last complaint: 1 month over 1 if it was 15 to 45 days ago, 3 over 3 up to 135."""
    days_since = row.days_since_complaint
    return ibis.cases(
        (days_since.between(15, 45), row.arpu_ratio_1m),
        (days_since.between(46, 135), row.arpu_ratio_3m),
        else_=NOTHING,
    )


@feature(
    "wide",
    unit="ratio",
    label=("{measure} after the last complaint over before", "投诉后与投诉前{measure}之比"),
    zh="最近一次投诉前后的{measure}之比：投诉在15至42天前取近4周与前4周之比，43至126天前取近12周与前12周之比",
    null=("no complaint 15 to 126 days ago, or no usage before", "15至126天前没有投诉，或之前没有用量"),
    reason="complaints",
    no_events=None,
    per="measure",
    reads=("days_since_complaint", "measure_ratio_4w", "measure_ratio_12w"),
)
def measure_after_complaint(row: ir.Table, measure: str, _: object) -> ir.Value:
    """{measure} after over before the last complaint: 4 weeks over 4 if 15 to 42 days ago, 12 over 12 up to 126."""
    days_since = row.days_since_complaint
    return ibis.cases(
        (days_since.between(15, 42), row[f"{measure}_ratio_4w"]),
        (days_since.between(43, 126), row[f"{measure}_ratio_12w"]),
        else_=NOTHING,
    )
