"""Complaints: how many, about what, and whether they were solved. Silence is not absence of complaint."""

import ibis
import ibis.expr.types as ir

from features.definition import Kind, Window, days
from features.grains import Events, WholeRow
from features.series import NOTHING, days_since, number, ratio, usual_gap

UNGRADED = ("no complaint with a grade in that time", "该期间没有定级的投诉")
NEVER_TOLD = ("the source does not say when complaints are solved", "来源不记录投诉何时解决")
NONE_SOLVED = ("no complaint of that time is solved", "该期间没有已解决的投诉")


NEVER = ("never complained", "从未投诉")
NONE = ("no complaint in that time", "该期间没有投诉")
counts = Kind(Events, "complaints", unit="count", reason="complaints")
topics = Kind(Events, "complaints", unit="count", reason="complaints", per="topic")
ages = Kind(Events, "complaints", unit="days", reason="complaints", null=NEVER, no_events=None)
solving = Kind(Events, "complaints", unit="days", reason="complaints", null=NONE_SOLVED, no_events=None)
grades = Kind(Events, "complaints", unit="grade", reason="complaints", null=UNGRADED, no_events=None)
shares = Kind(Events, "complaints", unit="ratio", reason="complaints", null=NONE, no_events=None)
aftermath = Kind(WholeRow, "wide", unit="ratio", reason="complaints", no_events=None)


def _tells_solved(rows: Events) -> bool:
    """Does the source say when complaints are solved? Where it does not, none of them is known to be open."""
    return "resolved_at" in rows.columns


@counts("complaints in {n} days", "近{n}天投诉次数", days(30, 90, 180, 365))
def complaint_count(rows: Events, window: Window) -> ir.Scalar:
    """Complaints of the last {n} days.
    近{n}天的投诉次数"""
    return number(window.covers(rows.days_ago).sum())


@ages("days since the last complaint", "距最近投诉天数")
def days_since_complaint(rows: Events) -> ir.Scalar:
    """Days since the newest complaint; 1 is the day before the as-of date.
    距最近一次投诉的天数"""
    return days_since(rows.days_ago)


@counts("complaints unsolved now", "未解决投诉数", null=NEVER_TOLD)
def complaints_open(rows: Events) -> ir.Scalar:
    """Complaints that were not solved before the as-of date.
    截止日仍未解决的投诉数"""
    if not _tells_solved(rows):
        return NOTHING
    return number((rows.days_ago.notnull() & rows.resolved_at.isnull()).sum())


@counts("age of the oldest open complaint", "最久未解决投诉的天数", unit="days", null=NEVER_TOLD)
def complaint_open_days(rows: Events) -> ir.Scalar:
    """Days since the oldest unsolved complaint was made.
    最久未解决的投诉已过去的天数"""
    if not _tells_solved(rows):
        return NOTHING
    return number(rows.days_ago.max(where=rows.resolved_at.isnull()) + 1)


@solving("days to solve, {n} days", "近{n}天平均解决天数", days(365))
def complaint_solving_days(rows: Events, window: Window) -> ir.Scalar:
    """Mean days from complaint to solution, of those made in the last {n} days and solved.
    近{n}天投诉中已解决者的平均解决天数"""
    if not _tells_solved(rows):
        return NOTHING
    took = rows.resolved_at.delta(rows.happened_at, unit="microsecond")  # whole numbers: any order adds up the same
    return took.mean(where=window.covers(rows.days_ago)) / 86_400_000_000.0


@counts("topics complained about, {n} days", "近{n}天投诉主题数", days(180))
def complaint_topics(rows: Events, window: Window) -> ir.Scalar:
    """Distinct topics of the complaints of the last {n} days.
    近{n}天投诉涉及的不同主题数"""
    return number(rows.topic.nunique(where=window.covers(rows.days_ago)))


@counts("repeated complaints, {n} days", "近{n}天重复投诉次数", days(180))
def complaints_repeated(rows: Events, window: Window) -> ir.Scalar:
    """Complaints of the last {n} days beyond the first one on each topic; without a topic nothing is repeated.
    近{n}天就同一主题再次投诉的次数"""
    about = window.covers(rows.days_ago) & rows.topic.notnull()
    return number(about.sum()) - complaint_topics(rows, window)


@grades("gravest complaint, {n} days", "近{n}天最严重投诉等级", days(180))
def complaint_severity(rows: Events, window: Window) -> ir.Scalar:
    """Highest severity among the complaints of the last {n} days.
    近{n}天投诉的最高严重程度"""
    return rows.severity.max(where=window.covers(rows.days_ago)).cast("float64")


