"""Which files of a source have come whole, as markers and manifests say, and whether they are what manifests say of them.

A file without its marker, or that no manifest lists yet, is still arriving: it is not read, and told. Nothing here looks
at the clock of the machine: a file waits from when it was written until the midnight of the as-of date.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from glob import escape, glob
from pathlib import Path

from features.errors import HeadwaterError, Problem
from features.spine import cutoff
from pipelines.config.sources import NAMED, Manifest, Source
from pipelines.ingest.hashes import Hashes

PACKED = (".gz", ".zip")
ENCODINGS = ("utf-8-sig", "gb18030", "latin-1")
"""Tried one after the other on a manifest."""
DIGITS = {"md5": 32, "sha256": 64}
TOUCHED = timedelta(minutes=1)
"""So much newer than its marker may a file be: clocks of copies tick apart."""


@dataclass(frozen=True)
class Arriving:
    """A file that is there and not read yet. `awaited`: its marker, or the manifest that must list it; `since`: when it
    was last written, UTC; `limit`: how long it may wait; `by_list`: is it the line of a list for several files?"""

    path: str
    awaited: str
    since: datetime
    limit: timedelta
    by_list: bool = False

    @property
    def told(self) -> dict[str, str]:
        """Values of a problem that say what is waited for."""
        return {"awaited": self.awaited, "waits": "@delivery.line" if self.by_list else "@delivery.marker"}


@dataclass(frozen=True)
class Listed:
    """What a line of a manifest (from 1, the header not counted) says of a file: column of the manifest -> value."""

    manifest: str
    row: int
    said: Mapping[str, str]


@dataclass
class Delivery:
    """The files of one source.

    `whole`: to be read, sorted. `arriving`: not yet. `listed`: path of a file -> what a manifest says of it. `vanished`: a marker or
    manifest, and the name of the file that it speaks of and that is not there. `touched`: files newer than their markers, with these.
    """

    whole: list[str]
    arriving: list[Arriving] = field(default_factory=list)
    listed: dict[str, Listed] = field(default_factory=dict)
    vanished: list[tuple[str, str]] = field(default_factory=list)
    touched: list[tuple[str, str]] = field(default_factory=list)


def delivery(source: Source) -> Delivery:
    """The files of a source of files, by its marker and manifest; without them each that is there is whole.

    Raises E409 for a manifest that cannot be read.
    """
    paths = sorted(Path(name).as_posix() for name in glob(source.files or "", recursive=True) if Path(name).is_file())  # noqa: PTH207  Path.glob takes no absolute pattern
    found = Delivery(paths)
    if source.marker:
        _by_marker(found, source, source.marker)
    if source.manifest:
        _by_manifest(found, source, source.manifest)
    return found


def checked(source: Source, hashes: Hashes) -> Delivery:
    """The same, held against what manifests say of bytes.

    Parameters
    ----------
    source
        A source of files.
    hashes
        Remembers checksums of files that nobody touched.

    Raises
    ------
    HeadwaterError
        E401 without any file, E406 where none is whole, E407 for one that is not what its manifest says, E408 for one that is
        gone, E409 and E412 for a manifest that cannot be read.
    """
    found = delivery(source)
    if gone := [Problem("E408", says, values={"name": name}) for says, name in found.vanished]:
        raise HeadwaterError.of(gone)
    if not found.whole:
        if not found.arriving:
            raise HeadwaterError("E401", file=source.files)
        first = found.arriving[0]
        raise HeadwaterError("E406", file=first.path, count=len(found.arriving), **first.told)
    if differ := [problem for path, listed in found.listed.items() for problem in _of_bytes(path, listed, hashes)]:
        raise HeadwaterError.of(differ)
    return found


def gathered(source: Source, hashes: Hashes) -> Delivery:
    """Those of a source of any kind: of a query over files what is said of all that it reads; of databases nothing.

    Parameters
    ----------
    source
        Of any kind; raises what `checked` raises.
    hashes
        Remembers checksums of files that nobody touched.
    """
    if source.files:
        return checked(source, hashes)
    members = [checked(files, hashes) for files in source.reads.values()]
    arriving = [file for member in members for file in member.arriving]
    return Delivery([], arriving, touched=[pair for member in members for pair in member.touched])


def check_rows(listed: Mapping[str, Listed], rows: Mapping[str, int]) -> None:
    """Hold the rows of files against manifests. Raises E407 for each that has another number.

    Parameters
    ----------
    listed
        Path -> what a manifest says.
    rows
        Path -> data rows that were read, unreadable ones included.
    """
    problems = []
    for path, line in listed.items():
        for name, header in (("rows", 0), ("lines", 1)):
            if name in line.said and path in rows and _number(line, name) != rows[path] + header:
                problems.append(_differs(path, line, name, rows[path] + header))
    if problems:
        raise HeadwaterError.of(problems)


def problems(named: Mapping[str, Sequence[Delivery]], zone: str, as_of: date) -> list[Problem]:
    """What is still arriving (W406), has been for too long (E410), or was touched after its marker (W407).

    Parameters
    ----------
    named
        Table -> the deliveries of its sources.
    zone
        IANA name, of the as-of date.
    as_of
        Files wait until its midnight.
    """
    midnight = cutoff(as_of, zone)
    told = []
    for table, deliveries in named.items():
        for found in deliveries:
            stuck = [file for file in found.arriving if file.since < midnight - file.limit]
            told += [_waiting("E410", table, stuck)] if stuck else []
            young = [file for file in found.arriving if file not in stuck]
            told += [_waiting("W406", table, young)] if young else []
            values = {"table": table, "count": len(found.touched)}
            told += [Problem("W407", file, values=values | {"marker": marker}) for file, marker in found.touched[:1]]
    return told


def _waiting(code: str, table: str, files: Sequence[Arriving]) -> Problem:
    """One problem for files of one source that wait for the same thing."""
    first = files[0]
    values = {"table": table, "count": len(files), **first.told, "since": f"{first.since:%Y-%m-%d %H:%M}"}
    return Problem(code, first.path, values=values | {"hours": round(first.limit / timedelta(hours=1))})


def _written(path: str) -> datetime:
    return datetime.fromtimestamp(Path(path).stat().st_mtime, UTC).replace(tzinfo=None)


def stem(name: str) -> str:
    """The name of a file, or a pattern of names, without what says how it is packed and of which format it is."""
    path = Path(name)
    return (path.with_suffix("") if path.suffix.lower() in PACKED else path).stem


def beside(template: str, path: str) -> str:
    """The marker or manifest of one file.

    Parameters
    ----------
    template
        Such as {file}.ok; without {file} and {stem} that of the folder.
    path
        Of the file.
    """
    here = Path(path)
    name = template.replace("{file}", here.name).replace("{stem}", stem(here.name))
    return (here.parent / name).as_posix()


def _by_marker(found: Delivery, source: Source, template: str) -> None:
    """Files without a marker are arriving; markers without a file tell of one that is gone."""
    markers = {beside(template, path) for path in found.whole}
    files = [path for path in found.whole if path not in markers]
    marked = {path: beside(template, path) for path in files}
    found.whole = [path for path in files if Path(marked[path]).is_file()]
    found.arriving = [_arriving(path, marked[path], source) for path in files if path not in found.whole]
    found.touched = [(p, marked[p]) for p in found.whole if _written(p) > _written(marked[p]) + TOUCHED]
    found.vanished = list(_vanished(source.files or "", template, files))


def _arriving(path: str, awaited: str, source: Source, *, by_list: bool = False) -> Arriving:
    return Arriving(path, awaited, _written(path), source.wait, by_list)


def _vanished(pattern: str, template: str, files: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Markers and the names of files that are not there, of the names that the pattern of the source has."""
    match, above = NAMED.search(template), Path(template).parent.parts
    if match is None or ".." in above or NAMED.search(Path(template).parent.as_posix()):
        return
    here, named = Path(pattern).parent.as_posix(), Path(pattern).name
    before, after = (escape(part) for part in NAMED.split(template, maxsplit=1)[::2])
    shape = re.compile(
        NAMED.sub("(.+)", re.escape(Path(template).name).replace(r"\{", "{").replace(r"\}", "}"), count=1)
    )
    own = {(Path(file).parent, name) for file in files for name in (Path(file).name, _called(file, match[1]))}
    for marker in sorted(glob(f"{here}/{before}*{after}", recursive=True)):  # noqa: PTH207
        name = shape.fullmatch(Path(marker).name)
        folder = Path(marker).parents[len(above)]
        if name and fnmatchcase(name[1], _called(named, match[1])) and (folder, name[1]) not in own:
            yield Path(marker).as_posix(), name[1]


