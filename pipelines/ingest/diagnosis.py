"""What else is wrong with a table that stopped a reading: its first rows are tried again, every column by itself.

A row is put aside for the first thing that is wrong with it, and a column that cannot be made stops its table. Whoever
mends that one thing would meet the next at the next reading; here they are told all of it at once.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.contracts import Contract
from features.errors import HeadwaterError, Problem
from pipelines.config.forms import Form
from pipelines.config.mapping import SourceMapping
from pipelines.ingest import cells, columns, offsets, quarantine, sniffing
from pipelines.ingest.columns import Columns
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import FILE, ROW, Raw
from pipelines.ingest.reading import Reading
from pipelines.ingest.rules import masked

FIRST = 1_000
"""Rows that are tried."""


def diagnosed(reading: Reading, contract: Contract, error: HeadwaterError) -> HeadwaterError:
    """An error with what else is wrong in the first rows of each source that it is of, and with fixes that read them; as
    it is where nothing can be read.

    Parameters
    ----------
    reading
        The reading that stopped.
    contract
        Of the table.
    error
        What stopped it.
    """
    files, cause = {problem.file for problem in error.problems}, error.__cause__
    for part, raw in reading.sources(contract.name):
        if len(reading.inputs.raws[contract.name].members) == 1 or files & {raw.shown, *(f.path for f in raw.inputs)}:
            error = _with_others(reading, contract, part, raw, error)
    error.__cause__ = cause
    return error


def _with_others(
    reading: Reading, contract: Contract, part: SourceMapping, raw: Raw, error: HeadwaterError
) -> HeadwaterError:
    needed = sorted(columns.needed(part) & set(raw.header))
    if error.exit_code != 3 or not needed:
        return error
    told, table = {problem.column for problem in error.problems}, f"tried_{contract.name}"
    try:
        rows = sources.first_rows(raw, needed, FIRST)
        tried = reading.con.create_table(table, rows, temp=True, overwrite=True)
        further = [problem for problem in _problems(reading, contract, part, raw, tried) if problem.column not in told]
    except HeadwaterError:  # what stops these rows too was told
        return error
    finally:
        reading.con.drop_table(table, force=True)
    return HeadwaterError.of([_advised(problem, part.forms(), rows) for problem in (*error.problems, *further)])


def _advised(problem: Problem, forms: Mapping[str, Form], rows: pa.Table) -> Problem:
    """A problem of dates or numbers with what to write of their shape or mark, as far as the first rows tell."""
    form = forms.get(problem.column or "")
    if form is None or problem.code not in ("E307", "E308"):
        return problem
    names = [name for name in columns.named(form) if name in rows.column_names]
    texts = [text for name in names for text in rows[name].cast(pa.string()).to_pylist()]
    if problem.code == "E308":
        return replace(problem, values=problem.values | _number_advice(problem, form, texts))
    return (
        replace(problem, values=problem.values | _time_advice(problem, form, texts)) if form.from_ in names else problem
    )


def _number_advice(problem: Problem, form: Form, texts: list[str | None]) -> dict[str, Any]:
    """The key of the sentence to follow. A single text that is no number beside many that are stands for nothing."""
    value = problem.values["value"]
    marks = sniffing.decimal_marks([*texts, value])
    if marks and marks != (form.decimal or ".",):
        mark = marks[0] if len(marks) == 1 else ","
        made = form.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"decimal": mark}
        written = json.dumps(made, ensure_ascii=False)
        return {"advice": "@numbers.decimal" if len(marks) == 1 else "@numbers.either", "form": written}
    others = sniffing.decimal_marks([text for text in texts if text != value])
    nothing = others and not re.search(r"\d", str(value))
    return {"advice": "@numbers.nothing" if nothing else "@numbers.plain"}


def _time_advice(problem: Problem, form: Form, texts: list[str | None]) -> dict[str, Any]:
    """The key of the sentence to follow. A single text that cannot be read beside many that can stands for nothing."""
    value = problem.values["value"]
    shapes = sniffing.time_shapes([text for text in texts if text != value] or texts)
    if shapes == (form.parse or sniffing.ISO,):
        return {"advice": "@times.empty"}
    if len(shapes) > 1:
        return {"advice": "@times.several", "shapes": ", ".join(f'"{shape}"' for shape in shapes)}
    if shapes == (sniffing.ISO,):
        return {"advice": "@times.iso"}
    return {"advice": "@times.shape", "shape": shapes[0]} if shapes else {"advice": "@times.unknown"}


def _problems(reading: Reading, contract: Contract, part: SourceMapping, raw: Raw, rows: ir.Table) -> Iterator[Problem]:
    aware = offsets.aware_columns(rows, part, contract, raw.shown)
    made = Columns(contract, part, reading.mapping, rows, aware, [file.path for file in raw.inputs])
    broken: list[cells.Problem] = []
    for column in contract.columns:
        try:
            broken += made.column(column.name).problems
        except HeadwaterError as error:
            yield from ([] if error.problem.code == "E302" else error.problems)
    yield from _frequent(reading, contract, raw, rows, broken)
    try:
        columns.check_maps(made, raw.shown)
    except HeadwaterError as error:
        yield from error.problems


def _frequent(
    reading: Reading, contract: Contract, raw: Raw, rows: ir.Table, broken: Sequence[cells.Problem]
) -> Iterator[Problem]:
    """Rules that more rows break than the settings allow."""
    if not broken:
        return
    marks = {f"broken_{n}": problem.broken.fill_null(False) for n, problem in enumerate(broken)}
    counts = rows.mutate(**marks).aggregate(**{name: ibis._[name].sum() for name in marks}).to_pyarrow().to_pylist()[0]
    total = rows.count().execute()
    for name, problem in zip(marks, broken, strict=True):
        if (counts[name] or 0) > reading.quality.max_quarantined * total:
            shown = rows.filter(problem.broken).select(FILE, ROW, value=masked(problem.found)).limit(1)
            first = shown.to_pyarrow().to_pylist()[0]
            place = {"file": raw.inputs[first[FILE] - raw.first].path, "row": first[ROW], "value": first["value"]}
            numbers = {"rows": counts[name], "total": total, "share": counts[name] / total}
            limit = {"table": contract.name, "limit": reading.quality.max_quarantined}
            yield quarantine.broken_rule(problem.rule, problem.column, place, numbers | limit)
