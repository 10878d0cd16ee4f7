"""What has run, read from the records of calls: what became of each, found by the beginning of its id.

Runs of before there were such records stand in `runs/` alone: they are given too, as far as is known of them.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import HeadwaterError
from pipelines.config.credentials import HIDDEN
from pipelines.workspace import calls, journal, runs
from pipelines.workspace.files import read_held_log
from pipelines.workspace.paths import Workspace
from pipelines.workspace.runs import PUBLISHED, SCORED, UNFINISHED

RUNNING, KILLED, INTERRUPTED, FAILED = "running", "killed", "interrupted", "failed"
REFUSED, BUSY, ALREADY, DONE = "refused", "busy", "already", "done"
BY_EXIT_CODE = {5: REFUSED, 6: BUSY}
WELL = (ALREADY, DONE, PUBLISHED, SCORED)
"""Outcomes of calls that did what they were asked."""


@dataclass(frozen=True)
class Step:
    """One step of a call.

    Attributes
    ----------
    name
        Of the step.
    title
        Key of its words in the catalogue.
    seconds
        How long it took; None where it was not over.
    said
        What was said of it, in the language of the call.
    failed
        Did it raise?
    """

    name: str
    title: str
    seconds: float | None = None
    said: str = ""
    failed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"step": self.name, "seconds": self.seconds, "said": self.said, "failed": self.failed}


@dataclass(frozen=True)
class Call:
    """A call that is over, or runs.

    Attributes
    ----------
    id
        Of the call; of a run of before its run id.
    head
        What was asked: command, words, folder, who, pid, started; empty of a run of before.
    outcome
        What became of it: a key below `calls.outcome`.
    facts
        What is known of what it did: as_of, run_id, published, outputs, warnings …
    steps
        In order; the last one is the stage that it reached.
    ended
        By the clock; None while it runs and of one that was killed.
    exit_code
        None without an end of its own.
    error
        Code, lines and parts in both languages.
    nights
        Run ids of the nights that it made.
    """

    id: str
    head: dict[str, Any] = field(default_factory=dict)
    outcome: str = DONE
    facts: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    ended: datetime | None = None
    exit_code: int | None = None
    error: dict[str, Any] | None = None
    nights: frozenset[str] = frozenset()

    @property
    def command(self) -> str | None:
        return self.head.get("command")

    @property
    def line(self) -> str:
        """The command as it was typed, secrets masked."""
        return shlex.join(["headwater", *map(str, self.head.get("words", ()))])

    @property
    def is_masked(self) -> bool:
        """Did its command line hold a secret?"""
        return any(HIDDEN in str(word) for word in self.head.get("words", ()))

    @property
    def started(self) -> datetime | None:
        return _moment(self.head.get("started"))

    @property
    def when(self) -> datetime:
        """When it began; of a run of before, when its record was written."""
        return self.started or self.ended or datetime.fromtimestamp(0).astimezone()

    @property
    def seconds(self) -> float | None:
        """How long it took, or runs by now; None where that is not known."""
        end = self.ended or (calls.now() if self.outcome == RUNNING else None)
        return (end - self.started).total_seconds() if self.started and end else None

    @property
    def stage(self) -> str | None:
        """The last step that was begun."""
        return self.steps[-1].name if self.steps else None

    @property
    def as_of(self) -> str | None:
        """The date that it is about, or the first and the last of several."""
        found = self.facts.get("dates") or self.facts.get("as_of")
        return str(found) if found else None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        asked = {
            key: self.head.get(key) for key in ("command", "words", "folder", "config", "who", "pid", "started", "by")
        }
        facts = {key: value for key, value in self.facts.items() if key not in ("as_of", "dates", "run_id")}
        return {
            "id": self.id,
            **asked,
            "ended": self.ended.isoformat(timespec="milliseconds") if self.ended else None,
            "seconds": round(self.seconds, 3) if self.seconds is not None else None,
            "as_of": self.as_of,
            "run_id": self.facts.get("run_id") or None,
            "outcome": self.outcome,
            "stage": self.stage,
            "exit_code": self.exit_code,
            "error": self.error,
            "facts": facts,
        }


def history(workspace: Workspace) -> list[Call]:
    """Every call of the workspace, and the runs of before; the newest by the clock first."""
    found = [call for path in workspace.calls.glob("*.jsonl") if (call := _read(workspace, path))]
    told = frozenset().union(*(call.nights for call in found))
    found += [_of_before(workspace, record) for record in journal.history(workspace) if record["run_id"] not in told]
    return sorted(found, key=lambda call: (call.when, call.id), reverse=True)


def unreadable(workspace: Workspace) -> list[Path]:
    """Records of calls that say something and are none of ours any more; what they tell is in no history."""
    paths = sorted(workspace.calls.glob("*.jsonl"))
    return [
        path for path in paths if _read(workspace, path) is None and (path.is_dir() or path.read_bytes().strip(b"\0\n"))
    ]


def find(workspace: Workspace, prefix: str) -> Call:
    """The call whose id begins so, or the newest one of the night whose run id does.

    Raises E236 (exit 2) where there is none, E287 where several do.
    """
    found = history(workspace)
    by_id = [call for call in found if call.id.startswith(prefix)] if prefix else []
    exact = [call for call in by_id if call.id == prefix]
    nights = {night for call in found for night in call.nights if prefix and night.startswith(prefix)}
    by_run = [call for call in found if call.nights & nights]
    match exact or by_id, by_run:
        case [only], _:
            return only
        case [], [newest, *_] if len(nights) == 1:
            return newest
        case [], []:
            raise HeadwaterError("E236", run_id=prefix)
        case several, _:
            known = ", ".join([call.id for call in several] or sorted(map(str, nights)))
            raise HeadwaterError("E287", given=prefix, known=known)


def read(workspace: Workspace, call: Call) -> Call:
    """The same call as its record stands now."""
    return _read(workspace, workspace.calls / f"{call.id}.jsonl") or call


def running(workspace: Workspace) -> list[Call]:
    """The calls whose process lives, the oldest first."""
    return [call for call in reversed(history(workspace)) if call.outcome == RUNNING]


def _read(workspace: Workspace, path: Path) -> Call | None:
    """A record as a call; None of one that was killed before it said what it is, or is no record of ours."""
    try:
        lines, held = read_held_log(path)
        return _call(workspace, path.stem, lines, held=held) if lines else None
    except (OSError, LookupError, TypeError, ValueError, AttributeError):  # gone meanwhile, or altered
        return None


def _call(workspace: Workspace, name: str, lines: list[dict[str, Any]], *, held: bool) -> Call:
    """The call that the lines of a record tell; raises for what is none."""
    head, rest = lines[0], lines[1:]
    datetime.fromisoformat(head["started"])
    noted = [line["facts"] for line in rest if line.get("facts")]
    facts = {key: value for each in noted for key, value in each.items()}
    nights = frozenset(str(each["run_id"]) for each in noted if each.get("run_id"))
    end = next((line for line in rest if "ended" in line), {})
    ended, error = _moment(end.get("ended")), end.get("error")
    call = Call(name, head, "", facts, tuple(_steps(rest)), ended, end.get("exit_code"), error, nights)
    return replace(call, outcome=_outcome(workspace, call, held=held))


def _steps(lines: Iterable[dict[str, Any]]) -> list[Step]:
    """The steps as they began; the line of an end belongs to the newest of its name that is open."""
    steps: list[Step] = []
    for line in lines:
        if "begun" in line:
            steps.append(Step(str(line["begun"]), str(line.get("title", ""))))
        elif "step" in line:
            is_open = [step.name == line["step"] and step.seconds is None for step in steps]
            if any(is_open):
                place = len(is_open) - 1 - is_open[::-1].index(True)
                steps[place] = _ended(steps[place], line)
    return steps


def _ended(step: Step, line: dict[str, Any]) -> Step:
    return replace(step, seconds=line.get("seconds"), said=str(line.get("said", "")), failed=bool(line.get("failed")))


def _outcome(workspace: Workspace, call: Call, *, held: bool) -> str:
    """What became of a call; of one that did not say so itself, whether its process lives and what it left."""
    if call.ended is None:
        return RUNNING if held else UNFINISHED if _has_published(workspace, call) else KILLED
    return outcome_of(call.exit_code, call.facts, command=call.command)


def outcome_of(exit_code: int | None, facts: Mapping[str, Any], *, command: str | None = None) -> str:
    """What became of a call that has ended.

    Parameters
    ----------
    exit_code
        None where it was interrupted.
    facts
        What it told: `published` and `already_published` count.
    command
        Its name; a `score` makes no lists.
    """
    if facts.get("published") and not facts.get("already_published") and exit_code != 0:
        return UNFINISHED
    if exit_code != 0:
        return INTERRUPTED if exit_code is None else BY_EXIT_CODE.get(exit_code, FAILED)
    if facts.get("already_published"):
        return ALREADY
    published = SCORED if command == "score" else PUBLISHED
    return published if facts.get("published") else DONE


def _has_published(workspace: Workspace, call: Call) -> bool:
    """Did a call that was killed publish first? It did if its last night began to, and the scores of the date are those of it."""
    names = [step.name for step in call.steps]
    last = names[len(names) - names[::-1].index("check") :] if "check" in names else names
    return "publish" in last and runs.is_published_by(workspace, {"run_id": "", **call.facts})


def _of_before(workspace: Workspace, record: dict[str, Any]) -> Call:
    """A run of the time when nights alone were recorded, without a clock: its record was written when it ended."""
    folder = workspace.runs / record["run_id"]
    written = datetime.fromtimestamp((folder / journal.RECORD).stat().st_mtime).astimezone()
    facts = {key: value for key, value in record.items() if key in calls.KEPT}
    steps = tuple(_step_of_before(line) for line in journal.read_steps(folder))
    nights = frozenset([record["run_id"]])
    return Call(record["run_id"], {}, runs.outcome(workspace, record), facts, steps, written, nights=nights)


def _step_of_before(line: dict[str, Any]) -> Step:
    name, said = str(line.get("step")), str(line.get("said", line.get("why", "")))
    return Step(name, f"steps.{name}", line.get("seconds"), said, "failed" in line)


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone()
    except ValueError:
        return None
