"""What a reading would read: the inputs of every table, when they were delivered, and the identity of the outcome."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from features.contracts import CONTRACTS, JOINED, MONEY, SOURCE_NAME, Column, Contract
from features.errors import HeadwaterError, Problem
from features.spine import cutoff
from pipelines.config.mapping import CLOCKS, DESCRIBED, Mapping, TableMapping
from pipelines.config.quality import Quality
from pipelines.config.sources import Source
from pipelines.ingest.hashes import Hashes
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import Raws
from pipelines.workspace.erasures import Erasures

FORMAT = 7
"""Of canonical tables and of what is remembered of their inputs; another number makes every raw file be read anew.

Raise it with every change of what comes out of the same files; `test_inputs.py` says when that is."""

JUDGED_EACH_NIGHT = {"smallest_month", "gaps", "quiet", "rehash"}
"""Settings of quality that nothing which is stored depends on."""


@dataclass(frozen=True)
class Inputs:
    """The located inputs of a mapping, by table.

    Attributes
    ----------
    mapping
        How they become canonical tables.
    raws
        Table -> the inputs of its sources.
    failures
        What is missing.
    history
        Identity of the snapshots of customers that were read so far, this one included; "" where they are no snapshots.
    erasures
        Whose rows are left out.
    """

    mapping: Mapping
    raws: dict[str, Raws]
    failures: tuple[HeadwaterError, ...] = ()
    history: str = ""
    erasures: Erasures = field(default_factory=Erasures)

    def fingerprint(self, quality: Quality) -> str:
        """Identity of what a reading makes of these inputs: their contents, the names that it shows, and its limits."""
        contents = {}
        for name, raw in self.raws.items():
            files = [(file.path, *file.identity) for file in raw.inputs]
            contents[name] = [files, raw.repeated]
        limits = quality.model_dump(exclude=JUDGED_EACH_NIGHT)
        return _digest([self.recipes(quality), limits, contents, self.history])[:16]

    def contents(self, quality: Quality, name: str) -> str:
        """Identity of the bytes of one table's inputs, and of what they are read by."""
        return _digest([recipe(self.mapping, quality, name), [file.identity for file in self.raws[name].inputs]])[:16]

    def recipes(self, quality: Quality) -> dict[str, str]:
        """Table -> its `recipe`, of those whose inputs are there."""
        return {name: self.recipe(quality, name) for name in self.raws}

    def recipe(self, quality: Quality, name: str) -> str:
        """What decides what becomes of a row of a table, who was erased included: `recipe` where nobody was."""
        made = recipe(self.mapping, quality, name)
        return _digest([made, self.erasures.identity]) if self.erasures else made

    def delivered(self, as_of: date, quality: Quality) -> datetime:
        """Two days after the later of the as-of date and the moment at which the newest file was written, UTC."""
        paths = [Path(file.path) for raw in self.raws.values() for file in raw.inputs if Path(file.path).is_file()]
        written = [datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None) for path in paths]
        return max([cutoff(as_of, self.mapping.timezone), *written]) + timedelta(days=quality.delivery_days)


def located(mapping: Mapping, hashes: Hashes | None = None) -> Inputs:
    """The inputs of every table, each hashed at most once; what is missing is collected.

    Parameters
    ----------
    mapping
        Says where they lie.
    hashes
        Knows files that nobody touched since; without it every file is hashed.
    """
    raws, failures = {}, []
    for name in ordered(mapping):
        try:
            raws[name] = sources.gathered([part.source for part in mapping.tables[name].parts], hashes)
        except HeadwaterError as error:
            failures.append(of_table(error, mapping, name))
    return Inputs(mapping, raws, tuple(failures))


def ordered(mapping: Mapping) -> list[str]:
    """Contract order, so that customers come first."""
    return [name for name in CONTRACTS if name in mapping.tables]


def extended(name: str, mapping: Mapping) -> Contract:
    """The contract with the columns that this mapping declares beyond it, and which source rows are of where several are."""
    contract = _with_own_columns(name, mapping)
    if not mapping.tables[name].sources:
        return contract
    source = Column(SOURCE_NAME, "string", "source that the row came from", "行的来源", nullable=False)
    key = (*contract.key, SOURCE_NAME) if _measured_apart(name, mapping) else contract.key
    return replace(contract, columns=(*contract.columns, source), key=key)


