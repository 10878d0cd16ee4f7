"""The files of a folder as tables: which of them belong together, how they are written, and what their columns hold."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from glob import escape
from pathlib import Path

import duckdb
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.config.formats import SUFFIXES
from pipelines.config.mapping import Source
from pipelines.ingest import sniffing
from pipelines.ingest.readers import databases, packed, xlsx_files
from pipelines.ingest.readers.arrow_types import common
from pipelines.ingest.readers.reader import reader_of
from pipelines.recognition import accompaniments, headers
from pipelines.recognition.accompaniments import Accompaniment, Accompaniments
from pipelines.recognition.columns import Column, columns, quoted

PARQUET = (".parquet", ".pq")
DATABASES = (".duckdb", ".ddb")
UNREAD = (
    ".xls",
    ".xlsb",
    ".xlsm",
    ".ods",
    ".json",
    ".7z",
    ".tar",
    ".tgz",
    ".bz2",
    ".rar",
    ".sas7bdat",
    ".sav",
    ".dta",
    ".dbf",
    ".avro",
    ".orc",
)
"""Endings of data that no reader knows: they are named, so that nobody thinks that they were looked at."""
SQLITE = (".sqlite", ".sqlite3", ".db", ".db3")
"""Endings of what may be a database of SQLite; its first bytes tell."""
MAGIC = b"SQLite format 3\0"
OWN = ("workspace", "mlruns", "mlartifacts")
TELLING = 1_000
"""Different texts with a comma that tell whether a column has decimal commas."""
MOST_ROWS = 3_000_000
"""Rows of one table that are looked at; of more, those of each n-th customer."""


@dataclass(frozen=True)
class Unread:
    """A file that was not looked at, and why: `unknown` format, `empty`, or the code of an error."""

    path: Path
    why: str
    error: HeadwaterError | None = None


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
    beside = Accompaniments.among(_all_files(path), _files(path))
    found = [file for file in _files(path) if file not in beside.lists and not _is_unread(file, unread)]
    for group in _groups(found, unread, beside):
        for files in group:
            try:
                tables.append(_read(con, f"raw_{len(tables)}", files))
            except HeadwaterError as error:
                unread.append(Unread(files.paths[0], error.problem.code, error))
    if not tables:
        _raise_driver(unread)
        known = ", ".join(sorted({*SUFFIXES, *PARQUET, *DATABASES, *SQLITE}))
        raise HeadwaterError(
            "E251", file=path, known=known, seen=", ".join(str(u.path.name) for u in unread[:5]) or "—"
        )
    return Folder(tables, unread)


def _raise_driver(unread: Sequence[Unread]) -> None:
    """Raises E711 where the driver of a database was missing."""
    if lacking := next((each.error for each in unread if each.error and each.why == "E711"), None):
        raise lacking


def file(path: Path, encoding: str | None = None) -> RawTable:
    """One file as a table.

    Raises what reading raises: E241 or E242 for CSV that does not tell how it is written, E311 to E317, E7xx.
    """
    source = _source([path], str(path), encoding)
    header = tuple(reader_of(source).header(str(path), source))
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")
    return _read(con, "raw_0", Group(source, (path,), header))


def _all_files(path: Path) -> list[Path]:
    """Files that are neither hidden nor in a folder of results."""
    below = (file for file in sorted(path.rglob("*")) if file.is_file())
    return [
        file for file in below if not any(part.startswith(".") or part in OWN for part in file.relative_to(path).parts)
    ]


def _files(path: Path) -> list[Path]:
    """Those that may hold data."""
    endings = {*SUFFIXES, *PARQUET, *DATABASES, *UNREAD, *SQLITE}
    return [file for file in _all_files(path) if file.suffix.lower() in endings]


def _is_unread(file: Path, unread: list[Unread]) -> bool:
    why = "unknown" if _is_of_no_reader(file) else "" if file.stat().st_size else "empty"
    if why:
        unread.append(Unread(file, why))
    return bool(why)


def _is_of_no_reader(file: Path) -> bool:
    """By the end of its name, and that of what is packed in it: only text is unpacked."""
    inner = Path(file.stem).suffix.lower() if packed.is_packed(file) else ""
    others = {*UNREAD, *PARQUET, *DATABASES, *SQLITE, *(end for end, kind in SUFFIXES.items() if kind != "csv")}
    return file.suffix.lower() in UNREAD or inner in others or (file.suffix.lower() in SQLITE and not _is_sqlite(file))


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


@dataclass(frozen=True)
class Group:
    """Files of one kind before they are read; `aliases`: for each file, column -> its name there."""

    source: Source
    paths: tuple[Path, ...]
    header: tuple[str, ...]
    aliases: dict[Path, dict[str, str]] = field(default_factory=dict)
    arriving: tuple[Path, ...] = ()


def _groups(files: Sequence[Path], unread: list[Unread], beside: Accompaniments) -> Iterator[list[Group]]:
    """Files whose names differ in digits alone, or whose headers say the same, are one table."""
    by_name: dict[tuple, list[Path]] = {}
    for file in files:
        if file.suffix.lower() in (*DATABASES, *SQLITE):
            yield _of_database(file, unread)
        else:
            for sheet in _sheets(file, unread):
                by_name.setdefault((file.parent, re.sub(r"\d+", "0", file.name), sheet), []).append(file)
    for (_, _, sheet), paths in by_name.items():
        try:
            yield _by_header(paths, sheet, beside.of(paths))
        except HeadwaterError as error:
            unread.extend(Unread(path, error.problem.code, error) for path in paths)


def _sheets(file: Path, unread: list[Unread]) -> list[str | None]:
    """The sheets of a workbook that are tables, where there are several; of every other file the whole, which has no name."""
    if not xlsx_files.is_workbook(file):
        return [None]
    try:
        named = xlsx_files.sheets(str(file))
    except HeadwaterError as error:
        unread.append(Unread(file, error.problem.code, error))
        return []
    if not named:
        unread.append(Unread(file, "empty"))
    return [*named] if len(named) > 1 else [None for _ in named]


def _of_database(file: Path, unread: list[Unread]) -> list[Group]:
    """The tables of a file of DuckDB or SQLite; none where it cannot be opened."""
    is_sqlite = file.suffix.lower() in SQLITE
    url = f"{'sqlite' if is_sqlite else 'duckdb'}://{file}"
    try:
        groups = []
        for table in databases.tables(url):
            source = Source(**({"connection": url} if is_sqlite else {"database": str(file)}), table=table)
            groups.append(Group(source, (file,), tuple(reader_of(source).header(str(file), source))))
        return groups
    except HeadwaterError as error:
        unread.append(Unread(file, error.problem.code, error))
        return []


def _by_header(paths: list[Path], sheet: str | None, beside: Accompaniment) -> list[Group]:
    """One group for each set of headers that mean the same, of the files that have come whole; of workbooks those of one
    sheet. Raises E406 where none has."""
    whole, arriving = accompaniments.whole(paths, _pattern(paths), beside)
    if not whole:
        values = {"awaited": beside.marker or "", "waits": "@delivery.marker"}
        raise HeadwaterError("E406", file=paths[0], table=paths[0].name, count=len(arriving), **values)
    like = _source(whole, str(whole[0]))
    like = like.model_copy(update={"sheet": sheet, **beside.fields()})
    spelled = {path: tuple(reader_of(like).header(str(path), like)) for path in whole}
    groups = []
    for same in _alike(spelled):
        header, aliases = _united({path: spelled[path] for path in same})
        own = [*same, *arriving] if len(same) == len(whole) else same
        source = like.model_copy(update={"path": _pattern(sorted(own))})
        groups.append(Group(source, tuple(same), header, aliases, tuple(arriving)))
    return groups


def _alike(spelled: dict[Path, tuple[str, ...]]) -> list[list[Path]]:
    """Paths whose headers share most of what they mean."""
    groups: list[tuple[set[str], list[Path]]] = []
    for path, header in spelled.items():
        meant = set(_notions(header).values())
        near = next((group for group in groups if len(group[0] & meant) >= 0.7 * max(len(group[0]), len(meant))), None)
        if near:
            near[1].append(path)
        else:
            groups.append((meant, [path]))
    return [paths for _, paths in groups]


def _united(spelled: dict[Path, tuple[str, ...]]) -> tuple[tuple[str, ...], dict[Path, dict[str, str]]]:
    """The columns of all files, named as in the first that has them, and for each file column -> its name there."""
    first: dict[str, str] = {}
    aliases: dict[Path, dict[str, str]] = {}
    for path, header in spelled.items():
        notions = _notions(header)
        for name, notion in notions.items():
            first.setdefault(notion, name)
        aliases[path] = {first[notion]: name for name, notion in notions.items()}
    return tuple(first.values()), aliases


def _notions(header: Sequence[str]) -> dict[str, str]:
    """Column -> what it means if that is known, else its words; no two columns of a file have the same."""
    known = headers.meanings(header, "lines")
    words = {name: "".join(headers.tokens(name)) or name for name in header}
    meant = {name: known[name].meaning.name if name in known else words[name] for name in header}
    counts = Counter(meant.values())
    return {name: notion if counts[notion] == 1 else name for name, notion in meant.items()}


def _source(paths: Sequence[Path], pattern: str, encoding: str | None = None) -> Source:
    """The source of files of one format; encoding, if not given, and separator as their bytes tell. Raises E241, E242."""
    format_ = SUFFIXES.get(paths[0].suffix.lower(), "parquet")
    if format_ != "csv":
        return Source(path=pattern, format=format_)
    written = encoding or sniffing.encoding(paths)
    return Source(path=pattern, format="csv", encoding=written, delimiter=sniffing.delimiter(paths, written))


MONTHS = (
    ("%Y-%m", r"(?<!\d)20\d\d-(0[1-9]|1[0-2])(?![\d-])"),
    ("%Y_%m", r"(?<!\d)20\d\d_(0[1-9]|1[0-2])(?!\d)"),
    ("%Y%m", r"(?<!\d)20\d\d(0[1-9]|1[0-2])(?!\d)"),
    ("%Y年%m月", r"20\d\d年(0[1-9]|1[0-2])月"),
)
"""How names of files write a month."""


def month_shape(paths: Sequence[Path]) -> str | None:
    """The strptime shape that gives each of several files a month of its own by its name; None where none does."""
    if len(paths) < 2:
        return None
    for shape, pattern in MONTHS:
        found = [re.search(pattern, path.name) for path in paths]
        names = {re.sub(pattern, shape, path.name.replace("%", "%%"), count=1) for path in paths}
        if all(found) and len(names) == 1 and len({match[0] for match in found if match}) == len(paths):
            return names.pop()
    return None


def _pattern(paths: Sequence[Path]) -> str:
    """The file, or a pattern that these files match and, if there is one, no other."""
    if len(paths) == 1:
        return str(paths[0])
    head, tail = re.split(r"\d", paths[0].name)[0], paths[0].suffix
    return str(Path(escape(str(paths[0].parent))) / f"{escape(head)}*{tail}")


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
