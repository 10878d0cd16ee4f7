"""What a reading would read: the inputs of every table, when they were delivered, and the identity of the outcome."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from features.contracts import CONTRACTS, Column, Contract
from features.errors import HeadwaterError
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import Raw

FORMAT = 1
"""Of canonical tables and of what is remembered of their inputs; another number makes every raw file be read anew."""


@dataclass(frozen=True)
class Inputs:
    """The located inputs of a mapping, by table; `failures` names what is missing."""

    mapping: Mapping
    raws: dict[str, Raw]
    failures: tuple[HeadwaterError, ...] = ()

    def fingerprint(self, quality: Quality) -> str:
        """Identity of what `read` would make of these inputs: their contents, and the names that it would tell."""
        found = {}
        for name, raw in self.raws.items():
            files = [(file.path, file.sha256) for file in raw.inputs]
            found[name] = [files, raw.repeated]
        return _digest([recipe(self.mapping, quality), found])[:16]

    def delivered(self, as_of: date, quality: Quality) -> datetime:
        """Two days after the later of the as-of date and the moment at which the newest file was written, UTC."""
        paths = [Path(file.path) for raw in self.raws.values() for file in raw.inputs if Path(file.path).is_file()]
        written = [datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None) for path in paths]
        zone = ZoneInfo(self.mapping.timezone)
        midnight = datetime.combine(as_of, time(), zone).astimezone(UTC).replace(tzinfo=None)
        return max([midnight, *written]) + timedelta(days=quality.delivery_days)


def located(mapping: Mapping) -> Inputs:
    """The inputs of every table, each hashed once; what is missing is collected."""
    raws, failures = {}, []
    for name in ordered(mapping):
        try:
            raws[name] = sources.find(mapping.tables[name].source)
        except HeadwaterError as error:
            failures.append(named(error, mapping, name))
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
        own = tuple(Column(a, "string", a.replace("_", " "), a) for a in mapping.attributes)
        return replace(contract, columns=contract.columns + own)
    return contract


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
    """Raises the first failure, the others with it."""
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


def recipe(mapping: Mapping, quality: Quality) -> str:
    """Everything that decides what becomes of an input: mapping, quality limits, contracts, and `FORMAT`."""
    contracts = {name: contract.schema() for name, contract in CONTRACTS.items()}
    limits = quality.model_dump(
        exclude={"smallest_month", "gaps", "quiet"}
    )  # judged at each as-of date, not at reading
    return _digest([mapping.model_dump(mode="json"), limits, contracts, FORMAT])


def _digest(whole: object) -> str:
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
