"""New raw rows of one table, a slice at a time: mapped, judged one by one, and laid down by the part they belong to.

Whatever depends on other rows (repeats, conflicts, corrections) comes later, in `merging`. Memory holds one slice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.contracts import Contract
from features.errors import HeadwaterError
from models.splits import stepped
from pipelines.ingest import columns, erased, magnitudes, marks, offsets, quarantine
from pipelines.ingest.columns import Columns
from pipelines.ingest.marks import BROKEN
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import FILE, ROW, Raw
from pipelines.ingest.reading import Reading
from pipelines.ingest.rules import clock_problems, contract_problems, passing_problems
from pipelines.ingest.tables import RULE, month, rows_with_places
from pipelines.ingest.temporary import temporary

SLICE = 1_000_000
"""Raw rows held at a time."""

MONTHLY = ("usage",)
"""Tables in one part per month: large, and no correction of a row can lie in another month, for its time is its key."""

WHOLE = "all"
PIECES = ".pieces"


@dataclass
class Staged:
    """Rows of the new inputs that were judged.

    `total`: how many. `kept`: position of an input -> its rows that the mapping's `where` keeps, of all that it has. `offsets`,
    for each source: time column -> texts with and without offset. `latest`: newest known_at of a good row (UTC). `aside`: broken rows. `waiting`: rows that a later reading may see otherwise. `pieces`: Parquet files of the
    good ones, by part. `sizes`: how often values stand in them. `erased`: position of an input -> its rows that are left out because they are of erased customers.
    """

    total: int = 0
    kept: dict[int, tuple[int, int]] = field(default_factory=dict)
    offsets: list[dict[str, tuple[int, int]]] = field(default_factory=list)
    latest: datetime | None = None
    aside: list[pa.Table] = field(default_factory=list)
    waiting: list[pa.Table] = field(default_factory=list)
    pieces: dict[str, list[Path]] = field(default_factory=dict)
    sizes: list[pa.Table] = field(default_factory=list)
    erased: dict[int, int] = field(default_factory=dict)

    @property
    def filtered(self) -> int:
        """Rows that the mapping's `where` leaves out."""
        return sum(rows - kept for kept, rows in self.kept.values())


def stage(reading: Reading, contract: Contract, number: int, positions: Sequence[int], staged: Staged) -> None:
    """Read inputs of one source and add what they hold to `staged`.

    Parameters
    ----------
    reading
        The reading that this belongs to.
    contract
        Of the canonical table.
    number
        Place of the source among those of the table.
    positions
        Those of its inputs to read.
    staged
        Gets the rows and what is known of them.

    Raises
    ------
    HeadwaterError
        E3xx of their content, E403 for an input that changed meanwhile.
    """
    part, raw = reading.sources(contract.name)[number]
    needed = sorted(columns.needed(part))
    for rows in _slices(raw, sources.stream(raw, needed, positions)):
        staged.total += rows.num_rows
        name = f"raw_{contract.name}"
        reading.con.con.register(name, rows)
        try:
            _judge_slice(reading, contract, number, reading.con.table(name), staged)
        finally:
            reading.con.con.unregister(name)
    _unchanged(raw, positions)
    staged.total += len(raw.bad_lines)
    raw.bad_lines[:] = erased.lines_left(raw.bad_lines, reading.inputs.erasures, staged.erased)
    staged.aside.append(quarantine.ragged_rows(raw))


