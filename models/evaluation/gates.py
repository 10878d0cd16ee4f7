"""What may be promoted and what may be published: a list of named checks, each with its figure and its limit.

A figure that is not defined (NaN) never passes.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.estimators import levels
from models.evaluation import judging
from models.evaluation.drift import stability
from models.evaluation.judging import Estimate, Outcome
from models.evaluation.metrics import Array
from models.settings import GateSettings
from models.targets.registry import TARGETS
from models.targets.target import Target
from models.training import Trained

RESAMPLES = 300
PROBABILITIES = tuple(t.published for t in TARGETS.values() if t.task.objective == "binary")

WATCHED = tuple(
    dict.fromkeys(
        (
            *("score_status", "arpu_3m", "is_high_value_now"),
            *(c for t in TARGETS.values() for c in (t.published, *t.money, *t.counts, t.version_column)),
        )
    )
)
"""The columns of the score table that `scores_gate` looks at."""


@dataclass(frozen=True)
class Check:
    """One check: `text` is the key of its sentence."""

    name: str
    value: float
    limit: float
    passed: bool
    text: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; NaN becomes null."""
        plain = asdict(self)
        return plain | {"value": None if np.isnan(self.value) else self.value}


@dataclass(frozen=True)
class Decision:
    """Passed when every check did."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def at_least(name: str, value: float, limit: float) -> Check:
    """A check that passes from the limit on; NaN never does."""
    return Check(name, float(value), float(limit), bool(value >= limit), f"gates.{name}")


def _at_most(name: str, value: float, limit: float) -> Check:
    return Check(name, float(value), float(limit), bool(value <= limit), f"gates.{name}")


def _above(name: str, value: float, limit: float) -> Check:
    return Check(name, float(value), float(limit), bool(value > limit), f"gates.{name}")


def prediction(target: str, model: Any, rows: pd.DataFrame) -> pd.Series:
    """The judged column of a model's predictions."""
    return model.outputs(rows)[TARGETS[target].score]


def decide(trained: Trained, champion: Any, settings: GateSettings, model: str | None = None) -> Decision:
    """May a trained candidate be promoted?

    Parameters
    ----------
    trained
        The training with its final window.
    champion
        The champion's predictions for the very rows of `trained.final`; None when there is none to compare with.
    settings
        The limits.
    model
        The candidate, the winner when left out. The rule passes the same checks, but for beating itself.
    """
    final, name = trained.final, model or trained.winner
    task = TARGETS[trained.target].task
    outcome = Outcome(task, final["y"].to_numpy(), final["value"].to_numpy(), final["customer_id"].to_numpy())
    ours = final[name].to_numpy(dtype=float)
    checks = [_finite(ours), positives(trained, settings), _above_base(trained, name, settings)]
    rivals = [final["rule"].to_numpy(dtype=float)]
    checks.append(_calibrated(trained, outcome, name, settings))
    if champion is not None:
        theirs = np.asarray(champion, dtype=float)
        rivals.append(theirs)
        checks += _against_champion(outcome, ours, theirs, trained.judged_by, settings)
    checks.append(_slices(trained, outcome, ours, rivals, settings))
    return Decision(tuple(check for check in checks if check is not None))


def _finite(scores: Array) -> Check:
    return at_least("finite", float(np.isfinite(scores).mean()) if len(scores) else float("nan"), 1.0)


def positives(trained: Trained, settings: GateSettings) -> Check:
    """Enough positives in the windows judged, both together."""
    return at_least("positives", float(trained.positives), settings.positives)


def _above_base(trained: Trained, name: str, settings: GateSettings) -> Check | None:
    """The expected advantage over the rule of today; how sure it is decides nothing, and is told."""
    if not settings.beat_rule or name == "rule":
        return None
    return _above("beats_rule", trained.lead.value, 0.0)


def _calibrated(trained: Trained, outcome: Outcome, name: str, settings: GateSettings) -> Check:
    """Expected calibration error of probabilities, relative error of the total of amounts.

    Of a model whose level was mended on these very rows it is what is left when each half of the customers gets its
    level from the other half.
    """
    ours = trained.final[name].to_numpy(dtype=float)
    if name in trained.levels:
        ours = levels.cross_fitted(outcome, ours)
    figure = float(outcome.task.metrics[outcome.task.level_metric](outcome.y, ours))
    if outcome.task.level_metric == "total_bias":
        return _at_most("calibration", abs(figure - 1), settings.bias)
    return _at_most("calibration", figure, settings.calibration)


def _slices(
    trained: Trained, outcome: Outcome, ours: Array, rivals: list[Array], settings: GateSettings
) -> Check | None:
    """The largest loss against the rule, or the champion, in any slice that is large enough to tell."""
    if not len(trained.sliced.columns):
        return None
    worst = 0.0
    for column in trained.sliced:
        for places in trained.sliced.groupby(column, observed=True).indices.values():
            hits = outcome.y[places] > 0
            if len(places) >= settings.slice_rows and settings.slice_positives <= hits.sum() < len(places):
                worst = max(worst, *(_loss(trained, outcome, ours, rival, places) for rival in rivals))
    return _at_most("slices", worst, settings.slice_loss)


def _loss(trained: Trained, outcome: Outcome, ours: Array, rival: Array, places: Any) -> float:
    """How far our figure lies below the rival's on some rows, if that is more than chance; otherwise 0."""
    gap = _paired(outcome.take(places), ours[places], rival[places], trained.judged_by)
    return -gap.value if gap.high < 0 else 0.0


