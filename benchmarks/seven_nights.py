"""Seven nights that Prefect's scheduler begins, five of which go wrong, on a small simulated operator: is each told to whom it concerns, once?

A real server on loopback, `headwater deploy`, a worker, a web server and a mail server that take messages. What takes a day
of a week takes minutes here: for each night date and cron of the configuration are moved on, and deployed.

    python -m benchmarks.seven_nights --folder week

ends with 0 where every night had the state and told the messages that it was to, and leaves a line of JSON for each.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from pipelines.workspace import history
from pipelines.workspace.paths import Workspace
from tests import demo_project
from tests.pipelines.flows import servers
from tests.pipelines.notification import listeners

NAME = "operator"
AMOUNT = "应收_分"
COMMAND = [sys.executable, "-c", "from pipelines.cli.app import main; main()"]
LATEST = 600.0
"""Seconds for a night from the minute that it is due."""
AHEAD = {"killed": 6}
"""Minutes until a night begins, else two. Prefect holds what follows the beginning of a run that was planned less than five
minutes before it for a quarter of an hour (it waits for an event of the planning, which its scheduler does not send)."""
QUICK = {"PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5", "PREFECT_WORKER_QUERY_SECONDS": "3"}


@dataclass
class Week:
    """The operator, where its messages go, and the server that begins its nights.

    Attributes
    ----------
    folder
        Of the project.
    api
        Of Prefect.
    posts, mails
        What came in at the web server (everything is told there) and by mail (failures alone).
    environment
        Of commands and worker.
    seen
        Flow runs of nights before.
    """

    folder: Path
    api: str
    posts: listeners.Posts
    mails: listeners.Mails
    environment: dict[str, str]
    seen: set[str] = field(default_factory=set)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder / "workspace" / NAME)

    @property
    def raw(self) -> Path:
        return self.folder / "data" / NAME / "raw"

    def ask(self, path: str, **asked: Any) -> Any:
        """The answer of Prefect to a question."""
        return httpx.post(f"{self.api}{path}", json=asked, timeout=30).raise_for_status().json()

    def runs(self, flow: str) -> list[dict[str, Any]]:
        """Flow runs that the scheduler or an automation began, oldest first, as they are now."""
        return self.ask("/flow_runs/filter", flows={"name": {"any_": [flow]}}, sort="EXPECTED_START_TIME_ASC")

    def begun(self) -> dict[str, Any] | None:
        """The night that has begun and was not seen before."""
        new = [run for run in self.runs("nightly") if run["id"] not in self.seen and run["start_time"]]
        return new[0] if new else None


@contextmanager
def nothing(_: Week) -> Iterator[None]:
    """A night as any other."""
    yield


@contextmanager
def killed(week: Week) -> Iterator[None]:
    """Its process is ended while it scores; the block ends when it is."""
    yield
    call = history.history(week.workspace)[0]
    os.kill(int(call.head["pid"]), signal.SIGKILL)


@contextmanager
def late_file(week: Week) -> Iterator[None]:
    """The customers file comes after the night."""
    path = week.raw / "cust_main.csv"
    path.rename(week.folder / "late.csv")
    yield
    (week.folder / "late.csv").rename(path)


@contextmanager
def corrupt_file(week: Week) -> Iterator[None]:
    """The newest bills came cut off."""
    path = sorted(week.raw.glob("bill_*.parquet"))[-1]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    yield
    path.write_bytes(whole)


@contextmanager
def drift(week: Week) -> Iterator[None]:
    """The newest bills are twice as high, in plausible amounts: no unit that somebody has mistaken."""
    path = sorted(week.raw.glob("bill_*.parquet"))[-1]
    whole, rows = path.read_bytes(), pq.read_table(path)
    place = rows.schema.get_field_index(AMOUNT)
    dearer = pc.multiply(rows[AMOUNT], 2)
    pq.write_table(rows.set_column(place, rows.schema.field(place), dearer), path)
    yield
    path.write_bytes(whole)


@contextmanager
def no_tracking(week: Week) -> Iterator[None]:
    """The tracking store is gone while the night runs."""
    store = week.workspace.tracking
    store.rename(store.with_name("elsewhere"))
    yield
    store.with_name("elsewhere").rename(store)


@dataclass(frozen=True)
class Expected:
    """What a night is to come to: its date, what happens to it, the beginning of its state, messages with a word of each."""

    as_of: str
    happens: Callable
    state: str
    told: tuple[tuple[str, str], ...] = ()


NIGHTS = (
    Expected("2026-10-26", nothing, "Exit 0: published"),
    Expected("2026-10-27", killed, "Crashed", (("failure", "killed"),)),
    Expected("2026-10-28", late_file, "Exit 4: data missing or stale", (("failure", "cust_main.csv"),)),
    Expected("2026-10-29", corrupt_file, "Exit 3: data contract failed", (("failure", "bill_202609.parquet"),)),
    Expected("2026-10-30", drift, "Exit 5: gate refused", (("failure", "E502"),)),
    Expected("2026-10-31", no_tracking, "Exit 0: published", (("success", "E502"), ("warning", "W721"))),
    Expected("2026-11-01", nothing, "Exit 0: published", (("success", "W721"),)),
)


def configure(folder: Path) -> None:
    """In English, told to a web server and, of failures, by mail; nobody waits five minutes to try again here."""
    path = folder / "configs" / "operator.yaml"
    over = {
        "language": "en",
        "schedule": {"timezone": "UTC", "monitor": None, "retrain": None, "retry_minutes": 0.05},
        "notify": {
            "receivers": {
                "ops": "${HEADWATER_NOTIFY_OPS}",
                "duty": {"url": "${HEADWATER_NOTIFY_DUTY}", "about": ["failure"]},
            }
        },
    }
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(demo_project.merged(settings, over), allow_unicode=True), encoding="utf-8")


def plan(week: Week, expected: Expected) -> None:
    """The clock of this week: deploy the night of a date, some minutes from now."""
    path = week.folder / "configs" / "operator.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) | {"as_of": expected.as_of}
    begin = datetime.now(UTC) + timedelta(minutes=AHEAD.get(expected.happens.__name__, 2))
    settings["schedule"]["cron"] = f"{begin.minute} {begin.hour} * * *"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    subprocess.run([*COMMAND, "deploy"], check=True, env=week.environment)


def night(week: Week, expected: Expected) -> dict[str, Any]:
    """Let the scheduler begin one night, wait until it is over, and say what it came to."""
    posts, mails = len(week.posts.taken), len(week.mails.taken)
    with expected.happens(week):
        plan(week, expected)
        wait(lambda: week.begun() is not None)
        run = week.begun()
        assert run is not None
        wait(lambda: is_scoring(week) if expected.happens is killed else is_over(week, run["id"]))
    wait(lambda: is_over(week, run["id"]))
    week.seen |= {each["id"] for each in week.runs("nightly")}
    wait(lambda: len(week.posts.taken) >= posts + len(expected.told))
    time.sleep(5)  # for what comes twice
    state = state_of(week, run["id"])
    told = [(content["type"], content["message"]) for _, _, content in week.posts.taken[posts:]]
    mailed = [str(mail["Subject"]) for mail in week.mails.taken[mails:]]
    return {
        "as_of": expected.as_of,
        "state": state["name"],
        "message": state["message"],
        "told": told,
        "mailed": mailed,
    }


def is_scoring(week: Week) -> bool:
    """Has the night of the killed run come to its features or scores?"""
    call = history.history(week.workspace)[0]
    return call.as_of == "2026-10-27" and call.stage in ("features", "score")


def state_of(week: Week, run_id: str) -> dict[str, Any]:
    """The state of a flow run, as Prefect's server tells it."""
    return httpx.get(f"{week.api}/flow_runs/{run_id}", timeout=30).raise_for_status().json()["state"]


