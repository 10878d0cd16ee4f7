"""What comes with the files of a folder and is no data: markers that say that a file is whole, and lists of what files hold.

Names say which file they belong to; what the columns of a list are is told by the files themselves, and by their names
where the files differ from all of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from features.errors import HeadwaterError
from pipelines.config.sources import Manifest, Source
from pipelines.ingest import deliveries
from pipelines.ingest.readers import packed
from pipelines.workspace.files import digest

MOST_BYTES = 1 << 20
"""Larger files are neither marker nor list."""
FOLDER_MARKERS = ("_SUCCESS", "_DONE", "_COMPLETE")
TEXTS = (".csv", ".txt", ".tsv", ".gz", ".zip", ".jsonl", ".ndjson")
SAMPLE = 3
"""Files of a table that tell what a list says of them."""
SUMS = {"md5": r"[0-9a-fA-F]{32}", "sha256": r"[0-9a-fA-F]{64}"}
NAMES = {
    "rows": r"rows?|rowcount|numrows|count|records?|recordcount|行数|条数|记录数|笔数|数据量",
    "lines": r"lines?|linecount|总行数",
    "bytes": r"bytes?|size|filesize|文件大小|大小|字节数?",
    "md5": r"md5(sum)?|md5校验码?|md5值",
    "sha256": r"sha-?256(sum)?",
}
"""What columns of lists are called, in small letters without marks between words."""


@dataclass(frozen=True)
class Accompaniment:
    """What belongs to the files of one table, as a source says it; nothing where nothing does."""

    marker: str | None = None
    manifest: Manifest | None = None

    def fields(self) -> dict[str, object]:
        """As a `Source` has them."""
        return {"marker": self.marker, "manifest": self.manifest}

    def said(self) -> dict[str, object]:
        """Keys of a source of a mapping."""
        listed = self.manifest and self.manifest.model_dump(exclude_none=True)
        return {name: value for name, value in (("marker", self.marker), ("manifest", listed)) if value}


@dataclass
class Accompaniments:
    """The small files of a folder that may be markers and lists.

    Attributes
    ----------
    others
        Small files that are no data by their names, by folder.
    lists
        Files of which a column names files of the folder, with the place of that column from 0.
    """

    others: dict[Path, list[Path]] = field(default_factory=dict)
    lists: dict[Path, int] = field(default_factory=dict)

    @classmethod
    def among(cls, files: Sequence[Path], data: Sequence[Path]) -> "Accompaniments":
        """Those among all files of a folder.

        Parameters
        ----------
        files
            All of them.
        data
            Those that are data by the end of their names; lists may be among them.
        """
        shapes, known = {_shape(path.name) for path in data}, set(data)
        found = cls()
        for path in files:
            if path.stat().st_size <= MOST_BYTES and not packed.is_packed(path):
                place = _naming(path, shapes) if path not in known or path.suffix.lower() in TEXTS else None
                if place is not None and (path not in known or len(known) > 1):
                    found.lists[path] = place
                if path not in known:
                    found.others.setdefault(path.parent, []).append(path)
        return found

    def of(self, paths: Sequence[Path]) -> Accompaniment:
        """What belongs to the files of one table."""
        marker, manifest = None, None
        for template in self._templates(paths):
            beside = [Path(deliveries.beside(template, str(path))) for path in paths]
            columns = _columns(paths, {p: _first(b) for p, b in zip(paths, beside, strict=True) if b.is_file()})
            if columns and manifest is None:
                manifest = Manifest.model_validate({"path": template, **columns})
            elif not columns and marker is None:
                marker = template
        manifest = manifest or self._list_of(paths)
        if marker is None:
            marker = next((n for n in FOLDER_MARKERS if all((path.parent / n).is_file() for path in paths)), None)
        return Accompaniment(marker, manifest)

    def _templates(self, paths: Sequence[Path]) -> list[str]:
        """Names that nearly all files have one beside them of; the newest may have none yet."""
        found: dict[str, set[Path]] = {}
        for path in paths:
            for other in self.others.get(path.parent, ()):
                if template := _template(path.name, other.name):
                    found.setdefault(template, set()).add(path)
        return [template for template, having in sorted(found.items()) if _is_usual(sorted(paths), having)]

    def _list_of(self, paths: Sequence[Path]) -> Manifest | None:
        """The list, or lists whose names differ in digits alone, that most of the files are in."""
        by_shape: dict[tuple[Path, str], list[Path]] = {}
        for path in self.lists:
            by_shape.setdefault((path.parent, _shape(path.name)), []).append(path)
        for same in by_shape.values():
            lines = {name: cells for path in sorted(same) for name, cells in _named(path, self.lists[path])}
            known = {path: lines[path.name] for path in paths if path.name in lines}
            if _is_usual(sorted(paths), set(known)):
                header, place = _header(same[0], self.lists[same[0]]), self.lists[same[0]]
                columns = _columns(paths, known, header, place)
                named = {"file": header[place] if header else place + 1}
                return Manifest.model_validate({"path": _pattern(same), **named, **columns})
        return None


def _is_usual(paths: Sequence[Path], having: set[Path]) -> bool:
    """Have nearly all of them something, but for the newest?"""
    missing = [path for path in paths if path not in having]
    return (
        bool(having) and len(missing) <= max(1, len(paths) // 5) and missing == list(paths[len(paths) - len(missing) :])
    )


def _template(name: str, other: str) -> str | None:
    """How another file is called after a file: {file}.ok, {stem}.ok; None where it is not."""
    for start, placeholder in ((name, "{file}"), (deliveries.stem(name), "{stem}")):
        if other.startswith(f"{start}.") and other != name:
            return placeholder + other.removeprefix(start)
    return None


def _shape(name: str) -> str:
    return re.sub(r"\d+", "0", name)


def _pattern(same: Sequence[Path]) -> str:
    """The list, or a pattern of their names."""
    if len(same) == 1:
        return same[0].as_posix()
    return (same[0].parent / f"{re.split(r'[0-9]', same[0].name)[0]}*{same[0].suffix}").as_posix()


def _cells(path: Path) -> list[list[str]]:
    return list(deliveries.cells(str(path)))


def _first(path: Path) -> list[str]:
    return next(iter(_cells(path)), [])


def _naming(path: Path, shapes: set[str]) -> int | None:
    """The column of a file whose cells are names of data files, but for the header; None where there is none."""
    rows, endings = _cells(path), {Path(shape).suffix for shape in shapes}
    for place in range(len(rows[0]) if rows and len(rows[0]) > 1 else 0):
        names = [_name(row[place]) for row in rows if place < len(row)]
        named = sum(Path(name).suffix in endings for name in names)
        if named >= 0.8 * (len(names) - 1) and any(_shape(name) in shapes for name in names):
            return place
    return None


def _name(cell: str) -> str:
    return re.split(r"[/\\]", cell.removeprefix("*"))[-1]


def _named(path: Path, place: int) -> Iterator[tuple[str, list[str]]]:
    return ((_name(row[place]), row) for row in _cells(path) if place < len(row))


def _header(path: Path, place: int) -> list[str]:
    """The first line of a list, where it names no file; empty where it does."""
    first = _first(path)
    return [] if "." in first[place] else first


def _columns(
    paths: Sequence[Path], lines: Mapping[Path, Sequence[str]], header: Sequence[str] = (), skipped: int = -1
) -> dict[str, str | int]:
    """What a list says of files -> its column, by name or place from 1.

    Parameters
    ----------
    paths
        Of one table.
    lines
        File -> the cells of its line.
    header
        Of the list; empty where it has none.
    skipped
        The place of the column with the names of files.
    """
    chosen = sorted((path for path in paths if lines.get(path)), key=lambda path: path.stat().st_size)[:SAMPLE]
    found: dict[str, str | int] = {}
    facts = [_facts(path, lines[path]) for path in chosen]
    for place in range(min((len(lines[path]) for path in chosen), default=0)):
        values = [_plain(lines[path][place]) for path in chosen]
        called = re.sub(r"[\s_]", "", header[place]).lower() if header else ""
        if place != skipped and (kind := _kind(values, facts, called)):
            found.setdefault(kind, header[place] if header else place + 1)
    return found


def _plain(cell: str) -> str:
    return re.sub(r"[\s,]", "", cell).lower()


def _kind(values: Sequence[str], facts: Sequence[Mapping[str, str]], called: str) -> str | None:
    """What a column says of files: what is so of most of them, else as sums look, or as it is called."""
    for kind in (*SUMS, "bytes", "rows", "lines"):
        if 2 * sum(value == fact.get(kind) for value, fact in zip(values, facts, strict=True)) > len(values):
            return kind
    looks = next((kind for kind, shape in SUMS.items() if all(re.fullmatch(shape, value) for value in values)), None)
    by_name = next((kind for kind, shape in NAMES.items() if re.fullmatch(shape, called)), None)
    return looks or (by_name if all(value.isdecimal() for value in values) else None)


def _facts(path: Path, cells: Sequence[str]) -> dict[str, str]:
    """Figures of a file as a list writes them, of the kinds that its cells may be."""
    values = [_plain(cell) for cell in cells]
    facts = {"bytes": str(path.stat().st_size)}
    for kind, shape in SUMS.items():
        if any(re.fullmatch(shape, value) for value in values):
            facts[kind] = digest(path, kind)
    if any(value.isdecimal() for value in values) and (rows := _rows(path)) is not None:
        facts |= {"rows": str(rows), "lines": str(rows + 1)}
    return facts


def _rows(path: Path) -> int | None:
    """Rows of a file by its lines, the header not counted; None where nobody can tell quickly."""
    if path.suffix.lower() in (".parquet", ".pq"):
        return int(pq.read_metadata(path).num_rows)
    if path.suffix.lower() not in TEXTS:
        return None
    try:
        with packed.opened(path) as file:
            lines = sum(1 for line in file if line.strip())
    except HeadwaterError:
        return None  # half an archive is still arriving
    return lines if "json" in path.suffix or "ndjson" in path.suffix else lines - 1


def whole(paths: Sequence[Path], pattern: str, beside: Accompaniment) -> tuple[list[Path], list[Path]]:
    """The files of a table that have come whole, and those that are still arriving.

    Parameters
    ----------
    paths
        Of the table.
    pattern
        That they match.
    beside
        What belongs to them.
    """
    if not beside.said():
        return list(paths), []
    source = Source.model_validate({"path": pattern, **beside.said()})
    there = {Path(path) for path in deliveries.delivery(source).whole}
    return [path for path in paths if path in there], [path for path in paths if path not in there]
