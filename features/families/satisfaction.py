"""Satisfaction where it was asked: five is best. Few answer, so null is the usual value."""

import ibis.expr.types as ir

from features.definition import Window, days, feature
from features.series import number

NONE = ("no answer in that time", "该期间没有回答")


@feature(
    "surveys",
    unit="1-5",
    label=("satisfaction, {n} days", "近{n}天满意度"),
    zh="近{n}天回答的平均得分，5 分最好",
    null=NONE,
    reason="satisfaction",
    windows=days(
        365,
    ),
    no_events=None,
)
def satisfaction(rows: ir.Table, window: Window) -> ir.Value:
    """Mean score of the answers of the last {n} days."""
    return rows.score.cast("float64").mean(where=window.covers(rows.days_ago))


@feature(
    "surveys",
    unit="1-5",
    label=("lowest answer, {n} days", "近{n}天最低得分"),
    zh="近{n}天回答中的最低得分",
    null=NONE,
    reason="satisfaction",
    windows=days(
        365,
    ),
    no_events=None,
)
def satisfaction_low(rows: ir.Table, window: Window) -> ir.Value:
    """Lowest score of the answers of the last {n} days."""
    return rows.score.min(where=window.covers(rows.days_ago)).cast("float64")


@feature(
    "surveys",
    unit="count",
    label=("answers, {n} days", "近{n}天回答数"),
    zh="近{n}天回答的题目数",
    reason="satisfaction",
    windows=days(
        365,
    ),
)
def survey_answers(rows: ir.Table, window: Window) -> ir.Value:
    """Questions answered in the last {n} days."""
    return number(window.covers(rows.days_ago).sum())
