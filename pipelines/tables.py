"""Raw files -> canonical tables in DuckDB, with what was left out and why: `read_tables`."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import CONTRACTS, Column, Contract
from features.errors import HeadwaterError, Problem
from pipelines import columns, judging, magnitudes, quarantine, sources
from pipelines.columns import Columns
from pipelines.mapping import Mapping
from pipelines.quality import (
    Quality,
    RowCount,
    clock_problems,
    contract_problems,
    unknown_customers,
    versions,
)
from pipelines.sources import InputFile, Raw

READERS = ("cells", "columns", "csvs", "expressions", "judging", "parquets", "quality", "sources", "tables")
Keep = Callable[[str, pa.Table], None]


@dataclass
class Tables:
    """The canonical tables of one reading, and everything that is to be told about it.

    `medians`: table.column -> median of the positive values; `newest`: table -> newest known_at (UTC), where it has one.
    """

    tables: dict[str, ir.Table]
    measures: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    counts: dict[str, RowCount] = field(default_factory=dict)
    quarantine: dict[str, pa.Table] = field(default_factory=dict)
    fingerprints: dict[str, list[InputFile]] = field(default_factory=dict)
    medians: dict[str, float] = field(default_factory=dict)
    newest: dict[str, datetime] = field(default_factory=dict)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    declared: tuple[str, ...] = ()
    future: int = 0
    warnings: tuple[Problem, ...] = ()
    fingerprint: str = ""

    def __getitem__(self, name: str) -> ir.Table:
        return self.tables[name]


@dataclass
class Reading:
    """One call of `read_tables`: where things are written while it lasts."""

    con: Any
    mapping: Mapping
    quality: Quality
    delivered: datetime | None
    keep: Keep | None
    result: Tables
    failures: list[HeadwaterError] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def read_tables(
    con,
    mapping: Mapping,
    quality: Quality | None = None,
    as_of: date | None = None,
    *,
    before: dict[str, float] | None = None,
    keep: Keep | None = None,
) -> Tables:
    """Read, map and validate every table of a mapping into `con` (an Ibis DuckDB connection).

    `as_of`: the newest date that will be asked for; rows known more than two days after it and after the files were
    written are from the future. `before`: medians of the previous reading. `keep` is given the rows put aside of each
    table, also when the reading stops. The tables carry the contract's columns in the
    contract's types; events also `superseded_at`. Every table is looked at before the first problem is raised, the
    others with it: E3xx (contract), E4xx (missing), E2xx (mapping), E7xx (machine). Nothing is returned then.
    """
    raws, failures = located(mapping)
    quality = quality or Quality()
    limit = None if as_of is None else delivered(as_of, mapping, raws, quality)
    reading = Reading(con, mapping, quality, limit, keep, empty(mapping), failures)
    for name in ordered(mapping):
        if name in raws:
            with collected(reading, name):
                read_table(reading, extended(name, mapping), raws[name])
    if not reading.failures:
        with collected(reading, "mapping"):
            magnitudes.check(reading.result, mapping, quality, before or {})
    stop(reading.failures)
    prints = reading.result.fingerprints
    return replace(reading.result, warnings=tuple(reading.warnings), fingerprint=digest(mapping, prints, quality))


def fingerprint(mapping: Mapping, quality: Quality) -> str:
    """Identity of what `read_tables` would read now. Raises E401 and the like when an input is missing."""
    raws, failures = located(mapping)
    stop(failures)
    return digest(mapping, {name: raw.inputs for name, raw in raws.items()}, quality)


def delivery_limit(as_of: date, mapping: Mapping, quality: Quality) -> datetime:
    """The instant (UTC) from which a row of the present inputs is from the future."""
    return delivered(as_of, mapping, located(mapping)[0], quality)


def empty(mapping: Mapping) -> Tables:
    known = {(name, "known_at") for name in mapping.tables}
    declared = tuple(t for t, c in sorted(known) if (f := mapping.tables[t].forms().get(c)) and (f.expr or f.add))
    return Tables({}, mapping.measures, mapping.attributes, declared=declared)


def located(mapping: Mapping) -> tuple[dict[str, Raw], list[HeadwaterError]]:
    """The inputs of every table; what is missing is collected."""
    raws, failures = {}, []
    for name in ordered(mapping):
        try:
            raws[name] = sources.find(mapping.tables[name].source)
        except HeadwaterError as error:
            failures.append(named(error, mapping, name))
    return raws, failures


def ordered(mapping: Mapping) -> list[str]:
    """Contract order, so that customers come first."""
    return [name for name in CONTRACTS if name in mapping.tables]


def extended(name: str, mapping: Mapping) -> Contract:
    """The contract with the columns that this mapping declares beyond it."""
    contract = CONTRACTS[name]
    if name == "usage":
        return contract.with_measures(mapping.measures)
    if name == "customers":
        own = tuple(Column(a, "string", a.replace("_", " "), a) for a in mapping.attributes)
        return replace(contract, columns=contract.columns + own)
    return contract


def delivered(as_of: date, mapping: Mapping, raws: dict[str, Raw], quality: Quality) -> datetime:
    """Two days after the later of the as-of date and the moment at which the newest file was written, UTC."""
    paths = [Path(file.path) for raw in raws.values() for file in raw.inputs if Path(file.path).is_file()]
    written = [datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None) for path in paths]
    midnight = datetime.combine(as_of, time(), ZoneInfo(mapping.timezone)).astimezone(UTC).replace(tzinfo=None)
    return max([midnight, *written]) + timedelta(days=quality.delivery_days)


@contextmanager
def collected(reading: Reading, name: str) -> Iterator[None]:
    """A problem of one table does not hide those of the next."""
    try:
        yield
    except HeadwaterError as error:
        reading.failures.append(named(error, reading.mapping, name))


def named(error: HeadwaterError, mapping: Mapping, table: str) -> HeadwaterError:
    """The same error with the table, the mapping file and the YAML path that a fix line needs."""
    problem = error.problem
    values = {"table": table, "mapping": mapping.origin, **problem.values}
    return HeadwaterError(
        problem.code,
        file=problem.file or mapping.origin,
        row=problem.row,
        column=problem.column,
        sample=problem.sample,
        others=error.others,
        **values,
    )


def stop(failures: list[HeadwaterError]) -> None:
    if failures:
        first, *rest = failures
        others = [*first.others, *[problem for error in rest for problem in (error.problem, *error.others)]]
        problem = first.problem
        raise HeadwaterError(
            problem.code,
            file=problem.file,
            row=problem.row,
            column=problem.column,
            sample=problem.sample,
            others=others,
            **problem.values,
        ) from first


def read_table(reading: Reading, contract: Contract, raw: Raw) -> None:
    """One table: load, map, judge, split; its counts and quarantine go into the result."""
    table = reading.mapping.tables[contract.name]
    needed = sorted(columns.needed(table))
    sources.require(raw, set(needed))
    try:
        rows = load(reading.con, contract.name, raw, needed)
        unchanged(raw)
        made = Columns(contract, table, reading.mapping, rows, judging.offsets(rows, table, contract, shown(raw)))
        count, bad = split(reading, made, raw)
    finally:
        for leftover in ("raw", "staged", "repeated", "several"):
            reading.con.drop_table(f"{leftover}_{contract.name}", force=True)
    finish(reading, contract, raw, count, bad)


def split(reading: Reading, made: Columns, raw: Raw) -> tuple[RowCount, pa.Table]:
    """Mapped rows into used ones (the canonical table), those put aside and repeats. Raises E303, E320, E321."""
    name = made.contract.name
    total = made.raw.count().execute() + len(raw.bad_lines)
    if total == 0:
        raise HeadwaterError("E303", file=shown(raw))
    staged, told = judged(reading, made, raw)
    parts = versions(reading.con, staged, made.contract)
    used = reading.con.create_table(name, parts.used, overwrite=True).count().execute()
    bad = quarantine.collect(staged, told, parts, raw)
    repeats = parts.duplicates.count().execute() if parts.duplicates is not None else 0
    return RowCount(total, used, bad.num_rows, repeats).check(name), bad


def judged(reading: Reading, made: Columns, raw: Raw) -> tuple[ir.Table, list[judging.Told]]:
    """The mapped rows as table `staged_<name>`, each with the number of its first problem, and the problems."""
    mapped, told = made.project()
    judging.closed_maps(made, shown(raw))
    later = contract_problems(mapped, made.contract)
    later += clock_problems(mapped, reading.quality, reading.delivered)
    if made.contract.name != "customers" and "customers" in reading.result.tables:
        later.append(unknown_customers(mapped, reading.result["customers"]))
    staged = judging.broken_rows(mapped, told, later)
    staged = reading.con.create_table(f"staged_{made.contract.name}", staged, temp=True, overwrite=True)
    return staged, [*told, *judging.told(later)]


def finish(reading: Reading, contract: Contract, raw: Raw, count: RowCount, bad: pa.Table) -> None:
    """Thresholds and notes of a table that was read."""
    result, name = reading.result, contract.name
    if bad.num_rows and reading.keep:
        reading.keep(name, bad)
    quarantine.judge(contract, count, bad, reading.quality)
    result.tables[name], result.counts[name] = reading.con.table(name), count
    result.fingerprints[name] = list(raw.inputs)
    result.future += pc.sum(pc.equal(bad["rule"], "from_the_future")).as_py() or 0
    if bad.num_rows:
        result.quarantine[name] = bad
    result.ignored[name] = sorted(set(raw.header) - columns.needed(reading.mapping.tables[name]))
    reading.warnings += quarantine.notes(contract, raw, count, bad)


def load(con, name: str, raw: Raw, needed: list[str]) -> ir.Table:
    """All rows of a source as table `raw_<name>`. An error inside the stream keeps its own words."""
    reader = sources.stream(raw, needed)
    con.con.register(f"stream_{name}", reader)
    try:
        return con.create_table(f"raw_{name}", con.table(f"stream_{name}"), overwrite=True, temp=True)
    except Exception as error:
        raise raw.failure or error from error
    finally:
        con.con.unregister(f"stream_{name}")


def unchanged(raw: Raw) -> None:
    """An input that changed while it was read stops the run. Raises E403."""
    for file in raw.inputs:
        path = Path(file.path)
        if path.is_file() and path.stat().st_size != file.size:
            raise HeadwaterError("E403", file=file.path)


def shown(raw: Raw) -> str:
    return raw.inputs[0].path if len(raw.inputs) == 1 else raw.source.path or "sql"


def digest(mapping: Mapping, prints: dict[str, list[InputFile]], quality: Quality) -> str:
    """Identity of a reading: mapping, contents of the inputs, quality limits, contracts, and the code that reads."""
    contracts = {name: contract.schema() for name, contract in CONTRACTS.items()}
    inputs = {name: sorted(file.sha256 for file in files) for name, files in prints.items()}
    whole = [mapping.model_dump(mode="json"), inputs, quality.model_dump(), contracts, code_sha256()]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:16]


@cache
def code_sha256() -> str:
    """A table made by other code is another table."""
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / f"{name}.py").read_bytes() for name in READERS)).hexdigest()
