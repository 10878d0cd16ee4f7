"""What moved a figure of a night: the features, the tables and files that they are made from, and what to do about it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.blocks.registry import BLOCKS
from features.definition import Feature
from models.evaluation.checks import Check
from models.evaluation.movers import Mover
from models.evaluation.publications import PAID
from models.targets.registry import TARGETS
from pipelines.flows import seen
from pipelines.flows.night import Night
from pipelines.flows.seen import Seen
from pipelines.workspace.score_files import ScoreFile

TELLING_PSI, LEAST_EFFECT = 0.05, 0.2
"""How far a feature, or the mean raw score by all of them, must have moved to be a cause where no mean is compared."""
TOLD = 3
"""Features, and files, that are named."""


@dataclass(frozen=True)
class Cause:
    """What moved a figure of a night.

    Attributes
    ----------
    movers
        Features, the strongest first; none where nothing is known to have moved.
    tables
        Those that they are made from.
    files
        Inputs of these tables that the publication before had not, or not with these bytes.
    models
        Version before and now of the target whose figure it is, where another model scores; else None.
    known
        Did the publication before keep what it had seen?
    limit
        The setting that limits the figure.
    """

    movers: tuple[Mover, ...]
    tables: tuple[str, ...]
    files: tuple[str, ...]
    models: tuple[str, str] | None
    known: bool
    limit: str

    @classmethod
    def of(cls, night: Night, failed: Check, last: ScoreFile | None, now: Seen) -> "Cause":
        """Compare a night with the publication before."""
        assert night.tables is not None
        target = target_of(failed.name)
        before = seen.load(night.workspace, last.meta["run_id"]) if last else None
        models = _changed_model(night, target, last)
        if failed.name.startswith("size_"):
            return cls.of_size(night, failed, last)
        found = _movers(night.project.features, failed.name, target, before, now, models is None)
        found = found[:TOLD] if models or _explained(found, failed) else []
        source = sources(night.project.features)
        tables = tuple(dict.fromkeys(table for mover in found for table in source[mover.feature]))
        return cls(
            tuple(found), tables, _files(night, last, tables), models, before is not None, _limit_of(failed.name)
        )

    @classmethod
    def of_size(cls, night: Night, failed: Check, last: ScoreFile | None) -> "Cause":
        """Of what a table holds: the table itself, with its files, or its mapping."""
        table = failed.name.removeprefix("size_").partition(".")[0]
        return cls((), (table,), _files(night, last, (table,)), None, True, _limit_of(failed.name))

    @property
    def file(self) -> str:
        """The first file that is new."""
        return self.files[0] if self.files else ""

    @property
    def column(self) -> str:
        """The feature that moved most."""
        return self.movers[0].feature if self.movers else ""

    def values(self) -> dict[str, Any]:
        """For E502: what moved, and what to do; the limit is never the first thing."""
        named = ", ".join(f"{m.feature} ({shown(m.shift.before)} → {shown(m.shift.now)})" for m in self.movers)
        more = f" + {len(self.files) - TOLD}" if len(self.files) > TOLD else ""
        values = {"features": named, "tables": ", ".join(self.tables), "limits": self.limit}
        values |= {"files": ", ".join(self.files[:TOLD]) + more}
        if self.models:
            return values | {"old": self.models[0], "new": self.models[1]} | _both("model", self.models[1])
        if not self.movers and self.tables:
            return (
                values
                | {"cause": "@cause.size_files" if self.files else "@cause.size_mapping"}
                | {"advice": "@refused.size_files" if self.files else "@refused.size_mapping"}
            )
        if self.movers:
            return values | _both("files" if self.files else "inputs")
        return values | _both("nothing" if self.known else "unknown")


def _both(key: str, version: str = "") -> dict[str, str]:
    """The keys of the sentences of a cause and of its advice."""
    return {"cause": f"@cause.{key}", "advice": f"@refused.{key}", "target": version.partition("/")[0]}


def shown(value: float | str | None) -> str:
    """A median, or a word, in a sentence; a dash where nothing is known."""
    return "—" if value is None else value if isinstance(value, str) else f"{value:.3g}"


def sources(features: Iterable[Feature]) -> dict[str, tuple[str, ...]]:
    """Column -> the tables that a feature is made from, its own first; of one made from other features, theirs."""
    features = tuple(features)
    known = {f.column: tuple(reversed(BLOCKS[f.source][0])) if f.source in BLOCKS else () for f in features}
    for feature in features:  # in the order of the catalogue: what is read comes before who reads it
        if not known[feature.column]:
            read = [table for column in feature.reads for table in known.get(column, ())]
            known[feature.column] = tuple(dict.fromkeys(read))
    return known


def _files(night: Night, last: ScoreFile | None, tables: tuple[str, ...]) -> tuple[str, ...]:
    """The inputs of some tables that are new since the publication before."""
    if last is None or night.tables is None:
        return ()
    now = {name: [vars(file) for file in files] for name, files in night.tables.fingerprints.items()}
    return tuple(new_files(json.loads(last.meta["input_files"]), now, tables))


def new_files(old: Mapping[str, list[dict]], new: Mapping[str, list[dict]], tables: Iterable[str]) -> list[str]:
    """Inputs of some tables that were not read before, or had other bytes."""
    known = {(name, f["path"], f["sha256"]) for name, files in old.items() for f in files}
    return [f["path"] for name in tables for f in new.get(name, []) if (name, f["path"], f["sha256"]) not in known]


def target_of(name: str) -> str | None:
    """The target whose column a check looks at; None for what people pay."""
    for target in TARGETS.values():
        if any(name.endswith(column) for column in (target.published, *target.money, *target.counts)):
            return target.name
    return None


def _changed_model(night: Night, target: str | None, last: ScoreFile | None) -> tuple[str, str] | None:
    """The versions of a target's model before and now, where they differ."""
    if last is None or target not in night.champions:
        return None
    old = json.loads(last.meta["models"]).get(target, {}).get("version")
    new = night.champions[target].version
    return (old, new) if old and old != new else None


