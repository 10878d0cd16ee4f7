"""What a run of the parts has found, beside its bars."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipelines.workspace import files

MOST_TOLD = 10
"""Failures of a figure that are printed."""


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes
    ----------
    name
        What was counted.
    value
        How many.
    least, most
        The bar, of which one is None; both are where the figure only tells how much was tried.
    failures
        How each failure comes about again.
    """

    name: str
    value: float
    least: float | None = None
    most: float | None = None
    failures: Sequence[str] = field(default=(), repr=False)

    @property
    def bar(self) -> str | None:
        """In words; None without one."""
        if self.most is not None:
            return f"<= {self.most:g}"
        return None if self.least is None else f">= {self.least:g}"

    @property
    def met(self) -> bool | None:
        """None without a bar."""
        if self.bar is None:
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)


def line(figure: Figure) -> str:
    """A figure in the table of the terminal, its failures below it."""
    mark = {True: "met", False: "NOT MET", None: ""}[figure.met]
    told = f"{figure.name:68} {figure.value:>12,g}  {figure.bar or '':10} {mark}"
    return "\n".join([told.rstrip(), *(f"    {failure}" for failure in figure.failures[:MOST_TOLD])])


def write(figures: Sequence[Figure], out: Path) -> None:
    """The list of {name, value, bar, met}; figures of parts that were not run this time stay as they were."""
    known = {entry["name"]: entry for entry in json.loads(out.read_text(encoding="utf-8"))} if out.exists() else {}
    for figure in figures:
        known[figure.name] = {**_plain(figure), "bar": figure.bar, "met": figure.met}
    out.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(out, list(known.values()))


def _plain(figure: Figure) -> dict[str, object]:
    return {key: value for key, value in asdict(figure).items() if key in ("name", "value")}
