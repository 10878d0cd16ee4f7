"""Prefect's side: two thin flows, their artifacts, and the nightly's schedule. The steps work without any of it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.schedules import Schedule
from prefect.settings import PREFECT_API_URL
from prefect.states import Failed

from features.errors import HeadwaterError
from pipelines.flows import nightly, retrain
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import calls, lock, paths
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.progress import Steps

POOL = "headwater"


def _task(work: Callable[..., Any], name: str) -> Any:
    """A Prefect task that is neither repeated nor remembered: our lock and run id make a repeat of the flow safe."""
    return task(name=name, retries=0, persist_result=False, cache_policy=NO_CACHE)(work)


@flow(name="nightly", retries=0)
def nightly_flow(config: str, as_of: str | None = None) -> Any:
    """One night. The state's name carries the exit code, its message the line that ops read."""
    project = Project.open(config)
    night = Night(project, _day_of(project, as_of), Steps(project.settings.language))
    try:
        recorded = _recorded(night.steps, project, "nightly", night.as_of)
        with recorded as call, lock.exclusive(project.workspace, f"nightly {night.as_of}"), closing(night):
            for stage in nightly.stages():
                _task(stage, stage.__name__)(night)
                call.facts |= night.result()
    except HeadwaterError as error:
        return _failed_state(error, project)
    _create_artifacts(night)
    return night.result()


@flow(name="retrain", retries=0)
def retrain_flow(config: str, as_of: str | None = None) -> Any:
    """Train, gate and promote the models of all targets."""
    project = Project.open(config)
    steps = Steps(project.settings.language)
    try:
        day = _day_of(project, as_of)
        with _recorded(steps, project, "retrain", day):
            retrained = _task(retrain.run, "retrain")(project, day, project.targets(), steps, promote=True)
            rows = [row | {"interval": str(row["interval"])} for row in retrained.models]
            rows += [{"target": name, "failed": str(error)} for name, error in retrained.failures.items()]
            create_table_artifact(key="model-gate", table=rows)
            retrained.raise_for_failures()
    except HeadwaterError as error:
        return _failed_state(error, project)
    return retrained.models


@contextmanager
def _recorded(steps: Steps, project: Project, command: str, day: date) -> Iterator[CallRecord]:
    """Record a flow as the command that does the same, and its steps with it."""
    words = [command, "--config", str(project.config), "--as-of", day.isoformat()]
    with calls.recorded(project.workspace, command, words, config=str(project.config), by="prefect") as call:
        call.note(as_of=day.isoformat())
        steps.call = call
        yield call


def _day_of(project: Project, as_of: str | None) -> date:
    """The date asked for, the project's own, or the day on which the flow run is scheduled."""
    if as_of:
        return date.fromisoformat(as_of)
    if project.settings.as_of:
        return project.settings.as_of
    from prefect.runtime import flow_run

    return flow_run.scheduled_start_time.in_timezone(project.settings.schedule.timezone).date()


def _failed_state(error: HeadwaterError, project: Project) -> Any:
    line = errors.render_line(error.problem, project.settings.language, project.workspace.serving_date())
    get_run_logger().error(line)
    return Failed(name=f"Exit {error.exit_code}", message=line)


def _create_artifacts(night: Night) -> None:
    """Artifacts under fixed keys, so that Prefect keeps their history."""
    result = night.result()
    rows = [{"table": name, **counts} for name, counts in result["rows"].items()]
    files = "\n".join(f"- `{paths.relative_path(path)}`" for path in night.outputs)
    heading = text("steps.night_summary", night.steps.lang, as_of=night.as_of.isoformat(), run_id=night.run_id)
    create_markdown_artifact(key="nightly-summary", markdown=f"## {heading}\n\n{files}\n")
    create_table_artifact(key="data-contract", table=rows)


def _schedule(project: Project, every: int | None) -> Schedule:
    schedule = project.settings.schedule
    if every:
        return Schedule(interval=timedelta(seconds=every))
    return Schedule(cron=schedule.cron, timezone=schedule.timezone)


def check_server() -> None:
    """A running server is needed: the scheduler lives in it. Raises E709 (exit 7) where none answers."""
    url = PREFECT_API_URL.value()
    if not url:
        raise HeadwaterError("E709", detail="PREFECT_API_URL")
    with get_client(sync_client=True) as client:
        trouble = client.api_healthcheck()
    if trouble:
        raise HeadwaterError("E709", detail=f"{url}: {trouble}")


def serve(project: Project, every: int | None) -> None:
    """Register the deployment and run it from this process until it is stopped; call `check_server` first."""
    nightly_flow.serve(
        name=project.settings.name,
        parameters={"config": str(project.config)},
        schedule=_schedule(project, every),
        limit=1,
    )


def deploy(project: Project) -> None:
    """Register the nightly with a running Prefect server; a worker or `headwater serve` runs it. Raises E709."""
    check_server()
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
    deployment: Any = nightly_flow.to_deployment(
        name=project.settings.name,
        parameters={"config": str(project.config)},
        schedule=_schedule(project, None),
        concurrency_limit=1,
        work_pool_name=POOL,
        job_variables={"working_dir": str(Path.cwd())},
    )
    deployment.apply()
