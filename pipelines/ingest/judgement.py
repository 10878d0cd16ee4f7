"""May the tables be scored from on a date? What is late and what is missing, each told once; what stops, all at once."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from features.errors import HeadwaterError, Problem
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest import completeness, deliveries, freshness, histories
from pipelines.ingest.tables import Tables

FIRST = ("E402", "E423", "E421", "E427", "E405", "W402", "W423", "W421", "W405")
"""Codes that may say the same, that the newest of a table has not come: the first of them is told."""


def check(con: Any, tables: Tables, mapping: Mapping, quality: Quality, as_of: date) -> tuple[Problem, ...]:
    """Warnings for what is late (W402, W405), thin (W421-W424) or still arriving (W406, W407). Raises E328 (rows in
    another unit), E402, E405, E410 and E421-E424, all at once.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    tables
        What was read.
    mapping
        Names the sources with their limits, and the time zone.
    quality
        How much must have come.
    as_of
        Rows known then or later do not count.
    """
    late = deliveries.problems(tables.deliveries, mapping.timezone, as_of)
    late += freshness.problems(tables, mapping, quality, as_of)
    late += histories.problems(con, tables, mapping, quality, as_of)
    return warnings([*late, *completeness.problems(con, tables, mapping, quality, as_of)], as_of)


def warnings(problems: Sequence[Problem], as_of: date) -> tuple[Problem, ...]:
    """What does not stop, each fault once. Raises one error of all that stops, with the files that are still arriving.

    Parameters
    ----------
    problems
        Of freshness and of completeness, the worst first.
    as_of
        The date of the run.
    """
    once = [problem for problem in problems if not _is_told(problem, problems, as_of)]
    if stopped := [problem for problem in once if problem.exit_code]:
        raise HeadwaterError.of([*stopped, *(problem for problem in once if problem.code == "W406")])
    return tuple(once)


def _is_told(problem: Problem, problems: Sequence[Problem], as_of: date) -> bool:
    """Does another problem say the same of the newest rows of its source, and better?"""
    if not _of_newest(problem, as_of):
        return False
    same = [p for p in problems if _source(p) == _source(problem) and _of_newest(p, as_of)]
    return any(FIRST.index(p.code) < FIRST.index(problem.code) for p in same)


def _source(problem: Problem) -> tuple[str, str | None]:
    """The table, and its source where it has several."""
    return problem.values["table"], problem.values.get("source")


def _of_newest(problem: Problem, as_of: date) -> bool:
    """Is it about the newest rows? A thin month is where it ended lately: of an older one something else is missing."""
    if problem.code in ("E421", "E427"):
        return date.fromisoformat(problem.values["last"]) >= as_of - timedelta(days=45)
    return problem.code in FIRST
