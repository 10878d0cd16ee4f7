"""The models' part of the report: grade in words, figures with intervals, pictures, and plain speech when nothing won."""

import hashlib
from collections.abc import Hashable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from models.targets.registry import TARGETS
from models.targets.target import Target
from models.targets.task import REGRESSION
from pipelines.delivery import charts, report_grade
from pipelines.delivery.report_data import Evaluation, Page
from pipelines.delivery.speech import Speech
from pipelines.wording.formats import NOTHING, missing
from pipelines.wording.texts import text

TOP = 0.05  # the share of customers at which models are told about in words


def models(page: Page) -> list[dict[str, Any]]:
    """One block per target, in the order of the registry."""
    data = page.data
    known = [target for name, target in TARGETS.items() if name in data.evaluations]
    return [
        block(page, target, data.evaluations[target.name], data.models.get(target.name, NOTHING))
        | {"pictures": pictures(page, target, data.evaluations[target.name])}
        for target in known
    ]


def block(page: Speech, target: Target, evaluation: Evaluation, version: str) -> dict[str, Any]:
    """How good the models of a target are, in one language, without pictures.

    Parameters
    ----------
    page
        Its language.
    target
        What is predicted.
    evaluation
        On the final window.
    version
        Of the chosen model.

    Returns
    -------
    dict
        target, version, grade, grade_class, grade_words, sentences, measured_on, candidates, metrics: finished words.
    """
    mark = report_grade.grade(target, evaluation)
    candidates = evaluation.compared_models
    return {
        "target": text(f"targets.{target.name}.name", page.lang),
        "version": version,
        "grade": mark if mark != "few" else NOTHING,
        "grade_class": mark,
        "grade_words": page.say(f"grade_{mark}"),
        "sentences": _sentences(page, target, evaluation, mark),
        "measured_on": _measured_on(page, target, evaluation),
        "candidates": [(charts.model_name(name, page.lang), name == evaluation.winner) for name in candidates],
        "metrics": figures(page, target, evaluation, candidates),
    }


def figures(page: Speech, target: Target, evaluation: Evaluation, candidates: Sequence[str]) -> list[dict[str, Any]]:
    """What the report shows of a target: a row per metric, a figure with its interval per candidate.

    Parameters
    ----------
    page
        Its language.
    target
        What is predicted.
    evaluation
        On the final window.
    candidates
        The columns, in order.
    """
    return [_metric(page, m, evaluation, candidates) for m in target.report_figures if _has_metric(evaluation, m)]


def _positives(evaluation: Evaluation) -> int:
    return int(evaluation.final["y"].sum())


def _sentences(page: Speech, target: Target, evaluation: Evaluation, mark: str) -> list[str]:
    if mark == "few":
        return [page.say("found_few", n=page.count(_positives(evaluation)))]
    lines = []
    if "rule" in evaluation.final and evaluation.winner != "rule":
        lines += _comparison(page, target, evaluation)
    if evaluation.margin < 1:
        lines.append(page.say("found_margin", share=page.share(evaluation.margin, 0)))
    if len(evaluation.apart):
        lines += _apart(page, target, evaluation)
    if evaluation.season:
        day, ratio = date.fromisoformat(evaluation.season["day"]), f"{evaluation.season['ratio']:.2f}"
        lines.append(page.say("found_season", day=page.day(day), ratio=ratio))
    elif evaluation.level:
        lines.append(page.say("found_level", ratio=f"{evaluation.level:.2f}"))
    if evaluation.left_out:
        lines.append(page.say("found_left_out", names=", ".join(evaluation.left_out)))
    lines += (which := report_grade.advice(page, target, evaluation))
    if mark == "C" and not which:
        lines.append(_no_better(page, target, evaluation))
    return lines


def _no_better(page: Speech, target: Target, evaluation: Evaluation) -> str:
    """Why nothing better than today's rule is in force: refused, not certain, or not better."""
    if evaluation.refused and (why := report_grade.refused(page, evaluation.refused["checks"])):
        return page.say("found_refused", version=evaluation.refused["version"], why=why)
    return page.say("found_unsure" if _is_ahead(target, evaluation) else "found_worse")


