"""The backtest page's account of one target: date by date, candidates, promises, band, groups, features, what is in force."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from models.evaluation import importance, pooling
from models.evaluation.metrics import LOWER_IS_BETTER
from models.training import Trained
from pipelines.delivery import backtest_promises, charts, drivers, report_models
from pipelines.delivery.backtest_data import BacktestPage, evaluation, target_of
from pipelines.delivery.drivers import Driver
from pipelines.delivery.report_data import Evaluation
from pipelines.wording.formats import NOTHING, missing
from pipelines.wording.texts import text

WEAKEST = 10
"""Groups that are shown."""
NAMED = 3
"""Most important features that are named of the model in force."""


def model(page: BacktestPage, origins: Sequence[Trained]) -> dict[str, Any]:
    """Finished words, figures and pictures of one target.

    Parameters
    ----------
    page
        Its language and data.
    origins
        Of the target, oldest first.
    """
    newest = origins[-1]
    final = page.tell("newest", final=page.day(newest.split.final))
    about = report_models.block(page, target_of(newest), evaluation(newest), final)
    table, key = _candidates(page, newest), "lead" if len(origins) > 1 else "lead_one"
    return about | {
        "name": newest.target,
        "origins": _origins(page, origins),
        "candidates_lead": page.tell(f"candidates.{key}", n=len(origins)),
        "candidates": [
            (_model_name(page, name), name == newest.winner and len(origins) == 1) for name in table.compared
        ],
        "metrics": report_models.figures(page, target_of(newest), table.figures, table.compared),
        "promises": backtest_promises.table(page, newest),
        "pictures": backtest_promises.pictures(page, origins),
        "band": backtest_promises.band(page, newest),
        "slices": _slices(page, newest),
        "drivers": _drivers(page, origins),
        "drivers_lead": _drivers_lead(page, origins),
        "champion": _champion(page, newest),
    }


def _model_name(page: BacktestPage, name: str) -> str:
    return page.tell("candidates.chosen") if name == pooling.CHOSEN else charts.model_name(name, page.lang)


class _Table:
    """Figures of all candidates, and their order."""

    def __init__(self, figures: Evaluation, compared: list[str]):
        self.figures, self.compared = figures, compared


def _candidates(page: BacktestPage, newest: Trained) -> _Table:
    """Of all origins together where there are several, otherwise of the one; the chosen first, the rule last."""
    found = page.data.of(newest.target, "pooled")
    known = found[found["group"].isna()] if len(found) else newest.metrics
    first = [pooling.CHOSEN] if len(found) else [newest.winner]
    others = [m for m in dict.fromkeys(known["model"]) if m not in (*first, "rule")]
    return _Table(Evaluation(known, newest.final, newest.winner, newest.beats_rule), [*first, *others, "rule"])


def _one(table: pd.DataFrame, **wanted: Any) -> Any:
    """The first row in which columns are as wanted."""
    for column, value in wanted.items():
        table = table[table[column].isna()] if value is None else table[table[column].eq(value)]
    return table.iloc[0]


def _origins(page: BacktestPage, origins: Sequence[Trained]) -> dict[str, Any]:
    """The metric that judges, the chosen candidate's and the rule's, and the lead: by origin, then of all together."""
    newest, data = origins[-1], page.data
    metric, several = newest.judged_by, len(origins) > 1
    judged, lead = data.of(newest.target, "judged", metric), data.of(newest.target, "lead", metric)
    judged = judged[judged["group"].isna()]
    rows = []
    for trained in origins:
        day, winner = trained.split.final, trained.winner
        found = [_one(judged, as_of=day, model=name) for name in (winner, "rule")] + [_one(lead, as_of=day)]
        rows.append(_origin(page, metric, page.day(day), _model_name(page, winner), found))
    if several:
        pooled = data.of(newest.target, "pooled", metric)
        found = [_one(pooled, group=None, model=name) for name in (pooling.CHOSEN, "rule")] + [_one(lead, as_of=None)]
        rows.append(_origin(page, metric, page.tell("pooled"), _model_name(page, pooling.CHOSEN), found))
    sentence = _origins_lead(page, origins) if several else page.tell("origins.lead_one")
    return {"lead": sentence, "metric": page.say(f"metric_{metric}"), "rows": rows}


def _origin(page: BacktestPage, metric: str, name: str, model_: str, found: Sequence[Any]) -> dict[str, Any]:
    *figures, gap = found
    ahead = {key: NOTHING if missing(gap[key]) else f"{gap[key]:+.3f}" for key in ("value", "low", "high")}
    told = [report_models.figure_words(page, metric, row) for row in figures]
    told.append({"value": ahead["value"], "interval": f"{ahead['low']} – {ahead['high']}"})
    return {"name": name, "model": model_, "figures": told, "rows": page.count(figures[0]["n"])}


def _origins_lead(page: BacktestPage, origins: Sequence[Trained]) -> str:
    metric = origins[-1].judged_by
    gaps = page.data.of(origins[-1].target, "lead", metric)
    gaps = gaps[gaps["as_of"].notna()]
    figures = [trained.figure(trained.winner, metric).value for trained in origins]
    least, most = (report_models.number(page, metric, end(figures)) for end in (min, max))
    ahead, sure = int((gaps["value"] > 0).sum()), int((gaps["low"] > 0).sum())
    return page.tell("origins.lead", n=len(origins), ahead=ahead, sure=sure, least=least, most=most)


def _slices(page: BacktestPage, newest: Trained) -> dict[str, Any]:
    """Groups on the newest date by the figure that judges, the weakest first."""
    metric = newest.judged_by
    found = page.data.of(newest.target, "judged", metric)
    groups = found[
        found["group"].str.contains("=", na=False) & found["as_of"].eq(newest.split.final) & found["value"].notna()
    ]
    if groups.empty:
        return {"lead": page.tell("slices.nobody"), "rows": []}
    lower, whole = metric in LOWER_IS_BETTER, newest.figure(newest.winner, metric).value
    groups = groups.sort_values("value", ascending=not lower, kind="stable")
    more = page.tell("slices.more", n=len(groups) - WEAKEST) if len(groups) > WEAKEST else ""
    told = {"final": page.day(newest.split.final), "whole": report_models.number(page, metric, whole)}
    rows = [_group(page, metric, row, whole, lower) for row in groups.head(WEAKEST).to_dict("records")]
    return {"lead": page.tell("slices.lead", more=more, **told), "metric": page.say(f"metric_{metric}"), "rows": rows}


def _group(page: BacktestPage, metric: str, row: Mapping[Any, Any], whole: float, lower: bool) -> dict[str, Any]:
    column, level = row["group"].split("=", 1)
    weak = row["low"] > whole if lower else row["high"] < whole
    name = f"{page.feature(column)}: {page.word(column, level)}"
    return {"name": name, "rows": page.count(row["n"]), "weak": bool(weak)} | report_models.figure_words(
        page, metric, row
    )


def _drivers(page: BacktestPage, origins: Sequence[Trained]) -> list[dict[str, str]]:
    """The features that move the scores most, over every date that a model told without having seen it."""
    found = stability(origins).to_dict("records")
    known = [None if row["stable"] is pd.NA else bool(row["stable"]) for row in found]
    shares = [(row["feature"], row["share"], row["least"], row["most"]) for row in found]
    return drivers.rows(page, [Driver(*share, stable) for share, stable in zip(shares, known, strict=True)])


def stability(origins: Sequence[Trained]) -> pd.DataFrame:
    """As `importance.stability` tells it, over the dates of all origins; of a date told twice the later telling counts."""
    known = [trained.importances for trained in origins if len(trained.importances)]
    return importance.stability(pd.concat(known, ignore_index=True) if known else pd.DataFrame())


def _drivers_lead(page: BacktestPage, origins: Sequence[Trained]) -> str:
    found = stability(origins)
    if found.empty:
        return page.tell("drivers.nothing")
    n = int(found["origins"].iloc[0])
    return page.tell("drivers.lead", n=n) if n > 1 else page.tell("drivers.one")


def _champion(page: BacktestPage, newest: Trained) -> dict[str, Any]:
    """What is in force, thing by thing, beside what was found now."""
    champion = page.data.champions.get(newest.target)
    if champion is None:
        return {"lead": page.tell("champion.nothing"), "rows": []}
    then, now = _record(page, dict(champion.facts)), _record(page, _facts(newest))
    rows = [(name, then[name], now[name]) for name in now if name in then]
    return {"lead": page.tell("champion.lead", version=champion.version), "version": champion.version, "rows": rows}


def _facts(newest: Trained) -> dict[str, Any]:
    """Of the newest origin, as the record of a training has them."""
    return {
        "dates": {"final": newest.split.final.isoformat()},
        "winner": newest.winner,
        "judged_by": newest.judged_by,
        "metrics": newest.metrics,
        "features": len(newest.features),
        "rows": newest.rows,
        "left_out": newest.left_out,
        "levels": newest.levels,
        "importance": stability([newest]).set_index("feature")["share"].to_dict(),
    }


def _record(page: BacktestPage, facts: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Name -> value and interval of each thing that is compared."""
    metrics = pd.DataFrame(facts["metrics"])
    asked = [m for m in (facts["judged_by"], "ece", "total_bias") if metrics["metric"].eq(m).any()]
    top = sorted(facts.get("importance", {}).items(), key=lambda item: (-item[1], item[0]))[:NAMED]
    comma = text("terms.line.comma", page.lang)
    level = facts.get("levels", {}).get(facts["winner"])
    plain = {
        "final": page.day(date.fromisoformat(facts["dates"]["final"])),
        "winner": charts.model_name(facts["winner"], page.lang),
        "features": page.count(facts["features"]) if "features" in facts else NOTHING,
        "positives": page.count(facts["rows"]["final"]),
        "level": f"{level:.2f}" if level else NOTHING,
        "left_out": comma.join(page.feature(name) for name in facts.get("left_out", ())) or NOTHING,
        "top": comma.join(page.feature(name) for name, _ in top) or NOTHING,
    }
    told = {page.tell(f"champion.{key}"): {"value": value, "interval": ""} for key, value in plain.items()}
    figures = {
        page.say(f"metric_{m}"): report_models.figure_words(page, m, _one(metrics, model=facts["winner"], metric=m))
        for m in asked
    }
    rule = page.tell("champion.rule", metric=page.say(f"metric_{facts['judged_by']}"))
    figures[rule] = report_models.figure_words(
        page, facts["judged_by"], _one(metrics, model="rule", metric=facts["judged_by"])
    )
    return figures | told