def _movers(
    features: Iterable[Feature], name: str, target: str | None, before: Seen | None, now: Seen, same_model: bool
) -> list[Mover]:
    """By what a model goes, or for what is paid the features of bills by how far they moved."""
    if before is None:
        return []
    if target is not None:
        return now.movers_since(before, target, same_model=same_model)
    own = {f.column for f in features if f.source == _BLOCK.get(name, "bills")}
    moved = {column: shift for column, shift in now.shifts_since(before).items() if column in own and shift.psi >= 0.01}
    total = sum(shift.psi for shift in moved.values())
    ranked = sorted(moved, key=lambda column: (column != PAID, -moved[column].psi, column))
    return [Mover(column, moved[column], moved[column].psi / total, None) for column in ranked]


def _explained(found: list[Mover], failed: Check) -> bool:
    """May what moved be the cause: has it moved as far, or the mean score by a third of what it would have had to?"""
    if not found:
        return False
    if found[0].effect is None:
        return max(mover.shift.psi for mover in found) >= TELLING_PSI
    made = abs(sum(mover.effect or 0.0 for mover in found))
    if failed.found and failed.expected:
        return made >= abs(np.log(failed.found / failed.expected)) / 3
    return made >= LEAST_EFFECT or max(mover.shift.psi for mover in found) >= 0.25


_BLOCK = {"share_contact_allowed": "settled"}
"""Who may be contacted follows from what is overdue, beside consent."""


def _limit_of(name: str) -> str:
    """The setting behind a check."""
    kind = name.partition("_")[0]
    settings = {"drift": "drift", "money": "money", "total": "money", "size": "money", "announced": "announced"}
    return f"gates.{settings.get(kind, 'level')}"
