"""The flows on a real Prefect server: state names carry exit codes, artifacts are kept, a schedule fires.

Prefect is imported by what needs it: it costs seconds, and everybody collects this module.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.workspace import history
from pipelines.workspace.paths import Workspace
from tests.demo_project import NIGHT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def flows() -> Iterator[ModuleType]:
    """The module of the flows, and a server that runs for them."""
    from prefect.testing.utilities import prefect_test_harness

    from pipelines.flows import prefect_flows

    with prefect_test_harness(server_startup_timeout=120):
        yield prefect_flows


def answer(path: str) -> dict[str, Any]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.request("GET", path).json()


def artifact(key: str) -> str:
    return answer(f"/artifacts/{key}/latest")["data"]


def newest_call(folder: Path) -> history.Call:
    return history.history(Workspace(folder / "workspace" / "operator"))[0]


def test_the_nightly_flow_publishes_and_leaves_a_summary(flows, own_operator):
    (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").unlink()
    state = flows.nightly_flow("configs/operator.yaml", as_of=NIGHT.isoformat(), return_state=True)
    assert state.is_completed()
    assert (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").exists()
    assert "2026-11-01" in artifact("nightly-summary")
    assert "bills" in artifact("data-contract")
    call = newest_call(own_operator)
    assert (call.command, call.outcome, call.head["by"]) == ("nightly", history.PUBLISHED, "prefect")
    assert "publish" in [step.name for step in call.steps] and (call.as_of, call.exit_code) == (NIGHT.isoformat(), 0)


def test_the_flow_makes_what_a_killed_night_left_out(flows, own_operator):
    book = own_operator / "workspace" / "operator" / "lists" / f"vip-{NIGHT}.xlsx"
    book.unlink()
    state = flows.nightly_flow("configs/operator.yaml", as_of=NIGHT.isoformat(), return_state=True)
    assert state.is_completed() and state.result()["already_published"]
    assert book.exists()


def test_a_refusal_is_a_failed_state_with_the_exit_code(flows, own_operator):
    (own_operator / "data" / "operator" / "raw" / "cust_main.csv").unlink()
    state = flows.nightly_flow("configs/operator.yaml", as_of="2026-10-01", return_state=True)
    assert state.is_failed()
    assert state.name == "Exit 4"
    assert "ERROR E4" in state.message
    call = newest_call(own_operator)
    assert (call.outcome, call.exit_code, call.stage) == (history.FAILED, 4, "check")
    assert call.line == "headwater nightly --config configs/operator.yaml --as-of 2026-10-01"


SERVE = "from pipelines.cli.app import main; main()"


@pytest.fixture
def scheduling_server(tmp_path: Path) -> Iterator[str]:
    """A Prefect server as operations run it, on loopback; the test harness leaves the scheduler out."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"} | {
        "PREFECT_HOME": str(tmp_path / "prefect")
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "server.log").open("w") as log:
        started = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        assert awaited(lambda: answers(f"http://127.0.0.1:{port}/api/health"), seconds=90)
        yield f"http://127.0.0.1:{port}/api"
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(30)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


def awaited(happened: Callable[[], bool], seconds: int) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(1)
    return False


def test_a_scheduled_run_happens(scheduling_server, own_operator):
    """`headwater serve --every 5` on a real server: a run that nobody started by hand publishes."""
    (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").unlink()
    command = [sys.executable, "-c", SERVE, "serve", "--every", "5", "--lang", "en"]
    environment = os.environ | {"PREFECT_API_URL": scheduling_server}
    served = subprocess.Popen(command, cwd=own_operator, env=environment, start_new_session=True)
    try:
        published = own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet"
        assert awaited(published.exists, seconds=120)
    finally:
        os.killpg(served.pid, signal.SIGTERM)
        served.wait(30)


def test_deploying_registers_the_cron(flows, own_operator):
    result = CliRunner().invoke(app, ["deploy"])
    assert result.exit_code == 0, result.output
    found = answer("/deployments/name/nightly/operator")
    assert found["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
    assert found["work_pool_name"] == flows.POOL
    assert found["parameters"] == {"config": "configs/operator.yaml"}


def test_without_a_server_nothing_is_deployed(own_operator):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: None}):
        result = CliRunner().invoke(app, ["deploy"])
    assert result.exit_code == 7
    assert "E709" in result.stderr
