"""What may be promoted: a list of named checks, each with its figure and its limit."""

from typing import Any

import numpy as np
import pandas as pd

from models.estimators import levels
from models.evaluation import judging
from models.evaluation.checks import Check, Decision, above, at_least, at_most
from models.evaluation.judging import Estimate, Outcome
from models.evaluation.metrics import Array
from models.settings import GateSettings
from models.targets.registry import TARGETS
from models.training import Trained

RESAMPLES = 300


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
        The champion's predictions for the very rows of `trained.final`; None when there is none to compare with. Models are
        compared on those whom no campaign treated; the level is that of everybody.
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
    among = slice(None) if trained.untreated is None else np.flatnonzero(trained.untreated)
    if champion is not None:
        theirs = np.asarray(champion, dtype=float)
        rivals.append(theirs)
        checks += _against_champion(outcome.take(among), ours[among], theirs[among], trained.judged_by, settings)
    checks.append(_slices(trained, outcome.take(among), ours[among], [rival[among] for rival in rivals], settings))
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
    return above("beats_rule", trained.lead.value, 0.0)


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
        return at_most("calibration", abs(figure - 1), settings.bias)
    return at_most("calibration", figure, settings.calibration)


def _slices(
    trained: Trained, outcome: Outcome, ours: Array, rivals: list[Array], settings: GateSettings
) -> Check | None:
    """The largest loss against the rule, or the champion, in any slice that is large enough to tell."""
    if not len(trained.sliced.columns):
        return None
    worst, sliced = 0.0, trained.sliced if trained.untreated is None else trained.sliced[trained.untreated]
    for column in sliced:
        for places in sliced.groupby(column, observed=True).indices.values():
            hits = outcome.y[places] > 0
            if len(places) >= settings.slice_rows and settings.slice_positives <= hits.sum() < len(places):
                worst = max(worst, *(_loss(trained, outcome, ours, rival, places) for rival in rivals))
    return at_most("slices", worst, settings.slice_loss)


def _loss(trained: Trained, outcome: Outcome, ours: Array, rival: Array, places: Any) -> float:
    """How far our figure lies below the rival's on some rows, if that is more than chance; otherwise 0."""
    gap = _paired(outcome.take(places), ours[places], rival[places], trained.judged_by)
    return -gap.value if gap.high < 0 else 0.0


def _against_champion(outcome: Outcome, ours: Array, theirs: Array, metric: str, settings: GateSettings) -> list[Check]:
    """The advantage over the champion on the same resamples of the same rows."""
    gap = _paired(outcome, ours, theirs, metric)
    checks = [at_least("not_worse_than_champion", gap.value, -settings.worse_than_champion)]
    if settings.better_than_champion:
        checks.append(above("better_than_champion", gap.low, 0.0))
    return checks


def _paired(outcome: Outcome, ours: Array, theirs: Array, metric: str) -> Estimate:
    """How much better our score is than theirs, with its interval."""
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return Estimate(float("nan"), float("nan"), float("nan"))
    weights = judging.resamples(outcome.customers, RESAMPLES, seed=7)
    return judging.advantage(outcome, ours, theirs, metric, weights)
