"""What a reader is: a module that gives header, types and rows of one input; found by the name of its format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast, runtime_checkable

import pyarrow as pa

from features.errors import HeadwaterError, Problem
from pipelines.config.sources import Source
from pipelines.config.validation import nearest


@dataclass(frozen=True)
class Skipped:
    """A row that cannot be read: data row from 1, its beginning, and whether it spans lines."""

    row: int
    text: str
    broken: bool = False


@runtime_checkable
class Reader(Protocol):
    """Reads inputs of one format; `path` is a file, or the name of what is no file.

    What cannot be read is a HeadwaterError that names the input: E311 to E317 for its content, E7xx for the machine.
    """

    def header(self, path: str, source: Source) -> list[str]:
        """Column names in the order of the input, doubled ones too; empty for an empty input."""

    def types(self, paths: Sequence[str], needed: Sequence[str], source: Source) -> dict[str, pa.DataType]:
        """One plain type per column, over all inputs.

        Parameters
        ----------
        paths
            Of all inputs.
        needed
            Columns that every input has.
        source
            What the mapping says of the inputs.

        Returns
        -------
        dict
            Column -> one of the types of `arrow_types.plain`.
        """

    def batches(
        self, path: str, source: Source, types: Mapping[str, pa.DataType], skipped: list[Skipped]
    ) -> Iterator[pa.RecordBatch]:
        """The rows that can be read.

        Parameters
        ----------
        path
            Of the input.
        source
            What the mapping says of it.
        types
            Columns to read, and their types.
        skipped
            Gets the rows that cannot be read, before the batch that follows them.

        Returns
        -------
        Iterator[pyarrow.RecordBatch]
            The columns of `types` in their order and type; rows in the order of the input.
        """


def reader_of(source: Source) -> Reader:
    """The reader of a source's format, or of what DuckDB reads."""
    return cast(Reader, import_module(f"{__package__}.{source.reader}"))


def missing_columns(place: str, missing: Sequence[str], header: Sequence[str]) -> HeadwaterError:
    """E302, a problem for each column that an input lacks, with the most similar one that it has.

    Parameters
    ----------
    place
        The file, or the name of what is no file.
    missing
        Source columns, at least one.
    header
        What the input has.
    """
    there = ", ".join(header)
    return HeadwaterError.of(
        [
            Problem("E302", place, column=c, values={"nearest": nearest(c, list(header)), "there": there})
            for c in missing
        ]
    )
