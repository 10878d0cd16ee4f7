"""Rehearse and choose, judge once, ship: from labelled snapshots to a model and everything that is known about it.

1. Rehearsals: every candidate tells the newest dates before the final one, each by models of the dates known by then;
   the best model is chosen and calibrated there. The rule of today is tried beside them and is no model.
2. The recipes learn from `every` date whose labels were in by the final one, which is opened once then, and tells how
   good each is.
3. What is shipped is the chosen recipe fitted once more, on every label there is, at the level of the newest. What is
   reported is the record of the recipe; where both do not agree on who is who, what was judged is shipped.
4. Whether the model or the rule is better is told by all windows together.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from features.errors import HeadwaterError
from models import seasons, time_to_event
from models.candidates import fit_all
from models.estimators import levels
from models.estimators.estimator import Estimator, Model
from models.evaluation import importance, judging, lead_time
from models.evaluation.judging import Estimate, Lead, Outcome
from models.evaluation.leaks import Leak, leaking
from models.evaluation.metrics import Array
from models.rehearsing import Window, calibrated, choose, rehearsed, window
from models.seasons import Season
from models.settings import TrainingSettings
from models.snapshots import Rows
from models.splits import Split
from models.targets.registry import TARGETS
from models.targets.target import Target
from models.tuning import Search

HIGH, EARLIER = "high_value_now", "months_earlier"
SLICES = ("customer_type", "region", "plan", "lifecycle_stage")


@dataclass(frozen=True)
class Agreement:
    """Of what is shipped with what was judged, on the rows of the final window.

    Attributes
    ----------
    rank
        Spearman's correlation of their scores.
    level
        Total of the shipped one over that of the judged one at the same level.
    adopted
        False: they did not agree, and what was judged is shipped.
    """

    rank: float
    level: float
    adopted: bool


@dataclass(frozen=True)
class Trained:
    """One training. Figures come from the final window, opened once (`opened`).

    Attributes
    ----------
    model
        The winner as it is shipped.
    candidates
        All by name as they were judged, `rule` included.
    shipped
        The winner and the rule as they are shipped: fitted on every label, at the level of the newest.
    agreement
        Of the shipped with the judged winner on the final rows; None where the very model that was judged is shipped.
    winner
        Name of the one that was chosen before the final window.
    beats_rule
        Better than the rule on the final window, the interval of the difference above 0.
    lead
        Of the winner over the rule, over all windows together.
    levels
        Observed over predicted total of the final window for the models that were off there by more than chance; what
        is shipped is brought to it. Their figures and predictions in `metrics` and `final` are those before it.
    windows
        How many dates were told by models that had not seen them, the final one included.
    positives
        On all of them together.
    metrics
        model, metric, value, low, high, n.
    differences
        metric, value, low, high: winner over rule, more is better.
    choice
        model, metric, value over the windows before the final one; no value where there was none.
    slices
        Figures of the winner per slice.
    sliced
        The slicing columns of the rows of `final`.
    final
        customer_id, as_of, y, value and one prediction column per candidate.
    leaks
        Single features that tell the outcome by themselves and were learnt from, with their AUC: cut by time, they had
        not seen it. Those that somebody has confirmed are not named again.
    left_out
        Columns that know too much, which nothing has learnt from.
    findings
        Anything else worth telling.
    tenths
        tenth, metric, value, low, high, n: how often the winner's interval holds in each tenth of its prediction; empty for
        a target without one.
    importances
        as_of, feature, share: what moved the winner's scores at each origin, told by the model that had not seen it; empty
        where customers are judged in turns.
    survival
        group, model, metric, value, low, high, n: how well the time to the event is told, and Kaplan and Meier's curve by
        group (`time_to_event.figures`); empty for a target with one horizon.
    apart
        model, metric, value, low, high, n, positives: the winner and the rule on customers whom the target judges by
        themselves, too (early cases of potential VIPs, those whom no campaign treated); empty for the others. Of early cases
        also `months_earlier` of the winner.
    search
        For the shape of the trees, before anything else; None where none was asked for.
    judged_season
        What last year's season says of the level of the final date; adopted: candidates were judged at that level. None
        where no earlier date could be asked.
    season
        The same of the day of the training; adopted: what is shipped has that level, and not that of the final window.
    untreated
        Booleans: the rows of `final` on which models are held against each other, nobody whom a campaign treated; None: all.
    """

    target: str
    candidates: Mapping[str, Any]
    shipped: Mapping[str, Any]
    winner: str
    beats_rule: bool
    lead: Lead
    levels: dict[str, float]
    windows: int
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
    left_out: dict[str, Leak] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    agreement: "Agreement | None" = None
    tenths: pd.DataFrame = field(default_factory=pd.DataFrame)
    importances: pd.DataFrame = field(default_factory=pd.DataFrame)
    survival: pd.DataFrame = field(default_factory=pd.DataFrame)
    apart: pd.DataFrame = field(default_factory=pd.DataFrame)
    search: Search | None = None
    judged_season: Season | None = None
    season: Season | None = None
    untreated: Any = None

    @property
    def model(self) -> Model:
        """The winner as it is shipped."""
        return self.shipped[self.winner]

    @property
    def judged(self) -> Model:
        """The winner as it was judged."""
        return self.candidates[self.winner]

    def figure(self, model: str, metric: str) -> Estimate:
        """One figure of the final window."""
        row = self.metrics[(self.metrics.model == model) & (self.metrics.metric == metric)].iloc[0]
        return Estimate(float(row["value"]), float(row["low"]), float(row["high"]))

    @property
    def at_season(self) -> bool:
        """Is what is shipped at the level of last year's season, and not at that of the final window?"""
        return self.season is not None and self.season.adopted

    @property
    def better(self) -> bool:
        """Is the winner better than the rule in expectation, however sure that is?"""
        return self.winner != "rule" and self.lead.value > 0


