"""What training found, in the forms that others need: the evaluation beside the models, sentences, pictures."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from features.definition import KEY
from models.evaluation import importance
from models.targets.registry import TARGETS
from models.training import EARLIER, Trained
from models.tuning import Search
from pipelines.delivery import charts
from pipelines.flows.dataset import Dataset
from pipelines.project import Project
from pipelines.tracking.tracking import Version
from pipelines.wording.texts import text
from pipelines.workspace import evaluations
from pipelines.workspace.paths import Workspace

log = logging.getLogger(__name__)
MONEY = "captured_value_at_10pct"
"""How much of the money the best tenth holds: what a list is worth."""
SHOWN = 20
"""Features whose share is kept with an evaluation."""


def evaluation(trained: Trained) -> dict[str, Any]:
    """Everything of a training except its rows; JSON-ready."""
    split, learnt = trained.split, trained.model.facts_["learnt"]
    return {
        "target": trained.target,
        "winner": trained.winner,
        "beats_rule": trained.beats_rule,
        "windows": trained.windows,
        "lead": vars(trained.lead),
        "levels": trained.levels,
        "season": trained.season.as_dict() if trained.season else None,
        "judged_season": trained.judged_season.as_dict() if trained.judged_season else None,
        "judged_by": trained.judged_by,
        "rows": trained.rows,
        "dates": {
            "calibrate": [day.isoformat() for day in split.calibrate],
            "every": [day.isoformat() for day in split.every],
            "final": split.final.isoformat(),
            "learnt": learnt,
        },
        "metrics": _records(trained.metrics),
        "differences": _records(trained.differences),
        "choice": _records(trained.choice),
        "slices": _records(trained.slices),
        "survival": _records(trained.survival),
        "apart": _records(trained.apart),
        "leaks": trained.leaks,
        "left_out": {name: vars(leak) for name, leak in trained.left_out.items()},
        "folds": split.folds,
        "findings": trained.findings,
        "agreement": vars(trained.agreement) if trained.agreement else None,
        "search": _searched(trained.search) if trained.search else None,
    }


def _searched(search: Search) -> dict[str, Any]:
    """Every trial of a search with its shape and figure, the configured one first."""
    tried = [{**trial.trees.model_dump(), "value": trial.value} for trial in (search.configured, *search.trials)]
    figures = {"metric": search.metric, "gap": search.gap, "error": search.error, "better": search.better}
    return {"candidate": search.candidate, **figures, "trials": tried}


def sentence(trained: Trained, lang: str) -> str:
    """Who won, by how much, and how sure that is; or that nothing beat the rule; then what else is to be known of it."""
    name, lead = trained.judged_by, trained.lead
    gap = trained.differences.set_index("metric").loc[name]
    ours, rule = trained.figure(trained.winner, name).value, trained.figure("rule", name).value
    figures = {"metric": name, "ours": ours, "rule": rule, "low": gap.low, "high": gap.high, "sure": lead.sure}
    key = "beats" if trained.beats_rule and trained.better else "expected" if trained.better else "nothing"
    outcome = text(f"steps.trained.{key}", lang, winner=trained.winner, **figures)
    return outcome + "".join(text(f"steps.trained.{part}", lang, **values) for part, values in _remarks(trained))


def search_sentence(search: Search | None, target: str, lang: str) -> str:
    """What a search for better trees has found; None: there was nothing to tell beforehand."""
    if search is None:
        return text("steps.tuned.nothing", lang, target=target)
    figures = {"target": target, "n": len(search.trials), "metric": search.metric, "before": search.configured.value}
    key = "better" if search.better else "equal"
    return text(f"steps.tuned.{key}", lang, **figures, best=search.best.value, gap=search.gap, error=search.error)


def _remarks(trained: Trained) -> Iterator[tuple[str, dict[str, Any]]]:
    """What else is to be known of a training: the key of its wording, and its figures."""
    split = trained.split
    if trained.windows > 1:
        yield "windows", {"windows": trained.windows, "lead": trained.lead.value}
    if split.folds:
        yield "folds", {"folds": split.folds}
    if trained.left_out:
        yield "left_out", {"names": _with_auc({name: leak.auc for name, leak in trained.left_out.items()})}
    if trained.leaks:
        yield "leaks", {"names": _with_auc(trained.leaks)}
    money = trained.differences.set_index("metric").reindex([MONEY]).iloc[0]
    if money.high < 0:
        yield "rule_by_money", {"low": money.low, "high": money.high}
    if trained.rows.get("treated"):
        yield "treated", {"n": trained.rows["treated"]}
    yield from _apart(trained)
    yield from _seasons(trained)
    if trained.winner in trained.levels and not trained.at_season:
        yield "level", {"final": split.final.isoformat(), "ratio": trained.levels[trained.winner]}
    if trained.agreement:
        yield "shipped" if trained.agreement.adopted else "not_shipped", {"rank": trained.agreement.rank}


def _seasons(trained: Trained) -> Iterator[tuple[str, dict[str, Any]]]:
    """Whose level is that of last year's season: what was judged, and what is shipped."""
    for key, season in (("season_judged", trained.judged_season), ("season", trained.season)):
        if season and season.adopted:
            yield key, season.as_dict()


JUDGED_APART = {"early": "found_at_5pct", "untouched": "auc"}
"""Of those who are judged by themselves, by what they are called: the figure that is told."""


