"""One run in words: the page of `headwater runs show`, and the lines that `list` and `watch` share with it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from pipelines.cli.run import Run
from pipelines.wording import formats
from pipelines.wording.texts import has, text
from pipelines.workspace import history
from pipelines.workspace.history import Call, Step
from pipelines.workspace.paths import relative_path


def show(run: Run, call: Call) -> None:
    """What was asked, by whom and when, what became of it, its steps, its error, and what it made."""
    lang = run.language
    run.say(Text(f"{call.id}  {call.line if call.command else ''}".rstrip(), style="bold"))
    rows = [*_asked(call, lang), *_became(call, lang)]
    width = max(cell_len(text(f"calls.label.{label}", lang)) for label, _ in rows)
    for label, words in rows:
        run.say(Text(f"  {padded(text(f'calls.label.{label}', lang), width)}  {words}"))
    if call.steps:
        run.say(Text(f"  {text('calls.label.steps', lang)}"))
    for step in call.steps:
        run.say(Text(f"    {step_line(step, lang)}"))
    for line in error_lines(call, lang):
        run.say(Text(f"  {line}"))
    for path in outputs(call):
        run.say(Text(f"  {text('calls.label.outputs', lang)}  {relative_path(path)}"))


def _asked(call: Call, lang: str) -> Iterator[tuple[str, str]]:
    """Who asked, where and when; of a run of before, when it was recorded."""
    yield "outcome", outcome(call, lang)
    if call.started is None:
        yield "recorded", moment(call.when, zone=True)
        return
    key = "calls.who_prefect" if call.head.get("by") == "prefect" else "calls.who"
    yield "who", text(key, lang, who=call.head.get("who"), pid=call.head.get("pid"))
    yield "where", str(call.head.get("folder"))
    yield "config", str(call.head.get("config"))
    yield "began", moment(call.started, zone=True)
    if call.ended:
        yield "ended", moment(call.ended, zone=True)


def _became(call: Call, lang: str) -> Iterator[tuple[str, str]]:
    """How long it took and what it is about; what is not known has no line."""
    if call.seconds is not None:
        yield "took", formats.duration(call.seconds, lang)
    if call.exit_code is not None:
        yield "exit", str(call.exit_code)
    facts = call.facts
    found = {
        "as_of": call.as_of,
        "night": facts.get("run_id"),
        "champion": facts.get("champion"),
        "list": facts.get("list_id"),
    }
    yield from ((label, str(value)) for label, value in found.items() if value)
    if facts.get("warnings"):
        yield "warnings", ", ".join(facts["warnings"])


def outcome(call: Call, lang: str) -> str:
    """What became of it; of what did not end well, the step that it reached too."""
    said = text(f"calls.outcome.{call.outcome}", lang)
    if (
        call.outcome in (history.KILLED, history.FAILED, history.REFUSED, history.INTERRUPTED, history.RUNNING)
        and call.steps
    ):
        return text("calls.at_stage", lang, outcome=said, stage=title(call.steps[-1], lang))
    return said


def title(step: Step, lang: str) -> str:
    """The words of a step; its name where the catalogue of today has none."""
    return text(step.title, lang) if has(step.title) else step.name


def step_line(step: Step, lang: str) -> str:
    """A step with its seconds and what was said of it, in the language of its call."""
    if step.seconds is None:
        return text("calls.running_step", lang, title=title(step, lang))
    mark = "✗" if step.failed else "✓"
    return f"{mark} {title(step, lang)}  {formats.duration(step.seconds, lang)}  {step.said}".rstrip()


def error_lines(call: Call, lang: str) -> list[str]:
    """What stopped a call, and what to do."""
    if not call.error:
        return []
    parts = call.error.get(lang, {})
    place = ":".join(str(call.error[key]) for key in ("file", "row", "column") if call.error.get(key) is not None)
    said = " · ".join(filter(None, [call.error.get("code"), place, parts.get("what"), parts.get("found")]))
    lines = [f"{text('calls.label.error', lang)}  {said}"]
    if parts.get("fix"):
        lines.append(f"{text('calls.label.fix', lang)}  {parts['fix']}")
    return lines


def outputs(call: Call) -> list[Path]:
    """The files that a call made."""
    return [Path(path) for path in call.facts.get("outputs") or ()]


def moment(when: datetime, *, zone: bool = False) -> str:
    """A moment in the time zone of this machine, to the second."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S" + (" %z" if zone else ""))


def padded(words: str, width: int) -> str:
    """As wide as columns of a terminal are counted, where a Chinese character takes two."""
    return words + " " * (width - cell_len(words))