@shares("recent share of complaints", "近期投诉占比")
def complaint_recent_share(rows: Events) -> ir.Scalar:
    """Complaints of the last 90 days over those of the last 365.
    近90天投诉占近365天投诉的比例"""
    year = complaint_count(rows, Window(365, "d"))
    return complaint_count(rows, Window(90, "d")) / ibis.ifelse(year > 0, year, ibis.null("float64"))


@topics("complaints about {topic}, {n} days", "近{n}天投诉次数（{topic}）", days(180), column="complaints_{topic}")
def complaints_topic(rows: Events, topic: str, window: Window) -> ir.Scalar:
    """Complaints of the last {n} days about {topic}, a topic that the configuration declares.
    近{n}天主题为“{topic}”的投诉次数，主题由配置声明"""
    return number((window.covers(rows.days_ago) & (rows.topic == topic)).sum())


@shares("share of complaints unsolved, {n} days", "近{n}天投诉未解决占比", days(365))
def complaints_unsolved_share(rows: Events, window: Window) -> ir.Scalar:
    """Share of the complaints of the last {n} days that were not solved before the as-of date.
    近{n}天的投诉中截止日仍未解决的占比"""
    if not _tells_solved(rows):
        return NOTHING
    unsolved = number((window.covers(rows.days_ago) & rows.resolved_at.isnull()).sum())
    return ratio(unsolved, complaint_count(rows, window))


@solving("longest time to solve, {n} days", "近{n}天最长解决天数", days(365))
def complaint_solving_max(rows: Events, window: Window) -> ir.Scalar:
    """Most days from complaint to solution, of those made in the last {n} days and solved.
    近{n}天投诉中已解决者的最长解决天数"""
    if not _tells_solved(rows):
        return NOTHING
    took = rows.resolved_at.delta(rows.happened_at, unit="microsecond")
    return took.max(where=window.covers(rows.days_ago)).cast("float64") / 86_400_000_000.0


@ages(
    "usual days between complaints, {n} days",
    "近{n}天平均投诉间隔天数",
    days(365),
    null=("fewer than two complaints", "不足两次投诉"),
)
def complaint_gap(rows: Events, window: Window) -> ir.Scalar:
    """Days from the first to the last complaint of the last {n} days over the number of complaints less one.
    近{n}天首末次投诉之间的天数除以（投诉次数减一）"""
    return usual_gap(rows.days_ago, window.covers(rows.days_ago))


@aftermath(
    "bill after the last complaint over before",
    "投诉后与投诉前账单之比",
    reads=("days_since_complaint", "arpu_ratio_1m", "arpu_ratio_3m"),
    null=("no complaint 15 to 135 days ago, or nothing billed before", "15至135天前没有投诉，或之前没有账单"),
)
def bill_after_complaint(row: WholeRow) -> ir.Column:
    """Bills after over before the last complaint: 1 month over 1 if it was 15 to 45 days ago, 3 over 3 up to 135.
    最近一次投诉前后的月均账单之比：投诉在15至45天前取近1个月与前1个月之比，46至135天前取近3个月与前3个月之比"""
    days_since = row.days_since_complaint
    return ibis.cases(
        (days_since.between(15, 45), row.arpu_ratio_1m),
        (days_since.between(46, 135), row.arpu_ratio_3m),
        else_=NOTHING,
    )


@aftermath(
    "{measure} after the last complaint over before",
    "投诉后与投诉前{measure}之比",
    column="{measure}_after_complaint",
    reads=("days_since_complaint", "{measure}_ratio_4w", "{measure}_ratio_12w"),
    null=("no complaint 15 to 126 days ago, or no usage before", "15至126天前没有投诉，或之前没有用量"),
    per="measure",
)
def measure_after_complaint(row: WholeRow, measure: str) -> ir.Column:
    """{measure} after over before the last complaint: 4 weeks over 4 if 15 to 42 days ago, 12 over 12 up to 126.
    最近一次投诉前后的{measure}之比：投诉在15至42天前取近4周与前4周之比，43至126天前取近12周与前12周之比"""
    days_since = row.days_since_complaint
    return ibis.cases(
        (days_since.between(15, 42), row[f"{measure}_ratio_4w"]),
        (days_since.between(43, 126), row[f"{measure}_ratio_12w"]),
        else_=NOTHING,
    )
