"""What was to be reached from scores to money, beside what benchmarks have measured here: name, value, bar, met.

Each figure comes from the file that its benchmark has written; one that was not run here has no value and says how to run it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import audience, campaigns, exports

CAMPAIGNS = 200
"""As many as the bars speak of."""
SERVING = Path("workspace/serving.json")


@dataclass(frozen=True)
class Reached:
    """One figure. `value` None: not measured here; `met` None: no bar, or too little was measured to meet it; `note` says of
    what it is, or how to measure it."""

    name: str
    value: float | None
    bar: str
    met: bool | None
    note: str = ""

    def as_row(self) -> dict[str, Any]:
        """As the JSON file has it."""
        return asdict(self)


@dataclass(frozen=True)
class Wanted:
    """A figure that a benchmark has to tell.

    Attributes
    ----------
    name
        Of the figure.
    value
        From what the benchmark has written.
    least, most
        The bar; None where there is none on that side.
    """

    name: str
    value: Callable[[Any], float]
    least: float | None = None
    most: float | None = None

    @property
    def bar(self) -> str:
        """In words that a table can show."""
        if self.least is None and self.most is None:
            return "-"
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        return f">= {self.least:g}" if self.most is None else f"<= {self.most:g}"

    def of(self, told: Any, note: str, enough: bool) -> Reached:
        """Beside its bar, which a run that measured less than is asked for can miss and not meet."""
        value = self.value(told)
        good = (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        met = None if self.bar == "-" or (good and not enough) else good
        return Reached(self.name, value, self.bar, met, note)


def _campaign(world: str, outcome: str, figure: str) -> Callable[[Any], float]:
    return lambda told: float(told[f"{world}, {outcome}"][figure])


def _campaigns() -> Iterator[Wanted]:
    for outcome in campaigns.KINDS:
        covered, spans = _campaign("works", outcome, "covered"), _campaign("does nothing", outcome, "open")
        yield Wanted(f"campaigns: interval covers the true effect ({outcome})", covered, least=0.93, most=0.97)
        yield Wanted(f"campaigns: no effect, interval spans zero ({outcome})", spans, least=0.93)
        shorter = _campaign("works", outcome, "shorter")
        yield Wanted(f"campaigns: adjusted interval is shorter by ({outcome})", shorter, least=0.10)


def _share(name: str) -> Callable[[Any], float]:
    return lambda told: float(told["expected"]["share_of_best"][name][0])


def _ahead(other: str) -> Callable[[Any], float]:
    return lambda told: _share("recommended")(told) - _share(other)(told)


def _hindsight(told: Mapping[str, Any]) -> float:
    return float(told["each in turn, known afterwards"]["share_of_best"]["recommended"][0])


AUDIENCE = (
    Wanted("audience: share of the best expected net benefit", _share("recommended"), least=audience.LEAST),
    Wanted("audience: the same, the acceptance being known afterwards", _hindsight),
    Wanted("audience: ahead of as many by risk", _ahead("by_risk"), least=0.0),
    Wanted("audience: ahead of as many by the bill", _ahead("by_bill"), least=0.0),
)


def _counted(name: str) -> Callable[[Any], float]:
    return lambda told: float(told["summary"][name])


EXPORTS = (
    Wanted("exports: live formulas", _counted("live"), most=0),
    Wanted("exports: ids and texts that are others when read again", _counted("altered"), most=0),
    Wanted("exports: files stopped for another reason than hostile ids", _counted("wrongly_stopped"), most=0),
)


Size = tuple[int, int, str]
"""How much a run measured, from how much on it can meet a bar, and both in words."""


def _of_audience(told: Mapping[str, Any]) -> Size:
    companies = len(told["expected"]["companies"])
    return companies, audience.COUNT, f"{companies} companies"


def _of_campaigns(told: Mapping[str, Any]) -> Size:
    count = min(int(world["campaigns"]) for world in told.values())
    return count, CAMPAIGNS, f"{count} campaigns of each kind"


def _of_exports(told: Mapping[str, Any]) -> Size:
    texts = told["summary"]["texts"]
    return texts, exports.COUNT, f"{texts:,} texts, {len(told['layouts'])} files"


SOURCES: tuple[tuple[str, Callable[[], Path], tuple[Wanted, ...], Callable[[Any], Size]], ...] = (
    ("audience", lambda: audience.OUT, AUDIENCE, _of_audience),
    ("campaigns", lambda: campaigns.OUT, tuple(_campaigns()), _of_campaigns),
    ("exports", lambda: exports.OUT, EXPORTS, _of_exports),
)


def reached() -> list[Reached]:
    """Every figure, measured here or not. Pages tell theirs with their bars themselves."""
    found: list[Reached] = []
    for name, path, wanted, size in SOURCES:
        told = _written(path())
        if told is None:
            missing = f"not run here: python -m benchmarks.{name}"
            found += [Reached(one.name, None, one.bar, None, missing) for one in wanted]
            continue
        measured, needed, note = size(told)
        found += [one.of(told, note, enough=measured >= needed) for one in wanted]
    return [*found, *_pages()]


def _pages() -> list[Reached]:
    told = _written(SERVING)
    if told is None:
        return [
            Reached("page: p95 of every page", None, "<= 0.3 s", None, "not run here: python -m benchmarks.serving")
        ]
    return [Reached(**line) for line in told]


def _written(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def table(found: list[Reached]) -> str:
    """Name, value, bar and met, a line each."""
    words = {True: "yes", False: "NO", None: "-"}
    rows = [
        (one.name, "-" if one.value is None else f"{one.value:.3f}", one.bar, words[one.met], one.note) for one in found
    ]
    head = ("reached", "value", "bar", "met", "")
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in [head, *rows]
    )
