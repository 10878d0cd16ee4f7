"""Value: the money of a customer over the horizon."""

from typing import Literal, Self

import ibis.expr.types as ir
from pydantic import Field, model_validator

from models.targets.candidate import (
    BG_NBD,
    BG_NBD_BLEND,
    BLEND,
    HURDLE,
    HURDLE_BLEND,
    HURDLE_GAMMA,
    LINEAR,
    TREES,
)
from models.targets.follow_up import FollowUp
from models.targets.target import Definition, RuleSettings, Target
from models.targets.task import REGRESSION


class ValueTarget(Definition):
    """Sum of bill amounts in the window or a share of it, or the `value` of brought labels."""

    rule: Literal["bills", "labels"] = Field("bills", description="what the money is the sum of")
    margin: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of what is billed that counts as value: 1 is revenue, less is margin; costs that differ from "
        "customer to customer are brought as labels",
    )

    @model_validator(mode="after")
    def _labels_are_what_they_are(self) -> Self:
        if self.rule == "labels" and self.margin != 1:
            raise ValueError("margin is a share of bills; labels that are brought are margin already, or are not")
        return self


def labels(after: FollowUp, target: ValueTarget) -> ir.Table:
    """Key and `value` (float64, currency): the sum of bills times the margin, 0 without a bill; null while a bill is
    awaited, or where brought labels have no row."""
    if target.rule == "labels":
        rows = after.brought({"value": "value"})
        return rows.mutate(value=rows.value.cast("float64"))
    rows = after.billed(target.gap_days, target.horizon_days)
    return rows if target.margin == 1 else rows.mutate(value=rows.value * target.margin)


VALUE = Target(
    name="value",
    task=REGRESSION,
    definition=ValueTarget,
    label="value",
    labels=labels,
    asks=lambda target: ("labels.value",) if target.rule == "labels" else ("bills",),
    estimator=("models.estimators.value", "ValueRegressor"),
    candidates=(TREES, LINEAR, BLEND),  # of equals in money one learner before the mean of two
    further=(HURDLE, HURDLE_GAMMA, HURDLE_BLEND, BG_NBD, BG_NBD_BLEND),
    rule=RuleSettings(column="arpu_3m", factor=3.0),
    metric="normalised_gini",
    score="value_pred",
    outputs={name: name for name in ("value_pred", "value_p10", "value_p90")} | {"value_if_retained": "_retained"},
    ranked=("value_pred",),
    beside={"churned": "churn"},
    interval=("value_p10", "value_p90"),
    figures=("mae", "normalised_gini", "total_bias", "coverage", "captured_value_at_10pct"),
    report_figures=("mae", "normalised_gini", "captured_value_at_10pct", "total_bias", "coverage"),
    sold_figures=("captured_value_at_10pct", "mae"),
    counted=("value_at_risk",),
    money=("value_12m_pred",),
)
"""An operator's rule of today: value goes on as it runs."""
