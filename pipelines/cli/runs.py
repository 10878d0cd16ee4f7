"""`headwater runs list | show | open | retry | watch`: what has run, what runs, and what became of it."""

import os
import sys
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from features.errors import HeadwaterError
from pipelines.cli import runs_page
from pipelines.cli.run import Run, command
from pipelines.wording import formats
from pipelines.wording.texts import text
from pipelines.workspace import history
from pipelines.workspace.history import Call
from pipelines.workspace.paths import relative_path

runs_app = typer.Typer(name="runs", help="What has run, and what runs.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(metavar="ID", help="As `runs list` prints it, or its beginning.")]
POLL = 0.5
"""Seconds between two looks at a run that is watched."""


@command(runs_app, "list")
def runs_list(
    run: Run,
    failed: Annotated[bool, typer.Option("--failed", help="Only what did not do what it was asked.")] = False,
    command: Annotated[str | None, typer.Option(help="Only this command, such as nightly.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 30,
) -> None:
    """Every call of a command that writes, the newest first: nights, trainings, promotions, lists; failed and killed ones, too."""
    found = history.history(run.project.workspace)
    asked = [call for call in found if _is_asked(call, failed=failed, command=command)]
    shown, left = asked[:limit], len(asked[limit:])
    run.tell(runs=[call.as_dict() for call in shown], left_out=left)
    if not shown:
        run.say(text("calls.none_such" if found else "calls.none", run.language))
        return
    run.say(_grid(shown, run.language))
    if left:
        run.say(text("calls.more", run.language, n=left), style="dim")


def _is_asked(call: Call, *, failed: bool, command: str | None) -> bool:
    is_failed = call.outcome not in (*history.WELL, history.RUNNING)
    return (is_failed or not failed) and (command is None or call.command == command)


def _grid(found: list[Call], lang: str) -> Table:
    """One line per call."""
    table = Table(box=None, pad_edge=False)
    for column in ("id", "when", "command", "as_of", "outcome", "duration", "exit"):
        table.add_column(text(f"calls.column.{column}", lang), no_wrap=column in ("id", "when"))
    for call in found:
        code = "—" if call.exit_code is None else str(call.exit_code)
        words = (call.id, runs_page.moment(call.when), call.command or "—", call.as_of or "—")
        table.add_row(*words, runs_page.outcome(call, lang), formats.duration(call.seconds, lang), code)
    return table


@command(runs_app, "show")
def runs_show(run: Run, run_id: RunId) -> None:
    """One run: what was asked, by whom, each step, the error with what to do, and what it made."""
    call = history.find(run.project.workspace, run_id)
    run.tell(run=call.as_dict(), run_id=call.facts.get("run_id"), steps=[step.as_dict() for step in call.steps])
    runs_page.show(run, call)


@command(runs_app, "open")
def runs_open(run: Run, run_id: RunId) -> None:
    """Open the page that a run made, such as the report of a night; off a terminal name it."""
    call = history.find(run.project.workspace, run_id)
    page = next((path for path in runs_page.outputs(call) if path.suffix == ".html" and path.is_file()), None)
    if page is None:
        raise HeadwaterError("E289", run_id=call.id)
    run.tell(id=call.id, page=str(page))
    run.say(relative_path(page))
    if sys.stdout.isatty() and not run.as_json:
        webbrowser.open(page.as_uri())


@command(runs_app, "retry")
def runs_retry(run: Run, run_id: RunId) -> None:
    """The same command again, in the same folder with the same configuration and for the same date."""
    call = history.find(run.project.workspace, run_id)
    why = _why_not_again(call)
    if why:
        raise HeadwaterError("E288", run_id=call.id, why=f"@not_again.{why}", folder=call.head.get("folder"))
    words = _words_again(call, run)
    if not run.as_json:
        run.steps.say(f"headwater {' '.join(words)}", style="dim")
    os.chdir(call.head["folder"])
    raise typer.Exit(_called(run, words))


def _why_not_again(call: Call) -> str | None:
    """Why a call cannot be made again: a word below `terms.not_again`; None where it can."""
    if call.outcome == history.RUNNING:
        return "running"
    if not call.head.get("words"):
        return "before"
    if call.is_masked:
        return "secret"
    if not Path(call.head["folder"]).is_dir():
        return "folder"
    if call.command == "rollback" and call.outcome in history.WELL:
        return "rollback"
    return "init" if call.command == "init" else None


def _words_again(call: Call, run: Run) -> list[str]:
    """The command line of a call with the configuration and date that it found by itself, in the form asked for now."""
    words = [str(word) for word in call.head["words"]]
    if not any(word.startswith(("-c", "--config")) for word in words):
        words += ["--config", str(call.head["config"])]
    if (
        call.as_of
        and _takes_date(run.verbs, str(call.command))
        and not any(word.startswith("--as-of") for word in words)
    ):
        words += ["--as-of", call.as_of]
    if run.as_json and "--json" not in words:
        words.append("--json")
    return words


def _takes_date(verbs: Any, name: str) -> bool:
    """Has a command --as-of? Again means again for the date that it had found by itself."""
    found = verbs
    for word in name.split():
        found = getattr(found, "commands", {}).get(word)
    return any("--as-of" in option.opts for option in getattr(found, "params", ()))


def _called(run: Run, words: list[str]) -> int:
    """Run another command of ours in this process; its exit code."""
    code = run.verbs.main(words, prog_name="headwater", standalone_mode=False)
    return code if isinstance(code, int) else 0


@command(runs_app, "watch")
def runs_watch(
    run: Run,
    run_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Of one that runs; the oldest if left out.")
    ] = None,
) -> None:
    """Follow what runs now, step by step, until it ends; the exit code is 0 whatever becomes of it."""
    workspace, lang = run.project.workspace, run.language
    call = history.find(workspace, run_id) if run_id else next(iter(history.running(workspace)), None)
    if call is None:
        run.tell(run=None)
        run.say(text("calls.idle", lang))
        return
    run.say(Text(text("calls.watching", lang, id=call.id, line=call.line, since=runs_page.moment(call.when))))
    ended = _followed(call, lambda: history.read(workspace, call), lambda line: run.say(Text(line)), lang)
    run.tell(run=ended.as_dict(), steps=[step.as_dict() for step in ended.steps])
    took = formats.duration(ended.seconds, lang)
    run.say(text("calls.watched", lang, outcome=runs_page.outcome(ended, lang), took=took))
    for line in runs_page.error_lines(ended, lang):
        run.say(Text(line))


def _followed(call: Call, look: Callable[[], Call], say: Callable[[str], None], lang: str) -> Call:
    """Tell each step as it begins and as it ends, until the call has ended; the call as it is then."""
    told: set[tuple[int, bool]] = set()
    while True:
        for place, step in enumerate(call.steps):
            mark = (place, step.seconds is not None)
            if mark in told or (place, True) in told:
                continue
            told.add(mark)
            say(runs_page.step_line(step, lang))
        if call.outcome != history.RUNNING:
            return call
        time.sleep(POLL)
        call = look()
