"""A playbook in a file of its own, beside the configuration that names it."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from features.errors import HeadwaterError, Problem
from pipelines.config.documents import Document, read
from pipelines.config.validation import Places, nearest
from pipelines.wording.texts import catalogue
from targeting.playbook import Action
from targeting.tiers import Tier

AT = ("actions", "playbook")
KEY = "playbook"


def read_in(layer: Any, folder: Path) -> list[Any]:
    """A layer of settings; where its `actions.playbook` names a file, a second one with the rules of that file.

    Parameters
    ----------
    layer
        Of the settings.
    folder
        What a relative name is relative to.

    Raises
    ------
    HeadwaterError
        What `documents.read` raises; E203 for another key than `playbook`, E204 where it holds no list.
    """
    named = (
        (layer.values.get("actions") or {}).get("playbook") if isinstance(layer.values.get("actions"), dict) else None
    )
    if not isinstance(named, str):
        return [layer]
    path = folder / named
    document = read(path)
    rules = _rules(document)
    values = copy.deepcopy(layer.values)
    del values["actions"]["playbook"]
    lines = {(*AT, *keys[1:]): line for keys, line in document.lines.items() if keys[0] == KEY}
    own = replace(layer, origin=str(path), values={"actions": {"playbook": rules}}, document=Document(path, {}, lines))
    return [replace(layer, values=values), own]


def _rules(document: Document) -> list[Any]:
    for key in document.content:
        if key != KEY:
            values = {"key": key, "nearest": KEY}
            raise HeadwaterError("E203", file=document.path, row=document.line((key,)), column=key, **values)
    rules = document.content.get(KEY)
    if not isinstance(rules, list):
        found = {"found": str(rules)[:60], "expected": "a list of rules, each with code, when, cost …"}
        raise HeadwaterError("E204", file=document.path, row=document.line((KEY,)), column=KEY, key=KEY, **found)
    return rules


def check_words(playbook: Sequence[Action], tiers: Sequence[Tier], places: Places) -> None:
    """Raises E204 for a reason or a tier that nobody can have: its rule would never fire, in silence."""
    problems = list(_unheard(playbook, [tier.name for tier in tiers], places))
    if problems:
        raise HeadwaterError.of(problems)


def _unheard(playbook: Sequence[Action], tiers: list[str], places: Places) -> Iterator[Problem]:
    reasons = [key.removeprefix("reasons.") for key in catalogue() if key.startswith("reasons.")]
    known = {"churn_reason": reasons, "vip_reason": reasons, "tier_current": tiers, "tier_predicted": tiers}
    for number, action in enumerate(playbook):
        for name, values in action.when.model_dump(include=set(known), exclude_none=True).items():
            for value in set(values) - set(known[name]):
                keys = (*AT, number, "when", name)
                yield _never(keys, action, value, known[name], places)


def _never(keys: tuple, action: Action, value: str, known: list[str], places: Places) -> Problem:
    """A value that no customer can have."""
    file, line = places.place(keys)
    key = ".".join(map(str, keys))
    values = {"key": key, "found": value, "expected": "@flaw.unheard", "rule": action.name}
    near = {"nearest": nearest(value, known) or "—", "known": ", ".join(known) or "—"}
    return Problem("E204", file, line, key, values=values | near)
