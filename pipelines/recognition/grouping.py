"""Which files of a folder hold one table together: by their names, or by headers that say the same."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path

from features.errors import HeadwaterError
from pipelines.config.formats import SUFFIXES
from pipelines.config.sources import Source
from pipelines.ingest import sniffing
from pipelines.ingest.readers import databases, packed, xlsx_files
from pipelines.ingest.readers.reader import reader_of
from pipelines.recognition import accompaniments, headers
from pipelines.recognition.accompaniments import Accompaniment, Accompaniments

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
ENDINGS = frozenset({*SUFFIXES, *PARQUET, *DATABASES, *SQLITE})
"""Endings of what is read."""
MAGIC = b"SQLite format 3\0"
OWN = ("workspace", "mlruns", "mlartifacts")


@dataclass(frozen=True)
class Unread:
    """A file that was not looked at, and why: `unknown` format, `empty`, or the code of an error."""

    path: Path
    why: str
    error: HeadwaterError | None = None


def all_files(path: Path) -> list[Path]:
    """Files that are neither hidden nor in a folder of results."""
    below = (file for file in sorted(path.rglob("*")) if file.is_file())
    return [
        file for file in below if not any(part.startswith(".") or part in OWN for part in file.relative_to(path).parts)
    ]


def data_files(path: Path) -> list[Path]:
    """Those that may hold data."""
    return [file for file in all_files(path) if file.suffix.lower() in {*ENDINGS, *UNREAD}]


def is_unread(file: Path, unread: list[Unread]) -> bool:
    """Is it of no reader, or empty? It is added to `unread` then."""
    why = "unknown" if _is_of_no_reader(file) else "" if file.stat().st_size else "empty"
    if why:
        unread.append(Unread(file, why))
    return bool(why)


def _is_of_no_reader(file: Path) -> bool:
    """By the end of its name, and that of what is packed in it: only text is unpacked."""
    inner = Path(file.stem).suffix.lower() if packed.is_packed(file) else ""
    others = {*UNREAD, *PARQUET, *DATABASES, *SQLITE, *(end for end, kind in SUFFIXES.items() if kind != "csv")}
    return file.suffix.lower() in UNREAD or inner in others or (file.suffix.lower() in SQLITE and not _is_sqlite(file))


def holds_several(file: Path) -> bool:
    """Is it a database or a workbook, of which each table is one of its own?"""
    return file.suffix.lower() in (*DATABASES, *SQLITE) or xlsx_files.is_workbook(file)


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


def groups(files: Sequence[Path], unread: list[Unread], beside: Accompaniments) -> Iterator[list[Group]]:
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
    like = source_of(whole, str(whole[0]))
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


def source_of(paths: Sequence[Path], pattern: str, encoding: str | None = None) -> Source:
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