def _against_champion(outcome: Outcome, ours: Array, theirs: Array, metric: str, settings: GateSettings) -> list[Check]:
    """The advantage over the champion on the same resamples of the same rows."""
    gap = _paired(outcome, ours, theirs, metric)
    checks = [at_least("not_worse_than_champion", gap.value, -settings.worse_than_champion)]
    if settings.better_than_champion:
        checks.append(_above("better_than_champion", gap.low, 0.0))
    return checks


def _paired(outcome: Outcome, ours: Array, theirs: Array, metric: str) -> Estimate:
    """How much better our score is than theirs, with its interval."""
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return Estimate(float("nan"), float("nan"), float("nan"))
    weights = judging.resamples(outcome.customers, RESAMPLES, seed=7)
    return judging.advantage(outcome, ours, theirs, metric, weights)


def scores_gate(scores: pd.DataFrame, before: pd.DataFrame | None, settings: GateSettings) -> Decision:
    """May these scores be published? `before` is the previous publication, if any.

    Each probability must lie in [0, 1], and neither its distribution nor its mean may have moved too far; nor may the
    money, those of high value and the potential VIPs. What nobody has, as of a target without a model, is not judged.
    """
    asked = _scored(scores)
    old = None if before is None else _scored(before)
    checks = [_above("rows", float(len(asked)), 0.0)]
    for column in PROBABILITIES:
        known = _numbers(asked, column)
        checks.append(_at_most(f"range_{column}", float(((known < 0) | (known > 1)).sum()), 0.0))
        checks += _moved(column, known, before, settings)
    if old is not None and len(asked) and len(old):
        checks += [*_money_moved(asked, old, settings), *_shares_moved(asked, old, settings)]
    return Decision((*checks, _at_most("unscored", _unscored(asked), 0.0)))


def _scored(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[scores["score_status"] == "ok"] if "score_status" in scores else scores


def _numbers(scores: pd.DataFrame, column: str) -> Array:
    """The known values of a column; none where it is absent."""
    if column not in scores:
        return np.empty(0)
    values = pd.to_numeric(scores[column]).to_numpy(dtype=float, na_value=np.nan)
    return values[~np.isnan(values)]


def _unscored(asked: pd.DataFrame) -> float:
    """The largest share without a score, among targets that have a model. Who is high-value now has no VIP score."""
    if not len(asked):
        return float("nan")
    shares = [
        asked[target.published].isna().mean()
        for target in TARGETS.values()
        if target.everybody and target.published in asked and _has_model(asked, target)
    ]
    return float(max(shares, default=0.0))


def _has_model(scores: pd.DataFrame, target: Target) -> bool:
    version = target.version_column
    return version not in scores or bool(scores[version].notna().all())


def _same_model(now: pd.DataFrame, before: pd.DataFrame, target: Target) -> bool:
    """Did one and the same version make both? Another one may count otherwise."""
    version = target.version_column
    if version not in now or version not in before:
        return False
    made = {*now[version].dropna(), *before[version].dropna()}
    return len(made) == 1 and _has_model(now, target) and _has_model(before, target)


def _money_moved(now: pd.DataFrame, before: pd.DataFrame, settings: GateSettings) -> list[Check]:
    """Mean money per customer: what they pay always, what is expected of them where the same model says it."""
    columns = ["arpu_3m", *(c for t in TARGETS.values() if _same_model(now, before, t) for c in t.money)]
    means = [(column, _numbers(now, column), _numbers(before, column)) for column in columns]
    return [
        _at_most(f"money_{column}", _relative(new.mean(), old.mean()), settings.money)
        for column, new, old in means
        if len(new) and len(old) and old.mean() > 0
    ]


def _shares_moved(now: pd.DataFrame, before: pd.DataFrame, settings: GateSettings) -> list[Check]:
    """Those of high value as a share, those that a target picks as a number; few may change more by chance."""
    checks = []
    high, old_high = _numbers(now, "is_high_value_now"), _numbers(before, "is_high_value_now")
    if len(high) and old_high.sum() > 0:
        limit = _chance(settings.level, old_high.sum())
        checks.append(_at_most("share_is_high_value_now", _relative(high.mean(), old_high.mean()), limit))
    for column in (c for t in TARGETS.values() if _same_model(now, before, t) for c in t.counts):
        picked, before_that = _numbers(now, column).sum(), _numbers(before, column).sum()
        if before_that > 0:
            change = _relative(picked + 1, before_that + 1)
            checks.append(_at_most(f"count_{column}", change, _chance(settings.level, before_that)))
    return checks


def _relative(now: float, before: float) -> float:
    return abs(float(now) / float(before) - 1)


def _chance(limit: float, count: float) -> float:
    """A limit of relative change, wider by three standard deviations of a count."""
    return limit + 3 / float(np.sqrt(count))


def _moved(column: str, now: Array, before: pd.DataFrame | None, settings: GateSettings) -> list[Check]:
    if before is None or len(now) == 0:
        return []
    old = _numbers(before, column)
    if len(old) == 0:
        return []
    level = _relative(now.mean(), old.mean()) if old.mean() > 0 else float("nan")
    drift = _at_most(f"drift_{column}", stability(old, now), settings.drift)
    return [drift, _at_most(f"level_{column}", level, settings.level)]
