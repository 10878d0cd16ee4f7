"""The files of a folder as tables: how they are written, and what their columns hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest import sniffing
from pipelines.ingest.readers.arrow_types import common
from pipelines.ingest.readers.reader import reader_of
from pipelines.recognition import grouping, headers
from pipelines.recognition.accompaniments import Accompaniments
from pipelines.recognition.columns import Column, columns, quoted
from pipelines.recognition.grouping import Group, Unread

TELLING = 1_000
"""Different texts with a comma that tell whether a column has decimal commas."""
MOST_ROWS = 3_000_000
"""Rows of one table that are looked at; of more, those of each n-th customer."""


@dataclass
class RawTable:
    """Files of one kind, read into a table of `con`.

    Attributes
    ----------
    con
        DuckDB in memory.
    name
        Of the table there.
    source
        As a mapping has it.
    paths
        Of its files, sorted.
    aliases
        Where files of one kind call their columns differently: for each file, column -> its name there.
    share
        One in how many customers was read; 1 for all rows.
    arriving
        Files of the kind that have not come whole and were not looked at.
    marks
        Columns of numbers as people write them, such as 1.234,56 -> what stands before their decimals; here they are plain.
    turned
        Columns of money that the files write below zero where customers paid; here it is above.
    left_out
        A column, and its values whose rows do not count and are not here; None for none.
    link
        What leads from this table to customers; None where it names them itself.
    customer
        The column whose values are customers of another table, where no name says so; else None.
    called
        What a query calls the files, where it reads them by a name.
    """

    con: duckdb.DuckDBPyConnection
    name: str
    source: Source
    paths: tuple[Path, ...]
    header: tuple[str, ...]
    aliases: dict[Path, dict[str, str]] = field(default_factory=dict)
    share: int = 1
    arriving: tuple[Path, ...] = ()
    marks: dict[str, str] = field(default_factory=dict)
    turned: tuple[str, ...] = ()
    left_out: tuple[str, tuple[str, ...]] | None = None
    link: "Link | None" = None
    customer: str | None = None
    called: str = "lines"

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Figures of every column, by its name."""
        return columns(self.con, self.name)

    @cached_property
    def rows(self) -> int:
        """How many were read."""
        return int(self.con.sql(f"SELECT count(*) FROM {quoted(self.name)}").fetchall()[0][0])

    def turn(self, column: str) -> None:
        """Give the numbers of a column the other sign."""
        name = quoted(column)
        text = f"CASE WHEN {name} LIKE '-%' THEN {name}[2:] ELSE '-' || {name} END"
        value = text if self.columns[column].type == "VARCHAR" else f"-{name}"
        self.con.execute(f"UPDATE {quoted(self.name)} SET {name} = {value} WHERE {name} IS NOT NULL")
        self.turned += (column,)
        self._count_again()

    def leave_out(self, column: str, values: Sequence[str]) -> None:
        """Take out the rows with these values of a column."""
        self.con.execute(
            f"DELETE FROM {quoted(self.name)} WHERE trim({quoted(column)}::VARCHAR) IN (SELECT unnest(?))", [[*values]]
        )
        self.left_out = (column, tuple(values))
        self._count_again()

    def lead_by(self, link: "Link") -> None:
        """Add the column of customers to which a link leads."""
        mine, theirs = quoted(self.name), quoted(link.raw.name)
        self.con.execute(f"ALTER TABLE {mine} ADD COLUMN {quoted(link.customer)} VARCHAR")
        self.con.execute(
            f"UPDATE {mine} SET {quoted(link.customer)} = l.{quoted(link.customer)}::VARCHAR FROM {theirs} AS l"
            f" WHERE trim({mine}.{quoted(link.own)}::VARCHAR) = trim(l.{quoted(link.key)}::VARCHAR)"
        )
        self.header, self.link = (*self.header, link.customer), link
        self._count_again()

    def _count_again(self) -> None:
        for figures in ("columns", "rows"):
            self.__dict__.pop(figures, None)

    @property
    def title(self) -> str:
        """The file, the pattern or the table of a database, for people."""
        if self.source.table:
            return f"{self.paths[0]} · {self.source.table}"
        place = self.source.path or str(self.paths[0])
        return f"{place} · {self.source.sheet}" if self.source.sheet else place


@dataclass(frozen=True)
class Link:
    """A table that says whose each account is: rows of another one have in `own` what it has in `key`, beside `customer`."""

    raw: RawTable
    key: str
    own: str
    customer: str


@dataclass
class Folder:
    """What a folder holds."""

    tables: list[RawTable]
    unread: list[Unread]


def folder(path: Path) -> Folder:
    """Every table of a folder and of those in it, read.

    Raises
    ------
    HeadwaterError
        E250 for a folder that is not there, E251 for one without any file that can be read, E711 where the driver of SQLite
        is all that is missing.
    """
    if not path.is_dir():
        raise HeadwaterError("E250", file=path)
    con, tables, unread = duckdb.connect(), list[RawTable](), list[Unread]()
    con.execute("SET enable_progress_bar = false")
    beside = Accompaniments.among(grouping.all_files(path), grouping.data_files(path))
    found = [
        file for file in grouping.data_files(path) if file not in beside.lists and not grouping.is_unread(file, unread)
    ]
    for group in grouping.groups(found, unread, beside):
        for files in group:
            try:
                tables.append(_read(con, f"raw_{len(tables)}", files))
            except HeadwaterError as error:
                unread.append(Unread(files.paths[0], error.problem.code, error))
    if not tables:
        _raise_driver(unread)
        known = ", ".join(sorted(grouping.ENDINGS))
        raise HeadwaterError(
            "E251", file=path, known=known, seen=", ".join(str(u.path.name) for u in unread[:5]) or "—"
        )
    return Folder(tables, unread)


