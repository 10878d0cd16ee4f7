"""Which columns of the tables the catalogue reads: asked of the engine's own plans, so that it cannot grow stale."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import ibis

from features.build import parts
from features.spine import population
from pipelines.ingest.tables import Tables
from pipelines.project import Project

FEW = 1_000


def needed(project: Project, tables: Tables, as_of: date) -> dict[str, list[str]]:
    """Table -> columns, sorted; of tables that no feature reads, nothing."""
    con = ibis.duckdb.connect(threads=1)
    con.raw_sql("SET disabled_optimizers = 'statistics_propagation'")  # few rows pass filters that all must look at
    few = {name: con.create_table(name, rows.limit(FEW).to_pyarrow()) for name, rows in tables.tables.items()}
    spine = population(few, [as_of], project.mapping.timezone, project.settings.population)
    kept = con.create_table("spine_of_few", spine)
    asked = [spine, *parts(few, kept, project.features, project.settings.features).values()]
    found: dict[str, set[str]] = {}
    for rows in asked:
        ((_, plan),) = con.raw_sql(f"EXPLAIN (FORMAT json) {con.compile(rows)}").fetchall()
        for table, columns in _scans(json.loads(plan)):
            found.setdefault(table, set()).update(columns)
    return {name: sorted(found[name] & set(few[name].columns)) for name in few if name in found}


def _scans(nodes: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Every table that a plan scans, with the columns that it reads, those of its filters included."""
    for node in nodes:
        said = node.get("extra_info", {})
        if "Table" in said:
            columns, filters = _listed(said.get("Projections")), " ".join(_listed(said.get("Filters")))
            yield said["Table"].split(".")[-1], [*columns, *filters.replace("(", " ").split()]
        yield from _scans(node.get("children", []))


def _listed(value: str | list[str] | None) -> list[str]:
    """One name comes as text, several as a list."""
    return [value] if isinstance(value, str) else value or []
