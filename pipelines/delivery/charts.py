"""Pictures of how good the models are: matplotlib figures, the same for the report and for the tracking store.

Figures are made without pyplot, so nothing global changes. As SVG their text stays text, drawn by the reader's own
fonts; that is why Chinese needs no font here. The same data gives the same bytes.
"""

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import cycle
from textwrap import shorten
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from models.evaluation.promises import wilson
from pipelines.wording.reasons import headline
from pipelines.wording.texts import has, text

INK, SOFT, LINE = "#24343B", "#5C6C75", "#DDE4E7"
WINNER, RULE, BAND = "#14727D", "#98A4AB", "#CFE6E8"
OTHERS = ("#E08A2E", "#8C6BB1", "#5B8C5A", "#B5525C")
FONTS = "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', system-ui, sans-serif"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.pad": 6,
    "ytick.major.pad": 6,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}
BINS = 10
CURVE_POINTS = 100
MOST_DATES = 5

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in our style and leave the settings of everybody else alone."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


@styled
def calibration(y: np.ndarray, probability: np.ndarray, lang: str) -> Figure:
    """What was predicted against what happened, in ten bins of equal size, with 95 % intervals and counts.

    Parameters
    ----------
    y
        Outcomes, 0 or 1.
    probability
        Predicted, 0 to 1, as many.
    lang
        `zh` or `en`.

    Returns
    -------
    matplotlib.figure.Figure
        Two parts, the counts below.
    """
    bins = _calibration_bins(y, probability)
    figure, (top, bottom) = canvas(2, heights=(3.4, 1))
    most = max(bins["predicted"].max(), bins["high"].max()) * 1.08 or 1.0
    top.plot([0, most], [0, most], color=RULE, linestyle=(0, (4, 3)), label=text("charts.perfect", lang))
    spread = [bins["actual"] - bins["low"], bins["high"] - bins["actual"]]
    top.errorbar(
        bins["predicted"],
        bins["actual"],
        yerr=spread,
        color=WINNER,
        fmt="o-",
        capsize=3,
        label=text("charts.observed", lang),
    )
    labels(top, "", text("charts.actual_share", lang))
    top.legend(loc="lower right")
    bottom.hist(probability, bins=np.linspace(0, most, 31).tolist(), color=BAND, edgecolor=WINNER, linewidth=0.6)
    labels(bottom, text("charts.predicted_probability", lang), text("charts.customers", lang))
    bottom.yaxis.set_major_locator(MaxNLocator(2))
    for axes in (top, bottom):
        axes.set_xlim(0, most)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0 if most > 0.05 else 1))
    top.set_ylim(0, most)
    top.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if most > 0.05 else 1))
    return figure


@styled
def gain(y: np.ndarray, predictions: Mapping[str, np.ndarray], winner: str, lang: str) -> Figure:
    """Share of all hits (or of all value) found among the first x % of the customers, per candidate.

    Parameters
    ----------
    y
        Outcomes, 0 or 1, or amounts.
    predictions
        Candidate -> predictions, as many; the higher, the earlier.
    winner
        The candidate that is drawn bold.
    lang
        `zh` or `en`.

    Returns
    -------
    matplotlib.figure.Figure
        One curve per candidate, and the one of chance.
    """
    figure, (axes,) = canvas()
    shares = np.linspace(0, 1, CURVE_POINTS + 1)
    axes.plot([0, 1], [0, 1], color=LINE, linestyle=(0, (4, 3)), label=text("charts.random", lang))
    for name, colour in colours(predictions, winner).items():
        width = 2.4 if name == winner else 1.6
        axes.plot(
            shares,
            captured_shares(y, predictions[name], shares),
            color=colour,
            linewidth=width,
            label=model_name(name, lang),
        )
    labels(axes, text("charts.share_of_customers", lang), text("charts.share_found", lang))
    _shares(axes, x=True, y=True)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower right")
    return figure