def _called(path: str, placeholder: str) -> str:
    """What stands for a file in the place of {file} or {stem}."""
    return Path(path).name if placeholder == "file" else stem(Path(path).name)


def _by_manifest(found: Delivery, source: Source, manifest: Manifest) -> None:
    """Files that no manifest lists are arriving; listed names of no file tell of one that is gone."""
    if NAMED.search(manifest.path):
        listed = {path: _own_line(beside(manifest.path, path), manifest) for path in found.whole}
        found.listed = {path: line for path, line in listed.items() if line}
        awaited = {path: beside(manifest.path, path) for path in found.whole}
        found.vanished += _vanished(source.files or "", manifest.path, _all(found))
    else:
        lines = _lines_by_name(manifest)
        found.listed = {path: lines[Path(path).name] for path in found.whole if Path(path).name in lines}
        awaited = dict.fromkeys(found.whole, manifest.path)
        there, named = {Path(path).name for path in _all(found)}, Path(source.files or "").name
        missing = [name for name in lines if fnmatchcase(name, named) and name not in there]
        found.vanished += [(lines[name].manifest, name) for name in missing]
    waiting = [path for path in found.whole if path not in found.listed]
    by_list = NAMED.search(manifest.path) is None
    found.arriving += [_arriving(path, awaited[path], source, by_list=by_list) for path in waiting]
    found.whole = [path for path in found.whole if path in found.listed]


