"""Every figure that a run gives, and the bar that it is held against."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.measure import Cost

GB = 1e9
FULL_SIZE = 1_000_000
"""The customers for which bars of memory and growth were set: fewer can break them, but not meet them."""
HUGE = 10_000_000
TREES = ("default", "reference")
SHAPES = {"default": "our trees (15 leaves, depth 5)", "reference": "trees of 31 leaves, depth 6"}
RIVALS = {"sql": "SQL by hand", "raw_sql": "SQL by hand from raw files", "polars": "Polars", "pandas": "pandas"}


class NotRun(Exception):
    """A part was left out, or failed; the text says why."""


LEFT_OUT = "left out of this run"
"""Why a part that was not asked for was not run."""


@dataclass
class Costs:
    """What each part cost, or why it was not run."""

    ran: dict[str, Cost] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Cost:
        if name not in self.ran:
            raise NotRun(self.left.get(name, f"{name} was not asked for"))
        return self.ran[name]


@dataclass(frozen=True)
class Size:
    """A base that is simulated, read and learnt from, and how many times it is laid side by side."""

    base: int
    tiles: int

    @property
    def customers(self) -> int:
        return self.base * self.tiles

    @property
    def tenth(self) -> int:
        return max(1, self.tiles // 10)


@dataclass(frozen=True)
class Figure:
    """One figure. `met_from`: with fewer customers it can only break its bar."""

    name: str
    value: Callable[[Costs], float]
    unit: str = "x CPU"
    most: float | None = None
    least: float | None = None
    met_from: int = 0
    customers: int | None = None

    @property
    def bar(self) -> str | None:
        if self.most is not None:
            return f"<= {self.most:g}"
        return None if self.least is None else f">= {self.least:g}"

    def meets(self, value: float, customers: int) -> bool | None:
        if self.bar is None:
            return None
        good = (self.most is None or value <= self.most) and (self.least is None or value >= self.least)
        return None if good and customers < self.met_from else good


@dataclass(frozen=True)
class Line:
    """One figure of a run. `bar` None: no bar for it. `met` None: this run cannot tell. `value` None: `unit` says why."""

    name: str
    customers: int
    value: float | None
    bar: str | None
    met: bool | None
    unit: str


def lines(costs: Costs, size: Size) -> list[Line]:
    """Every figure of a run beside its bar."""
    return [line(figure, costs, figure.customers or size.customers) for figure in _figures(size)]


def line(figure: Figure, costs: Costs, customers: int) -> Line:
    """One figure beside its bar; what was not run says why."""
    try:
        value = figure.value(costs)
    except NotRun as why:
        return Line(figure.name, customers, None, figure.bar, None, f"not run: {why}")
    return Line(figure.name, customers, value, figure.bar, figure.meets(value, customers), figure.unit)


def cpu(over: str, under: str) -> Callable[[Costs], float]:
    """CPU seconds of one part over those of another."""
    return lambda costs: costs[over].cpu / costs[under].cpu


def _peak(over: str, under: str) -> Callable[[Costs], float]:
    return lambda costs: costs[over].peak / costs[under].peak


def _said(part: str, fact: str) -> Callable[[Costs], float]:
    return lambda costs: float(costs[part].facts[fact])


def _figures(size: Size) -> Iterator[Figure]:
    yield from _of_features()
    yield from _of_rivals(size)
    yield from _of_reasons()
    yield from _of_night(size)
    yield from _of_parts(size)


def _of_features() -> Iterator[Figure]:
    yield Figure("subset of features / SQL by hand", cpu("us", "sql"), most=1.15)
    yield Figure("subset from the store / SQL by hand from raw files", cpu("us", "raw_sql"), most=0.6)
    yield Figure("features of one night / raw scan", cpu("night_features", "scan"), most=12)
    single = cpu("together", "two")
    yield Figure("twelve snapshots at once / six times two single builds", lambda costs: single(costs) / 6, most=0.35)


def _of_rivals(size: Size) -> Iterator[Figure]:
    yield Figure("subset of features / pandas", cpu("us", "pandas"), most=0.6)
    yield Figure("subset of features / pandas, peak", _peak("us", "pandas"), "x memory", most=0.3, met_from=FULL_SIZE)
    yield Figure("subset of features / Polars", cpu("us", "polars"))
    yield Figure("subset of features / Polars, peak", _peak("us", "polars"), "x memory")
    yield Figure("subset of features / SQL by hand, peak", _peak("us", "sql"), "x memory")
    few = size.base
    yield Figure("subset by featuretools / SQL by hand", cpu("featuretools", "sql_few"), customers=few)
    yield Figure("subset by featuretools / ours", cpu("featuretools", "us_few"), customers=few)
    for way in ("sql", "polars", "pandas"):
        yield Figure(f"subset by {RIVALS[way]}, largest difference", _apart("equality", way), "relative", most=1e-6)
    yield Figure(
        "subset by featuretools, largest difference", _apart("equality_few", "featuretools"), "relative", most=1e-6,
        customers=few,
    )  # fmt: skip
    yield Figure(
        "subset by SQL by hand from raw files, largest difference", _largest("equality", "raw_sql"), "relative"
    )


def _apart(part: str, way: str) -> Callable[[Costs], float]:
    """The largest difference; infinite where the customers or the nulls are others."""

    def value(costs: Costs) -> float:
        found = _compared(costs, part, way)
        return found["largest"] if found["nulls"] == found["customers"] == 0 else float("inf")

    return value


def _largest(part: str, way: str) -> Callable[[Costs], float]:
    return lambda costs: _compared(costs, part, way)["largest"]


def _compared(costs: Costs, part: str, way: str) -> Mapping[str, float]:
    costs[way]  # a rival that did not run says why
    return costs[part].facts[way]


def _of_reasons() -> Iterator[Figure]:
    for trees in TREES:
        yield Figure(f"reasons: woodelf / pred_contrib, {SHAPES[trees]}", _speed(trees), "x rows per CPU s", least=15)
        yield Figure(
            f"reasons: largest difference, {SHAPES[trees]}", _said(f"same_{trees}", "difference"), "log-odds", most=1e-5
        )
        for name, part in (("woodelf", "fast"), ("pred_contrib", "own")):
            yield Figure(f"reasons: {name}, {SHAPES[trees]}", _rate(f"{part}_{trees}"), "rows per CPU s")


def _rate(part: str) -> Callable[[Costs], float]:
    return lambda costs: costs[part].facts["rows"] / costs[part].cpu


def _speed(trees: str) -> Callable[[Costs], float]:
    def value(costs: Costs) -> float:
        if costs[f"fast_{trees}"].facts["method"] != "woodelf":
            raise NotRun("the fast reasons fell back to LightGBM's own")
        return _rate(f"fast_{trees}")(costs) / _rate(f"own_{trees}")(costs)

    return value


def _of_night(size: Size) -> Iterator[Figure]:
    yield Figure("whole night / raw scan", cpu("night", "scan"), most=100)
    most = 4 if size.customers >= HUGE else 2.5
    yield Figure("whole night, peak", lambda costs: costs["night"].peak / GB, "GB", most=most, met_from=FULL_SIZE)
    tenth = f"{size.base * size.tenth:,} customers"
    growth = _peak("night", "night_tenth")
    yield Figure(f"whole night / that of {tenth}, peak", growth, "x memory", most=3, met_from=FULL_SIZE)
    huge = 12 if size.customers >= HUGE else None
    yield Figure(f"whole night / that of {tenth}, wall", _slower, "x wall", most=huge)
    yield Figure(f"night of {tenth}, after the whole one / before", _drift, "x wall")


def _slower(costs: Costs) -> float:
    """Against the mean of a tenth's nights before and after: in half an hour a machine that is shared changes its speed."""
    return costs["night"].wall * 2 / (costs["night_tenth"].wall + costs["night_tenth_after"].wall)


