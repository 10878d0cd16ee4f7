"""What a backtest promised and what happened, part by part and origin by origin: the tables, the pictures, the band of value."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from models.evaluation import promises
from models.evaluation.judging import TENTHS
from models.evaluation.metrics import INTERVAL_METRICS
from models.targets.task import REGRESSION
from models.training import Trained
from pipelines.delivery import charts, charts_by_origin, report_models
from pipelines.delivery.backtest_data import BacktestPage, evaluation, target_of
from pipelines.wording.formats import NOTHING
from pipelines.wording.texts import text


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


def table(page: BacktestPage, newest: Trained) -> dict[str, Any]:
    """Promised and observed: a row per part; a column of all origins together, and one per origin.

    Parameters
    ----------
    page
        Its language and data.
    newest
        The newest origin of the target.
    """
    money = target_of(newest).task is REGRESSION
    pooled = kept(page, newest.target, "pooled")
    columns = {page.tell("pooled"): pooled} if len(pooled) else {}
    columns |= {page.day(day): found for day, found in kept(page, newest.target, "judged").groupby("as_of")}
    cells = {name: found.set_index("group").to_dict("index") for name, found in columns.items()}
    rows = [
        {"name": name, "cells": [cell(page, found.get(group), money) for found in cells.values()]}
        for group, name in _parts(page).items()
        if any(group in found for found in cells.values())
    ]
    return {"columns": list(columns), "rows": rows}


def cell(page: BacktestPage, found: Mapping[str, Any] | None, money: bool) -> dict[str, Any]:
    """One part in one window; `missed` where the prediction lies outside the interval of what happened."""
    if found is None:
        return {"told": NOTHING, "interval": "", "missed": False}
    told = {k: page.money(found[k]) if money else page.share(found[k]) for k in ("promised", "observed", "low", "high")}
    missed = not found["low"] <= found["promised"] <= found["high"]
    between = f"{told['low']} – {told['high']}"
    sentence = page.tell("promises.told", promised=told["promised"], observed=told["observed"])
    return {"told": sentence, "interval": between, "missed": missed}


def pictures(page: BacktestPage, origins: Sequence[Trained]) -> list[dict[str, Any]]:
    """Of the figure and the promises over the origins, and those that report and card show of the newest."""
    newest, lang = origins[-1], page.lang
    metric, several = newest.judged_by, len(origins) > 1
    found, sign = kept(page, newest.target, "judged"), page.money(0)[:-1]
    scale = sign if target_of(newest).task is REGRESSION else None
    drawn = {"tenths": charts_by_origin.tenths_by_origin(found, scale, lang)}
    if several:
        drawn["tops"] = charts_by_origin.promises_by_origin(found, scale, lang)
        drawn["figure"] = charts_by_origin.figure_by_origin(by_origin(page, origins), lang)
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


def by_origin(page: BacktestPage, origins: Sequence[Trained]) -> pd.DataFrame:
    """The figure that judges, of the chosen candidate of each origin and of the rule."""
    found = page.data.of(origins[-1].target, "judged", origins[-1].judged_by)
    found = found[found["group"].isna()]
    rule = found[found["model"].eq("rule")]
    return pd.concat([found[found["chosen"]].assign(model="chosen"), rule], ignore_index=True)


def band(page: BacktestPage, newest: Trained) -> dict[str, Any] | None:
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