def train(
    target: str,
    frame: pd.DataFrame,
    split: Split,
    settings: TrainingSettings,
    features: Sequence[str],
    *,
    ship: bool = True,
) -> Trained:
    """Train one target.

    Parameters
    ----------
    target
        Its name in the registry of targets.
    frame
        One row per (customer_id, as_of) of `split.dates`: features and the labels of every target.
    split
        Which dates are told beforehand, learnt from and judged on.
    settings
        How models are made and judged.
    features
        The columns to learn from, in order.
    ship
        False: nothing is fitted on the final window; what is shipped is what was judged, at its level.

    Raises
    ------
    HeadwaterError
        E351 labels of one class, E453 too few rows or positives.
    """
    rows = Rows(TARGETS[target], frame, split, tuple(features), settings)
    models, windows = rehearsed(rows)
    choice = choose(windows, list(models), rows)
    refitted(models, windows, rows)
    winner = str(choice.iloc[0]["model"])
    season = seasons.found(models[winner], rows, split.final) if windows and winner != "rule" else None
    if season and season.adopted:
        seasons.adopt(models, rows, season.day)
    opened = rows.final.open()
    final = final_window(models, windows, rows, opened)
    told = replace(_judged(models, winner, choice, windows, final, rows), judged_season=season)
    told = ship_refitted(told, windows, final, rows, opened) if ship and settings.refit else told
    return _at_season(told, rows, opened) if split.seasons and windows and winner != "rule" else told


def refitted(models: Mapping[str, Estimator], windows: Sequence[Window], rows: Rows) -> None:
    """Let the recipes learn from `every` date before the final one; calibrators stay those of the windows before."""
    learnt = fit_all(rows.target, models, *rows.of(rows.split.every, told=rows.split.final))
    anchor = rows.parts(windows[-1].rows) if windows else None
    for name, model in models.items():
        if anchor is None:
            model.start(learnt[name])
        else:
            model.adopt(learnt[name], anchor, windows[-1].raw[name])


def final_window(
    models: Mapping[str, Estimator], windows: Sequence[Window], rows: Rows, opened: pd.DataFrame
) -> Window:
    """The final window as the judged models tell it; raises E453 where it is empty."""
    seen = rows.judged(opened)
    if seen.empty:
        raise HeadwaterError("E453", target=rows.target.name, part="final", positives=0, least=1)
    final = window(models, rows, seen)
    if windows:
        final.tell(models)
    else:
        final.tell_by_halves(models)
    return final


def _judged(
    models: Mapping[str, Estimator],
    winner: str,
    choice: pd.DataFrame,
    windows: Sequence[Window],
    final: Window,
    rows: Rows,
) -> Trained:
    """Everything that the windows tell; what is shipped so far is what was judged, at the level of the newest labels."""
    settings, target = rows.settings, rows.target
    outcome, scores = final.outcome, final.scores
    weights = judging.resamples(outcome.customers, settings.resamples, settings.seed)
    metrics = judging.table(outcome, scores, weights)
    if target.interval:
        metrics = pd.concat([metrics, _coverage(final, target.interval, weights)], ignore_index=True)
    against = differences(outcome, scores[winner], scores["rule"], weights)
    judged_by = settings.judges(target.name)
    everything = [*windows, final]
    ratios = {name: _off(final, name, weights) for name in dict.fromkeys((winner, "rule"))}
    shipped = {name: _levelled(models[name], name, ratio, final, windows) for name, ratio in ratios.items()}
    for model in shipped.values():
        model.facts_ = _facts(winner, rows)
    return Trained(
        target=target.name,
        candidates=models,
        shipped=shipped,
        winner=winner,
        beats_rule=bool(winner != "rule" and against.set_index("metric").loc[judged_by, "low"] > 0),
        lead=judging.lead(
            [w.compared(winner, "rule") for w in everything],
            judged_by,
            settings.resamples,
            settings.seed,
        ),
        levels={name: ratio for name, ratio in ratios.items() if ratio is not None},
        windows=len(everything),
        positives=sum(int((w.outcome.y > 0).sum()) for w in everything),
        metrics=metrics,
        differences=against,
        choice=choice,
        final=final.rows[["customer_id", "as_of"]].assign(y=outcome.y, value=outcome.value, **scores),
        split=rows.split,
        features=rows.features,
        rows=rows.counts | {"final": len(final.rows)},
        judged_by=judged_by,
        opened=rows.final.opened,
        **_on_whom(models, winner, everything, rows, weights),
    )


