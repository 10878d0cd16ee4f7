"""The files of a fourth target: who moves to a dearer plan within 90 days. What a new target needs, and nothing else."""

MODULE = '''"""Upgrade: who moves to a dearer plan in the window."""

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.definition import KEY
from models.scores.score_column import REASONS, ScoreColumn
from models.targets.candidate import BLEND, LINEAR, TREES
from models.targets.follow_up import FollowUp, inside
from models.targets.target import Definition, RuleSettings, Target
from models.targets.task import CLASSIFICATION


def labels(after: FollowUp, target: Definition) -> ir.Table:
    """Key and `upgraded` (boolean); null for those without a plan on the as-of date."""
    plans = after.tables["subscriptions"]
    rows = after.spine.inner_join(plans, "customer_id")
    rows = rows.filter(rows.known_at < ibis.timestamp(after.until))
    day = rows.valid_from.delta(rows.as_of, unit="day")
    fees = rows.group_by(*KEY).aggregate(
        now=rows.monthly_fee.argmax(rows.valid_from, where=day < 0),
        dearest=rows.monthly_fee.max(where=inside(day, target.gap_days, target.horizon_days)),
    )
    known = after.spine.select(*KEY).left_join(fees, KEY)
    moved = (known.dearest > known.now).fill_null(False)
    return known.select(*KEY, upgraded=known.now.notnull().ifelse(moved, None))


UPGRADE = Target(
    name="upgrade",
    task=CLASSIFICATION,
    definition=Definition,
    label="upgraded",
    labels=labels,
    estimator=("models.estimators.upgrade", "UpgradeClassifier"),
    candidates=(BLEND, LINEAR, TREES),
    rule=RuleSettings(column="arpu_3m"),
    metric="average_precision",
    score="upgrade_probability",
    outputs={"upgrade_probability": "upgrade_probability"},
    reasons=True,
    figures=("auc", "average_precision", "ece"),
    report_figures=("average_precision", "auc", "ece"),
    sold_figures=("lift_at_5pct",),
    columns=(
        ScoreColumn("upgrade_horizon_days", pa.int16(), "Upgrade horizon", "升档预测期", "days"),
        ScoreColumn(
            "upgrade_probability", pa.float32(), "Upgrade probability", "升档概率", "probability", model_output=True
        ),
        ScoreColumn("upgrade_reasons", REASONS, "Reasons for an upgrade", "升档原因", model_output=True),
        ScoreColumn("upgrade_model_version", pa.string(), "Upgrade model", "升档模型版本"),
    ),
)
'''
ESTIMATOR = '''"""The upgrade estimator: who moves to a dearer plan."""

from models.estimators.classifier import CalibratedClassifier


class UpgradeClassifier(CalibratedClassifier):
    """Fit on labels `upgraded`."""

    kind = "upgrade"
'''
TEXT = """
upgrade:
  name: {en: "Dearer plan", zh: "升档"}
  train: {en: train upgrade, zh: 训练升档模型}
  register: {en: register upgrade, zh: 登记升档模型}
  why: {en: What speaks for a dearer plan, zh: 可能升档的原因}
"""
FILES = {
    "models/targets/upgrade.py": lambda text: MODULE,
    "models/estimators/upgrade.py": lambda text: ESTIMATOR,
    "models/targets/registry.py": lambda text: text.replace(
        "(CHURN, VALUE, VIP)", "(CHURN, VALUE, VIP, UPGRADE)"
    ).replace("from models.targets.value", "from models.targets.upgrade import UPGRADE\nfrom models.targets.value"),
    "pipelines/wording/catalogue/targets.yaml": lambda text: text + TEXT,
}
"""Path to its new text, from its old one; with its test these are the five files of a target."""
