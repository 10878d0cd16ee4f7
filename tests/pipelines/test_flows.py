"""The flows on a real Prefect server: state names carry exit codes, artifacts are kept, a schedule fires."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.testing.utilities import prefect_test_harness
from typer.testing import CliRunner

from pipelines import flows
from pipelines.cli import app
from tests.demo_project import NIGHT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


def artifact(key: str) -> str:
    with get_client(sync_client=True) as client:
        return client.request("GET", f"/artifacts/{key}/latest").json()["data"]


def test_the_nightly_flow_publishes_and_leaves_a_summary(server, own_operator):
    (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").unlink()
    state = flows.nightly_flow("configs/operator.yaml", as_of=NIGHT.isoformat(), return_state=True)
    assert state.is_completed()
    assert (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").exists()
    assert "2026-11-01" in artifact("nightly-summary")
    assert "bills" in artifact("data-contract")


def test_a_refusal_is_a_failed_state_with_the_exit_code(server, own_operator):
    (own_operator / "data" / "operator" / "raw" / "cust_main.csv").unlink()
    state = flows.nightly_flow("configs/operator.yaml", as_of="2026-10-01", return_state=True)
    assert state.is_failed()
    assert state.name == "Exit 4"
    assert "ERROR E4" in state.message


SERVE = "from pipelines.cli import main; main()"


def test_a_scheduled_run_happens(server, own_operator):
    """`headwater serve --every 5` on a real server: a run that nobody started by hand completes."""
    (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").unlink()
    command = [sys.executable, "-c", SERVE, "serve", "--every", "5", "--lang", "en"]
    environment = os.environ | {"PREFECT_API_URL": PREFECT_API_URL.value() or ""}
    served = subprocess.Popen(command, cwd=own_operator, env=environment, start_new_session=True)
    try:
        assert awaited(own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet", seconds=120)
    finally:
        os.killpg(served.pid, signal.SIGTERM)
        served.wait(30)


def awaited(path: Path, seconds: int) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists():
            return True
        time.sleep(1)
    return False


def test_deploying_registers_the_cron(server, own_operator):
    result = CliRunner().invoke(app, ["deploy"])
    assert result.exit_code == 0, result.output
    with get_client(sync_client=True) as client:
        found = client.request("GET", "/deployments/name/nightly/operator").json()
    assert found["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
    assert found["work_pool_name"] == flows.POOL
    assert found["parameters"] == {"config": "configs/operator.yaml"}


def test_without_a_server_nothing_is_deployed(own_operator):
    with temporary_settings({PREFECT_API_URL: None}):
        result = CliRunner().invoke(app, ["deploy"])
    assert result.exit_code == 7
    assert "E709" in result.stderr
