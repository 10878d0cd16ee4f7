"""The canonical tables of one reading: the files they lie in, what became of the rows, what must be remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.contracts import Contract
from features.errors import HeadwaterError, Problem
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.readers.sources import FILE, ROW, InputFile


@dataclass(frozen=True)
class RowCount:
    """What became of the rows of one table: *rows in = used + quarantined + duplicates + filtered*.

    `filtered`: left out by the mapping's `where`, or because they are of a customer who was erased; `erased`: those alone.
    """

    in_: int
    used: int
    quarantined: int = 0
    duplicates: int = 0
    filtered: int = 0
    erased: int = 0

    def check(self, table: str) -> "RowCount":
        """Raises E320 when the rows do not add up."""
        became = (self.used, self.quarantined, self.duplicates, self.filtered)
        if self.in_ != sum(became):
            raise HeadwaterError("E320", table=table, counts=f"{self.in_} ≠ {'+'.join(map(str, became))}")
        return self


@dataclass(frozen=True)
class Part:
    """One Parquet file of a table, sorted by customer and time, never changed once written.

    Days are those of `happened_on`, both included; None for tables without it. `newest` is the newest known_at (UTC).
    """

    path: Path
    sha256: str
    rows: int
    first_day: date | None = None
    last_day: date | None = None
    newest: datetime | None = None

    @property
    def name(self) -> str:
        """The month of its rows (2026-01), or `all`."""
        return self.path.stem


def month(day: ir.DateValue) -> ir.StringValue:
    """The calendar month of a day as text (2026-01), as parts are named; null where the day is."""
    return day.strftime("%Y-%m")


RULE, CONFLICT, OVERLAP = "rule", "conflicting_key", "overlapping_holders"
ACROSS = "key_of_two_sources"
CONTRADICTIONS = (CONFLICT, OVERLAP, ACROSS)
"""Rules that rows break together; none of them is at fault by itself."""
ASIDE = pa.schema(
    [(FILE, pa.int32()), (ROW, pa.int64()), ("column", pa.string()), ("rule", pa.string()), ("value", pa.string())]
)
"""Rows put aside; the position of the input stands for its name, which another reading may see changed."""

SIZES = pa.schema(
    [
        (FILE, pa.int32()),
        ("column", pa.string()),
        ("value", pa.float64()),
        ("whole", pa.bool_()),
        ("rows", pa.int64()),
        ("newest", pa.timestamp("us")),
    ]
)
"""Values to two digits, whether they were whole numbers, how often they stand in an input, and when last (known_at)."""


def rows_with_places(contract: Contract) -> pa.Schema:
    """Mapped rows that wait: position of the input, row in it, the contract's columns, and what they wait for."""
    return ibis.schema({FILE: "int32", ROW: "int64", **contract.schema(), RULE: "string"}).to_pyarrow()


@dataclass(frozen=True)
class Memory:
    """What must be known of the inputs of one table so that the next reading can leave them closed.

    `types`, for each source: column -> Arrow type over all inputs. `offsets`, for each: time column -> texts with and without offset.
    `latest`: newest known_at of any row that was used or is in conflict. `aside`: rows put aside for good. `waiting`:
    mapped rows put aside for what later inputs can change. `sizes`: per input and column, values and how often.
    """

    types: list[dict[str, str]]
    offsets: list[dict[str, tuple[int, int]]]
    latest: datetime | None
    aside: pa.Table
    waiting: pa.Table
    sizes: pa.Table

    @classmethod
    def blank(cls, types: list[dict[str, str]], contract: Contract) -> "Memory":
        """Of a table that is read for the first time, or whole."""
        waiting = rows_with_places(contract).empty_table()
        return cls(types, [{} for _ in types], None, ASIDE.empty_table(), waiting, SIZES.empty_table())


@dataclass
class Tables:
    """The canonical tables of one reading as Ibis tables by name, and everything that people are to know about it.

    `medians`: table.column -> median of the positive values; `newest`: table -> newest known_at (UTC), where it has one.
    `recipes`: table -> by what it was read (`inputs.recipe`).
    `read`: table -> inputs that were opened this time; the rows of the others were known.
    `sizes`: table.column -> usual size of its positive values in the months before the date (their geometric mean).
    `deliveries`: table -> what markers and manifests say of the files of each of its sources, this time.
    """

    tables: dict[str, ir.Table]
    measures: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    counts: dict[str, RowCount] = field(default_factory=dict)
    quarantine: dict[str, pa.Table] = field(default_factory=dict)
    fingerprints: dict[str, list[InputFile]] = field(default_factory=dict)
    medians: dict[str, float] = field(default_factory=dict)
    newest: dict[str, datetime] = field(default_factory=dict)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    declared: tuple[str, ...] = ()
    future: int = 0
    warnings: tuple[Problem, ...] = ()
    fingerprint: str = ""
    recipes: dict[str, str] = field(default_factory=dict)
    parts: dict[str, list[Part]] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    deliveries: dict[str, list[Delivery]] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> ir.Table:
        return self.tables[name]

    @property
    def files(self) -> dict[str, int]:
        """How many inputs were read this time, and how many were known."""
        read = sum(self.read.values())
        return {"read": read, "known": sum(len(files) for files in self.fingerprints.values()) - read}

    def since(self, name: str, day: date) -> list[Part]:
        """The parts of a table that can hold a row of `day` or later."""
        return [part for part in self.parts[name] if part.last_day is None or part.last_day >= day]

    def opened(self, con, since: Mapping[str, date]) -> "Tables":
        """The same tables; those of `since` show only their parts of that day or later, and the others are not opened.

        Earlier rows that share a part with later ones are still there: this saves reading, it does not cut time.
        """
        views = {name: self.view(con, name, self.since(name, day), f"_{day:%Y%m%d}") for name, day in since.items()}
        return replace(self, tables=self.tables | views)

    def view(self, con, name: str, parts: list[Part], ending: str = "") -> ir.Table:
        """A view in a connection over some parts of a table.

        Parameters
        ----------
        con
            An Ibis DuckDB connection.
        name
            Of the table.
        parts
            Those to show; without any the view has the table's columns and no rows.
        ending
            Makes the view's name different from that of others of the table.
        """
        chosen = [str(part.path) for part in parts or self.parts[name][:1]]
        rows = con.read_parquet(chosen, table_name=f"{name}{ending}")
        return rows if parts else rows.limit(0)
