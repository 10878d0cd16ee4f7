"""What a reading would read: the inputs of every table, when they were delivered, and the identity of the outcome."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from features.contracts import CONTRACTS, Column, Contract
from features.errors import HeadwaterError, Problem
from features.spine import cutoff
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import Raw

FORMAT = 1
"""Of canonical tables and of what is remembered of their inputs; another number makes every raw file be read anew.

Raise it with every change of what comes out of the same files; `test_inputs.py` says when that is."""


@dataclass(frozen=True)
class Inputs:
    """The located inputs of a mapping, by table; `failures` names what is missing."""

    mapping: Mapping
    raws: dict[str, Raw]
    failures: tuple[HeadwaterError, ...] = ()

    def fingerprint(self, quality: Quality) -> str:
        """Identity of what a reading makes of these inputs: their contents, and the names that it shows."""
        contents = {}
        for name, raw in self.raws.items():
            files = [(file.path, file.sha256) for file in raw.inputs]
            contents[name] = [files, raw.repeated]
        return _digest([recipe(self.mapping, quality), contents])[:16]

    def delivered(self, as_of: date, quality: Quality) -> datetime:
        """Two days after the later of the as-of date and the moment at which the newest file was written, UTC."""
        paths = [Path(file.path) for raw in self.raws.values() for file in raw.inputs if Path(file.path).is_file()]
        written = [datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None) for path in paths]
        return max([cutoff(as_of, self.mapping.timezone), *written]) + timedelta(days=quality.delivery_days)


def located(mapping: Mapping) -> Inputs:
    """The inputs of every table, each hashed once; what is missing is collected."""
    raws, failures = {}, []
    for name in ordered(mapping):
        try:
            raws[name] = sources.find(mapping.tables[name].source)
        except HeadwaterError as error:
            failures.append(of_table(error, mapping, name))
    return Inputs(mapping, raws, tuple(failures))


def ordered(mapping: Mapping) -> list[str]:
    """Contract order, so that customers come first."""
    return [name for name in CONTRACTS if name in mapping.tables]


def extended(name: str, mapping: Mapping) -> Contract:
    """The contract with the columns that this mapping declares beyond it."""
    contract = CONTRACTS[name]
    if name == "usage":
        return contract.with_measures(mapping.measures)
    if name == "customers":
        types = {**dict.fromkeys(mapping.attributes, "string"), **dict.fromkeys(mapping.numbers, "float64")}
        own = tuple(Column(name, dtype, name.replace("_", " "), name) for name, dtype in types.items())
        return replace(contract, columns=contract.columns + own)
    return contract


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
    problem = error.problem
    values = {"table": table, "mapping": mapping.origin, **problem.values}
    whole = replace(problem, file=problem.file or mapping.origin, values=values)
    return HeadwaterError.of([whole, *error.others])


def raise_first(failures: list[HeadwaterError]) -> None:
    """Raises the first failure, the others with it; nothing where there are none."""
    if failures:
        problems: list[Problem] = [problem for error in failures for problem in (error.problem, *error.others)]
        raise HeadwaterError.of(problems) from failures[0]


def recipe(mapping: Mapping, quality: Quality) -> str:
    """Everything that decides what becomes of an input: mapping, quality limits, contracts, and `FORMAT`."""
    contracts = {name: contract.schema() for name, contract in CONTRACTS.items()}
    judged_each_night = {"smallest_month", "gaps", "quiet"}
    limits = quality.model_dump(exclude=judged_each_night)
    return _digest([mapping.model_dump(mode="json"), limits, contracts, FORMAT])


def _digest(whole: object) -> str:
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
