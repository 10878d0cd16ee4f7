"""What receivers read: a title, and a line each for cause, place, fix, stage and what is served; in the project's language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from socket import gethostname

from features.errors import HeadwaterError, Problem
from pipelines.config.credentials import masked
from pipelines.wording import errors
from pipelines.wording.texts import has, text
from pipelines.workspace.incidents import Incident, Message

MOST = 5
"""Warnings and ended incidents that are written out; more are counted."""
FAILURE, WARNING, SUCCESS, INFO = "failure", "warning", "success", "info"


@dataclass(frozen=True)
class Subject:
    """What a message is about.

    Attributes
    ----------
    name
        Of the project.
    lang
        `zh` or `en`.
    command
        `nightly`, `retrain` …
    as_of
        Its date; None where it did not come to one.
    serving
        The date that readers see; None where nothing was ever published.
    """

    name: str
    lang: str
    command: str
    as_of: date | None
    serving: date | None

    @property
    def day(self) -> str:
        """Its date as text, a dash where there is none."""
        return self.as_of.isoformat() if self.as_of else "—"

    def message(self, kind: str, severity: str, lines: Iterable[tuple[str, str]], **values: object) -> Message:
        """A message with a line for each (label, content) that has a content; passwords in addresses are masked."""
        known = {"name": self.name, "as_of": self.day, "command": self.command}
        title = text(f"notices.title.{kind}", self.lang, **known | values)
        colon = text("notices.colon", self.lang)
        body = "\n".join(f"{text(f'notices.label.{label}', self.lang)}{colon}{said}" for label, said in lines if said)
        return Message(masked(title), masked(body), severity)

    def served(self, *, published: bool = False) -> tuple[str, str]:
        """The line of what readers see now."""
        if self.serving is None:
            return "serving", text("notices.serving.none", self.lang)
        kind = "new" if published else "unchanged"
        return "serving", text(f"notices.serving.{kind}", self.lang, as_of=self.serving.isoformat())

    @property
    def machine(self) -> tuple[str, str]:
        """The line of where it ran."""
        return "machine", gethostname()


def failure(subject: Subject, error: HeadwaterError, stage: str, *, published: bool) -> Message:
    """A command that ended with another exit code than 0.

    Parameters
    ----------
    subject
        What it is about.
    error
        Why; the other problems of it are counted.
    stage
        Name of the step that failed; "" before the first.
    published
        Were the scores of this run out already?
    """
    problem, lang = error.problem, subject.lang
    code = str(error.exit_code)
    meaning = text(f"terms.exits.{code}", lang)
    lines = [
        ("cause", _cause_of(error, lang)),
        ("place", ":".join(str(part) for part in (problem.file, problem.row, problem.column) if part is not None)),
        ("fix", errors.sentence(problem, "fix", lang)),
        ("stage", stage_name(stage, lang)),
        ("exit", text("notices.exit", lang, code=code, meaning=meaning)),
        subject.served(published=published),
        subject.machine,
    ]
    return subject.message("failure", FAILURE, lines, code=code)


def _cause_of(error: HeadwaterError, lang: str) -> str:
    """The first problem with its code; how many others there are."""
    first = text("notices.cause", lang, what=cause(error.problem, lang), code=error.problem.code)
    others = [text("notices.more", lang, n=len(error.others))] if error.others else []
    return text("terms.line.comma", lang).join([first, *others])


def cause(problem: Problem, lang: str) -> str:
    """What is wrong and what was found, in one sentence."""
    parts = (errors.sentence(problem, part, lang) for part in ("what", "found"))
    return text("terms.line.comma", lang).join(filter(None, parts))


def stage_name(stage: str, lang: str) -> str:
    """A step as people call it."""
    if not stage:
        return text("notices.before_start", lang)
    return text(f"steps.{stage}", lang) if has(f"steps.{stage}") else stage


def killed(subject: Subject, stage: str, since: str) -> Message:
    """A command whose process is gone without having said anything."""
    lines = [
        ("cause", text("notices.killed.cause", subject.lang)),
        ("fix", text("notices.killed.fix", subject.lang, command=subject.command, as_of=subject.day)),
        ("stage", stage_name(stage, subject.lang)),
        ("since", since),
        subject.served(),
        subject.machine,
    ]
    return subject.message("killed", FAILURE, lines)


def late(subject: Subject, by: str, zone: str, known: Sequence[str], *, unfinished: bool) -> Message:
    """A date that is not published, or not with its lists, although the hour has passed.

    Parameters
    ----------
    subject
        What it is about.
    by, zone
        The hour, and the zone of it.
    known
        What explains it, in words.
    unfinished
        Are its scores out, and only lists and report missing?
    """
    values = {"by": by, "zone": zone, "as_of": subject.day}
    lines = [
        ("cause", text(f"notices.late.{'unfinished' if unfinished else 'cause'}", subject.lang, **values)),
        ("known", _listed(known, subject.lang)),
        ("fix", text("notices.late.fix", subject.lang, as_of=subject.day)),
        subject.served(published=unfinished),
        subject.machine,
    ]
    return subject.message("late", FAILURE, lines, by=by)


def no_list(subject: Subject, problems: Sequence[Problem]) -> Message:
    """A night that is published and leaves marketing with nobody to call; `problems` say why, the plainest last."""
    first = problems[0]
    lines = [
        ("cause", text("notices.cause", subject.lang, what=cause(first, subject.lang), code=first.code)),
        ("fix", errors.sentence(first, "fix", subject.lang)),
        ("serving", text("notices.serving.these", subject.lang, as_of=subject.day)),
        subject.machine,
    ]
    return subject.message("no_list", FAILURE, lines)


def warnings(subject: Subject, problems: Sequence[Problem]) -> Message:
    """Warnings of a night that went well otherwise, or of the monitor, each with what to do."""
    told = [errors.render_line(problem, subject.lang) for problem in problems]
    lines = [("cause", line) for line in told[:MOST]]
    lines += [("cause", text("notices.more", subject.lang, n=len(told) - MOST))] if len(told) > MOST else []
    served = subject.serving.isoformat() if subject.serving else subject.day
    lines += [("serving", text("notices.serving.these", subject.lang, as_of=served)), subject.machine]
    kind = f"warning_{subject.command}"
    return subject.message(kind if has(f"notices.title.{kind}") else "warning", WARNING, lines, n=len(problems))


def recovery(subject: Subject, over: Sequence[Incident]) -> Message:
    """What was told before, and is over."""
    ended = [text("notices.over", subject.lang, line=each.line, since=each.since[:16]) for each in over]
    lines = [("over", line) for line in ended[:MOST]]
    lines += [("over", text("notices.more", subject.lang, n=len(ended) - MOST))] if len(ended) > MOST else []
    if subject.serving:
        lines.append(("serving", text("notices.serving.these", subject.lang, as_of=subject.serving.isoformat())))
    return subject.message("recovery", SUCCESS, [*lines, subject.machine])


def test(subject: Subject, receiver: str) -> Message:
    """A message that only tries a receiver out."""
    title = text("notices.title.test", subject.lang, name=subject.name)
    said = text("notices.test", subject.lang, receiver=receiver)
    label, where = subject.machine
    machine = f"{text(f'notices.label.{label}', subject.lang)}{text('notices.colon', subject.lang)}{where}"
    return Message(title, f"{said}\n{machine}", INFO)


def _listed(lines: Sequence[str], lang: str) -> str:
    return text("terms.line.comma", lang).join(lines)