@styled
def captured_bars(y: np.ndarray, predictions: Mapping[str, np.ndarray], winner: str, lang: str) -> Figure:
    """Share found among the top 1, 5, 10 and 20 %, side by side.

    Parameters
    ----------
    y
        Outcomes, 0 or 1, or amounts.
    predictions
        Candidate -> predictions, as many; the higher, the earlier.
    winner
        The candidate that stands first.
    lang
        `zh` or `en`.

    Returns
    -------
    matplotlib.figure.Figure
        A group of bars per share of the customers.
    """
    figure, (axes,) = canvas()
    shares = np.array([0.01, 0.05, 0.10, 0.20])
    palette = colours(predictions, winner)
    width = 0.8 / len(palette)
    for index, (name, colour) in enumerate(palette.items()):
        heights = captured_shares(y, predictions[name], shares)
        places = np.arange(len(shares)) + (index - (len(palette) - 1) / 2) * width
        bars = axes.bar(places, heights, width * 0.92, color=colour, label=model_name(name, lang))
        axes.bar_label(
            bars, [f"{height:.0%}" for height in heights], fontsize=9 if len(palette) < 4 else 7, color=SOFT, padding=2
        )
    axes.set_xticks(np.arange(len(shares)), [text("charts.top_share", lang, share=f"{s:.0%}") for s in shares])
    labels(axes, "", text("charts.share_found", lang))
    _shares(axes, y=True)
    axes.margins(y=0.1)
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left")
    return figure


@styled
def reasons(weights: Mapping[str, float], lang: str) -> Figure:
    """Business reasons by their share in the scores, the largest on top."""
    ordered = sorted((item for item in weights.items() if item[1] >= 0.005), key=lambda item: (item[1], item[0]))[-10:]
    figure, (axes,) = canvas()
    names = [headline(code, lang) for code, _ in ordered]
    bars = axes.barh(
        [shorten(name, 28, placeholder="…") for name in names],
        [weight for _, weight in ordered],
        color=WINNER,
        height=0.62,
    )
    axes.bar_label(bars, [f"{weight:.0%}" for _, weight in ordered], fontsize=10, color=SOFT, padding=3)
    _shares(axes, x=True)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    labels(axes, text("charts.share_of_reasons", lang), "")
    return figure


@styled
def deciles(y: np.ndarray, prediction: np.ndarray, sign: str, lang: str) -> Figure:
    """Predicted and actual mean value per tenth of the customers, the least valuable tenth first.

    Parameters
    ----------
    y
        Amounts.
    prediction
        Predicted amounts, as many.
    sign
        Of the currency.
    lang
        `zh` or `en`.

    Returns
    -------
    matplotlib.figure.Figure
        Two bars per tenth.
    """
    tenth = pd.Series(prediction).rank(method="first", pct=True).mul(10).apply(np.ceil).astype(int)
    means = pd.DataFrame({"tenth": tenth, "predicted": prediction, "actual": y}).groupby("tenth").mean()
    figure, (axes,) = canvas()
    for shift, column, colour in ((-0.2, "predicted", BAND), (0.2, "actual", WINNER)):
        axes.bar(means.index + shift, means[column], 0.38, color=colour, label=text(f"charts.{column}", lang))
    labels(axes, text("charts.tenth", lang), text("charts.mean_value", lang))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda amount, _: f"{sign}{amount:,.0f}"))
    axes.set_xticks(range(1, 11))
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left")
    return figure


