"""Weekly usage of the simulated customers: one row per customer and week, loaded in the night after the week."""

from collections.abc import Iterator

import numpy as np

from pipelines.demo.simulator.people import Calendar, People
from pipelines.demo.simulator.state import Life

WEEKS_A_MONTH = 365.25 / 12 / 7
KB = 1024 * 1024  # KB in a GB
SEASON_DATA = np.array([1.00, 1.10, 0.97, 0.98, 1.02, 1.00, 1.08, 1.10, 0.98, 1.06, 0.98, 1.00])  # January first
SEASON_VOICE = np.array([1.05, 1.20, 0.98, 0.98, 1.00, 1.00, 0.97, 0.97, 1.02, 1.03, 1.00, 1.03])
MINUTE = 60
LATE_SHARE, CORRECTED_SHARE = 0.02, 0.001


def usage_by_month(who: People, life: Life, when: Calendar, rng: np.random.Generator) -> Iterator[tuple[int, dict]]:
    """Yield (month, columns) in order; `life` is the index, times are seconds from the first day.

    A week belongs to the month in which it ends, on a Sunday. Rows loaded after the period do not exist yet."""
    sundays = np.arange(_first_sunday(when), when.days, 7)
    for month in range(when.months):
        inside = sundays[(sundays >= when.edges[month]) & (sundays < when.edges[month + 1])]
        weeks = [_week(who, life, when, (month, int(day)), rng) for day in inside]
        yield month, {name: np.concatenate([w[name] for w in weeks]) for name in weeks[0]}


def _first_sunday(when: Calendar) -> int:
    thursday = when.start.astype("int64")  # day 0 of the epoch was a Thursday, so Sundays are 3 modulo 7
    return int((3 - thursday) % 7)


def _week(who: People, life: Life, when: Calendar, at: tuple[int, int], rng: np.random.Generator) -> dict:
    """Columns of the week that ends on the Sunday `at[1]`; customers without any use in it have no row."""
    sunday = at[1]
    start = np.maximum(who.joined, sunday - 6)
    days = np.clip(np.minimum(life.left, sunday + 1) - start, 0, 7)
    measures = _volumes(who, life, when, at, rng)
    measures = {name: np.floor(values * days / 7) for name, values in measures.items()}
    row = np.flatnonzero((days > 0) & (measures["data_kb"] + measures["voice"] + measures["sms"] > 0))
    loaded = (sunday + 1) * 86400 + 3 * 3600 + rng.integers(0, 40 * MINUTE, len(row))
    late = rng.random(len(row)) < LATE_SHARE
    loaded = loaded + late * rng.integers(1, 21, len(row)) * 86400
    columns = {name: values[row] for name, values in measures.items()}
    columns |= {"life": row, "used": np.full(len(row), sunday * 86400 + 23 * 3600), "loaded": loaded}
    return _arrived(_with_corrections(columns, rng), when)


def _volumes(who: People, life: Life, when: Calendar, at: tuple[int, int], rng: np.random.Generator) -> dict:
    """What a full week brings: KB of data, of it at night and away, minutes times ten, messages."""
    month, sunday = at
    n, number = len(who), when.numbers[month] - 1
    level = _at_day(life.months["usage"], when, sunday) + _fading(who, life, sunday) + rng.normal(0, 0.33, n)
    rising = np.maximum(_at_day(life.months["ramp"], when, sunday), 0)
    data = np.exp(who.data + level + 0.008 * month) * SEASON_DATA[number] * KB / WEEKS_A_MONTH
    night = np.clip(who.night * np.exp(0.5 * rising + rng.normal(0, 0.25, n)), 0, 0.9)
    away = np.minimum(who.roams + 1.1 * rising + 3.0 * (life.months["trip"][month] > 0) + rng.normal(0, 1, n), -0.2)
    voice = np.exp(who.voice + 0.6 * level + rng.normal(0, 0.2, n)) * SEASON_VOICE[number] / WEEKS_A_MONTH
    sms = rng.poisson(np.exp(np.clip(who.sms + 0.4 * level, -3, 6)) / WEEKS_A_MONTH)
    return {"data_kb": data, "night_kb": data * night, "away_kb": data * np.exp(away), "voice": voice * 10, "sms": sms}


def _at_day(months: list[np.ndarray], when: Calendar, day: int) -> np.ndarray:
    """Monthly levels are reached at the end of their month; between them usage moves in a straight line."""
    month = int(when.month_of(np.array([day]))[0])
    share = (day - when.edges[month]) / (when.edges[month + 1] - when.edges[month])
    before = months[max(month - 1, 0)]
    return before + share * (months[month] - before)


def _fading(who: People, life: Life, day: int) -> np.ndarray:
    """Those who leave slowly use less and less between the decision and the day they leave."""
    way = np.clip((day - life.decided) / np.maximum(life.left - life.decided, 1), 0, 1)
    return np.where(who.fades, -way * (0.7 + 1.0 * np.clip(who.frailty + 1, 0, 2)), 0.0)


def _with_corrections(columns: dict, rng: np.random.Generator) -> dict:
    """A few rows are loaded again with more data: same customer and week, later load time."""
    size = len(columns["life"])
    corrected = np.flatnonzero(rng.random(size) < CORRECTED_SHARE)
    second = {name: values[corrected] for name, values in columns.items()}
    second["loaded"] = second["loaded"] + rng.integers(2, 9, len(corrected)) * 86400
    second["data_kb"] = np.floor(second["data_kb"] * 1.1)
    return {name: np.concatenate([columns[name], second[name]]) for name in columns}


def _arrived(columns: dict, when: Calendar) -> dict:
    here = columns["loaded"] < when.days * 86400
    return {name: values[here] for name, values in columns.items()}