def is_over(week: Week, run_id: str) -> bool:
    """Has a flow run ended, in whatever way?"""
    return state_of(week, run_id)["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def wait(happened: Callable[[], bool]) -> None:
    """Until something has happened. Raises TimeoutError after `LATEST` seconds."""
    if not servers.awaited(happened, LATEST):
        raise TimeoutError(f"not within {LATEST:.0f} s")


def problems(expected: Expected, found: dict[str, Any]) -> list[str]:
    """What is otherwise than expected."""
    wrong = [] if found["state"].startswith(expected.state) else [f"state {found['state']}"]
    told = [kind for kind, _ in found["told"]]
    if told != [kind for kind, _ in expected.told]:
        wrong.append(f"told {told}")
    wrong += [
        f"{word} is not in the message"
        for (_, word), (_, said) in zip(expected.told, found["told"], strict=False)
        if word not in said
    ]
    failures = sum(kind == "failure" for kind, _ in expected.told)
    return wrong + ([f"{len(found['mailed'])} mails"] if len(found["mailed"]) != failures else [])


def run_week(folder: Path, keep: Callable[[Week], None] = lambda _: None) -> list[dict[str, Any]]:
    """Build the operator, start the servers, and live the week.

    Parameters
    ----------
    folder
        An empty one, or one that a week was lived in.
    keep
        Called at the end, while the servers still run.

    Returns
    -------
    list of dict
        Per night: as_of, state, message, told, mailed, problems.
    """
    project = folder / "operator"
    project.mkdir(parents=True, exist_ok=True)
    os.chdir(project)
    demo_project.built(project)
    for path in (project / "workspace" / NAME / "scores").glob("*.parquet"):
        path.unlink()
    configure(project)
    with ExitStack() as stack:
        posts, mails = stack.enter_context(listeners.web()), stack.enter_context(listeners.mail())
        server = stack.enter_context(servers.prefect_server(folder, **QUICK))
        environment = (
            os.environ
            | QUICK
            | {
                "PREFECT_API_URL": server.url,
                "HEADWATER_NOTIFY_OPS": posts.url.replace("http", "json"),
                "HEADWATER_NOTIFY_DUTY": f"mailto://127.0.0.1:{mails.port}?from=night@example.com&to=duty@example.com",
            }
        )
        week = Week(project, server.url, posts, mails, environment)
        plan(week, NIGHTS[0])
        stack.enter_context(worker(folder, environment))
        found = []
        for expected in NIGHTS:
            came = night(week, expected)
            found.append(came | {"problems": problems(expected, came)})
            print(json.dumps(found[-1], ensure_ascii=False), flush=True)
        keep(week)
    return found


@contextmanager
def worker(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A worker of the pool that `deploy` made."""
    with (folder / "worker.log").open("w") as log:
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "headwater"]
        started = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield
        finally:
            os.killpg(started.pid, signal.SIGTERM)
            started.wait(60)


def main() -> None:
    """Live the week; exit 1 where a night came to something else than expected."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--hold", action="store_true", help="keep the servers until Enter, to look at the page")
    asked = parser.parse_args()
    hold = (lambda week: print(week.api, flush=True) or sys.stdin.readline()) if asked.hold else (lambda _: None)
    found = run_week(asked.folder.resolve(), hold)
    sys.exit(any(each["problems"] for each in found))


if __name__ == "__main__":
    main()
