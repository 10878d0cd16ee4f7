"""Stages as tasks of Prefect: their logs, their states named after exit codes, and what may be tried again."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from prefect import get_run_logger, task
from prefect.assets import add_asset_metadata, materialize
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import FailedRun
from prefect.states import Completed, Failed, State

from features.errors import HeadwaterError
from pipelines.config.settings import Schedule
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace.progress import Steps

AGAIN = {"check": 2, "lists": 1, "report": 1}
"""Stage -> how often it is tried again. Scores are not, and a publication never is."""
CURABLE = (4, 7)
"""Exit codes that waiting may cure: data that have not come, a full disk."""
NEVER_STOPPED = ("publish",)
"""Stages that no time limit interrupts: a file is renamed there, and what follows must not be in doubt."""


class _SaidAlready(logging.Filter):
    """Drops the traceback that the engine logs of a run whose state has said it in one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Is it anything else?"""
        return not (record.exc_info and isinstance(record.exc_info[1], FailedRun))


_SAID_ALREADY = _SaidAlready()


def log_failures_once() -> None:
    """A failed night is one line in the log of its flow run; call it in every flow, which may be alone in its process."""
    logging.getLogger("prefect.flow_runs").addFilter(_SAID_ALREADY)


class LoggedSteps(Steps):
    """Steps whose sentences go to the log of the task that runs them.

    Attributes
    ----------
    facts
        Step -> its facts, counts among them.
    """

    def __init__(self, lang: str):
        super().__init__(lang, quiet=True)
        self.facts: dict[str, dict[str, Any]] = {}

    @contextmanager
    def step(self, name: str, title: str = "") -> Iterator[dict]:
        """As for all commands; a line in the log when it is done."""
        with super().step(name, title) as facts:
            self.facts[name] = facts
            yield facts
        logger = get_run_logger()
        logger.info("%s  %s", text(title or f"steps.{name}", self.lang), facts.get("said", ""))
        if counts := _counts(facts):
            logger.info("%s", " · ".join(f"{key} {value}" for key, value in counts.items()))

    def warn(self, message: str) -> None:
        """A warning in the log."""
        get_run_logger().warning("%s", message)


@dataclass(frozen=True)
class Tasks:
    """Runs the stages of one project as tasks of the flow run that calls.

    Attributes
    ----------
    project
        Its language, its time limit, and what it serves.
    steps
        What the stages say.
    """

    project: Project
    steps: LoggedSteps

    @property
    def lang(self) -> str:
        """Of the project; states and logs are in it."""
        return self.project.settings.language

    def run(self, name: str, work: Callable[[], Any], makes: str | None = None) -> Any:
        """Run one stage as a task.

        Parameters
        ----------
        name
            Of the task.
        work
            The stage; a plain function.
        makes
            What others read of it, `scores` or `lists`: Prefect's feed has it as an asset with the counts of the stage.

        Returns
        -------
        object
            What the work returns.

        Raises
        ------
        HeadwaterError
            As the work raised it; E719 (exit 7) where it took too long, E101 for what it was not meant to raise.
        """
        asset = f"headwater://{self.project.settings.name}/{makes}" if makes else None
        raised: list[HeadwaterError] = []
        returned: list[Any] = []

        def stage() -> State:
            raised.clear()
            try:
                returned[:] = [work()]
            except Exception as error:  # every exit code is a state; what none explains is logged with its traceback
                raised[:] = [errors.translate(error)]
                return self._failed(raised[0], error)
            if asset:
                add_asset_metadata(asset, _counts(self.steps.facts.get(name, {})))
            return Completed(message=self.steps.facts.get(name, {}).get("said"))

        schedule = self.project.settings.schedule
        state = _as_task(name, stage, raised, schedule, asset)(return_state=True)
        if raised:
            raise raised[0]
        if not state.is_completed():
            raise HeadwaterError("E719", stage=name, hours=schedule.timeout_hours, state=state.name or "?")
        return returned[0]

    def _failed(self, error: HeadwaterError, cause: Exception) -> State:
        line = self.line_of(error)
        get_run_logger().error("%s", line, exc_info=cause if error.exit_code == 1 else None)
        return self.failed_state(error, line)

    def failed_state(self, error: HeadwaterError, line: str) -> State:
        """The state of what failed: `Exit 4: data missing or stale`, its message the line that ops read."""
        meaning = text(f"terms.exits.{error.exit_code}", self.lang)
        return Failed(name=self.state_name(error.exit_code, meaning), message=line)

    def state_name(self, code: int, meaning: str) -> str:
        """The name of a state; it begins with `Exit` and the code in both languages."""
        return text("flows.state", self.lang, code=code, meaning=meaning)

    def line_of(self, error: HeadwaterError) -> str:
        """An error in one line; of several problems the first, and how many others there are."""
        return " ".join(errors.lines(error, self.lang, self.project.workspace.serving_date(), most=1))


def _counts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Plain figures and words of a stage."""
    return {key: value for key, value in facts.items() if isinstance(value, int | float | str) and key != "said"}


def _as_task(
    name: str, stage: Callable[[], State], raised: list[HeadwaterError], schedule: Schedule, asset: str | None
) -> Any:
    """A task that is not remembered, and tried again only where that is safe and may help."""
    kind = partial(materialize, asset, by="headwater") if asset else task
    return kind(
        name=name,
        task_run_name=name,
        retries=AGAIN.get(name, 0),
        retry_delay_seconds=schedule.retry_minutes * 60,
        retry_condition_fn=lambda *_: bool(raised) and raised[0].exit_code in CURABLE,
        timeout_seconds=None if name in NEVER_STOPPED else schedule.timeout_hours * 3600,
        persist_result=False,
        cache_policy=NO_CACHE,
        log_prints=False,
    )(stage)
