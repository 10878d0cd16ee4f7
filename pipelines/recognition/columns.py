"""What the values of one raw column are: counted in the rows that were read, told by `ingest.sniffing`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from pipelines.ingest import sniffing

SAMPLE, MOST_TEXTS = 50_000, 2_000
"""Rows of a table, and texts of a column, that are looked at closely."""
MONTHS = frozenset({*sniffing.MONTHS, "%Y%m"})
"""Shapes that name a month and no day."""


@dataclass(frozen=True)
class Column:
    """Figures of a raw column.

    Attributes
    ----------
    name
        As in the file.
    type
        DuckDB's: VARCHAR, BIGINT, DOUBLE, DATE, TIMESTAMP …
    rows, known, distinct
        Rows read, those with a value, and different values among them.
    texts
        The values as texts, the most frequent first, at most 2,000.
    placeholders
        Texts that stand for nothing, as they are written.
    shapes
        Of dates and times; several where they have several readings, none for what is no time.
    negative
        Share of values below zero; null for what is no number.
    middle
        The median; null for what is no number.
    whole
        Are all numbers whole?
    """

    name: str
    type: str
    rows: int
    known: int
    distinct: int
    texts: tuple[str, ...]
    placeholders: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    negative: float | None = None
    middle: float | None = None
    whole: bool = False
    kind: sniffing.Kind = field(default="category")

    @property
    def unique(self) -> bool:
        """Every row has a value of its own; one in a hundred may be a copy."""
        return self.known == self.rows and self.distinct >= 0.99 * self.rows and self.rows > 1

    @property
    def is_time(self) -> bool:
        """Dates or times, whatever is written between."""
        return bool(self.shapes) or self.type.startswith(("DATE", "TIMESTAMP"))

    @property
    def is_date(self) -> bool:
        """Dates or times that are no plain numbers."""
        return self.type.startswith(("DATE", "TIMESTAMP")) or (self.is_time and self.kind == "date")

    @property
    def is_number(self) -> bool:
        return self.middle is not None

    @property
    def is_month(self) -> bool:
        """Names months and no days: 202610."""
        return bool(self.shapes) and self.shapes[0] in MONTHS

    def fits(self, kind: str) -> bool:
        """Can these values be what a meaning of this kind needs? A column without values can be anything."""
        if not self.known:
            return kind in ("date", "end", "time", "text", "any")
        return {
            "key": self._is_key,
            "date": self.is_time,
            "end": self.is_time and self.known < self.rows,
            "time": self.is_time,
            "money": self.is_number,
            "number": self.is_number,
            "flag": self.kind == "flag" or self.distinct == 2,
            "text": self.kind != "flag",
            "code": self.distinct <= max(50, self.rows // 20) or not self.is_number,
        }.get(kind, True)

    @property
    def _is_key(self) -> bool:
        """Many different values, no dates but those that could as well be numbers, no fractions."""
        return self.distinct > 1 and not self.is_date and (not self.is_number or self.whole) and self.kind != "flag"


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def columns(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, Column]:
    """The figures of every column of a table; shapes and medians are those of a sample where it is long."""
    sample = f"{table}_sample"
    con.execute(
        f"CREATE OR REPLACE TABLE {quoted(sample)} AS SELECT * FROM {quoted(table)} USING SAMPLE {SAMPLE} ROWS (reservoir, 7)"
    )
    kinds = {row[0]: row[1] for row in con.sql(f"DESCRIBE {quoted(table)}").fetchall()}
    counted = ", ".join(
        f"count(*) FILTER ({_known(name)}), approx_count_distinct({_text(name)}) FILTER ({_known(name)})"
        for name in kinds
    )
    rows, *counts = con.sql(f"SELECT count(*), {counted} FROM {quoted(table)}").fetchall()[0]
    pairs = zip(counts[::2], counts[1::2], strict=True)
    return {
        name: _column(con, table, name, kind, (rows, known, distinct))
        for (name, kind), (known, distinct) in zip(kinds.items(), pairs, strict=True)
    }


def _text(name: str) -> str:
    return f"trim({quoted(name)}::VARCHAR)"


def _known(name: str) -> str:
    """SQL that is true where a value says something."""
    empty = ", ".join(f"'{word}'" for word in sorted(sniffing.PLACEHOLDERS))
    return f"{_text(name)} IS NOT NULL AND lower({_text(name)}) NOT IN ({empty})"


def _column(con: duckdb.DuckDBPyConnection, table: str, name: str, kind: str, counts: tuple[int, int, int]) -> Column:
    rows, filled, distinct = counts
    sample, known = f"{table}_sample", _known(name)
    texts = _texts(con, sample, name, known)
    told = _texts(con, table, name, f"NOT ({known}) AND {_text(name)} <> ''")
    if rows <= SAMPLE and len(texts) < MOST_TEXTS:
        distinct = len(texts)
    elif distinct > 0.8 * filled:
        distinct = _exact(con, table, name, known)
    dated = kind.startswith(("DATE", "TIMESTAMP"))
    numbers = None if dated else _numbers(con, sample, name, known, texts)
    negative, middle, whole = numbers or (None, None, False)
    shapes = () if dated else sniffing.time_shapes(texts)
    kind_of_texts = "date" if dated else sniffing.kind(texts)
    return Column(
        name, kind, rows, filled, distinct, texts, told, shapes, negative, middle, whole, kind_of_texts
    )  # fmt: skip


def _texts(con: duckdb.DuckDBPyConnection, table: str, name: str, where: str) -> tuple[str, ...]:
    order = f"GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {MOST_TEXTS}"
    return tuple(
        row[0] for row in con.sql(f"SELECT {_text(name)} FROM {quoted(table)} WHERE {where} {order}").fetchall()
    )


def _exact(con: duckdb.DuckDBPyConnection, table: str, name: str, where: str) -> int:
    return int(con.sql(f"SELECT count(DISTINCT {_text(name)}) FROM {quoted(table)} WHERE {where}").fetchall()[0][0])


def _numbers(
    con: duckdb.DuckDBPyConnection, table: str, name: str, where: str, texts: Sequence[str]
) -> tuple[float, float, bool] | None:
    """Share below zero, median, and whether all are whole; None where the texts are no numbers."""
    if not texts or sniffing.decimal_marks(texts) != (".",):
        return None
    number = f"TRY_CAST({_text(name)} AS DOUBLE)"
    query = f"avg(({number} < 0)::INT), median({number}), bool_and({number} = floor({number}))"
    negative, middle, whole = con.sql(f"SELECT {query} FROM {quoted(table)} WHERE {where}").fetchall()[0]
    return negative, middle, whole
