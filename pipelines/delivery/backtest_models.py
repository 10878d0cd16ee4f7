"""The backtest page's account of one target: date by date, candidates, promises, band, groups, features, what is in force."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
from markupsafe import Markup

from models.evaluation import importance, pooling, promises
from models.evaluation.judging import TENTHS
from models.evaluation.metrics import INTERVAL_METRICS, LOWER_IS_BETTER
from models.targets.task import REGRESSION
from models.training import Trained
from pipelines.delivery import charts, charts_by_origin, report_models
from pipelines.delivery.backtest_data import BacktestPage, evaluation, target_of
from pipelines.delivery.report_data import Evaluation
from pipelines.wording.formats import NOTHING, missing
from pipelines.wording.texts import text

WEAKEST, MOST_FEATURES = 10, 10
"""Groups and features that are shown."""
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
        "promises": _promises(page, newest),
        "pictures": _pictures(page, origins),
        "band": _band(page, newest),
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


def _words(page: BacktestPage, metric: str, row: Any) -> dict[str, str]:
    """A figure and its interval."""
    value, low, high = (report_models.number(page, metric, row[part]) for part in ("value", "low", "high"))
    return {"value": value, "interval": "" if missing(row["low"]) else f"{low} – {high}"}


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
    told = [_words(page, metric, row) for row in figures]
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


def kept(page: BacktestPage, target: str, window: str) -> pd.DataFrame:
    """Promises: as_of, group (`everybody` for all), promised, observed, low, high, n; a row per origin and part.

    Parameters
    ----------
    page
        With all figures.
    target
        Its name.
    window
        `judged`, or `pooled` for all origins together.
    """
    found = page.data.of(target, window)
    found = found[found["metric"].isin(["promised", "observed"])].fillna({"group": promises.EVERYBODY})
    said, seen = (found[found["metric"].eq(name)] for name in ("promised", "observed"))
    said = said[["as_of", "group", "value"]].rename(columns={"value": "promised"})
    seen = seen[["as_of", "group", "value", "low", "high", "n"]].rename(columns={"value": "observed"})
    return said.merge(seen, on=["as_of", "group"])


def _parts(page: BacktestPage) -> dict[str, str]:
    """Group -> its name, everybody first, then the top, then the tenths, the highest predictions first."""
    named = {promises.EVERYBODY: page.tell("promises.everybody")}
    named |= {f"top={share:.0%}": page.tell("promises.top", share=page.share(share, 0)) for share in promises.TOPS}
    return named | {f"tenth={TENTHS + 1 - n}": page.tell("promises.tenth", n=n) for n in range(1, TENTHS + 1)}


def _promises(page: BacktestPage, newest: Trained) -> dict[str, Any]:
    """A row per part; a column of all origins together, and one per origin."""
    money = target_of(newest).task is REGRESSION
    pooled = kept(page, newest.target, "pooled")
    columns = {page.tell("pooled"): pooled} if len(pooled) else {}
    columns |= {page.day(day): found for day, found in kept(page, newest.target, "judged").groupby("as_of")}
    cells = {name: found.set_index("group").to_dict("index") for name, found in columns.items()}
    rows = [
        {"name": name, "cells": [_kept(page, found.get(group), money) for found in cells.values()]}
        for group, name in _parts(page).items()
        if any(group in found for found in cells.values())
    ]
    return {"columns": list(columns), "rows": rows}


def _kept(page: BacktestPage, found: Mapping[str, Any] | None, money: bool) -> dict[str, Any]:
    if found is None:
        return {"told": NOTHING, "interval": "", "missed": False}
    told = {k: page.money(found[k]) if money else page.share(found[k]) for k in ("promised", "observed", "low", "high")}
    missed = not found["low"] <= found["promised"] <= found["high"]
    between = f"{told['low']} – {told['high']}"
    sentence = page.tell("promises.told", promised=told["promised"], observed=told["observed"])
    return {"told": sentence, "interval": between, "missed": missed}


def _pictures(page: BacktestPage, origins: Sequence[Trained]) -> list[dict[str, Any]]:
    """Of the figure and the promises over the origins, and those that report and card show of the newest."""
    newest, lang = origins[-1], page.lang
    metric, several = newest.judged_by, len(origins) > 1
    found, sign = kept(page, newest.target, "judged"), page.money(0)[:-1]
    scale = sign if target_of(newest).task is REGRESSION else None
    drawn = {"tenths": charts_by_origin.tenths_by_origin(found, scale, lang)}
    if several:
        drawn["tops"] = charts_by_origin.promises_by_origin(found, scale, lang)
        drawn["figure"] = charts_by_origin.figure_by_origin(_by_origin(page, origins), lang)
    titles = {name: page.tell(f"picture.{name}", metric=page.say(f"metric_{metric}")) for name in drawn}
    known = report_models.pictures(page, target_of(newest), evaluation(newest))
    shown = [picture for picture in known if picture["name"] in ("gain", "captured")]
    return [
        *(
            {"title": titles[name], "svg": _svg(page, newest.target, name, drawn[name], titles[name])}
            for name in titles
        ),
        *({"title": picture["title"], "svg": Markup(picture["svg"])} for picture in shown),
    ]


def _svg(page: BacktestPage, target: str, name: str, drawn: Any, title: str) -> Markup:
    alt = f"{text(f'targets.{target}.name', page.lang)}: {title}"
    return Markup(charts.svg(drawn, f"{page.lang}-{target}-{name}", alt))


def _by_origin(page: BacktestPage, origins: Sequence[Trained]) -> pd.DataFrame:
    """The figure that judges, of the chosen candidate of each origin and of the rule."""
    found = page.data.of(origins[-1].target, "judged", origins[-1].judged_by)
    found = found[found["group"].isna()]
    rule = found[found["model"].eq("rule")]
    return pd.concat([found[found["chosen"]].assign(model="chosen"), rule], ignore_index=True)


def _band(page: BacktestPage, newest: Trained) -> dict[str, Any] | None:
    """How often the interval holds, by tenth; nothing for a target without one."""
    if newest.tenths.empty:
        return None
    found = {name: part.set_index("tenth") for name, part in newest.tenths.groupby("metric")}
    names = list(INTERVAL_METRICS)
    rows = [
        {
            "name": page.tell("promises.tenth", n=TENTHS + 1 - int(tenth)),
            "meant": page.share(found["meant"].loc[tenth, "value"]),
            "figures": [_share(page, found[name].loc[tenth]) for name in names],
        }
        for tenth in reversed(found["coverage"].index)
    ]
    shares = {name: found[name]["value"].tolist() for name in (*names, "meant")}
    drawn = charts_by_origin.band_by_tenth(shares, page.lang)
    return {"rows": rows, "svg": _svg(page, newest.target, "band", drawn, page.tell("band.picture"))}


def _share(page: BacktestPage, row: Any) -> dict[str, str]:
    return {"value": page.share(row["value"]), "interval": f"{page.share(row['low'])} – {page.share(row['high'])}"}


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
    return {"name": name, "rows": page.count(row["n"]), "weak": bool(weak)} | _words(page, metric, row)


def _drivers(page: BacktestPage, origins: Sequence[Trained]) -> list[dict[str, str]]:
    """The features that move the scores most, over every date that a model told without having seen it."""
    found = stability(origins).head(MOST_FEATURES).to_dict("records")
    most = max((row["share"] for row in found), default=1.0) or 1.0
    return [
        {
            "name": page.feature(row["feature"]),
            "column": row["feature"],
            "share": page.share(row["share"]),
            "width": f"{row['share'] / most:.0%}",
            "unstable": _unstable(page, row),
        }
        for row in found
        if row["share"] > 0
    ]


def _unstable(page: BacktestPage, row: Mapping[Any, Any]) -> str:
    if row["stable"] is pd.NA or row["stable"]:
        return ""
    return page.tell("drivers.unstable", low=page.share(row["least"]), high=page.share(row["most"]))


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
    figures = {page.say(f"metric_{m}"): _words(page, m, _one(metrics, model=facts["winner"], metric=m)) for m in asked}
    rule = page.tell("champion.rule", metric=page.say(f"metric_{facts['judged_by']}"))
    figures[rule] = _words(page, facts["judged_by"], _one(metrics, model="rule", metric=facts["judged_by"]))
    return figures | told
