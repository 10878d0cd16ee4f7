"""Is the data usable: what became of the rows of each table, what was put aside and why, and what scores are to be distrusted for."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import APIRouter
from starlette.responses import Response

from features.contracts import CONTRACTS
from pipelines.page.visit import Asked, Visit
from pipelines.wording.texts import has
from pipelines.workspace import journal

router = APIRouter()
Row = dict[str, Any]
FLAGS = "UNNEST(data_quality_flags)"
PARTS = ("in", "used", "quarantined", "duplicates", "filtered")


@router.get("/data")
def data(visit: Asked) -> Response:
    """Tables, findings and flags of the night that is shown."""
    return visit.show(
        "data.html",
        title=visit.tell("nav_data"),
        tables=_tables(visit),
        findings=visit.night.remembered(("findings", visit.lang), lambda: _findings(visit)),
        statuses=visit.night.remembered(
            ("statuses", visit.lang), lambda: _counts(visit, "score_status", "score_status")
        ),
        flags=visit.night.remembered(("flags", visit.lang), lambda: _counts(visit, FLAGS, "data_quality_flags")),
    )


def _tables(visit: Visit) -> list[Row]:
    """What became of every row, by table; nothing where the record of the night is gone."""
    meta = visit.night.publication.meta
    record = journal.read_record(visit.project.workspace.runs / meta["run_id"] / journal.RECORD) or {}
    files = {name: len(known) for name, known in json.loads(meta.get("input_files", "{}")).items()}
    return [
        {
            "name": _table(visit, name),
            "files": visit.count(files.get(name)),
            "cells": [visit.count(counts.get(part, 0)) for part in PARTS],
            "hit": counts.get("quarantined", 0) > 0,
            "whole": counts["in"] == sum(counts.get(part, 0) for part in (*PARTS[1:], "erased")),
        }
        for name, counts in sorted(record.get("rows", {}).items())
    ]


def _table(visit: Visit, name: str) -> str:
    return visit.text(f"terms.table.{name}") if has(f"terms.table.{name}") else name


def _findings(visit: Visit) -> list[Row]:
    """Rows that were put aside, by table, rule and column, most first; where the first of them stands, and never its value."""
    folder = visit.project.workspace.quarantine / visit.night.publication.meta.get("inputs", "")
    found = [row for path in sorted(folder.glob("*.parquet")) for row in _rules(visit, path.stem, pq.read_table(path))]
    return sorted(found, key=lambda row: -row["rows"])


def _rules(visit: Visit, table: str, rows: pa.Table) -> list[Row]:
    """The rows of one table's quarantine by rule and column."""
    grouped = rows.group_by(["rule", "column"], use_threads=False)
    counted = grouped.aggregate([("rule", "count"), ("file", "first"), ("row", "first")]).to_pylist()
    return [
        {
            "table": _table(visit, table),
            "column": one["column"],
            "called": _column(visit, table, one["column"]),
            "rule": visit.text(f"terms.rule.{one['rule']}") if has(f"terms.rule.{one['rule']}") else one["rule"],
            "rows": one["rule_count"],
            "count": visit.count(one["rule_count"]),
            "where": f"{one['file_first']}:{one['row_first']}" if one["row_first"] else one["file_first"],
        }
        for one in counted
    ]


def _column(visit: Visit, table: str, name: str) -> str:
    """What a column is called; a measure of the configuration stands for itself."""
    known = {column.name: column for column in CONTRACTS[table].columns} if table in CONTRACTS else {}
    return getattr(known[name], visit.lang) if name in known else name


def _counts(visit: Visit, what: str, column: str) -> list[Row]:
    """How many customers have each code, in words, most first."""
    rows = visit.night.query(
        f"SELECT code, count(*) AS n FROM (SELECT CAST({what} AS VARCHAR) AS code FROM scores) "
        "WHERE code IS NOT NULL GROUP BY code ORDER BY n DESC, code"
    )
    return [{"name": visit.word(column, row["code"]), "count": visit.count(row["n"])} for row in rows]