def _on_whom(
    models: Mapping[str, Estimator], winner: str, windows: Sequence[Window], rows: Rows, weights: Array
) -> dict[str, Any]:
    """What the winner is worth for parts of the customers, by tenth and by feature; the final window is the last one."""
    final, target, known = windows[-1], rows.target, rows.learnt()
    sliced = final.rows[[c for c in SLICES if c in final.rows]]
    apart = [judged_apart(final, winner, target, weights), _earlier(windows, winner, rows)]
    return {
        "slices": judging.by_slice(final.outcome, final.scores[winner], sliced),
        "sliced": sliced,
        "untreated": final.untreated,
        "survival": time_to_event.figures(models, winner, final, rows, SLICES),
        "tenths": _tenths(final, winner, target.interval, weights),
        "apart": pd.concat(apart, ignore_index=True),
        "importances": _importances(windows, winner, rows),
        "leaks": leaking(known, known[rows.label].astype(float), rows.unconfirmed) if target.task.leaks else {},
    }


def _off(final: Window, name: str, weights: Array) -> float | None:
    """Observed over predicted of the final window if that is off by more than chance."""
    scores = final.scores[name]
    return float(final.outcome.y.sum() / scores.sum()) if levels.is_off(final.outcome, scores, weights) else None


def _levelled(model: Estimator, name: str, ratio: float | None, final: Window, windows: Sequence[Window]) -> Estimator:
    """What was judged, at the level of the final window where it was off there; without windows before, calibrated there."""
    made = copy.copy(model)
    if not windows:
        made.calibrate([final.known(name)])
    return made if ratio is None else made.relevel(*final.known(name))


def ship_refitted(
    trained: Trained, windows: Sequence[Window], final: Window, rows: Rows, opened: pd.DataFrame
) -> Trained:
    """The winner and the rule fitted on every label, calibrated on all windows, if the winner agrees with the judged one.

    Parameters
    ----------
    trained
        What was judged.
    windows, final
        What was told of each date by models that had not seen it.
    rows, opened
        The snapshots, and those of the final date.
    """
    names = {c.name: c.members for c in rows.target.declared}
    wanted = dict.fromkeys((*names.get(trained.winner, ()), trained.winner, "rule"))
    models = {name: copy.copy(trained.candidates[name]) for name in wanted}
    learnt = fit_all(rows.target, models, *rows.all(opened))
    calibrated(models, [*windows, final], rows)
    X, y = rows.parts(final.rows)
    for name, model in models.items():
        model.adopt(learnt[name], (X, y), final.raw[name])
    if "rule" in trained.levels:
        models["rule"].relevel(*final.known("rule"))
    judged = trained.shipped[trained.winner].told(final.raw[trained.winner])[final.score]
    agreement = _agreement(models[trained.winner].outputs(X)[final.score], judged, rows.settings.refit_agreement)
    shipped = {name: models[name] if agreement.adopted else trained.shipped[name] for name in trained.shipped}
    for model in shipped.values():
        model.facts_ = _facts(trained.winner, rows, everything=agreement.adopted)
    partial = rows.count_partial(partly=_partly(trained.winner, rows)) if agreement.adopted else 0
    counts = {**trained.rows, **({"partial": partial} if partial else {})}
    return replace(trained, shipped=shipped, agreement=agreement, rows=counts)


def _at_season(trained: Trained, rows: Rows, final: pd.DataFrame) -> Trained:
    """What is shipped at the level of last year's season on the day of the training, where that tells more."""
    today = rows.split.seasons[-1].told
    season = (
        seasons.found(trained.shipped[trained.winner], rows, today, rows.judged(final))
        if today > rows.split.final
        else None
    )
    if season and season.adopted:
        seasons.adopt(trained.shipped, rows, season.day)
    return replace(trained, season=season)


