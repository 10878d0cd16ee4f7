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
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.page import prepared
from pipelines.project import Project
from pipelines.workspace import runs
from pipelines.workspace.paths import date_of
from pipelines.workspace.publication import Publication

MEMORY, THREADS = "250MB", 2
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
    kept, locks
        What was worked out once, and for each thing the lock of who does it.
    """

    publication: Publication
    con: duckdb.DuckDBPyConnection
    before: date | None = None
    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    locks: dict[Hashable, threading.RLock] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, project: Project, publication: Publication, key: bytes) -> "Night":
        """Open a publication and work out what is asked of it again and again. Raises E431 where its file is gone."""
        con = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY})
        con.execute("SET GLOBAL parquet_metadata_cache = true")
        con.execute(f"SET temp_directory = '{str(project.workspace.root / '.spill').replace(chr(39), chr(39) * 2)}'")
        files = [_viewed(con, "scores", publication.scores.path)]
        earlier = runs.previous_scores(project.workspace, publication.as_of)
        day = date_of(earlier.path) if earlier else None
        if earlier:
            files.append(_viewed(con, "before", earlier.path))
        else:
            con.execute("CREATE VIEW before AS SELECT * FROM scores WHERE false")
        night = cls(publication, con, day, prepared.beside(con, publication, key))
        pa.default_memory_pool().release_unused()  # what columns of everybody took is given back, not kept for the next night
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
        with self.lock(key):
            if key not in self.kept:
                self.kept[key] = make()
            return self.kept[key]

    def lock(self, key: Hashable) -> threading.RLock:
        """Whoever makes one thing lets nobody wait who asks for another."""
        return self.locks.setdefault(key, threading.RLock())  # one step of the interpreter: no two get different ones

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
