"""Prefect's flows: a night with a task for each stage, a retraining, the monitor, and a watch over all of them. The stages work without any of it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed, State

from features.errors import HeadwaterError, Problem
from pipelines.config.settings import load_notify
from pipelines.flows import lateness, monitored, nightly, outputs, prefect_artifacts, promotion, retrain, scheduler
from pipelines.flows.night import Night
from pipelines.flows.prefect_tasks import LoggedSteps, Tasks, log_failures_once
from pipelines.notification import kills
from pipelines.notification.telling import Teller
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import calls, lock
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.paths import Workspace


@flow(name="nightly", retries=0)
def nightly_flow(config: str, as_of: str | None = None) -> Any:
    """One night. The state's name carries the exit code and its meaning, its message the line that ops read."""
    log_failures_once()
    try:
        project = Project.open(config)
        day = _day_of(project, as_of)
    except HeadwaterError as error:
        return _unopened(config, "nightly", error)
    tasks = Tasks(project, LoggedSteps(project.settings.language))
    return _night(Night(project, day, tasks.steps), tasks)


def _night(night: Night, tasks: Tasks) -> State:
    """Run the stages, keep what they found as artifacts, and tell whoever is named."""
    error: HeadwaterError | None = None
    _tell_killed(night.project)
    recorded = _recorded(tasks, "nightly", night.as_of)
    try:
        with recorded as call, lock.exclusive(night.workspace, f"nightly {night.as_of}"), closing(night):
            for name, stage in nightly.stages(collects=night.collects).items():
                tasks.run(name, partial(stage, night), _makes(night, name))
                _look_at_server(night)
                call.facts |= night.result()
    except HeadwaterError as raised:
        error = raised
    prefect_artifacts.quietly(lambda: prefect_artifacts.create_night_artifacts(night, error, tasks.steps.facts))
    tasks.run("notify", lambda: _tell(night.project, lambda teller: _told_night(teller, night, error)))
    if error:
        return tasks.failed_state(error, tasks.line_of(error))
    done = "listless" if night.listless else "already" if night.already_published and not night.remade else "published"
    name = tasks.state_name(0, text(f"flows.done.{done}", tasks.lang))
    return Completed(name=name, message=night.as_of.isoformat(), data=night.result())


def _makes(night: Night, stage: str) -> str | None:
    """What a stage is about to make for others; None where it makes nothing, or finds it made."""
    if stage == "publish":
        return None if night.already_published else "scores"
    if stage == "lists":
        return None if night.already_published and outputs.is_delivered(night) else "lists"
    return "reports" if stage == "report" and night.publication is not None else None


def _look_at_server(night: Night) -> None:
    """A night goes on without the server that has begun it, and says so once."""
    if (problem := scheduler.trouble(PREFECT_API_URL.value())) and problem not in night.warnings:
        night.warn(problem)


def _told_night(teller: Teller, night: Night, error: HeadwaterError | None) -> None:
    if error:
        teller.failed("nightly", night.as_of, error, night.steps.stage, published=night.published)
    else:
        teller.succeeded("nightly", night.as_of, night.telling, listless=night.listless)


@flow(name="retrain", retries=0)
def retrain_flow(config: str, as_of: str | None = None) -> Any:
    """Train, gate and promote the models of all targets."""
    log_failures_once()
    try:
        project = Project.open(config)
        day = _day_of(project, as_of)
    except HeadwaterError as error:
        return _unopened(config, "retrain", error)
    tasks = Tasks(project, LoggedSteps(project.settings.language))
    _tell_killed(project)
    try:
        with _recorded(tasks, "retrain", day):
            models = tasks.run("retrain", lambda: _retrained(project, day, tasks.steps))
    except HeadwaterError as error:
        return _failed(tasks, "retrain", day, error)
    tasks.run("notify", lambda: _tell(project, lambda t: t.succeeded("retrain", day, [], listless=False)))
    name = tasks.state_name(0, text("flows.done.trained", tasks.lang))
    return Completed(name=name, message=day.isoformat(), data=models)


def _retrained(project: Project, day: date, steps: LoggedSteps) -> list[dict[str, Any]]:
    """As `headwater retrain`: a promotion that is refused for all is exit 5."""
    retrained = retrain.run(project, day, project.targets(), steps, promote=True)
    prefect_artifacts.quietly(lambda: prefect_artifacts.create_gate_artifact(retrained))
    retrained.raise_for_failures()
    promotion.refuse_when_none(retrained.models)
    return retrained.models