def _measured_apart(name: str, mapping: Mapping) -> bool:
    """Does each source of usage bring measures that no other one brings? Then rows of one moment go side by side."""
    measured = [name for part in mapping.tables[name].parts for name in part.columns if name in mapping.measures]
    return name == "usage" and len(set(measured)) == len(measured)


TYPES = {"category": "string", "number": "float64", "date": "date", "flag": "boolean"}
"""What columns of one's own are stored as."""


def _with_own_columns(name: str, mapping: Mapping) -> Contract:
    contract = CONTRACTS[name]
    if name == "usage":
        return contract.with_measures(mapping.measures)
    if name == "customers":
        typed = zip((mapping.attributes, *mapping.typed), ("string", "float64", "date", "boolean"), strict=True)
        own = tuple(Column(name, dtype, name.replace("_", " "), name) for names, dtype in typed for name in names)
        rare = tuple(column for column in contract.rare if column.name in mapping.tables[name].forms())
        undated = mapping.clockless or mapping.tables[name].monthly
        known = [replace(c, nullable=True) if c is JOINED and undated else c for c in contract.columns]
        return replace(contract, columns=(*known, *rare, *own))
    if name == "bills":
        own = tuple(Column(name, MONEY, name.replace("_", " "), name, "currency") for name in mapping.components)
        return replace(contract, columns=(*contract.columns, *own))
    contract = contract.without_pending(mapping.tables[name].forms())
    if name not in DESCRIBED:
        return contract
    described = mapping.described(name).items()
    own = tuple(Column(column, TYPES[kind], column.replace("_", " "), column) for column, kind in described)
    return replace(contract, columns=(*contract.columns, *own))


def of_table(error: HeadwaterError, mapping: Mapping, table: str) -> HeadwaterError:
    """The same error with the table, the mapping file and the YAML path that a fix line needs.

    Parameters
    ----------
    error
        Of one table.
    mapping
        Names its file.
    table
        Canonical name.
    """
    named = {"table": table, "mapping": mapping.origin}
    places = [_place(problem, table, mapping.tables[table]) for problem in error.problems if table in mapping.tables]
    places = places or [{} for _ in error.problems]
    return HeadwaterError.of(
        [
            replace(problem, file=problem.file or mapping.origin, values=named | place | problem.values)
            for problem, place in zip(error.problems, places, strict=True)
        ]
    )


def _place(problem: Problem, name: str, table: TableMapping) -> dict[str, str]:
    """Of several sources the one whose file has the problem, unless what it is about stands beside their list.

    Parameters
    ----------
    problem
        With its file, and mostly its column.
    name, table
        Of the table.
    """
    file, column = problem.file or "", problem.column or ""
    parts = [(own, part) for own, part in zip(table.sources, table.parts, strict=False) if _is_of(file, part.source)]
    shared = column in table.columns or (column in CLOCKS and getattr(table, column) is not None)
    if len(parts) != 1 or (shared and column not in parts[0][0].forms()):
        return {}
    return {"place": f"tables.{name}.sources[{parts[0][1].name}]"}


def _is_of(file: str, source: Source) -> bool:
    pattern = source.files or source.database or ""
    return bool(file) and (file == pattern or fnmatchcase(file, pattern))


def raise_first(failures: list[HeadwaterError]) -> None:
    """Raises the first failure, the others with it; nothing where there are none."""
    if failures:
        raise HeadwaterError.of([problem for error in failures for problem in error.problems]) from failures[0]


def recipe(mapping: Mapping, quality: Quality, name: str) -> str:
    """Everything that decides what becomes of a row of one table: its mapping, the contract, and `FORMAT`.

    How old the table may be, and how much of it may be wrong, is judged anew by every reading and is no part of it.

    Parameters
    ----------
    mapping
        Of all tables; of the others only the zone and the currency matter.
    quality
        Of its limits only how early a row may be known.
    name
        Of the table.
    """
    unused = {"freshness", "closes"} if mapping.tables[name].month else {"freshness", "closes", "month"}
    table = mapping.tables[name].model_dump(mode="json", exclude=unused)
    world = [mapping.timezone, mapping.currency, quality.early_hours]
    columns = list(extended(name, mapping).schema().items())  # also their order: what is kept of a reading has it
    return _digest([table, world, columns, FORMAT])


def _digest(whole: object) -> str:
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