def _agreement(shipped: pd.Series, judged: pd.Series, least: float) -> Agreement:
    """Scores that are all alike have no order to agree on."""
    a, b = shipped.to_numpy(dtype=float), judged.to_numpy(dtype=float)
    rank = float(spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else float(np.ptp(a) == np.ptp(b))
    return Agreement(rank, float(a.sum() / b.sum()) if b.sum() else float("nan"), rank >= least)


def _coverage(final: Window, interval: tuple[str, str], weights: Array) -> pd.DataFrame:
    """How often the interval held the truth."""
    found = []
    for name, told in final.told.items():
        low, high = (told[output].to_numpy() for output in interval)
        figure = judging.coverage_estimate(final.outcome, low, high, weights)
        found.append({"model": name, "metric": "coverage", **vars(figure), "n": len(told)})
    return pd.DataFrame(found)


def _tenths(final: Window, winner: str, interval: tuple[str, str] | None, weights: Array) -> pd.DataFrame:
    """How often the winner's interval held the truth in each tenth of its prediction."""
    if interval is None:
        return pd.DataFrame()
    low, high = (final.told[winner][output].to_numpy() for output in interval)
    return judging.by_tenth(final.outcome, final.scores[winner], low, high, weights)


def _importances(windows: Sequence[Window], winner: str, rows: Rows) -> pd.DataFrame:
    """What moved the winner's scores at each origin; the models are those that told it, nothing is fitted for this."""
    return importance.by_origin(
        [(w.rows["as_of"].iloc[0], w.models[winner], rows.parts(w.rows)[0]) for w in windows if len(w.rows)]
    )


def judged_apart(final: Window, winner: str, target: Target, weights: Array) -> pd.DataFrame:
    """The winner and the rule on those whom the target judges by themselves, too; empty where it names nobody."""
    if target.apart is None or target.apart not in final.rows:
        return pd.DataFrame()
    among = final.rows[target.apart].eq(True).fillna(False).to_numpy(dtype=bool)
    scores = {name: final.scores[name] for name in dict.fromkeys((winner, "rule"))}
    return judging.apart(final.outcome, scores, among, weights)


def _earlier(windows: Sequence[Window], winner: str, rows: Rows) -> pd.DataFrame:
    """Of those who became high-value and had no high bill yet: how many months before the rule of today the winner names
    them, in the form of `judging.apart`; empty for another target, and where it named nobody of them."""
    target, settings, rule = rows.target, rows.settings, rows.settings.candidates.rules.of(rows.target.name)
    if target.apart is None or not rows.knows(HIGH, target.apart) or HIGH not in target.facts or winner == "rule":
        return pd.DataFrame()
    named = pd.concat([_named(window, winner, target.apart) for window in windows], ignore_index=True)
    seen = rows.dated([HIGH, rule.column])
    by_rule = lead_time.named_by_rule(seen, rule.column, higher=rule.higher)
    found, n = lead_time.months_earlier(named, by_rule, seen["as_of"].max(), settings.resamples, settings.seed)
    figure = {"model": winner, "metric": EARLIER, **vars(found), "n": n, "positives": n}
    return pd.DataFrame([figure] if n else [])


def _named(window: Window, winner: str, early: str) -> pd.DataFrame:
    """Whom the winner names on a date and who became one without having had a high bill."""
    hits = window.rows[early].eq(True).fillna(False).to_numpy(dtype=bool) & (window.outcome.y > 0)
    named = lead_time.top(pd.Series(window.scores[winner])).to_numpy()
    return window.rows.loc[hits & named, ["customer_id", "as_of"]]


def differences(outcome: Outcome, ours: Array, rule: Array, weights: Array) -> pd.DataFrame:
    """Winner against rule on the same resamples; `total_bias` has no better direction and is left out."""
    names = [m for m in outcome.task.metrics if m != "total_bias"]
    found = [{"metric": m, **vars(judging.advantage(outcome, ours, rule, m, weights))} for m in names]
    return pd.DataFrame(found)


def _partly(winner: str, rows: Rows) -> bool:
    """Does the winner learn from dates that have shown only a part of their outcome?"""
    return rows.by_period and any(c.by_period for c in rows.target.declared if c.name == winner)


def _facts(winner: str, rows: Rows, *, everything: bool = False) -> dict[str, Any]:
    """What travels with the model; `everything`: it has learnt from the final date too, and what came since."""
    split = rows.split
    learnt = rows.dates_learnt(partly=_partly(winner, rows)) if everything else split.every
    dates: dict[str, Sequence[date]] = {"calibrate": split.calibrate, "every": split.every, "learnt": learnt}
    if _partly(winner, rows):
        dates["partial"] = rows.partial_dates(split.final)
    told: dict[str, Any] = {name: [d.isoformat() for d in found] for name, found in dates.items()}
    return told | {
        "target": rows.target.name,
        "learner": winner,
        "final": split.final.isoformat(),
        "features": list(rows.features),
    }
