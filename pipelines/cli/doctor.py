"""`headwater doctor`: what this machine and project lack, and the line that mends it."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.errors import HeadwaterError, Problem
from pipelines.cli.run import Run
from pipelines.config import credentials
from pipelines.ingest.readers import databases
from pipelines.tracking import registry
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import bundles, publication

LIBRARIES = ("ibis", "duckdb", "lightgbm", "sklearn", "mlflow", "prefect", "pyarrow", "pandas")
LEAST_FREE = 2 * 1024**3
CHINESE_FONT = ("fc-list", ":lang=zh", "family")


@dataclass(frozen=True)
class Finding:
    """One line of the examination.

    Attributes
    ----------
    name
        A key below `doctor`.
    fine
        Is it as it should be?
    detail
        What was seen.
    fix
        What to do where it is not fine.
    needed
        Does nothing work without it?
    """

    name: str
    fine: bool
    detail: str
    fix: str = ""
    needed: bool = True


def examine(run: Run) -> None:
    """Print every finding; exit 7 when something needed is missing, 2 when the configuration is wrong."""
    findings = [check(run) for check in CHECKS]
    lang = run.language
    for finding in findings:
        mark = "[green]✓[/]" if finding.fine else ("[red]✗[/]" if finding.needed else "[yellow]![/]")
        run.say(f"{mark} {text(f'doctor.{finding.name}', lang)}  {finding.detail}")
        if not finding.fine and finding.fix:
            run.say(f"    {finding.fix}")
    run.tell(findings=[vars(finding) for finding in findings])
    broken = [finding for finding in findings if finding.needed and not finding.fine]
    if broken:
        raise HeadwaterError("E708", names=", ".join(finding.name for finding in broken))


def _python(run: Run) -> Finding:
    fine = (3, 11) <= sys.version_info < (3, 14)
    return Finding("python", fine, sys.version.split()[0], "make PYTHON=/path/to/python3.12 .venv/ready")


def _libraries(run: Run) -> Finding:
    """Every library imports; a missing one is named."""
    missing = []
    for name in LIBRARIES:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            missing.append(f"{name} ({error})")
    fix = "pip install -c constraints.txt -e . ; libgomp: apt-get install libgomp1"
    return Finding("libraries", not missing, ", ".join(missing) or ", ".join(LIBRARIES), fix)


def _disk(run: Run) -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    return Finding("disk", free > LEAST_FREE, f"{free / 1024**3:.0f} GiB", text("doctor.fix_disk", run.language))


def _fonts(run: Run) -> Finding:
    """Only pictures as PNG or PDF need one; pages and workbooks do not."""
    fonts = shutil.which("fc-list") and subprocess.run(CHINESE_FONT, capture_output=True, check=False).stdout
    return Finding("fonts", bool(fonts), "", "apt-get install fonts-noto-cjk", needed=False)


def _configuration(run: Run) -> Finding:
    try:
        settings = run.project.settings
    except HeadwaterError as error:
        return Finding(
            "configuration", False, errors.sentence(error.problem, "what", run.language), "headwater config validate"
        )
    return Finding("configuration", True, f"{settings.name}: {', '.join(settings.tables.tables)}")


def _targets(run: Run) -> Finding:
    """What is predicted, and what is not and why; one that was left out on purpose is no fault."""
    if "project" not in run.__dict__:
        return Finding("targets", False, "", "", needed=False)
    settings = run.project.settings
    problems = list(settings.left_out.values())
    whats, fixes = ([errors.sentence(p, part, run.language) for p in problems] for part in ("what", "fix"))
    detail = " · ".join([", ".join(settings.predicted) or "—", *whats])
    fine = bool(settings.predicted) and not any("table" in problem.values for problem in problems)
    return Finding("targets", fine, detail, "; ".join(fixes), needed=False)


def _data(run: Run) -> Finding:
    """Every source of the mapping has a file."""
    if "project" not in run.__dict__:
        return Finding("data", False, "", text("doctor.fix_data", run.language), needed=False)
    parts = [(name, part.source.path) for name, t in run.project.mapping.tables.items() for part in t.parts]
    missing = [f"{name} ({path})" for name, path in parts if path and not list(Path.cwd().glob(path.lstrip("/")))]
    return Finding("data", not missing, ", ".join(missing), text("doctor.fix_data", run.language), needed=False)


def _connections(run: Run) -> Finding:
    """The drivers of the databases that the mapping names are installed, and their secrets set; nothing is connected."""
    if "project" not in run.__dict__:
        return Finding("databases", False, "", text("doctor.fix_data", run.language), needed=False)
    sources = [part.source.connection for table in run.project.mapping.tables.values() for part in table.parts]
    named = [connection for connection in dict.fromkeys(sources) if connection]
    for connection in named:
        try:
            databases.examine(connection)
        except HeadwaterError as error:
            problem = error.problem
            what, fix = (errors.sentence(problem, part, run.language) for part in ("what", "fix"))
            return Finding("databases", False, f"{connection}: {what}", fix)
    return Finding("databases", True, ", ".join(named) or "—")


def _receivers(run: Run) -> Finding:
    """Somebody is named who is told, and the environment has what their addresses refer to; nothing is sent."""
    if "project" not in run.__dict__:
        return Finding("receivers", False, "", "", needed=False)
    receivers = run.project.settings.notify.receivers
    for name, receiver in receivers.items():
        try:
            credentials.resolved(receiver.url)
        except HeadwaterError as error:
            what, fix = (errors.sentence(error.problem, part, run.language) for part in ("what", "fix"))
            return Finding("receivers", False, f"{name}: {what}", fix, needed=False)
    nobody = text("notices.no_receivers", run.language)
    fix = errors.sentence(Problem("E291"), "fix", run.language)
    return Finding("receivers", bool(receivers), ", ".join(receivers) or nobody, fix, needed=False)


def _tracking(run: Run) -> Finding:
    """The tracking store can be read, and knows every version that was made here. None is made by looking."""
    if "project" not in run.__dict__:
        return Finding("tracking", False, "", "", needed=False)
    workspace = run.project.workspace
    try:
        state = registry.store_state(workspace.tracking, mode="ro")
        registry.check_state(workspace, state)
    except HeadwaterError as error:
        return _failed_finding("tracking", error, run)
    names = [f"{target}/{number}" for target, number in sorted(state.highest.items())]
    return Finding("tracking", True, ", ".join(names) or text("doctor.tracking_new", run.language))


def _champions(run: Run) -> Finding:
    """The pinned local copies of the champions are there and whole."""
    if "project" not in run.__dict__:
        return Finding("champions", False, "", "", needed=False)
    try:
        champions = bundles.champions(run.project.workspace)
    except HeadwaterError as error:
        return _failed_finding("champions", error, run, needed=error.problem.code != "E521")
    return Finding("champions", True, ", ".join(champion.version for champion in champions.values()))


def _scores(run: Run) -> Finding:
    """The newest published file is the one that its run recorded."""
    if "project" not in run.__dict__ or run.project.workspace.serving_date() is None:
        return Finding("scores", False, "", "headwater nightly", needed=False)
    workspace = run.project.workspace
    try:
        newest = publication.read_publication(workspace, None)
        rows = newest.scores.verify()
    except HeadwaterError as error:
        return _failed_finding("scores", error, run)
    return Finding("scores", int(newest.meta["rows"]) == rows, f"{newest.as_of}: {rows:,}")


def _failed_finding(name: str, error: HeadwaterError, run: Run, *, needed: bool = True) -> Finding:
    """What an error says, and its own way out."""
    what, fix = (errors.sentence(error.problem, part, run.language) for part in ("what", "fix"))
    return Finding(name, False, what, fix, needed)


CHECKS: tuple[Callable[[Run], Finding], ...] = (
    _python,
    _libraries,
    _disk,
    _fonts,
    _configuration,
    _targets,
    _data,
    _connections,
    _receivers,
    _tracking,
    _champions,
    _scores,
)
