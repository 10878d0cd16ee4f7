"""The last 24 months of one customer: bills, use, complaints, contacts, plans, as they were known at the date of the night.

Read from the newest reading of the tables, whose files are sorted by customer; what was not known by then is not seen, by the
rule of `features.visible`.
"""

import threading
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir

from features.spine import cutoff
from features.visible import known, visible, with_us
from pipelines.ingest import canonical
from pipelines.project import Project

MONTHS, DAYS = 24, 731
OWN = "own_"
"""What the tables of one customer begin with."""
EVENTS: Mapping[str, tuple[str, ...]] = {
    "bills": ("happened_on", "amount"),
    "usage": ("happened_on",),
    "complaints": ("happened_on", "topic", "channel", "resolved_at"),
    "contacts": ("happened_on", "channel", "direction", "campaign_id", "arm"),
    "subscriptions": ("happened_on", "plan", "monthly_fee", "contract_end"),
}
"""Table -> the columns that are shown; of `usage` the measures of the project, too."""


class Histories:
    """Histories at the date of one night, from one reading of the tables.

    Whoever is asked for has tables of their own for the moment, a few rows each: what is seen of them is decided there and not in
    the files, where each further condition would read a further column of everybody near by.
    """

    def __init__(self, project: Project, as_of: date):
        self._con = ibis.duckdb.connect(threads=2, memory_limit="200MB")
        self._con.raw_sql(
            "SET GLOBAL parquet_metadata_cache = true"
        )  # a reading is never changed, and has dozens of files
        self._own = {name: view for name in ("customers", *EVENTS) if (view := self._view(project, name)) is not None}
        self._statements = self._compiled(as_of, cutoff(as_of, project.mapping.timezone), project.mapping.measures)

    @property
    def known(self) -> frozenset[str]:
        """The tables that there are: of others nothing is known, which is not the same as nothing."""
        return frozenset(self._statements)

    def of(self, customer_id: str) -> dict[str, list[dict[str, Any]]]:
        """Table -> rows of a customer, the oldest first; of a table that the project has not, none at all."""
        cursor = self._con.con.cursor()  # its temporary tables are seen by itself alone
        for name in self._own:
            rows = f"SELECT * FROM {name} WHERE customer_id = $who"
            cursor.execute(f"CREATE TEMP TABLE {OWN}{name} AS {rows}", {"who": customer_id})
        return {name: _rows(cursor, sql) for name, sql in self._statements.items()}

    def _view(self, project: Project, name: str) -> ir.Table | None:
        """A view of a table's files; of it, the table that one customer's rows are to be in. None where it was not read."""
        parts = canonical.newest_parts(project.workspace.root, name)
        if not parts:
            return None
        places = ", ".join("'" + str(part.path).replace("'", "''") + "'" for part in parts)
        self._con.raw_sql(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{places}])")  # seen by every cursor
        return ibis.table(self._con.table(name).schema(), name=f"{OWN}{name}")

    def _compiled(self, as_of: date, moment: datetime, measures: tuple[str, ...]) -> dict[str, str]:
        """A statement per table, made once: compiling takes longer than reading one customer does."""
        if "customers" not in self._own:
            return {}
        spine = self._spine(as_of, moment)
        made = {}
        for name, columns in EVENTS.items():
            if name not in self._own:
                continue
            rows = visible(spine, self._own[name], None if name == "subscriptions" else DAYS)
            rows = rows.filter(rows.happened_on.notnull())
            shown = [c for c in (*columns, *(measures if name == "usage" else ())) if c in rows.columns]
            made[name] = self._con.compile(rows.select(*shown).order_by("happened_on"))
        return made

    def _spine(self, as_of: date, moment: datetime) -> ir.Table:
        """The one row of a customer who is with us; none where they are not."""
        own = self._own["customers"].mutate(as_of=ibis.literal(as_of), cutoff=ibis.literal(moment))
        here = own.filter(known(own.cutoff, own), with_us(own, own.as_of))
        return here.select("customer_id", "as_of", "cutoff", "activated_on")


def _rows(cursor: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = cursor.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


class Kept:
    """The histories of the night that is shown and of the one that is made ready; made again for another night or reading."""

    MOST = 2

    def __init__(self, project: Project):
        self._project, self._lock = project, threading.Lock()
        self._made: dict[tuple[date, bytes], Histories] = {}

    def at(self, as_of: date) -> Histories:
        """Those of a date. Raises E331 (exit 3) where what was read is missing or altered."""
        pointer: Path = self._project.workspace.tables / canonical.CURRENT
        mark = (as_of, pointer.read_bytes() if pointer.exists() else b"")
        with self._lock:
            if mark not in self._made:
                kept = list(self._made.items())[1 - self.MOST :]
                self._made = dict(kept) | {mark: Histories(self._project, as_of)}
            return self._made[mark]
