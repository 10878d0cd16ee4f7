"""What every command shares: options, language, one JSON document, one clear error, the exit code."""

import functools
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from features.errors import HeadwaterError
from pipelines.config.credentials import HIDDEN
from pipelines.wording import errors
from pipelines.wording.texts import LANGUAGES
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps

PROJECT, DEFAULT_CONFIG = "headwater.yaml", "configs/operator.yaml"
"""The project of the folder where a command runs; without one, the demo operator."""
WORDS = "headwater.words"
"""Where the words behind `headwater` are kept while a command runs."""

Engine = Annotated[
    Literal["duckdb", "spark"] | None,
    typer.Option(help="Who makes features and scores; the project's own if left out."),
]

Shared = {
    "config": Annotated[Path | None, typer.Option("--config", "-c", help="The project's YAML file.")],
    "profile": Annotated[str | None, typer.Option(help="A profile of the project's YAML file.")],
    "lang": Annotated[str | None, typer.Option(help="zh or en; the terminal's language when left out.")],
    "as_json": Annotated[bool, typer.Option("--json", help="One JSON document on stdout; everything else on stderr.")],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Show where an error came from.")],
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="Only results and errors.")],
}


@dataclass
class Run:
    """One call of a command: what it was asked, in which language, and what it has to tell.

    Attributes
    ----------
    command
        Its name, as in `runs list`.
    words
        The command line behind `headwater`.
    config
        Path of the project's YAML file; None asks the environment.
    profile
        Of that file.
    lang
        `zh` or `en`; None takes the terminal's.
    as_json
        One JSON document on stdout, and nothing else there.
    verbose
        Show tracebacks.
    quiet
        Show no steps.
    facts
        For the JSON document.
    overrides
        Settings by key.
    call
        The record of this call; of a command that writes nothing it stays empty.
    verbs
        The command line as a whole, in which this command stands; None of a call that came another way.
    """

    command: str
    words: Sequence[str] = ()
    config: Path | None = None
    profile: str | None = None
    lang: str | None = None
    as_json: bool = False
    verbose: bool = False
    quiet: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    call: CallRecord = field(default_factory=CallRecord)
    verbs: Any = None
    _recorded: bool = False

    @cached_property
    def project(self):
        """The project of the configuration."""
        from pipelines.project import Project

        project = Project.open(self.config_path, self.profile, **self.overrides)
        self._begin_record(project.workspace)
        for problem in project.settings.warnings:
            self.steps.warn(errors.render_line(problem, self.language))
        return project

    @property
    def config_path(self) -> Path:
        """Of `--config`, `HEADWATER_CONFIG`, the current folder or the demo operator."""
        here = PROJECT if Path(PROJECT).is_file() else DEFAULT_CONFIG
        return Path(self.config or os.environ.get("HEADWATER_CONFIG", here))

    @cached_property
    def steps(self) -> Steps:
        steps = Steps(self.language, quiet=self.quiet)
        steps.call = self.call
        return steps

    def record(self) -> None:
        """This call writes, and is recorded: at once where there is a workspace, or else as soon as there is one."""
        from pipelines.config.settings import workspace_folder

        self._recorded = True
        folder = workspace_folder(self.config_path, self.profile, self.overrides)
        if folder and folder.is_dir():
            self._begin_record(Workspace(folder.resolve()))

    def _begin_record(self, workspace: Workspace) -> None:
        if not self._recorded:
            return
        self._recorded = False  # once, also where the disk refuses
        asked = {"config": str(self.config_path.absolute()), "profile": self.profile}
        command = self.command.removeprefix("headwater ")
        self.call = CallRecord.begin(workspace, command, self.words or command.split(), **asked)
        self.call.facts = self.facts
        self.steps.call = self.call

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the workspace's lock: whoever finds it taken is told so before anything is loaded that takes seconds."""
        from pipelines.workspace import lock

        with lock.taken(self.project.workspace, self.command):
            yield

    @property
    def language(self) -> str:
        if self.lang in LANGUAGES:
            return self.lang
        return "zh" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).lower().startswith("zh") else "en"

    @cached_property
    def out(self) -> Console:
        """Results: as wide as the terminal, and never cut where nobody sees its edge."""
        width = None if sys.stdout.isatty() else 10_000
        return Console(highlight=False, quiet=self.as_json, width=width)

    def as_of(self, day: datetime | None) -> date:
        """The date asked for, the project's own, or today: the only place, beside the record of calls, that reads the clock."""
        found = day.date() if day else self.project.settings.as_of or datetime.now().astimezone().date()
        self.call.note(as_of=found.isoformat())
        return found

    def override(self, **values: Any) -> None:
        """Settings given on the command line; before the project is opened. What is None was not given."""
        self.overrides |= values

    def tell(self, **facts: Any) -> None:
        """Facts for the JSON document."""
        self.facts |= facts

    def say(self, message: Any = "", style: str = "") -> None:
        """A line or table for people, on stdout; silent under --json."""
        self.out.print(message, style=style, soft_wrap=isinstance(message, str))