def _apart(page: Speech, target: Target, evaluation: Evaluation) -> list[str]:
    """The chosen model and today's rule on those who are judged by themselves; nothing where nothing can be said of them."""
    if target.apart_group == "early":
        return [_early(page, evaluation), *_earlier(page, evaluation)]
    rows = evaluation.apart[evaluation.apart["metric"] == "auc"].set_index("model")
    n, positives = int(rows["n"].iloc[0]), int(rows["positives"].iloc[0])
    if not positives or "rule" not in rows.index:
        return []
    told = {"n": page.count(n), "positives": page.count(positives)}
    for name, model in (("winner", evaluation.winner), ("rule", "rule")):
        keys = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
        told |= {key: number(page, "auc", rows.at[model, end]) for end, key in keys.items()}
    return [page.say("found_untouched", **told)]


def _earlier(page: Speech, evaluation: Evaluation) -> list[str]:
    """How many months before today's rule the model names early cases; nothing where it named none."""
    rows = evaluation.apart[evaluation.apart["metric"] == "months_earlier"].to_dict("records")
    return [
        page.say(
            "found_earlier",
            months=f"{row['value']:.1f}",
            low=f"{row['low']:.1f}",
            high=f"{row['high']:.1f}",
            n=page.count(row["n"]),
        )
        for row in rows
    ]


def _early(page: Speech, evaluation: Evaluation) -> str:
    """Those who had no high bill yet, by themselves: what the chosen model finds of them, beside today's rule."""
    table = evaluation.apart
    n, positives = int(table.iloc[0]["n"]), int(table.iloc[0]["positives"])
    if not positives:
        return page.say("found_early_none", n=page.count(n))
    rows = {(row["model"], row["metric"]): row for row in table.to_dict("records")}
    told = {"n": page.count(n), "positives": page.count(positives)}
    for name, model in (("winner", evaluation.winner), ("rule", "rule")):
        found, precision = rows[model, "found_at_5pct"], rows[model, "average_precision"]
        told[name] = page.share(found["value"], 0)
        told[f"{name}_low"], told[f"{name}_high"] = (page.share(found[end], 0) for end in ("low", "high"))
        told[f"{name}_precision"] = number(page, "average_precision", precision["value"])
    return page.say("found_early", **told)


def _is_ahead(target: Target, evaluation: Evaluation) -> bool:
    """The chosen model's figure is better than the rule's, however uncertain that is."""
    ours, rule = (figure(evaluation, model, target.metric) for model in (evaluation.winner, "rule"))
    if evaluation.winner == "rule" or ours is None or rule is None:
        return False
    return bool(ours["value"] > rule["value"])


def _comparison(page: Speech, target: Target, evaluation: Evaluation) -> list[str]:
    """What the chosen model finds at the top, what money that is, or by how much it is off, beside today's rule."""
    say, money = page.say, _money_at_top(page, target, evaluation)
    if target.task is REGRESSION:
        ours, rule = (_mean_error(evaluation, model) for model in (evaluation.winner, "rule"))
        told = {"winner": page.money(ours, 2), "rule": page.money(rule, 2), "ratio": _change(ours, rule)}
        return [*money, say("found_value", **told)]
    ours, rule = (_captured_share(evaluation, model, TOP) for model in (evaluation.winner, "rule"))
    shares = {"share": page.share(TOP, 0), "winner": page.share(ours, 0), "rule": page.share(rule, 0)}
    return [say("found", ratio=_change(ours, rule), **shares), *money]


def _money_at_top(page: Speech, target: Target, evaluation: Evaluation) -> list[str]:
    """What money those at the top hold, beside those whom the rule puts there; nothing where that is not sold or known."""
    metric = next((name for name in target.sold_figures if name.startswith("captured_value")), "")
    ours, rule = (figure(evaluation, model, metric) for model in (evaluation.winner, "rule"))
    if ours is None or rule is None or missing(ours["value"]) or missing(rule["value"]):
        return []
    told = {"winner": page.share(ours["value"], 0), "rule": page.share(rule["value"], 0)}
    return [page.say(f"found_money_{target.name}", **told)]


def _captured_share(evaluation: Evaluation, model: str, share: float) -> float:
    y, prediction = evaluation.final["y"].to_numpy(), evaluation.final[model].to_numpy()
    return float(charts.captured_shares(y, prediction, [share])[0])


def _mean_error(evaluation: Evaluation, model: str) -> float:
    return float((evaluation.final[model] - evaluation.final["y"]).abs().mean())


def _change(ours: float, rule: float) -> str:
    return f"{ours / rule - 1:+.0%}" if rule else NOTHING