def _all(found: Delivery) -> list[str]:
    return [*found.whole, *(file.path for file in found.arriving)]


def _own_line(path: str, manifest: Manifest) -> Listed | None:
    """What the manifest of one file says of it; None where it is not there, or empty still."""
    return next(_listed(path, manifest), None) if Path(path).is_file() else None


def _lines_by_name(manifest: Manifest) -> dict[str, Listed]:
    """Name of a file -> what is said of it; the last line that names it counts."""
    lines = {}
    for path in sorted(glob(manifest.path, recursive=True)):  # noqa: PTH207
        for line in _listed(Path(path).as_posix(), manifest):
            name = re.split(r"[/\\]", line.said["file"].removeprefix("*"))[-1]
            lines[name] = line
    return lines


def _listed(path: str, manifest: Manifest) -> Iterator[Listed]:
    """The lines of one manifest. Raises E409 where a column is not there."""
    rows = cells(path)
    columns = manifest.columns
    header = next(rows, []) if any(isinstance(column, str) for column in columns.values()) else []
    for number, row in enumerate(rows, 1):
        said = {name: _cell(path, row, header, column) for name, column in columns.items()}
        yield Listed(path, number, said)


def _cell(path: str, cells: Sequence[str], header: Sequence[str], column: str | int) -> str:
    """The cell of a column, by its name in the header or its place from 1."""
    place = column - 1 if isinstance(column, int) else header.index(column) if column in header else -1
    if not 0 <= place < len(cells):
        there = ", ".join(header or [str(n) for n in range(1, len(cells) + 1)])
        raise HeadwaterError("E409", file=path, column=str(column), there=there or "—")
    return cells[place].strip()


def cells(path: str) -> Iterator[list[str]]:
    """The cells of every line of a list that is not blank, apart by a comma, semicolon, tab or bar, or else by blanks."""
    lines = [line for line in _text(path).splitlines() if line.strip()]
    mark = next((mark for mark in ",;\t|" if lines and mark in lines[0]), None)
    rows = csv.reader(lines, delimiter=mark) if mark else (line.split() for line in lines)
    return ([cell.strip() for cell in row] for row in rows)


def _text(path: str) -> str:
    content = Path(path).read_bytes()
    for encoding in ENCODINGS[:-1]:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode(ENCODINGS[-1])


def _of_bytes(path: str, line: Listed, hashes: Hashes) -> Iterator[Problem]:
    """How a file differs from what its manifest says of its bytes."""
    if "bytes" in line.said and _number(line, "bytes") != Path(path).stat().st_size:
        yield _differs(path, line, "bytes", Path(path).stat().st_size)
    for name in DIGITS.keys() & line.said.keys():
        expected, found = line.said[name].lower(), hashes.digest(Path(path), name)
        if len(expected) != DIGITS[name]:
            raise _unreadable(line, name)
        if expected != found:
            yield _differs(path, line, name, found)


def _number(line: Listed, name: str) -> int:
    """Raises E409 for what is no whole number."""
    text = re.sub(r"[\s,]", "", line.said[name])
    if not text.isdecimal():
        raise _unreadable(line, name)
    return int(text)


def _unreadable(line: Listed, name: str) -> HeadwaterError:
    return HeadwaterError("E412", file=line.manifest, row=line.row, column=name, value=line.said[name] or "—")


def _differs(path: str, line: Listed, name: str, found: int | str) -> Problem:
    expected = line.said[name] if isinstance(found, str) else f"{_number(line, name):,}"
    shown = found if isinstance(found, str) else f"{found:,}"
    values = {"manifest": line.manifest, "what": f"@manifest.{name}", "expected": expected, "found": shown}
    return Problem("E407", path, values=values)
