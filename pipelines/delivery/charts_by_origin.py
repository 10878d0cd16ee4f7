"""Pictures of several origins of a backtest: how figures, promises and bands go from date to date and from tenth to tenth."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from pipelines.delivery.charts import (
    BAND,
    INK,
    LINE,
    MOST_DATES,
    OTHERS,
    RULE,
    SOFT,
    WINNER,
    canvas,
    labels,
    model_name,
    styled,
)
from pipelines.wording.texts import text

TOPS = {"top=1%": OTHERS[0], "top=5%": WINNER}
MISSED = {"below": OTHERS[1], "coverage": BAND, "above": OTHERS[0]}


@styled
def figure_by_origin(figures: pd.DataFrame, lang: str) -> Figure:
    """One metric of the chosen candidate and of the rule at every origin, with 95 % intervals.

    Parameters
    ----------
    figures
        as_of, model (`chosen` or `rule`), value, low, high.
    lang
        `zh` or `en`.

    Returns
    -------
    matplotlib.figure.Figure
        A line per model.
    """
    figure, (axes,) = canvas()
    days = sorted(set(figures["as_of"]))
    for shift, (model, colour) in zip((-0.05, 0.05), (("chosen", WINNER), ("rule", RULE)), strict=True):
        told = figures[figures["model"].eq(model)].sort_values("as_of")
        spread = np.nan_to_num([told["value"] - told["low"], told["high"] - told["value"]])
        places = np.array([days.index(day) for day in told["as_of"]]) + shift
        name = text("charts.chosen", lang) if model == "chosen" else model_name("rule", lang)
        axes.errorbar(places, told["value"], yerr=np.maximum(spread, 0), color=colour, fmt="o-", capsize=3, label=name)
    _dates(axes, days)
    axes.margins(y=0.15)
    axes.legend(loc="best")
    return figure


@styled
def promises_by_origin(kept: pd.DataFrame, sign: str | None, lang: str) -> Figure:
    """What was promised and what happened in the top 1 and 5 %, origin by origin.

    Parameters
    ----------
    kept
        as_of, group, promised, observed, low, high.
    sign
        Of the currency, for money; None for shares.
    lang
        `zh` or `en`.

    Returns
    -------
    matplotlib.figure.Figure
        Two lines per part: broken what was promised, whole what was observed.
    """
    figure, (axes,) = canvas()
    days = sorted(set(kept["as_of"]))
    for shift, (group, colour) in zip((-0.06, 0.06), TOPS.items(), strict=True):
        told = kept[kept["group"].eq(group)].sort_values("as_of")
        places = np.array([days.index(day) for day in told["as_of"]]) + shift
        part = text("charts.top_share", lang, share=group.removeprefix("top="))
        spread = np.maximum(np.nan_to_num([told["observed"] - told["low"], told["high"] - told["observed"]]), 0)
        promised, observed = (f"{part}: {text(f'charts.{name}', lang)}" for name in ("predicted", "actual"))
        axes.plot(places, told["promised"], color=colour, linestyle=(0, (3, 2)), marker="_", ms=12, label=promised)
        axes.errorbar(places, told["observed"], yerr=spread, color=colour, fmt="o-", capsize=3, label=observed)
    _dates(axes, days)
    _scale(axes.yaxis, sign)
    most = float(kept.loc[kept["group"].isin(list(TOPS)), ["promised", "observed", "high"]].max().max())
    axes.set_ylim(0, most * 1.3 if most > 0 else 1)
    axes.legend(loc="upper left", fontsize=9, ncols=2)
    return figure


@styled
def tenths_by_origin(kept: pd.DataFrame, sign: str | None, lang: str) -> Figure:
    """Promised against observed in each tenth of the prediction, a line per origin, the newest bold.

    Parameters
    ----------
    kept
        as_of, group (`tenth=1` …), promised, observed.
    sign
        Of the currency, for money; None for shares.
    lang
        `zh` or `en`.
    """
    figure, (axes,) = canvas()
    tenths = kept[kept["group"].str.startswith("tenth=")]
    days = sorted(set(tenths["as_of"]))
    most = float(max(tenths["promised"].max(), tenths["observed"].max())) * 1.06 or 1.0
    axes.plot([0, most], [0, most], color=LINE, linestyle=(0, (4, 3)), label=text("charts.perfect", lang))
    older = iter([*OTHERS, SOFT, INK] * len(days))
    for day in days:
        told = tenths[tenths["as_of"].eq(day)].sort_values("promised")
        newest = day == days[-1]
        colour, width = (WINNER, 2.4) if newest else (next(older), 1.1)
        axes.plot(
            told["promised"], told["observed"], "o-", ms=4, color=colour, linewidth=width, label=f"{day:%Y-%m-%d}"
        )
    labels(axes, text("charts.predicted", lang), text("charts.actual", lang))
    for axis in (axes.xaxis, axes.yaxis):
        _scale(axis, sign)
    axes.legend(loc="upper left", fontsize=9)
    return figure


@styled
def band_by_tenth(shares: Mapping[str, Sequence[float]], lang: str) -> Figure:
    """How many customers are below, inside and above the p10–p90 band, in each tenth of the prediction.

    Parameters
    ----------
    shares
        `below`, `coverage`, `above` and `meant`, each a share per tenth, the smallest predictions first.
    lang
        `zh` or `en`.
    """
    figure, (axes,) = canvas()
    places = np.arange(1, len(shares["coverage"]) + 1)
    bottom = np.zeros(len(places))
    for name, colour in MISSED.items():
        heights = np.asarray(shares[name], dtype=float)
        axes.bar(places, heights, 0.8, bottom=bottom, color=colour, label=text(f"charts.band_{name}", lang))
        bottom += heights
    meant = np.asarray(shares["below"], dtype=float) + np.asarray(shares["meant"], dtype=float)
    axes.plot(places, meant, "_", color=INK, ms=16, label=text("charts.band_meant", lang))
    labels(axes, text("charts.tenth", lang), text("charts.rate", lang))
    axes.set_xticks(places)
    axes.set_ylim(0, 1.32)
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left", fontsize=9, ncols=2)
    return figure


def _dates(axes, days: Sequence[date]) -> None:
    step = -(-len(days) // MOST_DATES)
    axes.set_xticks(np.arange(len(days))[::step], [f"{day:%Y-%m-%d}" for day in days][::step])
    axes.set_xlim(-0.4, len(days) - 0.6)


def _scale(axis, sign: str | None) -> None:
    """Money, or a share."""
    money = FuncFormatter(lambda amount, _: f"{sign}{amount:,.0f}")
    axis.set_major_formatter(PercentFormatter(1, decimals=0) if sign is None else money)
