"""A published score file as its readers see it: metadata at once, rows and columns only when they are asked for."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError

PREFIX = "headwater."
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DAMAGE = (pa.ArrowException, ValueError, LookupError)
"""What reading a damaged file raises: a footer that is none, text that is no UTF-8, columns that are not there."""


class Meta(dict[str, str]):
    """The metadata of a file; a key that is not there is damage to the file."""

    def __init__(self, path: Path, entries: dict[str, str]):
        super().__init__(entries)
        self.path = path

    def __missing__(self, key: str) -> str:
        raise damage_error(self.path, f"{PREFIX}{key}")


class ScoreFile:
    """A published file: its metadata at once, its rows when asked for, page checksums verified.

    Like a table it has `schema`, `column_names`, `num_rows`, `select` and `take`. Raises E431 (exit 4) when it is not
    there and E340 (exit 3) when it is damaged.
    """

    def __init__(self, path: Path):
        self.path = path
        with self._open() as file:
            stored = file.metadata.metadata or {}
            self.schema, self.num_rows = file.schema_arrow, file.metadata.num_rows
            self.starts = list(
                accumulate((file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)), initial=0)
            )
            meta = {key.decode().removeprefix(PREFIX): value.decode() for key, value in stored.items()}
        self.meta = Meta(path, {key: value for key, value in meta.items() if key != "ARROW:schema"})

    @property
    def column_names(self) -> list[str]:
        return self.schema.names

    def select(self, columns: Sequence[str]) -> pa.Table:
        with self._open() as file:
            return file.read(columns=list(columns)).select(list(columns))

    def take(self, places: Sequence[int] | pa.Array, columns: Sequence[str] | None = None) -> pa.Table:
        """Some rows by their place, in that order; only the row groups that hold them are read."""
        rows_wanted = np.asarray(places, dtype="int64")
        order = np.argsort(rows_wanted, kind="stable")
        bounds = np.searchsorted(rows_wanted[order], self.starts)
        pieces = []
        with self._open() as file:
            for group, (first, end) in enumerate(pairwise(bounds)):
                if first < end:
                    inside = rows_wanted[order[first:end]] - self.starts[group]
                    pieces.append(file.read_row_group(group, columns=columns).take(pa.array(inside)))
        rows = pa.concat_tables(pieces) if pieces else self.schema.empty_table().select(columns or self.column_names)
        return rows.take(pa.array(np.argsort(order, kind="stable")))

    def pieces(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Row group after row group."""
        with self._open() as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=columns)

    def table(self) -> pa.Table:
        """All of it."""
        return self.select(self.column_names)

    def verify(self) -> int:
        """The number of rows, every page having been read."""
        return sum(piece.num_rows for piece in self.pieces())

    @contextmanager
    def _open(self) -> Iterator[pq.ParquetFile]:
        try:
            with self.path.open("rb") as handle:
                yield pq.ParquetFile(handle, page_checksum_verification=True)
        except FileNotFoundError:
            raise HeadwaterError("E431", file=self.path) from None
        except DAMAGE as error:
            raise damage_error(self.path, error) from error
        except OSError as error:
            if error.errno:  # the disk's doing, not the file's
                raise
            raise damage_error(self.path, error) from error


def damage_error(path: Path, why: object) -> HeadwaterError:
    """E340, with the date whose night makes the file again."""
    date = DATE.search(path.name)
    detail = (str(why).strip() or type(why).__name__).splitlines()[0]
    return HeadwaterError("E340", file=path, as_of=date.group() if date else None, detail=detail)
