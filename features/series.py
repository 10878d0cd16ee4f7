"""Zero-filled series: statistics of a customer's months or periods, those without an event counting as 0.

No grid is laid out. Empty units add nothing to the sums of y, y² and xy; their number, and the sums of x and x²,
follow from how long the customer has been with us. A grid says the same in the tests, slowly.

Values come in hundredths, as whole numbers in float64: their sums are exact, and those of their squares are made so
(`square_parts`), so neither row order nor threads can change a bit of a result.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from features.definition import Window

NOTHING = ibis.null("float64")


@ibis.udf.scalar.builtin(name="round", signature=((float,), float))
def whole(number: ir.NumericValue) -> ir.NumericValue:
    """Half away from zero; every engine has it under this name, and without a number of digits it is quicker."""


def hundredths(column: ir.NumericColumn) -> ir.NumericColumn:
    """Whole hundredths in float64."""
    return whole(column.cast("float64") * 100)


SPLIT = 2.0**20
"""Where a value is cut in two, so that the products of its halves are whole numbers whose sums are exact."""


def square_parts(value: ir.NumericColumn) -> tuple[ir.NumericColumn, ir.NumericColumn, ir.NumericColumn]:
    """Three products that make a square, for `square` of their sums.

    Sums of the squares themselves would round from about 400 thousand units (hundredths squared pass 2**53), and then
    the order of rows would tell in the last bits. These are exact up to a thousand million units in thousands of rows.
    """
    high = (value / SPLIT).floor().cast("float64")
    low = value - high * SPLIT
    return high * high, high * low, low * low


def square(high: ir.NumericValue, cross: ir.NumericValue, low: ir.NumericValue) -> ir.NumericValue:
    """The sum of squares from the sums of their `square_parts`."""
    return high * SPLIT**2 + cross * (2 * SPLIT) + low


@dataclass(frozen=True)
class Series:
    """`value` (hundredths) per unit, `ago` units back, of a customer observed for `known` whole units."""

    value: ir.NumericColumn
    ago: ir.IntegerColumn
    known: ir.IntegerColumn

    def inside(self, window: Window) -> ir.BooleanColumn:
        return window.covers(self.ago) & (self.ago < self.known)

    def count(self, window: Window) -> ir.NumericScalar:
        """Units observed inside the window; 0 when the customer is younger than that."""
        observed = ibis.greatest(ibis.least(self.known.max() - window.skip, window.size), 0)
        return observed.cast("float64")

    def total(self, window: Window) -> ir.NumericScalar:
        """Sum of the observed units, in whole hundredths; 0 when there are none."""
        return self._sum(self.value, window)

    def mean(self, window: Window) -> ir.NumericScalar:
        """Per observed unit; null before the first whole one."""
        return self._sum(self.value, window) / (100.0 * self.count(window)).nullif(0)

    def share_beyond(self, window: Window, sign: int) -> ir.NumericScalar:
        """Share of the observed units that lie above (sign 1) or below (-1) the mean of the window before; null when
        nothing was observed before."""
        before = window.before()
        total, n = self._sum(self.value, before), self.count(before)
        ones = [Window(1, window.unit, window.skip + i) for i in range(window.size)]
        away = [sign * (self._sum(self.value, one) * n - total) > 0 for one in ones]  # whole numbers: exact
        seen = [self.count(one) * side.cast("float64") for one, side in zip(ones, away, strict=True)]
        return ibis.ifelse(n > 0, sum(seen[1:], seen[0]) / self.count(window).nullif(0), NOTHING)

    def deviation(self, window: Window) -> ir.NumericScalar:
        """Population standard deviation; null before the first whole unit."""
        n, total = self.count(window), self._sum(self.value, window)
        squares = square(*[self._sum(part, window) for part in square_parts(self.value)])
        return ibis.greatest(n * squares - total * total, 0.0).sqrt() / (100.0 * n).nullif(0)

    def slope(self, window: Window) -> ir.NumericScalar:
        """Least-squares change per unit, rising is positive; null below two observed units."""
        n, total = self.count(window), self._sum(self.value, window)
        weighted = self._sum(self.value * self.ago.cast("float64"), window)
        middle = (n - 1.0) / 2.0 + window.skip
        steps = n * (n * n - 1.0) * 100.0 / 12.0  # n units lie this far from their middle, squared and summed
        return (middle * total - weighted) / ibis.ifelse(n >= 2, steps, NOTHING)

    def peak(self, window: Window) -> ir.NumericScalar:
        """Largest unit; null before the first whole one."""
        return ibis.ifelse(self.count(window) > 0, self._top(window) / 100.0, NOTHING)

    def spike(self, window: Window) -> ir.NumericScalar:
        """Largest unit over the mean of the other observed ones; null when those are not above 0 together."""
        top, n = self._top(window), self.count(window)
        others = self._sum(self.value, window) - top  # whole hundredths: exactly 0 when one unit stands alone
        return ratio(top * (n - 1.0), others)

    def filled(self, window: Window) -> ir.NumericScalar:
        """Units with something above zero; null before the first whole one."""
        used = (self.inside(window) & (self.value > 0)).sum().fill_null(0).cast("float64")
        return ibis.ifelse(self.count(window) > 0, used, NOTHING)

    def peak_ago(self, window: Window) -> ir.NumericScalar:
        """Units since the largest one, the newest of equals; null when none is above 0."""
        rank = self.value * 64.0 - self.ago  # whole hundredths lie at least 1 apart, so `ago` only breaks ties
        return self.ago.cast("float64").argmax(rank, where=self.inside(window) & (self.value > 0))

    def _top(self, window: Window) -> ir.NumericScalar:
        """The largest unit, in hundredths; one without an event is 0, which is more than one that was credited."""
        inside = self.inside(window)
        some_empty = self.value.count(where=inside) < self.count(window)
        return ibis.greatest(self.value.max(where=inside), ibis.ifelse(some_empty, 0.0, NOTHING))

    def _sum(self, column: ir.NumericColumn, window: Window) -> ir.NumericScalar:
        return column.sum(where=self.inside(window)).fill_null(0.0)


def ratio(part: ir.NumericValue, whole: ir.NumericValue) -> ir.NumericValue:
    """A ratio; null where there is nothing to compare with: a whole of 0, or below it where more was credited than billed."""
    return part / ibis.greatest(whole, 0.0).nullif(0.0)  # mentioned once: ratios of ratios would double each time


def days_since(ago: ir.IntegerColumn, where: ir.BooleanColumn | None = None) -> ir.NumericScalar:
    """Days since the newest event (of those `where`): 1 is the day before the as-of date, null is none."""
    return ago.min(where=where).cast("float64") + 1.0


def usual_gap(ago: ir.IntegerColumn, inside: ir.BooleanColumn) -> ir.NumericScalar:
    """Days from the first to the last event `inside` over their number less one; null below two."""
    span = (ago.max(where=inside) - ago.min(where=inside)).cast("float64")
    return ratio(span, number(inside.sum()) - 1.0)


def number(column: ir.Value) -> ir.NumericValue:
    """A count as float64, 0 over no rows."""
    return column.fill_null(0).cast("float64")


def __getattr__(name: str) -> Any:
    """`over`, by which projects' own features may still call `ratio`."""
    if name != "over":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn("features.series.over is called ratio", DeprecationWarning, stacklevel=2)
    return ratio
