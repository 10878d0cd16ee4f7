"""How old the newest row of a table may be, at each as-of date: as declared, or by the source's own rhythm."""

from datetime import date, datetime, time, timedelta

import ibis
import numpy as np
import pytest

from features.errors import HeadwaterError, Problem
from pipelines.config.quality import Quality
from pipelines.ingest import freshness, judgement
from pipelines.ingest.tables import Tables
from pipelines.wording import errors
from tests.raw import Raw

START = date(2023, 1, 1)


@pytest.fixture
def raw(tmp_path):
    return Raw(tmp_path)


@pytest.mark.parametrize(("as_of", "outcome"), [("2026-02-13", ""), ("2026-02-20", "W402"), ("2026-03-20", "E402")])
def test_a_declared_limit(raw, con, as_of, outcome):
    raw.mapping["tables"]["usage"]["freshness"] = {"warn_after": "7d", "error_after": "20d"}
    found, mapping = raw.read(con), raw.load()
    told = freshness.problems(found, mapping, Quality(), date.fromisoformat(as_of))
    assert "".join(problem.code for problem in told) == outcome
    assert all(problem.exit_code == (4 if outcome.startswith("E") else 0) for problem in told)


def test_freshness_of_an_old_date_looks_at_what_was_known_then(raw, con):
    raw.mapping["tables"]["usage"]["freshness"] = {"error_after": "20d"}
    found, mapping = raw.read(con), raw.load()
    assert freshness.problems(found, mapping, Quality(), date(2026, 1, 20)) == []
    (problem,) = freshness.problems(found, mapping, Quality(), date(2026, 2, 5))
    assert problem.code == "E402"


def known(days: list[date]) -> ibis.Table:
    """Rows that became known at nine in the morning of some days."""
    moments = [datetime.combine(day, time(9)) for day in days for _ in range(2)]
    return ibis.memtable({"known_at": moments}, schema={"known_at": "timestamp(6)"})


def told(folder, days: list[date], as_of: date, quiet: tuple[str, ...] = (), **limits) -> list[Problem]:
    raw = Raw(folder)
    raw.mapping["tables"] = {n: t for n, t in raw.mapping["tables"].items() if n in ("customers", "usage")}
    raw.mapping["tables"]["usage"] |= {"freshness": limits} if limits else {}
    tables = Tables({"usage": known(days)}, newest={"usage": datetime.combine(max(days), time(9))})
    return freshness.problems(tables, raw.load(), Quality(quiet={"usage": quiet}), as_of)


def every(days: int, count: int) -> list[date]:
    return [START + timedelta(days=days * n) for n in range(count)]


def months(count: int) -> list[date]:
    """The sixth of each month, or the Monday after."""
    firsts = [date(2023 + n // 12, n % 12 + 1, 6) for n in range(count)]
    return [day + timedelta(days=max(0, 7 - day.weekday()) % 7 if day.weekday() > 4 else 0) for day in firsts]


WORKDAYS = [day for day in every(1, 700) if day.weekday() < 5]
RHYTHMS = {
    "daily": (every(1, 700), 2, 4),
    "on workdays": (WORKDAYS, 4, 6),
    "weekly": (every(7, 100), 8, 10),
    "monthly": (months(24), 34, 49),
    "yearly": (every(365, 4), 366, 547),
}
"""Days on which rows came, and the longest silence in days that is not told, and that does not stop."""


@pytest.mark.parametrize("name", RHYTHMS)
def test_each_source_is_stale_by_its_own_rhythm(tmp_path, name):
    days, quiet, most = RHYTHMS[name]
    codes = {
        silence: "".join(p.code for p in told(tmp_path, days, days[-1] + timedelta(days=silence)))
        for silence in (1, quiet, quiet + 1, most, most + 1, 900)
    }
    assert list(codes.values()) == ["", "", "W405", "W405", "E405", "E405"]


def test_a_source_that_comes_at_any_time_stops_nothing(tmp_path):
    rng = np.random.default_rng(1)
    days = [START + timedelta(days=int(n)) for n in np.cumsum(rng.exponential(9, 60).astype(int) + 1)]
    assert {p.code for p in told(tmp_path, days, days[-1] + timedelta(days=400))} == {"W405"}


@pytest.mark.parametrize("rate", [0.3, 1.0, 2.0, 5.0])
def test_a_small_source_of_chance_is_not_stopped(rate):
    """Rows a day by chance: the rhythm is seen on each of its days, after half a year of it."""
    rng, stopped = np.random.default_rng(2), 0
    for _ in range(20):
        days = np.flatnonzero(rng.poisson(rate, 500))
        for place in np.flatnonzero(days > 180)[:-1]:
            own = freshness.rhythm(days[: place + 1])
            stopped += own.regular and days[place + 1] - days[place] > own.error_after
    assert stopped == 0


@pytest.mark.parametrize("days", [every(1, 3), every(30, 1)])
def test_few_days_tell_no_rhythm(tmp_path, days):
    assert told(tmp_path, days, date(2026, 1, 1)) == []


def test_what_is_declared_wins_and_null_is_never(tmp_path):
    days, as_of = every(1, 700), START + timedelta(days=900)
    assert [p.code for p in told(tmp_path, days, as_of, error_after="30d")] == ["E402"]
    assert told(tmp_path, days, as_of, error_after="300d") == told(tmp_path, days, as_of, error_after=None) == []


def test_days_that_are_right_as_they_are_do_not_count(tmp_path):
    days = every(1, 700)  # until 30 November 2024
    assert [p.code for p in told(tmp_path, days, date(2024, 12, 9))] == ["E405"]
    assert told(tmp_path, days, date(2024, 12, 9), quiet=("2024-12",)) == []
    assert [p.code for p in told(tmp_path, days, date(2025, 1, 9), quiet=("2024-12",))] == ["E405"]


def test_the_fix_of_a_silent_source_is_enough(tmp_path):
    days, as_of = every(1, 700), START + timedelta(days=710)
    (problem,) = told(tmp_path, days, as_of)
    line = errors.render_line(problem, "en")
    limit = f"{problem.values['enough']}d"
    assert f"tables.usage.freshness.error_after: {limit}" in line and "2024-11-30" in line
    assert told(tmp_path, days, as_of, error_after=limit) == []


def problem(code: str, table: str = "usage", last: str = "2026-01-31") -> Problem:
    return Problem(code, values={"table": table, "last": last})


SAME: dict[str, tuple[list[Problem], list[str]]] = {
    "a source that stopped": ([problem("E405"), problem("E423")], ["E423"]),
    "a declared limit": ([problem("E402"), problem("E423"), problem("E421")], ["E402"]),
    "another month": ([problem("E402"), problem("E421", last="2025-07-31")], ["E402", "E421"]),
    "another table": ([problem("E405"), problem("E423", "bills")], ["E405", "E423"]),
    "a day in the middle": ([problem("E405"), problem("E422")], ["E405", "E422"]),
    "warnings": ([problem("W405"), problem("W423"), problem("W422")], ["W423", "W422"]),
}


@pytest.mark.parametrize("name", SAME)
def test_one_thing_has_one_message(name: str):
    given, codes = SAME[name]
    try:
        found = judgement.warnings(given, date(2026, 2, 20))
    except HeadwaterError as error:
        found = error.problems
    assert [problem.code for problem in found] == codes