def _drift(costs: Costs) -> float:
    return costs["night_tenth_after"].wall / costs["night_tenth"].wall


MEASURED = {
    "scan": "raw scan", "us": "subset by us", "sql": "subset by SQL by hand", "raw_sql": "subset by SQL by hand from raw files",
    "polars": "subset by Polars", "pandas": "subset by pandas", "night_features": "features of one night",
    "together": "twelve snapshots at once", "two": "two single builds of the twelve", "night": "whole night",
}  # fmt: skip


def _of_parts(size: Size) -> Iterator[Figure]:
    """The costs behind the ratios, and what they were of."""
    for part, name in MEASURED.items():
        yield from _of_part(part, name)
    yield from _of_part("featuretools", "subset by featuretools", size.base)
    yield Figure("whole night: CPU of imports before the work", lambda costs: _imports(costs["night"]), "s")
    yield Figure("reading raw files for the first time: CPU", lambda costs: costs["read"].cpu, "s", customers=size.base)
    yield Figure("customers with us that night", _said("night", "rows"), "customers")
    yield Figure("rows of the canonical tables", _said("tile", "rows"), "rows")
    yield Figure("cores", _said("machine", "cores"), "cores")
    yield Figure("other work on the machine at the start", _said("machine", "load"), "processes")


def _of_part(part: str, name: str, customers: int | None = None) -> Iterator[Figure]:
    yield Figure(f"{name}: CPU", lambda costs: costs[part].cpu, "s", customers=customers)
    yield Figure(f"{name}: wall", lambda costs: costs[part].wall, "s", customers=customers)
    yield Figure(f"{name}: peak", lambda costs: costs[part].peak / GB, "GB", customers=customers)


def _imports(cost: Cost) -> float:
    return cost.process_cpu - cost.cpu
