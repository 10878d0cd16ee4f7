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
from pipelines.config.settings import workspace_folder
from pipelines.flows import examination
from pipelines.flows.examination import Fault
from pipelines.ingest.readers import databases
from pipelines.tracking import registry
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import bundles, paths, publication
from pipelines.workspace.paths import Workspace

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


def examine(run: Run, *, repair: bool = False) -> None:
    """Print every finding; exit 7 when something needed is missing or damaged, 2 when the configuration is wrong.

    Parameters
    ----------
    run
        The call.
    repair
        First mend what may be mended unasked. Raises E601 (exit 6) while another run works in the workspace.
    """
    workspace = _place(run)
    if repair and workspace:
        run.record()
        _repair(run, workspace)
    findings = [_checked(name, check, run) for name, check in CHECKS.items()]
    findings += _of_workspace(run, workspace) if workspace else []
    for finding in findings:
        _print(run, finding)
    run.tell(findings=[vars(finding) for finding in findings])
    broken = [finding for finding in findings if finding.needed and not finding.fine]
    if broken:
        raise HeadwaterError("E708", names=", ".join(finding.name for finding in broken))


def _print(run: Run, finding: Finding) -> None:
    mark = "[green]✓[/]" if finding.fine else ("[red]✗[/]" if finding.needed else "[yellow]![/]")
    run.say(f"{mark} {text(f'doctor.{finding.name}', run.language)}  {finding.detail}")
    if not finding.fine and finding.fix:
        run.say(f"    {finding.fix}")


def _checked(name: str, check: Callable[[Run], Finding], run: Run) -> Finding:
    """A finding, whatever happens: what cannot be looked at is one, too."""
    try:
        return check(run)
    except Exception as raised:
        return _failed_finding(name, errors.translate(raised), run)


def _place(run: Run) -> Workspace | None:
    """The workspace, also of a project that cannot be opened because of something in it; None where there is none yet."""
    folder = workspace_folder(run.config_path, run.profile, run.overrides)
    return Workspace(folder.resolve()) if folder and folder.is_dir() else None


def _repair(run: Run, workspace: Workspace) -> None:
    mended = examination.repair(workspace)
    for fault in mended:
        run.say(text("doctor.repaired", run.language, path=paths.relative_path(fault.path)))
    if not mended:
        run.say(text("doctor.nothing_to_repair", run.language))
    run.tell(repaired=[str(fault.path) for fault in mended])


def _of_workspace(run: Run, workspace: Workspace) -> list[Finding]:
    """One finding for each kind of file of the workspace."""
    faults = examination.examine(workspace)
    return [_of_kind(run, workspace, kind, [f for f in faults if f.kind == kind]) for kind in examination.CHECKS]


def _of_kind(run: Run, workspace: Workspace, kind: str, faults: list[Fault]) -> Finding:
    if not faults:
        return _checked(
            kind, lambda run: WHOLE[kind](run, workspace) if kind in WHOLE else Finding(kind, True, ""), run
        )
    first, more = faults[0], len(faults) - 1
    what = errors.sentence(first.problem, "what", run.language) if first.problem else first.detail
    detail = f"{paths.relative_path(first.path)}  {what}" + (f"  (+{more})" if more else "")
    needed = not all(fault.harmless for fault in faults)
    return Finding(kind, False, detail, _fix(run, faults), needed)


def _fix(run: Run, faults: list[Fault]) -> str:
    """The one command that mends most of them: unasked, or else what the first one's problem says."""
    if any(fault.mend for fault in faults):
        return "headwater doctor --repair"
    problem = faults[0].problem
    return errors.sentence(problem, "fix", run.language) if problem else ""


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


def _whole_tracking(run: Run, workspace: Workspace) -> Finding:
    """The tracking store knows every version that was made here. None is made by looking."""
    state = registry.store_state(workspace.tracking, mode="ro")
    names = [f"{target}/{number}" for target, number in sorted(state.highest.items())]
    return Finding("tracking", True, ", ".join(names) or text("doctor.tracking_new", run.language))


def _whole_champions(run: Run, workspace: Workspace) -> Finding:
    champions = bundles.champion_entries(workspace)
    if not champions:
        return _failed_finding("champions", HeadwaterError("E521"), run, needed=False)
    return Finding("champions", True, ", ".join(entry["version"] for entry in champions.values()))


def _whole_scores(run: Run, workspace: Workspace) -> Finding:
    """The newest published file, every page of it read."""
    if workspace.newest_date() is None:
        return Finding("scores", False, "", "headwater nightly", needed=False)
    newest = publication.read_publication(workspace, workspace.newest_date())
    rows = newest.scores.verify()
    return Finding("scores", int(newest.meta["rows"]) == rows, f"{newest.as_of}: {rows:,}")


WHOLE: dict[str, Callable[[Run, Workspace], Finding]] = {
    "tracking": _whole_tracking,
    "champions": _whole_champions,
    "scores": _whole_scores,
}
"""What is said of kinds of files that are whole."""


def _failed_finding(name: str, error: HeadwaterError, run: Run, *, needed: bool = True) -> Finding:
    """What an error says, and its own way out."""
    what, fix = (errors.sentence(error.problem, part, run.language) for part in ("what", "fix"))
    return Finding(name, False, what, fix, needed)


CHECKS: dict[str, Callable[[Run], Finding]] = {
    "python": _python,
    "libraries": _libraries,
    "disk": _disk,
    "fonts": _fonts,
    "configuration": _configuration,
    "targets": _targets,
    "data": _data,
    "databases": _connections,
    "receivers": _receivers,
}
