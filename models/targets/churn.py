"""Churn: who leaves, or falls silent, within each horizon."""

from typing import Any, Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field, model_validator

from features.definition import KEY
from models.targets.campaigns import UNTOUCHED, WEIGHT, campaign_weights
from models.targets.candidate import BLEND, HAZARD, HAZARD_BLEND, LINEAR, TREES
from models.targets.follow_up import FollowUp, inside
from models.targets.target import Definition, RuleSettings, Target
from models.targets.task import CLASSIFICATION


class ChurnTarget(Definition):
    """`deactivated`: left in the window. `no_bill`: no bill above zero in it. `labels`: the table of that name.
    `listed`: the column `churned` of customers, which knows no window.
    """

    rule: Literal["deactivated", "no_bill", "labels", "listed"] = Field(
        "deactivated", description="what counts as churn"
    )
    horizon_days: int = Field(90, gt=0, description="the main horizon, the one that lists are made with")
    horizons: tuple[int, ...] = Field((30, 60, 90), description="all horizons with a probability; the main one too")
    reasons: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="values of customers.left_reason that count as churn; whoever left for another reason, or for none on "
        "record, has no label from that day on; all count when absent",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_horizon(cls, values: Any) -> Any:
        """Without `horizons`, a main horizon of its own brings its thirds."""
        if isinstance(values, dict) and "horizon_days" in values and "horizons" not in values:
            main = int(values["horizon_days"])
            return values | {"horizons": tuple(sorted({max(main // 3, 1), max(main * 2 // 3, 1), main}))}
        return values

    @model_validator(mode="after")
    def _main_is_last(self) -> "ChurnTarget":
        if not self.horizons or list(self.horizons) != sorted(set(self.horizons)):
            raise ValueError("horizons must rise")
        if self.horizons[-1] != self.horizon_days:
            raise ValueError("horizon_days must be the longest of horizons")
        if self.reasons is not None and self.rule != "deactivated":
            raise ValueError("reasons need rule deactivated: nobody says why a customer is silent")
        return self

    @property
    def known(self) -> tuple[int, ...]:
        """Horizons with a label. Brought labels come for the main one only; and silence has no curve: nothing bought
        in 30 days is more likely than nothing bought in 90, so it is not a chance of having left that grows."""
        return self.horizons if self.rule == "deactivated" else (self.horizon_days,)

    @property
    def window_days(self) -> int:
        """Days from the as-of date to the end of the label window; 0 where the answer has no date."""
        return super().window_days if self.dated else 0

    @property
    def dated(self) -> bool:
        """Does a window of days belong to the answer?"""
        return self.rule != "listed"


ASKS = {
    "deactivated": ("customers.deactivated_on",),
    "no_bill": ("bills",),
    "labels": ("labels.churned",),
    "listed": ("customers.churned",),
}
"""Rule -> what its labels are made from."""


def labels(after: FollowUp, target: ChurnTarget) -> ir.Table:
    """Key and `churned_<h>` (boolean); null for those who left during the gap, or for a reason that does not count; and
    how often the row counts where nobody shall have been treated (`campaigns`)."""
    weights = campaign_weights(after, target.gap_days, target.horizon_days)
    return _churned(after, target).join(weights, KEY)


def _churned(after: FollowUp, target: ChurnTarget) -> ir.Table:
    if target.rule == "labels":
        return after.brought({f"churned_{target.horizon_days}": "churned"})
    if target.rule == "listed":
        return _listed(after, target)
    return _silent(after, target) if target.rule == "no_bill" else _left(after, target)


def _listed(after: FollowUp, target: ChurnTarget) -> ir.Table:
    """As the table of customers says; null where it says nothing."""
    answers = after.on_record.select("customer_id", "churned")
    rows = after.spine.select(*KEY).left_join(answers, "customer_id")
    return rows.select(*KEY, **{f"churned_{target.horizon_days}": rows.churned})


def _left(after: FollowUp, target: ChurnTarget) -> ir.Table:
    """Deactivated in the window, for a reason that counts; null where another reason ended what could be seen, and for
    those who are on record no more, without a day of leaving."""
    rows = after.holders
    counts = ibis.literal(True) if target.reasons is None else rows.left_reason.isin(target.reasons)
    rows = rows.mutate(counts=counts.fill_null(False))
    day = rows.deactivated_on.delta(rows.as_of, unit="day")
    stayed = rows.on_record & (rows.deactivated_on.isnull() | (day >= target.gap_days))
    flags = {h: inside(day, target.gap_days, h).fill_null(False) for h in target.horizons}
    labels = {h: ibis.ifelse(stayed & (rows.counts | ~flag), flag, None) for h, flag in flags.items()}
    return rows.select(*KEY, **{f"churned_{h}": label for h, label in labels.items()})


def _silent(after: FollowUp, target: ChurnTarget) -> ir.Table:
    """No bill above zero in the window; null while one is awaited."""
    bills = after.bills
    paid = {h: (inside(bills.day, target.gap_days, h) & (bills.amount > 0)).any() for h in target.known}
    active = bills.group_by(*KEY).aggregate(**{f"paid_{h}": flag for h, flag in paid.items()})
    rows = after.spine.select(*KEY).left_join(active, KEY)
    rows = rows.select(*KEY, **{f"churned_{h}": ~rows[f"paid_{h}"].fill_null(False) for h in target.known})
    for h in target.known:
        rows = after.known(rows, f"churned_{h}", target.gap_days, h)
    return rows


CHURN = Target(
    name="churn",
    task=CLASSIFICATION,
    definition=ChurnTarget,
    label="churned_{}",
    labels=labels,
    asks=lambda target: ASKS[target.rule],
    estimator=("models.estimators.churn", "ChurnClassifier"),
    candidates=(HAZARD, HAZARD_BLEND, BLEND, LINEAR, TREES),
    rule=RuleSettings(column="arpu_3m", higher=False),
    metric="auc",
    score="churn_probability",
    outputs={name: name for name in ("churn_probability", "churn_score_raw", "median_days_to_churn")},
    curve="churn_curve",
    ranked=("churn_probability", "churn_score_raw"),
    facts=(WEIGHT, UNTOUCHED),
    apart=UNTOUCHED,
    weight=WEIGHT,
    stake="value",
    reasons=True,
    figures=("auc", "average_precision", "lift_at_10pct", "captured_value_at_10pct", "ece", "brier"),
    sold_figures=("lift_at_5pct", "captured_value_at_5pct"),
    report_figures=("auc", "average_precision", "lift_at_5pct", "captured_value_at_5pct", "ece", "brier"),
    counted=("high_risk", "churn_probability_mean", "value_at_risk"),
)
"""An operator's rule of today: who pays little leaves."""