@flow(name="monitor", retries=0)
def monitor_flow(config: str, as_of: str | None = None) -> Any:
    """As `headwater monitor`: what asks for something is told, on the page and in artifacts; only errors make it fail."""
    log_failures_once()
    try:
        project = Project.open(config)
        day = _day_of(project, as_of)
    except HeadwaterError as error:
        return _unopened(config, "monitor", error)
    tasks, silent = Tasks(project, LoggedSteps(project.settings.language)), monitored.looks_back(project, day, None)
    _tell_killed(project)
    try:
        with _recorded(tasks, "monitor", day) as call:
            look = tasks.run("monitor", lambda: monitored.look(project, day, None, tasks.steps))
            call.facts |= look.summary()
    except HeadwaterError as error:
        return tasks.failed_state(error, tasks.line_of(error)) if silent else _failed(tasks, "monitor", day, error)
    found = look.data.found
    prefect_artifacts.quietly(lambda: prefect_artifacts.create_monitor_artifacts(found, tasks.lang))
    if not silent:
        told = partial(Teller.succeeded, command="monitor", as_of=day, warnings=found.problems, listless=False)
        tasks.run("notify", lambda: _tell(project, told))
    name = tasks.state_name(0, text("flows.done.watched", tasks.lang, n=len(found.problems)))
    return Completed(name=name, message=day.isoformat(), data=look.summary())


def _failed(tasks: Tasks, command: str, day: date, error: HeadwaterError) -> State:
    """Tell of it, and end with the state of its exit code."""
    stage = tasks.steps.stage
    tasks.run("notify", lambda: _tell(tasks.project, lambda t: t.failed(command, day, error, stage, published=False)))
    return tasks.failed_state(error, tasks.line_of(error))


@contextmanager
def _recorded(tasks: Tasks, command: str, day: date) -> Iterator[CallRecord]:
    """Record a flow as the command that does the same, and its steps with it."""
    project = tasks.project
    words = [command, "--config", str(project.config), "--as-of", day.isoformat()]
    prefect_artifacts.quietly(partial(_name_run, day))
    with calls.recorded(project.workspace, command, words, config=str(project.config), by="prefect") as call:
        call.note(as_of=day.isoformat())
        tasks.steps.call = call
        yield call


def _name_run(day: date) -> None:
    """On Prefect's page a run is called by its date; by itself it would be called bouncy-turtle."""
    from prefect.runtime import flow_run

    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, name=day.isoformat())


@flow(name="watch", retries=0)
def watch_flow(config: str) -> Any:
    """Is what is due by `notify.by` published? What is late is told once, and its end."""
    log_failures_once()
    try:
        project = Project.open(config)
    except HeadwaterError as error:
        return _unopened(config, "late", error)
    _tell_killed(project)
    tasks, by = Tasks(project, LoggedSteps(project.settings.language)), project.settings.notify.by
    found = tasks.run("late", lambda: lateness.examine(project, by, _now(project))) if by else None
    if found and found.as_of:
        tell = partial(_told_late, found=found)
        tasks.run("notify", lambda: _tell(project, tell))
    if found and found.is_late:
        return tasks.failed_state(found.error(), tasks.line_of(found.error()))
    return Completed(name=tasks.state_name(0, text("flows.done.in_time", tasks.lang)))


def _told_late(teller: Teller, found: lateness.Lateness) -> None:
    assert found.as_of is not None
    if found.is_late:
        teller.late(found.as_of, found.by, unfinished=found.unfinished)
    else:
        teller.in_time(found.as_of)


def _tell(project: Project, what: Callable[[Teller], None]) -> None:
    """Tell whoever the project names; what goes wrong with it is a warning in the log."""
    names = ", ".join(project.settings.notify.receivers)
    get_run_logger().info("%s", names or text("notices.no_receivers", project.settings.language))
    what(_teller(project))


def _tell_killed(project: Project) -> None:
    """Those that were killed said nothing; the next run says it for them."""
    teller = _teller(project)
    if project.settings.notify.receivers:
        kills.tell_killed(teller)


def _teller(project: Project) -> Teller:
    return Teller(project.settings, project.workspace, _now(project), partial(_warn, project.settings.language))


def _warn(lang: str, problem: Problem) -> None:
    get_run_logger().warning("%s", errors.render_line(problem, lang))


def _now(project: Project) -> datetime:
    return calls.now().astimezone(ZoneInfo(project.settings.schedule.timezone))


def _unopened(config: str, command: str, error: HeadwaterError) -> State:
    """A run whose configuration cannot be read: told to whom as much of it as can be read names."""
    settings = load_notify(Path(config))
    lang = settings.language if settings else "en"
    if settings:
        workspace = Workspace.open(settings.workspace, settings.name)
        now = calls.now().astimezone(ZoneInfo(settings.schedule.timezone))
        Teller(settings, workspace, now, partial(_warn, lang)).failed(command, None, error, "", published=False)
    line = " ".join(errors.lines(error, lang, most=1))
    get_run_logger().error("%s", line)
    meaning = text(f"terms.exits.{error.exit_code}", lang)
    return Failed(name=text("flows.state", lang, code=error.exit_code, meaning=meaning), message=line)


def _day_of(project: Project, as_of: str | None) -> date:
    """The date asked for, the project's own, or the day on which the flow run is scheduled."""
    if as_of:
        return date.fromisoformat(as_of)
    if project.settings.as_of:
        return project.settings.as_of
    from prefect.runtime import flow_run

    return flow_run.scheduled_start_time.in_timezone(project.settings.schedule.timezone).date()
