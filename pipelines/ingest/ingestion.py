"""Raw files -> canonical tables, with what was left out and why.

A reading may start from an earlier one (`base`): then only inputs that are new are opened, and the outcome is the same
as if all had been read at once. Where that cannot be had from the new inputs alone, a table is read whole.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import Contract
from features.errors import HeadwaterError, Problem
from pipelines.config.mapping import Mapping
from pipelines.ingest import (
    columns,
    conditioned,
    deliveries,
    magnitudes,
    merging,
    months,
    quarantine,
    snapshots,
    staging,
    store,
)
from pipelines.ingest.diagnosis import diagnosed
from pipelines.ingest.inputs import extended, of_table, ordered, raise_first
from pipelines.ingest.merging import Contradicted
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import FILE, InputFile, Raw, Raws
from pipelines.ingest.reading import Reading
from pipelines.ingest.staging import Staged
from pipelines.ingest.tables import ASIDE, CONTRADICTIONS, RULE, Memory, Part, RowCount, Tables, rows_with_places


def read(reading: Reading, before: dict[str, float]) -> Tables:
    """All tables as parts in the reading's folder, in the contract's columns and types; events also `superseded_at`.

    `before`: medians of the previous reading, of the tables that were read by the same recipe. Every table is looked at before the first problem is raised, the others
    with it: E3xx (contract), E4xx (missing), E2xx (mapping), E7xx (machine). Nothing is returned then.
    """
    mapping = reading.mapping
    reading.result = Tables({}, mapping.measures, mapping.attributes, declared=_declared(mapping))
    reading.failures = list(reading.inputs.failures)
    for name in ordered(mapping):
        if name in reading.inputs.raws:
            contract, raws = extended(name, mapping), reading.inputs.raws[name]
            with _collected(reading, name, partial(diagnosed, reading, contract)):
                _read_table(reading, contract, raws)
    if not reading.failures:
        with _collected(reading, "mapping"):
            magnitudes.check(reading, before)
    shutil.rmtree(reading.folder / staging.PIECES, ignore_errors=True)
    raise_first(reading.failures)
    reading.warnings += _erased(reading)
    fingerprint, recipes = reading.inputs.fingerprint(reading.quality), reading.inputs.recipes(reading.quality)
    return replace(reading.result, warnings=tuple(reading.warnings), fingerprint=fingerprint, recipes=recipes)


def _erased(reading: Reading) -> list[Problem]:
    """A warning where people who were erased are delivered all the same."""
    counts = {name: count.erased for name, count in reading.result.counts.items() if count.erased}
    if not counts:
        return []
    told = ", ".join(f"{name} {rows:,}" for name, rows in counts.items())
    return [Problem("W305", reading.inputs.raws[next(iter(counts))].shown, values={"tables": told})]


def _declared(mapping: Mapping) -> tuple[str, ...]:
    """Tables whose known_at is a rule of the mapping, not a column of the source."""
    clocks = {name: [part.known_at for part in mapping.tables[name].parts] for name in sorted(mapping.tables)}
    return tuple(name for name, forms in clocks.items() if any(form and (form.expr or form.add) for form in forms))


@contextmanager
def _collected(
    reading: Reading, name: str, diagnosed: Callable[[HeadwaterError], HeadwaterError] = lambda error: error
) -> Iterator[None]:
    """A problem of one table hides neither its other problems nor those of the next table."""
    try:
        yield
    except HeadwaterError as error:
        reading.failures.append(of_table(diagnosed(error), reading.mapping, name))


@dataclass
class Start:
    """Where the reading of one table begins: what is known of it, and the positions of the inputs to open."""

    positions: list[int]
    memory: Memory
    parts: list[Part] = field(default_factory=list)
    count: RowCount = field(default_factory=lambda: RowCount(0, 0))


def _read_table(reading: Reading, contract: Contract, raws: Raws) -> None:
    """One table: its new inputs if the base serves, otherwise all; counts, quarantine and parts go into the result."""
    months.check_copies(reading.mapping.tables[contract.name], raws.members[0])
    positions, types = _unread(reading, contract, raws), []
    for (part, raw), chosen in zip(reading.sources(contract.name), _by_source(raws, positions), strict=True):
        needed = sorted(columns.needed(part))
        with _named(raws, raw), months.columns_compared(reading.mapping.tables[contract.name], raw, set(needed)):
            sources.require(raw, set(needed), chosen)
        with _named(raws, raw):
            types.append({name: str(kind) for name, kind in sources.types(raw, needed).items()})
    whole = Start(list(range(len(raws.inputs))), Memory.blank(types, contract))
    start = _resumed(reading, contract, raws, types, positions) or whole
    try:
        _combine(reading, contract, raws, start)
    except Contradicted:
        _combine(reading, contract, raws, whole)


def _by_source(raws: Raws, positions: list[int]) -> list[list[int]]:
    """For each source those of the positions that are of its inputs, from 0 in it."""
    places = [raws.place(position) for position in positions]
    return [[place for number, place in places if number == own] for own in range(len(raws.members))]


@contextmanager
def _named(raws: Raws, raw: Raw) -> Iterator[None]:
    """Of several sources, a problem that names no file is one of this source."""
    try:
        yield
    except HeadwaterError as error:
        if len(raws.members) == 1:
            raise
        problems = [replace(problem, file=problem.file or raw.shown) for problem in error.problems]
        raise HeadwaterError.of(problems) from error.__cause__


def _unread(reading: Reading, contract: Contract, raws: Raws) -> list[int]:
    """Positions of the inputs that the base has not read by the recipe of today."""
    base = reading.serving_base(contract.name)
    seen = {file.identity for file in base.fingerprints[contract.name]} if base else set()
    return [position for position, file in enumerate(raws.inputs) if file.identity not in seen]


def _resumed(
    reading: Reading, contract: Contract, raws: Raws, types: list[dict[str, str]], positions: list[int]
) -> Start | None:
    """Start from the base, if every row that it judged good would be judged so again; None where that is not sure."""
    name = contract.name
    base = reading.serving_base(name)
    if base is None:
        return None
    memory, files = base.memory[name], base.fingerprints[name]
    if _is_snapshot(reading, name) and (positions or base.parts[name][0].sha256 != reading.earlier_sha256):
        return None
    if reading.mapping.tables[name].monthly and (positions or memory.waiting.num_rows):
        return None
    gone = {file.identity for file in files} - {file.identity for file in raws.inputs}
    late = reading.delivered and memory.latest and memory.latest >= reading.delivered
    lost = name != "customers" and (reading.customers_lost or reading.id_returned)
    if gone or late or lost or memory.types != types:
        return None
    rows_by_file = {kind: _with_positions(getattr(memory, kind), files, raws) for kind in store.REMEMBERED}
    moved = replace(memory, **rows_by_file)
    rows = {file.identity: file.rows for file in files}
    for raw in raws.members:
        raw.inputs[:] = [replace(file, rows=rows.get(file.identity, file.rows)) for file in raw.inputs]
    return Start(positions, moved, base.parts[name], base.counts[name])


def _with_positions(rows: pa.Table, files: list[InputFile], raws: Raws) -> pa.Table:
    """Rows with the positions that their inputs have now; a new file may stand before the old ones."""
    now = {file.identity: position for position, file in enumerate(raws.inputs)}
    positions = pa.array([now[file.identity] for file in files], pa.int32())
    moved = positions.take(rows[FILE].combine_chunks())
    return rows.set_column(rows.column_names.index(FILE), pa.field(FILE, pa.int32()), moved)


def _combine(reading: Reading, contract: Contract, raws: Raws, start: Start) -> None:
    """Read, judge and merge. Raises E303, E320, E321, E407 and Contradicted; nothing is left of the table then."""
    name, memory = contract.name, start.memory
    for folder in (reading.folder / name, reading.folder / staging.PIECES / name):
        shutil.rmtree(folder, ignore_errors=True)  # of a first try: a linked part must never be written to
    staged = Staged(offsets=[dict(counts) for counts in memory.offsets], latest=memory.latest)
    for number, (raw, chosen) in enumerate(zip(raws.members, _by_source(raws, start.positions), strict=True)):
        raw.bad_lines.clear()
        if chosen:
            with _named(raws, raw):
                staging.stage(reading, contract, number, chosen, staged)
        deliveries.check_rows(raw.delivery.listed, {file.path: file.rows for file in raw.inputs})
        if not sum(file.rows for file in raw.inputs):
            raise HeadwaterError("E303", file=raw.shown)
    total, filtered = start.count.in_ + staged.total, start.count.filtered - start.count.erased + staged.filtered
    for number in range(len(raws.members)):
        conditioned.check(reading, contract, number, staged.kept, all_filtered=filtered == total)
    pending = memory.waiting.filter(pc.invert(pc.is_in(memory.waiting[RULE], pa.array(CONTRADICTIONS))))
    staging.judge_waiting(reading, contract, pending, staged)
    monthly = reading.mapping.tables[name].monthly
    if monthly:
        months.check_files(reading.con, raws.members[0], staged.pieces, reading.mapping.timezone)
    merged = merging.merge(reading, contract, staged, start.parts, memory)
    aside = pa.concat_tables([memory.aside, *staged.aside]).cast(ASIDE)
    waiting = pa.concat_tables([rows_with_places(contract).empty_table(), *staged.waiting, *merged.conflicts])
    sizes = magnitudes.total_counts([memory.sizes, *staged.sizes])
    reading.result.memory[name] = Memory(memory.types, staged.offsets, staged.latest, aside, waiting, sizes)
    reading.result.parts[name] = merged.parts
    reading.result.read[name] = len(start.positions)
    bad = quarantine.collect(reading.con, aside, waiting, raws, reading.mapping.timezone)
    used = sum(part.rows for part in merged.parts)
    if monthly and not start.parts:
        reading.result.parts[name] = [_as_versions(reading, merged.parts[0])]
    if _is_snapshot(reading, name):
        if start.parts:
            used = start.count.used
        else:
            reading.result.parts[name] = _with_earlier(reading, contract, raws, merged.parts[0])
    erased, duplicates = start.count.erased + sum(staged.erased.values()), start.count.duplicates + merged.duplicates
    count = RowCount(total, used, bad.num_rows, duplicates, filtered + erased, erased)
    reading.warnings += conditioned.notes(reading, contract, raws, staged.kept)
    _finish(reading, contract, raws, count.check(name), bad)


def _is_snapshot(reading: Reading, name: str) -> bool:
    """Is the table a snapshot that follows others? Its rows are then kept with those of earlier nights."""
    return reading.night is not None and name == "customers"


def _with_earlier(reading: Reading, contract: Contract, raws: Raws, part: Part) -> list[Part]:
    """The part of a snapshot with the versions that earlier ones left."""
    assert reading.night is not None
    reading.warnings += snapshots.notes(reading.night, raws.shown)
    rows = reading.con.read_parquet(part.path, table_name="snapshot_read")
    kept = merging.written_part(reading.con, snapshots.versions(reading.con, reading.night, rows, contract), part.path)
    for view in ("snapshot_read", "snapshots_before"):
        reading.con.drop_view(view, force=True)
    return [kept]


def _as_versions(reading: Reading, part: Part) -> Part:
    """The part of a series of months: each row counts until the next month, and whoever left in it has a day."""
    rows = reading.con.read_parquet(part.path, table_name="months_read")
    kept = merging.written_part(reading.con, months.versions(rows, reading.mapping.timezone), part.path)
    reading.con.drop_view("months_read", force=True)
    return kept


def _finish(reading: Reading, contract: Contract, raws: Raws, count: RowCount, bad: pa.Table) -> None:
    """Thresholds and notes of a table that was read."""
    result, name = reading.result, contract.name
    if bad.num_rows and reading.keep:
        reading.keep(name, bad)
    quarantine.judge(contract, count, bad, reading.quality)
    result.tables[name] = result.view(reading.con, name, result.parts[name], "_read")
    result.counts[name] = count
    result.fingerprints[name] = raws.inputs
    result.future += pc.sum(pc.equal(bad["rule"], "from_the_future")).as_py() or 0
    if bad.num_rows:
        result.quarantine[name] = bad
    unread = (set(raw.header) - columns.needed(part) for part, raw in reading.sources(name))
    result.ignored[name] = sorted(set().union(*unread))
    reading.warnings += quarantine.notes(contract, raws, count, bad)