def _apart(trained: Trained) -> Iterator[tuple[str, dict[str, Any]]]:
    """The model and the rule on those who are judged by themselves, where any of them is positive."""
    if trained.apart.empty or trained.winner == "rule":
        return
    key, told = TARGETS[trained.target].apart_group, trained.apart.set_index("metric")
    if EARLIER in told.index:
        months = told.loc[EARLIER]
        yield (
            "earlier",
            {"months": months["value"], "low": months["low"], "high": months["high"], "n": int(months["n"])},
        )
    found = trained.apart[trained.apart["metric"] == JUDGED_APART[key]].set_index("model")
    if positives := int(found["positives"].max()) if len(found) else 0:
        counts = {"n": positives, "of": int(found["n"].iloc[0])}
        yield key, counts | {"ours": found.at[trained.winner, "value"], "rule": found.at["rule", "value"]}


def _with_auc(areas: Mapping[str, float]) -> str:
    return ", ".join(f"{name} (AUC {area:.2f})" for name, area in areas.items())


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(frame.to_json(orient="records", double_precision=6))


def importance_shares(trained: Trained, frame: pd.DataFrame) -> dict[str, float]:
    """Share of each feature in what moves the winner's scores, over customers of the final window.

    Parameters
    ----------
    trained
        With the winner.
    frame
        Snapshots that hold the final window.

    Returns
    -------
    dict
        Column -> share, 0 to 1, the largest first; they sum to one.
    """
    rows = frame.loc[frame["as_of"] == trained.split.final, [*KEY, *trained.features]]
    return {str(name): float(share) for name, share in importance.shares(trained.model, rows).items()}


def importance_by_origin(trained: Trained, shares: Mapping[str, float]) -> dict[str, Any]:
    """How the share of each shown feature differs from origin to origin; JSON-ready.

    Parameters
    ----------
    trained
        With the shares of every origin.
    shares
        Column -> share in what is shipped.

    Returns
    -------
    dict
        origins (dates) and features: column -> least, most, stable (null with one origin only).
    """
    known = importance.stability(trained.importances)
    shown = known[known["feature"].isin(list(shares)[:SHOWN])].set_index("feature")
    days = sorted({str(day) for day in trained.importances.get("as_of", ())})
    told = shown[["least", "most", "stable"]].round(6).astype(object).where(lambda t: t.notna(), None)
    return {"origins": days, "features": told.to_dict("index")}


def by_reason(project: Project, shares: Mapping[str, float]) -> dict[str, float]:
    """The shares of features, summed by the business reason that they belong to."""
    reason = {feature.column: feature.reason for feature in project.features}
    sums: dict[str, float] = {}
    for column, share in shares.items():
        sums[reason[column]] = sums.get(reason[column], 0.0) + share
    return sums


def circumstances(
    project: Project, data: Dataset, trained: Trained, decision: dict[str, Any], shares: Mapping[str, float]
) -> dict[str, Any]:
    """What a model card says besides the figures; JSON-ready.

    Parameters
    ----------
    project
        Its features.
    data
        What was learnt from.
    trained
        Every candidate of a target, and the winner.
    decision
        Of the gate.
    shares
        Column -> share of the winner's scores, the largest first.
    """
    return {
        "as_of": str(data.as_of),
        "gate": decision,
        "definition": data.targets.of(trained.target).model_dump(mode="json"),
        "tables": list(data.tables),
        "inputs": data.inputs,
        "feature_set_hash": project.feature_set_hash,
        "features": len(trained.features),
        "importance": dict(list(shares.items())[:SHOWN]),
        "importance_by_origin": importance_by_origin(trained, shares),
        "reasons": by_reason(project, shares),
        "positives": trained.positives,
    }


def plots(trained: Trained, weights: dict[str, float]) -> dict[str, str]:
    """SVG by name: gain, what the top finds, importance by business reason, and what the task of the target asks for."""
    y, ours = trained.final["y"].to_numpy(), trained.final[trained.winner].to_numpy()
    models = {name: trained.final[name].to_numpy() for name in trained.candidates}
    draws: dict[str, Callable[[], Figure]] = {
        "gain": lambda: charts.gain(y, models, trained.winner, "en"),
        "lift": lambda: charts.captured_bars(y, models, trained.winner, "en"),
        "importance": lambda: charts.reasons(weights, "en"),
    }
    by_task: dict[str, Callable[[], Figure]] = {
        "calibration": lambda: charts.calibration(y, ours, "en"),
        "deciles": lambda: charts.deciles(y, ours, "", "en"),
    }
    draws |= {name: by_task[name] for name in TARGETS[trained.target].task.plots if name in by_task}
    figures = {name: _picture(draw, f"{trained.target}-{name}", name) for name, draw in draws.items()}
    return {name: svg for name, svg in figures.items() if svg}


def _picture(draw: Callable[[], Figure], name: str, title: str) -> str | None:
    """An SVG, or None with a word in the log: minutes of training are not lost because of a picture."""
    try:
        return charts.svg(draw(), name, title)
    except Exception as error:
        log.warning("the picture %s was left out: %s: %s", name, type(error).__name__, error)
        return None


def save_evaluation(
    workspace: Workspace, version: Version, trained: Trained, facts: Mapping[str, Any] | None = None
) -> None:
    """Save the figures and rows of the final window beside the models, and what was judged if another fit is shipped.

    Parameters
    ----------
    workspace
        Where.
    version
        The one that was registered for it.
    trained
        Every candidate of the target.
    facts
        Its evaluation with its circumstances; the evaluation alone if None.

    Raises
    ------
    HeadwaterError
        E714 (exit 7) for a number that was given before.
    """
    judged = trained.judged.to_files() if trained.model.facts_.get("judged_sha256") else None
    kept = dict(facts) if facts is not None else evaluation(trained)
    evaluations.save(workspace, version.name, kept, trained.final.drop(columns=KEY), judged)
