"""Zero-filled series against the grid that they do without: every unit laid out, empty ones as 0."""

import random
from fractions import Fraction

import ibis
import pytest

from features import series
from features.definition import Window
from features.series import Series, hundredths, number, ratio
from tests.features import figures

STATISTICS = ("count", "mean", "deviation", "slope", "peak", "spike", "filled", "peak_ago")
WINDOWS = [Window(1, "m"), Window(3, "m"), Window(6, "m"), Window(3, "m", skip=3), Window(6, "m", skip=6)]


def answers(con: ibis.BaseBackend, worlds: list[dict], window: Window) -> list[dict]:
    """Every statistic of every world, by the series."""
    rows = [
        (w, ago, v, world["known"])
        for w, world in enumerate(worlds)
        for ago, v in (world["values"] or {None: None}).items()
    ]
    schema = ibis.schema({"world": "int64", "ago": "int64", "value": "float64", "known": "int64"})
    table = ibis.memtable(rows, schema=schema)
    series = Series(table["value"], table["ago"], table["known"])
    made = table.group_by("world").aggregate(**{s: getattr(series, s)(window) for s in STATISTICS})
    return con.to_pyarrow(made.order_by("world").drop("world")).to_pylist()


def grid(world: dict, window: Window) -> dict:
    """The same, one value per observed unit."""
    units = range(window.skip, min(window.skip + window.size, world["known"]))
    values = [Fraction(world["values"].get(ago, 0)) / 100 for ago in units]
    peak = max(values, default=None)
    return {
        "count": len(values),
        "mean": figures.mean(values),
        "deviation": figures.spread(values),
        "slope": figures.slope(values),
        "peak": peak,
        "spike": figures.ratio(peak, figures.mean(sorted(values)[:-1])),
        "filled": sum(v > 0 for v in values) if values else None,
        "peak_ago": values.index(peak) + window.skip if peak else None,
    }


@pytest.mark.parametrize("window", WINDOWS, ids=lambda w: f"{w.size}-{w.skip}")
def test_equals_the_grid(con: ibis.BaseBackend, window: Window):
    draw = random.Random(5)
    worlds = [
        {
            "known": draw.choice([-1, 0, 1, 2, 3, 5, 12, 40]),
            "values": {
                ago: draw.choice([0.0, 100.0, draw.randrange(1, 9999) * 1.0])
                for ago in range(-2, 15)
                if draw.random() < 0.4
            },
        }
        for _ in range(300)
    ]
    for world, got in zip(worlds, answers(con, worlds, window), strict=True):
        for name, expected in grid(world, window).items():
            assert got[name] == (None if expected is None else pytest.approx(float(expected), rel=1e-9, abs=1e-9)), (
                name,
                world,
            )


def test_one_filled_month_among_empty_ones_has_no_spike(con: ibis.BaseBackend):
    """0.1 + 0.2 - 0.3 is not 0 in floating point; in whole hundredths it is, and nothing is divided by a remainder."""
    worlds = [{"known": 7, "values": {2: float(cents)}} for cents in range(1, 400)]
    assert {row["spike"] for row in answers(con, worlds, Window(6, "m"))} == {None}


def test_the_order_of_rows_tells_in_no_bit_of_a_deviation(con: ibis.BaseBackend):
    """Squares of some 600 thousand units pass 2**53 hundredths: summed as they are, their order would be seen."""
    draw, worlds = random.Random(11), []
    for _ in range(200):
        values = [(ago, draw.randrange(30_000_000, 90_000_000) * 1.0) for ago in range(6)]
        worlds += [{"known": 40, "values": dict(order)} for order in (values, values[::-1], draw.sample(values, 6))]
    window = Window(6, "m")
    got = [row["deviation"] for row in answers(con, worlds, window)]
    assert got[0::3] == got[1::3] == got[2::3]
    assert got == pytest.approx([float(grid(world, window)["deviation"]) for world in worlds], rel=1e-9)


def test_hundredths_are_whole_and_exact(con: ibis.BaseBackend):
    table = ibis.memtable({"v": ["0.01", "0.07", "1.15", "29.99", "123456.78"]})
    money = hundredths(table.v.cast("decimal(12, 2)"))
    assert con.to_pyarrow(money.name("h").as_table())["h"].to_pylist() == [1.0, 7.0, 115.0, 2999.0, 12345678.0]
    floats = hundredths(table.v.cast("float64"))
    assert con.to_pyarrow(floats.name("h").as_table())["h"].to_pylist() == [1.0, 7.0, 115.0, 2999.0, 12345678.0]


def test_a_ratio_to_nothing_is_null_and_a_count_of_nothing_is_zero(con: ibis.BaseBackend):
    table = ibis.memtable([(1.0, 0.0), (1.0, None), (None, 2.0), (1.0, 4.0)], schema={"a": "float64", "b": "float64"})
    answer = con.to_pyarrow(table.select(ratio=ratio(table.a, table.b), number=number(table.a)))
    assert answer["ratio"].to_pylist() == [None, None, None, 0.25]
    assert answer["number"].to_pylist() == [1.0, 1.0, 0.0, 1.0]


def test_the_old_name_of_ratio_still_works_with_a_warning():
    """Projects' own features import it."""
    with pytest.warns(DeprecationWarning, match="ratio"):
        from features.series import over
    assert over is ratio
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = series.nothing_of_this_name
