"""`headwater compare` in words: who is better, the figures of both, and on whom they differ."""

import math
from datetime import date
from typing import TYPE_CHECKING, Any

from rich.table import Table

from features.errors import HeadwaterError
from models.evaluation.comparing import MONEY
from pipelines.cli.grids import grid
from pipelines.cli.run import Run
from pipelines.wording.texts import text

if TYPE_CHECKING:
    from pipelines.flows.comparison import Comparison


def compare(run: Run, as_of: date, first: str, second: str | None, families: tuple[str, ...]) -> None:
    """Compare two versions, or a training with and without some families; a wrong use is exit 2."""
    from models.targets.registry import TARGETS
    from pipelines.flows import comparison

    if families and (second or first not in TARGETS):
        raise HeadwaterError("E286", given=" ".join(filter(None, (first, second))), known=", ".join(TARGETS))
    if families:
        (target,) = run.project.targets(first)
        found = comparison.without(run.project, as_of, target, families, run.steps)
    else:
        both = (f"{first}@champion", f"{first}@challenger") if second is None else (first, second)
        found = comparison.compare(run.project, as_of, both, run.steps)
    run.tell(as_of=as_of.isoformat(), **comparison.as_dict(found))
    run.say(figures(found, run.language))
    if len(found.slices):
        run.say(slices(found, run.language))
    run.say(verdict(found, run.language))
    run.say(text(f"steps.compare.{found.form}", run.language))


def verdict(found: "Comparison", lang: str) -> str:
    """Who is better, seen from the better one, or from the first where neither is; then the same in money."""
    sentences = [_sentence(found, found.judged_by, ("better", "neither"), lang)]
    if MONEY in set(found.figures["metric"]):
        sentences.append(_sentence(found, MONEY, ("money", "no_money"), lang))
    return "\n".join(sentences)


def _sentence(found: "Comparison", metric: str, keys: tuple[str, str], lang: str) -> str:
    """By one figure: the first key where one of both is ahead beyond chance, else the second."""
    row, ahead = found.figures.set_index("metric").loc[metric], found.ahead(metric)
    sign = -1.0 if ahead == found.names[1] != found.names[0] else 1.0
    low, high = sorted((sign * row.low, sign * row.high))
    values = {"value": sign * row.value, "low": low, "high": high, "sure": row.sure if sign > 0 else 1 - row.sure}
    key = keys[0] if ahead else keys[1]
    return text(f"steps.compare.{key}", lang, name=ahead or "", metric=metric, length=found.length, **values)


def figures(found: "Comparison", lang: str) -> Table:
    """A line per figure: both models, and how far the first is ahead."""
    table = grid(lang, "metric")
    days = [day.isoformat() for day in found.windows]
    shown = days[0] if len(days) == 1 else f"{days[0]} … {days[-1]} ({len(days)})"
    about = {"target": found.target, "windows": shown, "length": found.length}
    table.title = text("steps.compare.title", lang, rows=found.rows, positives=found.positives, **about)
    table.title_justify = "left"
    _columns(table, found, lang)
    for row in found.figures.to_dict("records"):
        table.add_row(row["metric"], *_cells(row))
    return table


def slices(found: "Comparison", lang: str) -> Table:
    """A line per group that is large enough."""
    table = grid(lang, "group", "customers")
    table.title = text("steps.compare.slices", lang, metric=found.judged_by)
    table.title_justify = "left"
    _columns(table, found, lang)
    for row in found.slices.to_dict("records"):
        table.add_row(f"{row['slice']} {row['level']}", f"{row['n']:,}", *_cells(row))
    return table


def _columns(table: Table, found: "Comparison", lang: str) -> None:
    for name in (*found.names, text("steps.column.lead", lang), text("steps.column.sure", lang)):
        table.add_column(name)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Both figures, the lead with its interval, and how often it is one; a level has no lead."""
    both = (_number(row["ours"]), _number(row["theirs"]))
    if math.isnan(row["value"]):
        return (*both, "", "")
    signed = [f"{'+' if value > 0 else ''}{_number(value)}" for value in (row["value"], row["low"], row["high"])]
    return (*both, f"{signed[0]} [{signed[1]}, {signed[2]}]", f"{row['sure']:.0%}")


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
