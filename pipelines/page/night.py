"""The published night as pages read it: DuckDB on its Parquet file, which stays the same file for as long as the night is shown."""

import threading
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from features.definition import Feature
from features.errors import HeadwaterError
from pipelines.page import prepared
from pipelines.project import Project
from pipelines.workspace.publication import Publication, read_publication

MEMORY, THREADS = "400MB", 2
"""What DuckDB may hold while a page is made, and its threads."""


@dataclass(frozen=True)
class Night:
    """A publication with a connection to its rows.

    The view `scores` has the columns of the score table with `file_row_number`; `beside` what is worked out once a night, see
    `prepared`; `before` the publication before this one, empty where there is none.

    Attributes
    ----------
    publication
        Its metadata.
    con
        DuckDB in memory; `query` takes a cursor of its own, so that requests do not wait for each other.
    before
        The date of the publication before this one; None where there is none.
    codes
        Kind of list -> codes of its reasons, in the order of their bits in `beside`.
    kept, making
        What was worked out once, and who does it now.
    """

    publication: Publication
    con: duckdb.DuckDBPyConnection
    before: date | None = None
    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    making: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @classmethod
    def of(cls, project: Project, publication: Publication, key: bytes) -> "Night":
        """Open a publication and work out what is asked of it again and again. Raises E431 where its file is gone."""
        con = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY})
        con.execute("SET GLOBAL parquet_metadata_cache = true")
        con.execute(f"SET temp_directory = '{str(project.workspace.root / '.spill').replace(chr(39), chr(39) * 2)}'")
        files = [_viewed(con, "scores", publication.scores.path)]
        day = max((day for day in project.workspace.published_dates() if day < publication.as_of), default=None)
        if day:
            files.append(_viewed(con, "before", project.workspace.score_file(day)))
        else:
            con.execute("CREATE VIEW before AS SELECT * FROM scores WHERE false")
        night = cls(publication, con, day, prepared.beside(con, publication, key))
        for close in (con.close, *(file.close for file in files)):
            weakref.finalize(night, close)  # when the last request that shows it is over
        return night

    def query(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """Rows of a statement, each by column; values are parameters and never part of the text."""
        cursor = self.con.cursor()
        found = cursor.execute(sql, values)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def remembered(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is worked out once a night.

        Parameters
        ----------
        key
            Tells it from everything else, the language included where it matters.
        make
            Works it out.

        Returns
        -------
        Any
            The same object for everybody who asks: not to be changed.
        """
        with self.making:
            if key not in self.kept:
                self.kept[key] = make()
            return self.kept[key]

    @cached_property
    def margin(self) -> float:
        """Share of what is billed that money means here; 1 is revenue."""
        return float(self.publication.meta.get("value_margin", 1.0))


def _viewed(con: duckdb.DuckDBPyConnection, name: str, path: Path) -> BinaryIO:
    """A view of a file that stays the same whatever takes its name later."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise HeadwaterError("E431", file=path) from None
    place = f"/dev/fd/{file.fileno()}"
    con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{place}', file_row_number = true)")
    return file


class Nights:
    """The published night, read again when another one is published."""

    def __init__(self, project: Project, key: Callable[[], bytes]):
        self._project, self._key, self._lock = project, key, threading.Lock()
        self._night: tuple[tuple, Night] | None = None

    def current(self) -> Night:
        """The night that readers see now. Raises E431 (exit 4) where nothing is published, E340 where it is damaged."""
        with self._lock:
            mark = self._mark()
            if self._night is None or self._night[0] != mark:
                publication = read_publication(self._project.workspace, None)
                self._night = (mark, Night.of(self._project, publication, self._key()))
            return self._night[1]

    @cached_property
    def features(self) -> dict[str, Feature]:
        """Column -> feature, for the words of reasons."""
        return {feature.column: feature for feature in self._project.features}

    def _mark(self) -> tuple:
        """What tells one published file from another."""
        path: Path = self._project.workspace.latest
        try:
            found = path.stat()
        except FileNotFoundError:
            raise HeadwaterError("E431", file=path) from None
        return found.st_ino, found.st_mtime_ns, found.st_size
