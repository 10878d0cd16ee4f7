"""The picture of the monitor: what nights promised of their customers, and what came of it."""

from datetime import date

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from pipelines.delivery.charts import BAND, OTHERS, SOFT, WINNER, canvas, labels, styled
from pipelines.wording.texts import text

BROKEN = OTHERS[3]
MOST_TICKS = 3
"""Dates below the picture: more would touch on a telephone."""


@styled
def promised_and_happened(nights: pd.DataFrame, sign: str | None, lang: str) -> Figure:
    """What was promised with its band, and what happened beside it, night by night.

    Parameters
    ----------
    nights
        as_of (date), promised, low, high, observed (all per customer), broken (bool); low and high null where there is no
        band.
    sign
        Of the currency, for money; None for shares.
    lang
        `zh` or `en`.

    Returns
    -------
    matplotlib.figure.Figure
        Nights stand where they lie in time; whose level is broken is red.
    """
    told = nights.sort_values("as_of")
    places = np.array([day.toordinal() for day in told["as_of"]])
    figure, (axes,) = canvas()
    axes.plot(
        places,
        told["promised"],
        color=SOFT,
        linestyle=(0, (3, 2)),
        marker="_",
        ms=12,
        label=text("charts.promised", lang),
    )
    _band(axes, places, told, lang)
    axes.plot(places, told["observed"], "o-", color=WINNER, label=text("charts.happened", lang))
    broken = told["broken"].to_numpy(dtype=bool)
    if broken.any():
        happened = told["observed"].to_numpy()[broken]
        axes.plot(places[broken], happened, "o", color=BROKEN, ms=9, label=text("charts.level_broken", lang))
    labels(axes, text("charts.night", lang), text("charts.rate" if sign is None else "charts.per_customer", lang))
    _dates(axes, places)
    _level(axes, told, sign)
    axes.legend(loc="upper left", fontsize=9, ncols=2)
    return figure


def _band(axes: Axes, places: np.ndarray, told: pd.DataFrame, lang: str) -> None:
    """Between the nights, and at each: one night alone has no area."""
    known = told["low"].notna().to_numpy()
    if not known.any():
        return
    at, low, high = (values[known] for values in (places, told["low"].to_numpy(), told["high"].to_numpy()))
    axes.fill_between(at, low, high, color=BAND, linewidth=0, label=text("charts.promised_band", lang))
    axes.vlines(at, low, high, color=BAND, linewidth=7, zorder=1)


def _dates(axes: Axes, places: np.ndarray) -> None:
    margin = max(1.0, 0.06 * (places[-1] - places[0]))
    axes.set_xlim(places[0] - margin, places[-1] + margin)
    axes.xaxis.set_major_locator(MaxNLocator(MOST_TICKS, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda day, _: date.fromordinal(round(day)).isoformat()))


def _level(axes: Axes, told: pd.DataFrame, sign: str | None) -> None:
    """From zero, so that a level is seen as one, with room for the words above."""
    most = float(told[["promised", "observed", "high"]].max().max())
    axes.set_ylim(0, most * 1.4 if most > 0 else 1)
    money = FuncFormatter(lambda amount, _: f"{sign}{amount:,.0f}")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1 if most < 0.05 else 0) if sign is None else money)