def _measured_on(page: Speech, target: Target, evaluation: Evaluation) -> str:
    n = page.count(len(evaluation.final))
    if target.task is REGRESSION:
        return page.say("measured_on_value", n=n)
    return page.say("measured_on", n=n, positives=page.count(_positives(evaluation)))


def _metric(page: Speech, metric: str, evaluation: Evaluation, candidates: Sequence[str]) -> dict[str, Any]:
    found = [figure(evaluation, name, metric) for name in candidates]
    return {
        "name": page.say(f"metric_{metric}"),
        "figures": [figure_words(page, metric, one) for one in found],
    }


def figure_words(page: Speech, metric: str, found: pd.Series | None) -> dict[str, str]:
    """A figure and its interval, finished: value and interval, which is empty where none is known."""
    if found is None:
        return {"value": NOTHING, "interval": ""}
    value, low, high = (number(page, metric, found[part]) for part in ("value", "low", "high"))
    return {"value": value, "interval": "" if missing(found["low"]) else f"{low} – {high}"}


def number(page: Speech, metric: str, value: float) -> str:
    """A figure in words, by the kind of its metric."""
    if missing(value):
        return NOTHING
    if metric == "mae":
        return page.money(value, 2)
    if metric.startswith("lift"):
        return f"{value:.1f}×"
    if metric.startswith(("captured", "coverage")) or metric == "ece":
        return page.share(value, 1)
    return f"{value:.3f}"


def _has_metric(evaluation: Evaluation, metric: str) -> bool:
    return bool(evaluation.metrics["metric"].eq(metric).any())


def figure(evaluation: Evaluation, model: str, metric: str) -> pd.Series | None:
    """The row of one figure: value, low, high, n; None where it was not measured."""
    table = evaluation.metrics
    rows = table[table["model"].eq(model) & table["metric"].eq(metric)]
    return rows.iloc[0] if len(rows) else None


def pictures(page: Speech, target: Target, evaluation: Evaluation) -> list[dict[str, str]]:
    """SVG figures with their titles, drawn once for all nights of a champion that one process runs."""
    key = (page.lang, page.money(0), target.name, *_drawn_from(evaluation))
    if key not in _PICTURES:
        if len(_PICTURES) >= MOST_KEPT:
            _PICTURES.clear()
        _PICTURES[key] = _new_pictures(page, target, evaluation)
    return [dict(picture) for picture in _PICTURES[key]]


_PICTURES: dict[tuple[Hashable, ...], list[dict[str, str]]] = {}
"""Drawing is most of the time of a report, and the same for every night of a champion."""
MOST_KEPT = 24


def _drawn_from(evaluation: Evaluation) -> tuple[Hashable, ...]:
    """What tells the pictures of one evaluation from those of another."""
    known = evaluation.final[["y", *evaluation.compared_models]].astype(float)
    rates = None if evaluation.rates is None else evaluation.rates.to_json(date_format="iso")
    return (*known.columns, hashlib.sha256(known.to_numpy().tobytes()).digest(), rates)


def _new_pictures(page: Speech, target: Target, evaluation: Evaluation) -> list[dict[str, str]]:
    """The same functions draw those of the tracking store."""
    y, lang = evaluation.final["y"].to_numpy(dtype=float), page.lang
    known = {name: evaluation.final[name].to_numpy(dtype=float) for name in evaluation.compared_models}
    ours = known[evaluation.winner]
    drawn = {
        "gain": charts.gain(y, known, evaluation.winner, lang),
        "captured": charts.captured_bars(y, known, evaluation.winner, lang),
    }
    if "deciles" in target.task.plots:
        drawn["deciles"] = charts.deciles(y, ours, page.money(0)[:-1], lang)
    if "calibration" in target.task.plots:
        drawn["calibration"] = charts.calibration(y, ours, lang)
    if "rates" in target.task.plots and evaluation.rates is not None and len(evaluation.rates) > 1:
        drawn["rates"] = charts.rates(evaluation.rates, lang)
    return [_picture(page, target, name, one) for name, one in drawn.items() if np.any(y)]


def _picture(page: Speech, target: Target, name: str, drawn: Any) -> dict[str, str]:
    title = page.say(f"picture_{name}")
    alt = f"{text(f'targets.{target.name}.name', page.lang)}: {title}"
    return {"name": name, "title": title, "svg": charts.svg(drawn, f"{page.lang}-{target.name}-{name}", alt)}
