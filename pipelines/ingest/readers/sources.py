"""The inputs of a source and their rows as one stream, whatever they are read from.

Rows come as Arrow batches of the columns that the mapping names, plus `__file` (position in the list of inputs, from 0)
and `__row` (data row in that input, from 1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest import deliveries
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.hashes import Hashes
from pipelines.ingest.readers import queries
from pipelines.ingest.readers.reader import Reader, Skipped, missing_columns, reader_of

FILE, ROW = "__file", "__row"
QUERY = "sql"
"""The path of an input that is no file."""


@dataclass(frozen=True)
class InputFile:
    """The fingerprint of one input; `size` in bytes, `rows` counts data rows, unreadable ones included, `source` is the
    place of its source among those of the table, from 0."""

    path: str
    size: int
    sha256: str
    rows: int = 0
    source: int = 0

    @property
    def identity(self) -> tuple[int, str]:
        """By what it is found again: its bytes, as one source reads them."""
        return self.source, self.sha256


@dataclass(frozen=True)
class BadLine:
    """A row that could not be read: position of its input from 0, data row from 1, its beginning. No table holds it."""

    file: int
    row: int
    text: str


@dataclass
class Raw:
    """What one source holds: its inputs, its header, and what was noticed on the way.

    `repeated`: path of an input that is not read, and of the one with the same bytes that is. `failure`: what stopped
    a stream; DuckDB hides it. `first`: position of its first input among those of all sources of its table. `delivery`:
    what markers and manifests say of its files.
    """

    source: Source
    inputs: list[InputFile]
    repeated: list[tuple[str, str]] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    bad_lines: list[BadLine] = field(default_factory=list)
    failure: BaseException | None = None
    first: int = 0
    delivery: Delivery = field(default_factory=lambda: Delivery([]))

    @property
    def reader(self) -> Reader:
        """The reader of every input."""
        return reader_of(self.source)

    @property
    def shown(self) -> str:
        """The file, or the pattern or query that several rows came by."""
        one = self.inputs[0].path if len(self.inputs) == 1 else QUERY
        return self.source.shown if one == QUERY else one


@dataclass
class Raws:
    """What the sources of one table hold, in their order; positions of inputs run through all of them, from 0."""

    members: list[Raw]

    @property
    def inputs(self) -> list[InputFile]:
        """Those of every source."""
        return [file for raw in self.members for file in raw.inputs]

    @property
    def repeated(self) -> list[tuple[str, str]]:
        """Inputs of any source that are not read, each with the one that is."""
        return [pair for raw in self.members for pair in raw.repeated]

    @property
    def bad_lines(self) -> list[BadLine]:
        """Rows of any source that could not be read."""
        return [line for raw in self.members for line in raw.bad_lines]

    @property
    def shown(self) -> str:
        """The file, pattern or query of each source."""
        return " + ".join(raw.shown for raw in self.members)

    def place(self, position: int) -> tuple[int, int]:
        """The source of an input, and the position of the input in it."""
        number = max(n for n, raw in enumerate(self.members) if raw.first <= position)
        return number, position - self.members[number].first


def gathered(sources: Sequence[Source], hashes: Hashes | None = None) -> Raws:
    """List the inputs of the sources of a table. Raises E401 and E217 as `find` does.

    Parameters
    ----------
    sources
        Of one table, in the order of its mapping.
    hashes
        As for `find`.
    """
    members, first = [], 0
    for number, source in enumerate(sources):
        raw = find(source, hashes)
        raw.first, raw.inputs = first, [replace(file, source=number) for file in raw.inputs]
        first += len(raw.inputs)
        members.append(raw)
    return Raws(members)


def find(source: Source, hashes: Hashes | None = None) -> Raw:
    """List the inputs of a source, with their fingerprints. Raises E401 when nothing matches, E217 for bad SQL, and what
    `deliveries.checked` raises.

    Parameters
    ----------
    source
        Of one table.
    hashes
        Knows files that nobody touched, and remembers what it is asked for; without it every file is hashed.
    """
    if source.connection and not source.files:
        raise ValueError("a database is fetched into files before it is read: extracts.extract")
    hashes = hashes or Hashes()
    delivery = deliveries.gathered(source, hashes)
    raw = Raw(source, *_distinct(_inputs(source, delivery, hashes)), delivery=delivery)
    headers = (raw.reader.header(file.path, source) for file in raw.inputs)
    raw.header = next((columns for columns in headers if columns), [])
    return raw


def _inputs(source: Source, delivery: Delivery, hashes: Hashes) -> list[InputFile]:
    if source.files:
        return [InputFile(path, Path(path).stat().st_size, hashes.sha256(Path(path))) for path in delivery.whole]
    if source.database is None:
        return [InputFile(QUERY, len(source.sql or ""), queries.content_sha256(source))]
    if not Path(source.database).is_file():
        raise HeadwaterError("E401", file=source.database)
    path = Path(source.database)
    return [InputFile(path.as_posix(), path.stat().st_size, hashes.sha256(path))]


def _distinct(inputs: list[InputFile]) -> tuple[list[InputFile], list[tuple[str, str]]]:
    """Inputs without those whose bytes came before under another name, and the pairs of these names."""
    first: dict[str, InputFile] = {}
    repeated = []
    for file in inputs:
        if file.sha256 in first and file.size:
            repeated.append((file.path, first[file.sha256].path))
        else:
            first[file.sha256] = file
    copies = {copy for copy, _ in repeated}
    return [file for file in inputs if file.path not in copies], repeated


def require(raw: Raw, needed: set[str], positions: Sequence[int] | None = None) -> None:
    """Check that every input has every column that the mapping names, once.

    Parameters
    ----------
    raw
        The inputs.
    needed
        Source columns.
    positions
        Those of the inputs to look at; all by default.

    Raises
    ------
    HeadwaterError
        E302 for each missing column, with the nearest; E316 for a doubled one.
    """
    for file in raw.inputs if positions is None else [raw.inputs[index] for index in positions]:
        columns = raw.reader.header(file.path, raw.source)
        missing = sorted(needed - set(columns))
        if missing and columns:
            raise missing_columns(file.path, missing, columns)
        doubled = sorted(name for name in needed if columns.count(name) > 1)
        if doubled:
            raise HeadwaterError("E316", file=file.path, column=doubled[0])


def types(raw: Raw, needed: Sequence[str]) -> dict[str, pa.DataType]:
    """The type of each column over all inputs, whichever are read."""
    return raw.reader.types([file.path for file in raw.inputs], needed, raw.source)


def stream(raw: Raw, needed: Sequence[str], positions: Sequence[int] | None = None) -> pa.RecordBatchReader:
    """The rows of a source as one stream; `raw.inputs[...].rows` and `raw.bad_lines` are complete when it ends.

    Parameters
    ----------
    raw
        The inputs.
    needed
        Source columns.
    positions
        Those of the inputs to read, in order, from 0 in this source; all by default. Numbers and types are the same either way.

    Returns
    -------
    pyarrow.RecordBatchReader
        The needed columns, `__file` (position among the inputs of the table) and `__row`. What goes wrong inside is kept in `raw.failure`.
    """
    kinds = types(raw, needed)
    schema = pa.schema([*kinds.items(), (FILE, pa.int32()), (ROW, pa.int64())])
    chosen = range(len(raw.inputs)) if positions is None else positions
    return pa.RecordBatchReader.from_batches(schema, _recorded(raw, _numbered(raw, kinds, schema, chosen)))


def first_rows(raw: Raw, needed: Sequence[str], rows: int, position: int | None = None) -> pa.Table:
    """The first rows of a source, or of one of its inputs, as `stream` gives them; nothing of the source is changed.

    Parameters
    ----------
    raw
        The inputs.
    needed
        Source columns.
    rows
        How many at most.
    position
        Of the input; all of them by default.
    """
    own = replace(raw, inputs=list(raw.inputs), bad_lines=[])
    reader = stream(own, needed, None if position is None else [position])
    batch = next(iter(reader), None)
    return pa.Table.from_batches([] if batch is None else [batch], reader.schema).slice(0, rows)


def _recorded(raw: Raw, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """DuckDB hides what goes wrong inside a stream; `raw.failure` keeps it."""
    try:
        yield from batches
    except Exception as error:
        raw.failure = error
        raise


def _numbered(
    raw: Raw, kinds: dict[str, pa.DataType], schema: pa.Schema, positions: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    for index in positions:
        file, skipped, count = raw.inputs[index], list[Skipped](), 0
        for batch in raw.reader.batches(file.path, raw.source, kinds, skipped):
            numbers = row_numbers(count, batch.num_rows, [row.row for row in skipped])
            count += batch.num_rows
            files = pa.array(np.full(batch.num_rows, raw.first + index, dtype=np.int32))
            yield pa.RecordBatch.from_arrays([*batch.columns, files, pa.array(numbers)], schema=schema)
        raw.bad_lines += [BadLine(raw.first + index, row.row, row.text) for row in skipped]
        raw.inputs[index] = replace(file, rows=count + len(skipped))


def row_numbers(before: int, rows: int, skipped: Sequence[int]) -> np.ndarray:
    """Numbers in the input of the next `rows` readable rows, int64.

    Parameters
    ----------
    before
        Readable rows that came before them.
    rows
        How many they are.
    skipped
        Numbers (sorted, from 1) that are not among them.
    """
    positions = np.arange(before + 1, before + rows + 1, dtype=np.int64)
    gaps = np.asarray(skipped, dtype=np.int64) - np.arange(len(skipped))
    return positions + np.searchsorted(gaps, positions, side="right")
