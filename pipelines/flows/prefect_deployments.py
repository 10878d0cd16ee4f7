"""What Prefect is asked to run, and when: deployments for workers (`deploy`), or a process of our own (`serve`)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import serve as prefect_serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.events import DeploymentEventTrigger
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Schedule
from prefect.settings import PREFECT_API_URL

from features.errors import HeadwaterError
from pipelines.flows.prefect_flows import monitor_flow, nightly_flow, retrain_flow, watch_flow
from pipelines.project import Project
from pipelines.wording.texts import text

POOL = "headwater"
SERVED = "-served"
"""Ends the name of what `serve` runs, so that it is not what `deploy` has made."""
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
"""A courtesy: the workspace's own lock is what keeps two runs apart."""


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
    """Run nightly, retraining and monitor from this process until it is stopped, and leave nothing behind; call `check_server` first.

    Parameters
    ----------
    project
        Its schedule; one run at a time.
    every
        Seconds between nights instead of the schedule, without retraining and monitor.
    """
    name, parameters = project.settings.name + SERVED, _parameters(project)
    served: list[Any] = [
        nightly_flow.to_deployment(name=name, parameters=parameters, schedule=_nightly_schedule(project, every))
    ]
    for flow, schedule in ((retrain_flow, _retrain_schedule(project)), (monitor_flow, _monitor_schedule(project))):
        if schedule and not every:
            served.append(flow.to_deployment(name=name, parameters=parameters, schedule=schedule))
    with _removed_at_the_end([f"{deployment.flow_name}/{name}" for deployment in served]):
        prefect_serve(*served, limit=1, print_starting_message=False)


@contextmanager
def _removed_at_the_end(names: Sequence[str]) -> Iterator[None]:
    """Deployments without a process that runs them would be scheduled for ever."""
    try:
        yield
    finally:
        with get_client(sync_client=True) as client:
            for name in names:
                try:
                    client.delete_deployment(client.read_deployment_by_name(name).id)
                except ObjectNotFound:
                    continue


def is_deployed(project: Project) -> bool:
    """Has `deploy` put the nightly on a schedule that is active?"""
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(f"{nightly_flow.name}/{project.settings.name}")
        except ObjectNotFound:
            return False
    return any(schedule.active for schedule in found.schedules)


def deploy(project: Project) -> list[str]:
    """Register nightly, retraining, monitor and watch with a running Prefect server; a worker of the pool runs them. Raises E709.

    Parameters
    ----------
    project
        Its name and schedule.

    Returns
    -------
    list of str
        What was registered, as Prefect names it.
    """
    check_server()
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
    by_worker: dict[str, Any] = {
        "name": project.settings.name,
        "parameters": _parameters(project),
        "work_pool_name": POOL,
        "job_variables": {"working_dir": str(Path.cwd())},
        "concurrency_limit": ONE_AT_A_TIME,
    }
    night: Any = nightly_flow.to_deployment(schedule=_nightly_schedule(project, None), **by_worker)
    training: Any = retrain_flow.to_deployment(schedule=_retrain_schedule(project), **by_worker)
    monitor: Any = monitor_flow.to_deployment(schedule=_monitor_schedule(project), **by_worker)
    watched = [_applied(each) for each in (night, training, monitor)]
    watch: Any = watch_flow.to_deployment(
        schedule=_watch_schedule(project), triggers=_triggers(project, watched), **by_worker
    )
    _applied(watch)
    return [f"{deployment.flow_name}/{project.settings.name}" for deployment in (night, training, monitor, watch)]


def _applied(deployment: Any) -> UUID:
    return deployment.apply()


def _triggers(project: Project, watched: Sequence[UUID]) -> list[Any]:
    """The automation that runs the watch when a run of these deployments has failed, crashed or is late."""
    related = {
        "prefect.resource.role": "deployment",
        "prefect.resource.id": [f"prefect.deployment.{each}" for each in watched],
    }
    name = text("flows.automation", project.settings.language, name=project.settings.name)
    states = {"prefect.resource.id": "prefect.flow-run.*"}
    ended = {**states, "prefect.state-type": ["FAILED", "CRASHED"]}
    return [
        DeploymentEventTrigger(
            name=f"{name} ({kind})",
            match=match,
            match_related=related,
            expect={event},
            threshold=1,  # type: ignore[call-arg]
        )
        for kind, match, event in (("ended", ended, "prefect.flow-run.*"), ("late", states, "prefect.flow-run.Late"))
    ]


def _parameters(project: Project) -> dict[str, Any]:
    return {"config": str(project.config)}


def _nightly_schedule(project: Project, every: int | None) -> Schedule:
    schedule = project.settings.schedule
    if every:
        return Schedule(interval=timedelta(seconds=every))
    return Schedule(cron=schedule.cron, timezone=schedule.timezone)


def _retrain_schedule(project: Project) -> Schedule | None:
    """None where it is run on demand alone."""
    return _cron(project, project.settings.schedule.retrain)


def _monitor_schedule(project: Project) -> Schedule | None:
    """None where it is run on demand alone."""
    return _cron(project, project.settings.schedule.monitor)


def _cron(project: Project, expression: str | None) -> Schedule | None:
    return Schedule(cron=expression, timezone=project.settings.schedule.timezone) if expression else None


def _watch_schedule(project: Project) -> Schedule | None:
    """Every day at the hour by which a night is to be published; None where no hour is named."""
    by, zone = project.settings.notify.by, project.settings.schedule.timezone
    if by is None:
        return None
    hour, minute = map(int, by.split(":"))
    return Schedule(cron=f"{minute} {hour} * * *", timezone=zone)
