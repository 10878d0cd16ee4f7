"""What a project predicts: the targets that its tables can tell, and what it takes instead of an operator's defaults."""

import copy
import re
from collections.abc import Collection, Iterator
from typing import Any

from features.errors import Problem
from features.settings import WindowSettings
from features.spine import Population
from models.splits import Protocol
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from pipelines.config.mapping import Mapping

LIKE_TENURE = re.compile(r"(^|_)(tenure|months?|since|joined|member)(_|$)")
TENURE: dict[str, Any] = {"column": "tenure_days", "higher": False}
"""Who came lately leaves: the rule of today where nothing is billed."""


def lacking(target: str, settings: TargetSettings, mapping: Mapping) -> str | None:
    """The first table, or table.column, that a target's labels are made from and that is not mapped; None if all are."""
    learnt_where = TARGETS[target].learnt_where
    beside = [t for t in TARGETS.values() if t.label == learnt_where]
    asked = [name for t in (TARGETS[target], *beside) for name in t.asks(settings.of(t.name))]
    return next((name for name in asked if not _is_mapped(name, mapping)), None)


def asking(
    settings: TargetSettings, population: Population, protocol: Protocol, mapping: Mapping
) -> Iterator[tuple[str, str]]:
    """Each setting that asks for a table which is not mapped, and the table.

    Parameters
    ----------
    settings
        Definitions of the targets.
    population
        Who is looked at.
    protocol
        How models are judged.
    mapping
        Has the tables.
    """
    for target in TARGETS:
        table = lacking(target, settings, mapping)
        if table and settings.of(target).enabled:
            yield f"targets.{target}", table
    for key, asks, name in (
        ("population.rule", population.rule == "billed", "bills"),
        ("population.rule", population.rule == "listed", "customers.churned"),
        ("protocol.design", protocol.design == "folds", "customers.churned"),
    ):
        if asks and not _is_mapped(name, mapping):
            yield key, name


WINDOWS = {"bills": "bills", "purchases": "bills", "usage": "usage"}
"""Windows that a project may declare -> the table whose rows they are of."""


def asked_by_windows(windows: WindowSettings, mapping: Mapping) -> Iterator[tuple[str, str]]:
    """Each list of windows whose table is not mapped, and the table: nothing would come of them."""
    for name, sizes in windows.spans().items():
        if sizes and not _is_mapped(WINDOWS[name], mapping):
            yield f"features.windows.{name}", WINDOWS[name]


def asked_by_counted(counted: Collection[str], mapping: Mapping) -> Iterator[tuple[str, str]]:
    """Each table of `features.counted` that is not mapped."""
    for table in counted:
        if not _is_mapped(table, mapping):
            yield f"features.counted.{table}", table


def _is_mapped(name: str, mapping: Mapping) -> bool:
    if name == "customers.deactivated_on":
        return mapping.tells_leaving
    table, _, column = name.partition(".")
    return table in mapping.tables and (not column or column in mapping.tables[table].forms())


def left_out(settings: TargetSettings, mapping: Mapping) -> dict[str, Problem]:
    """Target -> why it is no part of the project (W522): a setting says so, or a table is not there."""
    found = {}
    for target in TARGETS:
        table = lacking(target, settings, mapping)
        if not settings.of(target).enabled:
            found[target] = _problem(target, "setting")
        elif table and mapping.clockless:
            found[target] = _problem(target, "clockless")
        elif table:
            found[target] = _problem(target, "table", table=table)
    return found


def _problem(target: str, why: str, **values: str) -> Problem:
    told = {"target": target, "why": f"@left_out.{why}", "advice": f"@left_out.{why}_advice"}
    return Problem("W522", values=told | values)


def defaults(mapping: Mapping) -> dict[str, Any]:
    """Settings that follow from the tables of a project; whatever anybody wrote goes first."""
    if "bills" in mapping.tables:
        return {}
    rules = {"training": {"candidates": {"rules": {"churn": rule_of_today(mapping)}}}}
    return copy.deepcopy(CLOCKLESS | rules if mapping.clockless else rules)


CLOCKLESS: dict[str, Any] = {
    "population": {"rule": "listed"},
    "targets": {"churn": {"rule": "listed"}},
    "protocol": {"design": "folds"},
}
"""One table of customers with its answer: no date, so no window and no later time."""


def rule_of_today(mapping: Mapping) -> dict[str, Any]:
    """Who came lately leaves, or what is most like it among the numbers that are known of customers."""
    if "activated_on" in mapping.tables["customers"].forms():
        return TENURE
    numbers, _, _ = mapping.typed
    alike = [name for name in numbers if LIKE_TENURE.search(name)]
    return TENURE | {"column": next(iter((*alike, *numbers)), TENURE["column"])}
