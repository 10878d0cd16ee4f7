"""Marking rows: each says by itself what the first thing is that is wrong with it, and the text to show for it."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from pipelines.ingest.cells import Problem

BROKEN, FOUND = "__broken", "__found"
"""The mark of a row, `column|rule`, and the text; null where nothing is wrong."""


def mark(column: str, rule: str) -> str:
    """A rule that is broken in a column, as rows carry it; neither has a `|` in its name."""
    return f"{column}|{rule}"


def column_of(marks: ir.StringColumn) -> ir.StringColumn:
    """The column of each mark; null where nothing is wrong."""
    return marks.split("|")[0]


def rule_of(marks: ir.StringColumn) -> ir.StringColumn:
    """The rule of each mark; null where nothing is wrong."""
    return marks.split("|")[1]


def marks(problems: Sequence[Problem]) -> dict[str, ir.Value]:
    """Mark and text of the first problem of each row, as columns to add; null where there is none."""
    if not problems:
        return {BROKEN: ibis.null("string"), FOUND: ibis.null("string")}
    rules = [(problem.broken, mark(problem.column, problem.rule)) for problem in problems]
    texts = [(problem.broken, problem.found) for problem in problems]
    return {BROKEN: ibis.cases(*rules, else_=None), FOUND: ibis.cases(*texts, else_=None)}


def marked(rows: ir.Table, problems: Sequence[Problem]) -> ir.Table:
    """Rows that carry marks already; those that carry none get the mark of their first problem."""
    sound = rows[BROKEN].isnull()
    return rows.mutate(**{name: ibis.ifelse(sound, value, rows[name]) for name, value in marks(problems).items()})