def _slices(raw: Raw, reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows of a stream, about `SLICE` at a time. An error inside the stream keeps its own words."""
    held: list[pa.RecordBatch] = []
    try:
        for batch in reader:
            held.append(batch)
            if sum(part.num_rows for part in held) >= SLICE:
                yield pa.Table.from_batches(held)
                held = []
    except HeadwaterError:
        raise
    except Exception as error:
        raise raw.failure or error from error
    if any(part.num_rows for part in held):
        yield pa.Table.from_batches(held)


def _judge_slice(reading: Reading, contract: Contract, number: int, rows: ir.Table, staged: Staged) -> None:
    """Map a slice and sort its rows into good ones, those put aside for good and those that wait."""
    part, raw = reading.sources(contract.name)[number]
    rows = rows if part.where is None else _filtered(Columns(contract, part, reading.mapping, rows), staged)
    counts = staged.offsets[number] = _sum(staged.offsets[number], offsets.offset_counts(rows, part, contract))
    aware, files = offsets.awareness(counts, raw.shown), [file.path for file in raw.inputs]
    canonical = Columns(contract, part, reading.mapping, rows, aware, files)
    mapped = erased.left_out(
        canonical.projection(), reading.known_customers(contract), reading.inputs.erasures, staged.erased
    )
    columns.check_maps(canonical, raw.shown)
    problems = contract_problems(mapped, contract) + clock_problems(mapped, reading.quality, reading.mapping.timezone)
    _sort(reading, contract, marks.marked(mapped, problems), staged)


def _filtered(canonical: Columns, staged: Staged) -> ir.Table:
    """The raw rows that the mapping's `where` keeps, and those that it cannot judge."""
    condition, rows = canonical.kept(), canonical.raw
    kept = ibis.or_(condition.value, *[problem.broken for problem in condition.problems])
    counts = rows.group_by(FILE).aggregate(kept=kept.sum(), rows=rows.count()).to_pyarrow().to_pylist()
    for count in counts:
        before = staged.kept.get(count[FILE], (0, 0))
        staged.kept[count[FILE]] = (before[0] + count["kept"], before[1] + count["rows"])
    return rows.filter(kept)


def _sum(earlier: dict[str, tuple[int, int]], later: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    names = earlier | later
    pairs = {name: (earlier.get(name, (0, 0)), later.get(name, (0, 0))) for name in names}
    return {name: (one[0] + other[0], one[1] + other[1]) for name, (one, other) in pairs.items()}


def judge_waiting(reading: Reading, contract: Contract, waiting: pa.Table, staged: Staged) -> None:
    """Judge the rows anew that waited for a customer, or for their day, and add them to `staged`.

    Parameters
    ----------
    reading
        The reading in which they are judged.
    contract
        Of the table.
    waiting
        Rows as `rows_with_places`.
    staged
        Gets the rows and what is known of them.
    """
    if waiting.num_rows:
        name = f"waiting_{contract.name}"
        rows = reading.con.create_table(name, waiting.drop_columns(RULE), temp=True, overwrite=True)
        _sort(reading, contract, rows.mutate(**marks.marks([])), staged)
        reading.con.drop_table(name)


def _sort(reading: Reading, contract: Contract, marked: ir.Table, staged: Staged) -> None:
    """Marked rows are put aside; of the others, those of unknown customers and from the future wait."""
    problems = passing_problems(marked, reading.delivered, reading.known_customers(contract))
    sound = marked[BROKEN].isnull()
    rule = ibis.cases(*[(sound & p.broken, p.rule) for p in problems], else_=None) if problems else ibis.null("string")
    name = f"staged_{contract.name}"
    rows = temporary(reading.con, name, marked.mutate(**{RULE: rule.cast("string")}))
    good, summary = rows.filter(rows[BROKEN].isnull(), rows[RULE].isnull()), Summary.of(rows, contract)
    try:
        if summary.broken:
            staged.aside.append(quarantine.broken_rows(rows.filter(rows[BROKEN].notnull())))
        if summary.waiting:
            waiting = rows.filter(rows[RULE].notnull()).select(FILE, ROW, *contract.schema(), RULE).to_pyarrow()
            staged.waiting.append(waiting.cast(rows_with_places(contract)))
        staged.latest = _newest(staged.latest, summary.newest)
        if summary.parts:
            staged.sizes.append(
                magnitudes.counts_of(good, magnitudes.watched_columns(contract, reading.mapping.measures))
            )
        for part in summary.parts:
            chosen = good if part == WHOLE else good.filter(_of_month(good, part))
            _lay_down(reading, chosen.select(FILE, ROW, *contract.schema()), (contract.name, part), staged)
    finally:
        reading.con.drop_table(name, force=True)


@dataclass(frozen=True)
class Summary:
    """What is among judged rows: how many are broken and wait; of the good ones the newest, and their parts."""

    broken: int
    waiting: int
    newest: datetime | None
    parts: list[str]

    @classmethod
    def of(cls, rows: ir.Table, contract: Contract) -> "Summary":
        """Of marked rows with their rule, by one pass over them."""
        good = rows[BROKEN].isnull() & rows[RULE].isnull()
        part = month(rows.happened_on) if contract.name in MONTHLY else ibis.literal(WHOLE)
        aggregate = rows.aggregate(
            broken=rows[BROKEN].count(),
            waiting=rows[RULE].count(),
            newest=rows.known_at.max(where=good) if "known_at" in rows.columns else ibis.null("timestamp(6)"),
            parts=ibis.ifelse(good, part, ibis.null("string")).collect(distinct=True),
        )
        row = aggregate.to_pyarrow().to_pylist()[0]
        return cls(row["broken"], row["waiting"], row["newest"], sorted(row["parts"] or []))


def _of_month(rows: ir.Table, part: str) -> ir.BooleanValue:
    """Did a row happen in a month? By its bounds: the name of the month of every row, for each part, costs many times that."""
    first = date.fromisoformat(f"{part}-01")
    return (rows.happened_on >= first) & (rows.happened_on < stepped(first, "1mo", 1))


def _newest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _lay_down(reading: Reading, good: ir.Table, place: tuple[str, str], staged: Staged) -> None:
    """Good rows as one more file of a table's part."""
    table, part = place
    pieces = staged.pieces.setdefault(part, [])
    folder = reading.folder / PIECES / table
    folder.mkdir(parents=True, exist_ok=True)
    pieces.append(folder / f"{part}.{len(pieces)}.parquet")
    reading.con.to_parquet(good, pieces[-1])


def _unchanged(raw: Raw, positions: Sequence[int]) -> None:
    """An input that changed while it was read stops the run. Raises E403."""
    for file in [raw.inputs[index] for index in positions]:
        path = Path(file.path)
        if path.is_file() and path.stat().st_size != file.size:
            raise HeadwaterError("E403", file=file.path)
