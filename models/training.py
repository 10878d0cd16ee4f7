"""Fit, calibrate and choose, judge once: from labelled snapshots to a model and everything that is known about it.

1. Rehearsal: every candidate learns on the `fit` dates, is calibrated on the later `calibrate` dates, and the best
   model there is chosen. The rule of today is tried beside them and is no model.
2. Refit: the recipes learn again from `every` date whose labels were in by the final one; calibrators stay.
3. The final window is opened once, after that, and tells how good each is. What is judged is what is shipped, but for
   the level: where the predicted total is off there by more than chance, it is brought to what was observed.
4. Whether the model or the rule is better is told by both windows together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from features.errors import HeadwaterError
from models.candidates import candidates, fit_all
from models.estimators import levels
from models.estimators.estimator import Estimator, Model
from models.evaluation import judging
from models.evaluation.judging import Estimate, Lead, Outcome
from models.evaluation.leaks import leaking
from models.evaluation.metrics import LOWER_IS_BETTER, Array
from models.settings import TrainingSettings
from models.snapshots import Rows
from models.splits import Split
from models.targets.registry import TARGETS
from models.targets.target import Target

SLICES = ("customer_type", "region", "plan", "lifecycle_stage")


@dataclass(frozen=True)
class Trained:
    """One training. Figures come from the final window, opened once (`opened`).

    Attributes
    ----------
    model
        The fitted winner.
    candidates
        All fitted ones by name, `rule` included.
    winner
        Name of the one that was chosen on `calibrate`.
    beats_rule
        Better than the rule on the final window, the interval of the difference above 0.
    lead
        Of the winner over the rule, over the calibrate and the final window together.
    levels
        Observed over predicted total of the final window for the models whose level was mended there; their figures
        and predictions in `metrics` and `final` are those before it.
    positives
        On both windows together.
    metrics
        model, metric, value, low, high, n.
    differences
        metric, value, low, high: winner over rule, more is better.
    choice
        model, metric, value on the calibrate rows.
    slices
        Figures of the winner per slice.
    sliced
        The slicing columns of the rows of `final`.
    final
        customer_id, as_of, y, value and one prediction column per candidate.
    leaks
        Single features that tell the outcome by themselves, with their AUC.
    left_out
        Columns that tell the answer of a table without dates, with their AUC, which nothing learns from.
    findings
        Anything else worth telling.
    """

    target: str
    model: Model
    candidates: Mapping[str, Model]
    winner: str
    beats_rule: bool
    lead: Lead
    levels: dict[str, float]
    positives: int
    metrics: pd.DataFrame
    differences: pd.DataFrame
    choice: pd.DataFrame
    slices: pd.DataFrame
    sliced: pd.DataFrame
    final: pd.DataFrame
    split: Split
    features: tuple[str, ...]
    rows: dict[str, int]
    judged_by: str
    opened: int
    leaks: dict[str, float]
    left_out: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def figure(self, model: str, metric: str) -> Estimate:
        """One figure of the final window."""
        row = self.metrics[(self.metrics.model == model) & (self.metrics.metric == metric)].iloc[0]
        return Estimate(float(row["value"]), float(row["low"]), float(row["high"]))

    @property
    def better(self) -> bool:
        """Is the winner better than the rule in expectation, however sure that is?"""
        return self.winner != "rule" and self.lead.value > 0


def train(
    target: str, frame: pd.DataFrame, split: Split, settings: TrainingSettings, features: Sequence[str]
) -> Trained:
    """Train one target.

    Parameters
    ----------
    target
        Its name in the registry of targets.
    frame
        One row per (customer_id, as_of) of `split.dates`: features and the labels of every target.
    split
        Which dates are learnt from, calibrated on and judged on.
    settings
        How models are made and judged.
    features
        The columns to learn from, in order.

    Raises
    ------
    HeadwaterError
        E351 labels of one class, E453 too few rows or positives.
    """
    asked = TARGETS[target]
    rows = Rows(asked, frame, split, tuple(features), settings)
    models = rehearsed(rows)
    tried = predictions(models, rows, rows.calibration())
    choice = choose(tried, rows, settings)
    refitted(models, rows)
    return _judge(models, str(choice.iloc[0]["model"]), choice, tried, rows)


def rehearsed(rows: Rows) -> dict[str, Estimator]:
    """Every candidate by name, fitted on the `fit` rows and calibrated on the `calibrate` rows."""
    target, settings = rows.target, rows.settings
    models = candidates(target, settings.candidates, rows.horizons, settings.threads, settings.seed)
    learnt = fit_all(target, models, *rows.of(rows.split.fit))
    for name, model in models.items():
        model.start(learnt[name], rows.of(rows.split.calibrate))
    return models


def refitted(models: dict[str, Estimator], rows: Rows) -> None:
    """Let the recipes learn again from `every` row before the final ones, where the settings want it."""
    if rows.settings.refit:
        learnt = fit_all(rows.target, models, *rows.of(rows.split.every))
        for name, model in models.items():
            model.adopt(learnt[name], rows.of(rows.split.calibrate))


@dataclass(frozen=True)
class Predictions:
    """What every candidate predicted for the judged rows of one window, and what happened to them."""

    outcome: Outcome
    scores: dict[str, Array]


def predictions(models: dict[str, Estimator], rows: Rows, seen: pd.DataFrame) -> Predictions:
    """Of the candidates as they are now: those of a refitted one differ."""
    X, _ = rows.parts(seen)
    return Predictions(rows.outcome(seen), {name: _prediction(rows.target, m, X) for name, m in models.items()})


def choose(tried: Predictions, rows: Rows, settings: TrainingSettings) -> pd.DataFrame:
    """Candidates by their figure on the calibrate rows, the chosen one first, then best first.

    Among those within `margin` of the best the first in the configured order is chosen: it is listed first because
    it is the steadier one (a blend varies least). One window is too little to choose the rule on, which is held
    against the chosen model on all of them.
    """
    outcome, name = tried.outcome, settings.chooses(rows.target.name)
    metric = outcome.task.metrics[name]
    figures = [float(metric(outcome.y, scores, outcome.value)) for scores in tried.scores.values()]
    found = pd.DataFrame({"model": list(tried.scores), "metric": name, "value": figures, "n": len(outcome.y)})
    rivals = found[found["model"] != "rule"] if len(found) > 1 else found
    best = rivals["value"].min() if name in LOWER_IS_BETTER else rivals["value"].max()
    near = (rivals["value"] - best).abs() <= settings.margin * abs(best)
    first = int(near.idxmax()) if near.any() else int(rivals.index[0])
    found["chosen"] = found.index == first
    order = found["value"] * (1.0 if name in LOWER_IS_BETTER else -1.0)
    return (
        found.assign(order=order)
        .sort_values(["chosen", "order"], ascending=[False, True], ignore_index=True)
        .drop(columns="order")
    )


def _prediction(target: Target, model: Estimator, X: pd.DataFrame) -> Array:
    return model.outputs(X)[target.score].to_numpy(dtype=float)


def _judge(
    models: dict[str, Estimator],
    winner: str,
    choice: pd.DataFrame,
    tried: Predictions,
    rows: Rows,
) -> Trained:
    """Open the final window and write down everything that it tells."""
    settings, target, final = rows.settings, rows.target, rows.judged(rows.final.open())
    if final.empty:
        raise HeadwaterError("E453", target=target.name, part="final", positives=0, least=1)
    told = predictions(models, rows, final)
    outcome, scores, (X, labels) = told.outcome, told.scores, rows.parts(final)
    weights = judging.resamples(outcome.customers, settings.resamples, settings.seed)
    metrics = judging.table(outcome, scores, weights)
    if target.interval:
        metrics = pd.concat([metrics, _coverage(outcome, models, X, target.interval, weights)], ignore_index=True)
    against = differences(outcome, scores[winner], scores["rule"], weights)
    judged_by = settings.judges(target.name)
    windows = [(w.outcome, w.scores[winner], w.scores["rule"]) for w in (tried, told)]
    known = rows.fitted()
    sliced = final[[c for c in SLICES if c in final]]
    model = models[winner]
    model.facts_ = _facts(winner, rows)
    ratios = {name: _mended(models[name], X, labels, told, name, weights) for name in dict.fromkeys((winner, "rule"))}
    return Trained(
        target=target.name,
        model=model,
        candidates=models,
        winner=winner,
        beats_rule=bool(winner != "rule" and against.set_index("metric").loc[judged_by, "low"] > 0),
        lead=judging.lead(windows, judged_by, settings.resamples, settings.seed),
        levels={name: ratio for name, ratio in ratios.items() if ratio is not None},
        positives=sum(int((w.outcome.y > 0).sum()) for w in (tried, told)),
        metrics=metrics,
        differences=against,
        choice=choice,
        slices=judging.by_slice(outcome, scores[winner], sliced),
        sliced=sliced,
        final=final[["customer_id", "as_of"]].assign(y=outcome.y, value=outcome.value, **scores),
        split=rows.split,
        features=rows.features,
        rows=rows.counts | {"final": len(final)},
        judged_by=judged_by,
        opened=rows.final.opened,
        leaks=leaking(known, known[rows.label].astype(float), rows.features) if target.task.leaks else {},
    )


def _mended(
    model: Estimator, X: pd.DataFrame, labels: pd.DataFrame, told: Predictions, name: str, weights: Array
) -> float | None:
    """Bring a model to the level of the final window if it is off by more than chance; observed over predicted."""
    if not levels.is_off(told.outcome, told.scores[name], weights):
        return None
    model.relevel(X, labels)
    return float(told.outcome.y.sum() / told.scores[name].sum())


def _coverage(
    outcome: Outcome, models: dict[str, Estimator], X: pd.DataFrame, interval: tuple[str, str], weights: Array
) -> pd.DataFrame:
    """How often the interval held the truth."""
    found = []
    for name, model in models.items():
        predicted = model.outputs(X)
        low, high = (predicted[output].to_numpy() for output in interval)
        figure = judging.coverage_estimate(outcome, low, high, weights)
        found.append({"model": name, "metric": "coverage", **vars(figure), "n": len(X)})
    return pd.DataFrame(found)


def differences(outcome: Outcome, ours: Array, rule: Array, weights: Array) -> pd.DataFrame:
    """Winner against rule on the same resamples; `total_bias` has no better direction and is left out."""
    names = [m for m in outcome.task.metrics if m != "total_bias"]
    found = [{"metric": m, **vars(judging.advantage(outcome, ours, rule, m, weights))} for m in names]
    return pd.DataFrame(found)


def _facts(winner: str, rows: Rows) -> dict[str, Any]:
    """What travels with the model."""
    split = rows.split
    dates = {"fit": split.fit, "calibrate": split.calibrate, "every": split.every}
    told: dict[str, Any] = {name: [d.isoformat() for d in found] for name, found in dates.items()}
    return told | {
        "target": rows.target.name,
        "learner": winner,
        "final": split.final.isoformat(),
        "features": list(rows.features),
    }