_CONTEXT = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)


def command(
    app: typer.Typer, name: str, *, recorded: bool = False, private: bool = False, bare: bool = False, **options: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register `function(run, ...)` as a command that also takes the shared options; one that writes is recorded.

    Of one that is `private` the record holds no word that was typed behind its name. One that is `bare` is what its group does
    where no command of it is named.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = [p for key, p in inspect.signature(function, eval_str=True).parameters.items() if key != "run"]
        shared = [
            inspect.Parameter(
                key,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if _option_type(kind) is bool else None,
                annotation=kind,
            )
            for key, kind in Shared.items()
        ]

        @functools.wraps(function)
        def called(context: typer.Context, **given: Any) -> None:
            if bare and context.invoked_subcommand:
                return
            words = [name, HIDDEN] if private else context.meta.get(WORDS, ())
            run = Run(_full_name(app, name), words, **{key: given.pop(key) for key in Shared})
            run.verbs = context.find_root().command
            raise typer.Exit(_exit_code(run, lambda: function(run, **given), recorded=recorded))

        keyword = [_CONTEXT, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *shared]
        called.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
        called.__annotations__ = {p.name: p.annotation for p in keyword}
        del called.__wrapped__  # type: ignore[attr-defined]
        if bare:
            app.callback(invoke_without_command=True, **options)(called)
        else:
            app.command(name, **options)(called)
        return function

    return register


def _option_type(annotation: Any) -> Any:
    return annotation.__origin__


def _full_name(app: typer.Typer, name: str) -> str:
    group = app.info.name if isinstance(app.info.name, str) else ""
    return f"{group} {name}".strip()


def _exit_code(run: Run, work: Callable[[], None], *, recorded: bool) -> int:
    """Do the work; whatever comes of it becomes an exit code, and one JSON document when asked for."""
    error: HeadwaterError | None = None
    try:
        _check_language(run)
        if recorded:
            run.record()
        work()
    except typer.Exit as ended:  # of another command, which has told what it had to
        return ended.exit_code
    except Exception as raised:
        error = errors.translate(raised)
        _print_error(run, raised, error)
    except BaseException:
        run.call.end(None)
        raise
    code = error.exit_code if error else 0
    run.call.end(code, error)
    if run.as_json:
        _write_document(run, code, error)
    return code


def _write_document(run: Run, code: int, error: HeadwaterError | None) -> None:
    document = {
        "command": run.command,
        "exit_code": code,
        **({"call": run.call.id} if run.call.id else {}),
        **run.facts,
        "error": errors.as_dict(error, run.language) if error else None,
    }
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")


def _check_language(run: Run) -> None:
    if run.lang not in (None, *LANGUAGES):
        raise HeadwaterError("E231", given=run.lang)


def _print_error(run: Run, raised: Exception, error: HeadwaterError) -> None:
    """Blocks on a terminal, a line for each problem elsewhere; a traceback for bugs and with -v."""
    if run.verbose or error.exit_code == 1:
        traceback.print_exception(raised, file=sys.stderr)
    stderr, most = Console(stderr=True, highlight=False), None if run.verbose else errors.MOST
    if stderr.is_terminal:
        errors.print_block(error, run.language, stderr, most)
    else:
        sys.stderr.write("\n".join(errors.lines(error, run.language, _serving(run), most)) + "\n")


def _serving(run: Run) -> date | None:
    """The date that readers see, if the project could be opened at all."""
    project = run.__dict__.get("project")
    return project.workspace.serving_date() if project else None