@styled
def rates(by_month: pd.DataFrame, lang: str) -> Figure:
    """Outcome rate per as-of date. `by_month` holds as_of, rate and n; the band is a 95 % interval."""
    ordered = by_month.sort_values("as_of")
    low, high = wilson(ordered["rate"].to_numpy() * ordered["n"].to_numpy(), ordered["n"].to_numpy())
    figure, (axes,) = canvas()
    dates = [str(pd.Timestamp(day).date())[:7] for day in ordered["as_of"]]
    places = np.arange(len(dates))
    axes.fill_between(places, low, high, color=BAND, linewidth=0, label=text("charts.interval", lang))
    axes.plot(places, ordered["rate"], "o-", color=WINNER, label=text("charts.rate", lang))
    step = -(-len(dates) // MOST_DATES)
    axes.set_xticks(places[::step], dates[::step])
    axes.set_ylim(0, max(float(high.max()) * 1.15, 0.01))
    _shares(axes, y=True, decimals=1)
    axes.legend(loc="lower left")
    return figure


def svg(figure: Figure, name: str, alt: str) -> str:
    """The figure as an inline SVG element for people and screen readers.

    Parameters
    ----------
    figure
        What is drawn.
    name
        Begins each of its ids, and keeps them apart from those of other pictures.
    alt
        What a screen reader says.

    Returns
    -------
    str
        From `<svg` on, without a size of its own.
    """
    buffer = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # The reader's fonts draw the text, so glyphs that ours lacks do not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    markup = re.sub(r"<metadata>.*?</metadata>\s*", "", buffer.getvalue(), flags=re.DOTALL)
    markup = re.sub(r'(\bid="|href="#|url\(#)', lambda match: f"{match[1]}{name}-", markup)
    markup = markup.replace("'DejaVu Sans'", FONTS)
    head, _, body = markup[markup.index("<svg") :].partition(">")
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{_attribute(alt)}">{body.strip()}'


def captured_shares(y: np.ndarray, prediction: np.ndarray, shares: Sequence[float] | np.ndarray) -> np.ndarray:
    """Share of the total of `y` among the highest predictions; equal predictions count with their mean.

    Parameters
    ----------
    y
        Outcomes, 0 or 1, or amounts.
    prediction
        As many; the higher, the earlier.
    shares
        Of the customers, 0 to 1.

    Returns
    -------
    numpy.ndarray
        A share per entry of `shares`, 0 to 1; 0 where `y` sums to nothing.
    """
    frame = pd.DataFrame({"p": prediction, "y": np.asarray(y, dtype=float)})
    frame["y"] = frame.groupby("p")["y"].transform("mean")
    total = frame["y"].sum()
    cumulative = np.concatenate([[0.0], frame.sort_values("p", ascending=False, kind="stable")["y"].cumsum()])
    at = np.asarray(shares) * len(frame)
    return np.interp(at, np.arange(len(cumulative)), cumulative) / total if total else np.zeros(len(at))


def colours(candidates: Mapping[str, object] | Sequence[str], winner: str) -> dict[str, str]:
    """Candidate to colour, the winner first and the rule of today last and grey."""
    others = [name for name in candidates if name not in (winner, "rule")]
    palette = ({winner: WINNER} if winner in candidates else {}) | dict(zip(others, cycle(OTHERS), strict=False))
    if "rule" in candidates:
        palette["rule"] = palette.pop("rule", RULE)
    return palette


def model_name(name: str, lang: str) -> str:
    """A candidate in words; one without words is called by its name."""
    return text(f"report.model_{name}", lang) if has(f"report.model_{name}") else name


def canvas(parts: int = 1, heights: Sequence[float] = (1,)) -> tuple[Figure, list[Axes]]:
    """A picture in our size, of one part or several, one below the other."""
    figure = Figure(figsize=(5.0, 3.7), layout="constrained")
    axes = figure.subplots(parts, 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    return figure, list(axes)


def _calibration_bins(y: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame({"p": probability, "y": np.asarray(y, dtype=float)})
    tenth = frame["p"].rank(method="first", pct=True).mul(BINS).apply(np.ceil)
    bins = frame.groupby(tenth).agg(predicted=("p", "mean"), actual=("y", "mean"), hits=("y", "sum"), n=("y", "size"))
    bins["low"], bins["high"] = wilson(bins["hits"].to_numpy(), bins["n"].to_numpy())
    return bins


def labels(axes: Axes, x: str, y: str) -> None:
    """Name both axes."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _shares(axes: Axes, x: bool = False, y: bool = False, decimals: int = 0) -> None:
    for formatted, axis in ((x, axes.xaxis), (y, axes.yaxis)):
        if formatted:
            axis.set_major_formatter(PercentFormatter(1, decimals=decimals))


def _attribute(words: str) -> str:
    return words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
