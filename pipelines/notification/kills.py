"""Runs that ended without a word, found by the next one in the record of calls."""

from datetime import date

from pipelines.notification.telling import Teller
from pipelines.workspace import history
from pipelines.workspace.history import Call
from pipelines.workspace.paths import Workspace

SCHEDULED = ("nightly", "score", "retrain", "monitor", "backfill")
"""Commands that run when nobody looks."""


def killed_calls(workspace: Workspace) -> list[Call]:
    """Scheduled calls that were killed since the last of their command that went well; the oldest first."""
    found: list[Call] = []
    calls = history.history(workspace)
    for command in SCHEDULED:
        for call in (each for each in calls if each.command == command):
            if call.outcome in history.WELL:
                break
            if call.ended is None and call.outcome != history.RUNNING:
                found.append(call)
    return sorted(found, key=lambda call: call.when)


def tell_killed(teller: Teller) -> None:
    """Tell of each of them, once."""
    for call in killed_calls(teller.workspace):
        since = call.when.astimezone(teller.now.tzinfo).isoformat(timespec="seconds")
        day = date.fromisoformat(call.as_of[:10]) if call.as_of else None  # of a backfill the first of its dates
        teller.killed(str(call.command), day, call.stage or "", since)