def _raise_driver(unread: Sequence[Unread]) -> None:
    """Raises E711 where the driver of a database was missing."""
    if lacking := next((each.error for each in unread if each.error and each.why == "E711"), None):
        raise lacking


def file(path: Path, encoding: str | None = None) -> list[RawTable]:
    """One file as a table; a database or a workbook as each of those that it holds.

    Raises what reading raises: E241 or E242 for CSV that does not tell how it is written, E311 to E317, E7xx.
    """
    con, unread = duckdb.connect(), list[Unread]()
    con.execute("SET enable_progress_bar = false")
    if grouping.holds_several(path):
        groups = [group for found in grouping.groups([path], unread, Accompaniments()) for group in found]
        if errors := [each.error for each in unread if each.error]:
            raise errors[0]
    else:
        source = grouping.source_of([path], str(path), encoding)
        groups = [Group(source, (path,), tuple(reader_of(source).header(str(path), source)))]
    return [_read(con, f"raw_{number}", group) for number, group in enumerate(groups)]


def _read(con: duckdb.DuckDBPyConnection, name: str, group: Group) -> RawTable:
    """The rows of a table, all columns; those of each n-th customer where there are too many."""
    share = max(1, -(-_expected(group) // MOST_ROWS))
    key = _customer(group.header)
    where = f" WHERE hash({quoted(key)}) % {share} = 0" if share > 1 and key else ""
    schema = pa.schema(list(_types(group).items()))
    con.register("batch", schema.empty_table())
    con.execute(f"CREATE TABLE {name} AS SELECT * FROM batch")
    for path in group.paths:
        for rows in _batches(path, group, schema):
            con.register("batch", rows)
            con.execute(f"INSERT INTO {name} SELECT * FROM batch{where}")
    con.unregister("batch")
    differ = any(alias != name for alias_of in group.aliases.values() for name, alias in alias_of.items())
    aliases = group.aliases if differ else {}
    marks = _made_plain(con, name, [field.name for field in schema if pa.types.is_string(field.type)])
    read = RawTable(con, name, group.source, group.paths, group.header, aliases, share if where else 1)
    read.arriving, read.marks = group.arriving, marks
    return read


def _made_plain(con: duckdb.DuckDBPyConnection, name: str, texts: Sequence[str]) -> dict[str, str]:
    """Write numbers with a decimal comma or with marks between thousands as plain ones; column -> its decimal mark.

    What has two readings (1,234) is taken as thousands here, and asked about when it is read (E244).
    """
    marks = {}
    for column in texts:
        sample = f"SELECT DISTINCT {quoted(column)} FROM {name} WHERE {quoted(column)} LIKE '%,%' LIMIT {TELLING}"
        values = [row[0] for row in con.sql(sample).fetchall()]
        if possible := sniffing.decimal_marks(values):
            marks[column] = possible[0]
            con.execute(f"UPDATE {name} SET {quoted(column)} = {plain(quoted(column), possible[0])}")
    return marks


def plain(text: str, mark: str) -> str:
    """SQL for a text whose number has only a dot before its decimals.

    Parameters
    ----------
    text
        SQL of a text.
    mark
        What stands before decimals in it; the other mark stands between thousands.
    """
    other = "." if mark == "," else ","
    return f"replace(replace({text}, '{other}', ''), '{mark}', '.')"


def _types(group: Group) -> dict[str, pa.DataType]:
    """One type for each column, over all files."""
    found: dict[str, list[pa.DataType]] = {name: [] for name in group.header}
    for path in group.paths:
        names = group.aliases.get(path) or {name: name for name in group.header}
        kinds = reader_of(group.source).types([str(path)], list(names.values()), _of(path, group.source))
        for name, spelled in names.items():
            found[name].append(kinds[spelled])
    return {name: common(kinds) for name, kinds in found.items()}


def _of(path: Path, source: Source) -> Source:
    return source if source.table else source.model_copy(update={"path": str(path)})


def _batches(path: Path, group: Group, schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of one file in the columns and types of all; rows that cannot be read are left to the check."""
    names = group.aliases.get(path) or {name: name for name in group.header}
    reader, source = reader_of(group.source), _of(path, group.source)
    kinds = reader.types([str(path)], list(names.values()), source)
    for batch in reader.batches(str(path), source, kinds, []):
        columns = [
            batch.column(names[field.name]).cast(field.type)
            if field.name in names
            else pa.nulls(batch.num_rows, field.type)
            for field in schema
        ]
        yield pa.Table.from_arrays(columns, schema=schema)


def _expected(group: Group) -> int:
    """Rows, by a rule of thumb: 40 bytes each, 8 where they are packed."""
    return sum(path.stat().st_size for path in group.paths) // (8 if group.source.format == "parquet" else 40)


def _customer(header: Sequence[str]) -> str | None:
    known = headers.meanings(header, "bills")
    return next((name for name, match in known.items() if match.meaning.name == "customer_id"), None)
