"""Satisfaction where it was asked: five is best. Few answer, so null is the usual value."""

import ibis.expr.types as ir

from features.definition import Kind, Window, days
from features.grains import Events
from features.series import number

NONE = ("no answer in that time", "该期间没有回答")

scores = Kind(Events, "surveys", unit="1-5", reason="satisfaction", null=NONE, no_events=None)
counts = Kind(Events, "surveys", unit="count", reason="satisfaction")


@scores("satisfaction, {n} days", "近{n}天满意度", days(365))
def satisfaction(rows: Events, window: Window) -> ir.Scalar:
    """Mean score of the answers of the last {n} days.
    近{n}天回答的平均得分，5 分最好"""
    return rows.score.cast("float64").mean(where=window.covers(rows.days_ago))


@scores("lowest answer, {n} days", "近{n}天最低得分", days(365))
def satisfaction_low(rows: Events, window: Window) -> ir.Scalar:
    """Lowest score of the answers of the last {n} days.
    近{n}天回答中的最低得分"""
    return rows.score.min(where=window.covers(rows.days_ago)).cast("float64")


@counts("answers, {n} days", "近{n}天回答数", days(365))
def survey_answers(rows: Events, window: Window) -> ir.Scalar:
    """Questions answered in the last {n} days.
    近{n}天回答的题目数"""
    return number(window.covers(rows.days_ago).sum())
