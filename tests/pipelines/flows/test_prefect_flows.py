"""The flows on a real Prefect server: state names carry exit codes, artifacts are kept, a schedule fires.

Prefect is imported by what needs it: it costs seconds, and everybody collects this module.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
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
from tests.pipelines.flows.servers import awaited

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


def made() -> set[str]:
    """What Prefect's feed says was made for others, each once."""
    wanted = {"event": {"prefix": ["prefect.asset.materialization.succeeded"]}}
    keys = [event["resource"]["prefect.resource.id"] for event in found("/events/filter", filter=wanted)["events"]]
    assert len(keys) == len(set(keys))
    return set(keys)


def newest_call(folder: Path) -> history.Call:
    return history.history(Workspace(folder / "workspace" / "operator"))[0]


def found(path: str, **asked: Any) -> list[dict[str, Any]]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.request("POST", path, json=asked).json()


def stages_of(state: Any) -> list[str]:
    """The tasks of a flow run, in the order in which they began."""
    return [run["name"] for run in tasks_of(state)]


def tasks_of(state: Any) -> list[dict[str, Any]]:
    runs = found("/task_runs/filter", flow_runs={"id": {"any_": [str(state.state_details.flow_run_id)]}})
    return sorted(runs, key=lambda run: run["start_time"] or "")


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch):
    """What is tried again is so at once."""
    monkeypatch.setenv("HEADWATER_SCHEDULE__RETRY_MINUTES", "0")


def test_the_nightly_flow_publishes_and_leaves_a_summary(flows, own_operator, caplog):
    workspace = Workspace(own_operator / "workspace" / "operator")
    workspace.score_file(NIGHT).unlink()
    workspace.report(NIGHT).unlink()
    state = flows.nightly_flow("configs/operator.yaml", as_of=NIGHT.isoformat(), return_state=True)
    assert state.is_completed() and state.name == "Exit 0：已发布"
    assert (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").exists()
    call = newest_call(own_operator)
    assert (call.command, call.outcome, call.head["by"]) == ("nightly", history.PUBLISHED, "prefect")
    assert call.stage == "report" and call.as_of == NIGHT.isoformat() and call.exit_code == 0
    assert answer(f"/flow_runs/{state.state_details.flow_run_id}")["name"] == NIGHT.isoformat()
    assert "| 已评分 | 1," in artifact("nightly-summary")
    assert {row["table"] for row in json.loads(artifact("data-contract"))} >= {"customers", "bills", "usage"}
    (listed,) = json.loads(artifact("vip-list"))
    assert (
        listed["eligible"]
        == listed["listed"]
        + listed["suppressed"]
        + listed["held_out_always"]
        + listed["held_out_here"]
        + listed["beyond_top"]
    )
    assert stages_of(state) == [
        "check",
        "features",
        "score",
        "gates",
        "outcomes",
        "publish",
        "lists",
        "report",
        "notify",
    ]
    assert awaited(
        lambda: made() == {"headwater://operator/scores", "headwater://operator/lists", "headwater://operator/reports"},
        60,
    )
    assert flows.nightly_flow("configs/operator.yaml", as_of=NIGHT.isoformat(), return_state=True).is_completed()
    assert any("customers" in line and "features" in line for line in caplog.messages)
    assert any(line.startswith("评分  评分 1,") for line in caplog.messages)


def test_two_nights_are_compared(flows, own_operator):
    """The summary of the second has the counts of the first beside its own; both stay in the history of their key."""
    for path in (own_operator / "workspace" / "operator" / "scores").iterdir():
        path.unlink()
    for day in ("2026-10-01", NIGHT.isoformat()):
        assert flows.nightly_flow("configs/operator.yaml", as_of=day, return_state=True).is_completed()
    told = artifact("nightly-summary")
    assert "| | 2026-11-01 | 2026-10-01 | 变化 |" in told
    (row,) = [line for line in told.splitlines() if line.startswith("| 已评分 ")]
    today, before, change = (cell.strip() for cell in row.split("|")[2:5])
    assert change == f"{int(today.replace(',', '')) / int(before.replace(',', '')) - 1:+.1%}"
    drift = json.loads(artifact("score-drift"))
    assert any(check["name"].startswith("drift_") and check["passed"] for check in drift)


def test_the_flow_makes_what_a_killed_night_left_out(flows, own_operator):
    book = own_operator / "workspace" / "operator" / "lists" / f"vip-{NIGHT}.xlsx"
    book.unlink()
    state = flows.nightly_flow("configs/operator.yaml", as_of=NIGHT.isoformat(), return_state=True)
    assert state.is_completed() and state.result()["already_published"]
    assert book.exists()


def test_a_refusal_is_a_failed_state_with_the_exit_code(flows, own_operator, caplog):
    (own_operator / "data" / "operator" / "raw" / "cust_main.csv").unlink()
    state = flows.nightly_flow("configs/operator.yaml", as_of="2026-10-01", return_state=True)
    assert state.is_failed()
    call = newest_call(own_operator)
    assert (call.outcome, call.exit_code, call.stage) == (history.FAILED, 4, "check")
    assert call.line == "headwater nightly --config configs/operator.yaml --as-of 2026-10-01"
    assert state.name == "Exit 4：数据缺失或过期"
    assert "ERROR E4" in state.message and "\n" not in state.message
    assert stages_of(state) == ["check", "notify"]
    assert [line for line in caplog.messages if line.startswith("ERROR E401")]
    assert "Traceback" not in caplog.text and "{" not in caplog.text
    (check,) = [run for run in tasks_of(state) if run["name"] == "check"]
    assert check["run_count"] == 3, "tried again where waiting may help"
    assert "E401" in artifact("nightly-summary") and "cust_main.csv" in artifact("data-contract")


SERVE = "from pipelines.cli.app import main; main()"


def test_a_scheduled_run_happens(scheduling_server, own_operator):
    """`headwater serve --every 5` on a real server: a run that nobody started by hand publishes."""
    (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").unlink()
    command = [sys.executable, "-c", SERVE, "serve", "--every", "5", "--lang", "en"]
    environment = os.environ | {"PREFECT_API_URL": scheduling_server.url}
    served = subprocess.Popen(command, cwd=own_operator, env=environment, start_new_session=True)
    try:
        published = own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet"
        assert awaited(published.exists, seconds=120)
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(60)
    assert httpx.post(f"{scheduling_server.url}/deployments/filter", json={}).json() == [], "nothing is left of it"


def test_deploying_registers_the_cron(flows, own_operator):
    result = CliRunner().invoke(app, ["deploy"])
    assert result.exit_code == 0, result.output
    for flow, cron in (("nightly", "0 2 * * *"), ("retrain", "0 5 2 * *"), ("monitor", "0 7 * * *")):
        deployed = answer(f"/deployments/name/{flow}/operator")
        assert deployed["schedules"][0]["schedule"]["cron"] == cron
        assert deployed["work_pool_name"] == "headwater"
        assert deployed["parameters"] == {"config": "configs/operator.yaml"}
        assert deployed["global_concurrency_limit"]["limit"] == 1
    watch = answer("/deployments/name/watch/operator")
    assert watch["schedules"] == []


def test_what_failed_or_is_late_starts_the_watch_and_deploying_again_makes_no_second_automation(flows, own_operator):
    for _ in range(2):
        assert CliRunner().invoke(app, ["deploy"]).exit_code == 0
    automations = [each for each in found("/automations/filter") if "operator" in each["name"]]
    assert len(automations) == 2
    watch = answer("/deployments/name/watch/operator")["id"]
    nights = {
        f"prefect.deployment.{answer(f'/deployments/name/{name}/operator')['id']}"
        for name in ("nightly", "retrain", "monitor")
    }
    for automation in automations:
        assert [(a["type"], a["deployment_id"]) for a in automation["actions"]] == [("run-deployment", watch)]
        assert set(automation["trigger"]["match_related"]["prefect.resource.id"]) == nights


def test_the_watch_tells_what_is_late(flows, own_operator, monkeypatch):
    monkeypatch.setenv("HEADWATER_NOTIFY__BY", '"06:00"')
    assert flows.watch_flow("configs/operator.yaml", return_state=True).is_completed()
    (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").unlink()
    state = flows.watch_flow("configs/operator.yaml", return_state=True)
    assert state.name == "Exit 4：数据缺失或过期" and "E433" in state.message


def test_a_night_is_told_by_its_flow_and_a_receiver_that_is_down_changes_nothing(
    flows, own_operator, monkeypatch, caplog
):
    from tests.pipelines.notification import listeners

    monkeypatch.setenv("HEADWATER_NOTIFY__RECEIVERS", "{ops: {url: '${HEADWATER_NOTIFY_OPS}'}}")
    monkeypatch.setenv("HEADWATER_NOTIFY_OPS", "json://127.0.0.1:1")
    (own_operator / "data" / "operator" / "raw" / "cust_main.csv").rename("elsewhere.csv")
    state = flows.nightly_flow("configs/operator.yaml", as_of="2026-10-01", return_state=True)
    assert state.name == "Exit 4：数据缺失或过期"
    assert "W717" in caplog.text
    with listeners.web() as posts:
        monkeypatch.setenv("HEADWATER_NOTIFY_OPS", posts.url.replace("http", "json"))
        (own_operator / "elsewhere.csv").rename("data/operator/raw/cust_main.csv")
        assert flows.nightly_flow("configs/operator.yaml", as_of=NIGHT.isoformat(), return_state=True).is_completed()
    assert [content["type"] for _, _, content in posts.taken] == ["failure", "success"]


def test_the_monitor_leaves_its_page_its_alarms_and_tells_once(flows, own_operator, monkeypatch):
    from tests.pipelines.notification import listeners

    monkeypatch.setenv("HEADWATER_MONITOR__AGE_DAYS", "1")
    monkeypatch.setenv("HEADWATER_NOTIFY__RECEIVERS", "{ops: {url: '${HEADWATER_NOTIFY_OPS}'}}")
    with listeners.web() as posts:
        monkeypatch.setenv("HEADWATER_NOTIFY_OPS", posts.url.replace("http", "json"))
        for _ in range(2):
            state = flows.monitor_flow("configs/operator.yaml", as_of=NIGHT.isoformat(), return_state=True)
            assert state.is_completed() and state.name == "Exit 0：已监控，2 项需处理"
    assert [content["type"] for _, _, content in posts.taken] == ["warning"]
    assert "W575" in posts.taken[0][2]["message"]
    assert {row["code"] for row in json.loads(artifact("monitor-alarms"))} == {"W575"}
    assert stages_of(state) == ["monitor", "notify"]
    call = newest_call(own_operator)
    assert (call.command, call.outcome, call.stage) == ("monitor", history.DONE, "monitor")
    assert Workspace(own_operator / "workspace" / "operator").monitor_page(NIGHT).is_file()


def test_a_monitor_that_cannot_look_is_a_failed_state(flows, own_operator):
    state = flows.monitor_flow("configs/operator.yaml", as_of="2020-01-01", return_state=True)
    assert state.name == "Exit 4：数据缺失或过期" and "E431" in state.message


def test_a_configuration_that_is_wrong_is_a_state_and_no_traceback(flows, own_operator):
    path = own_operator / "configs" / "operator.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "chunks: 5\n", encoding="utf-8")
    state = flows.nightly_flow("configs/operator.yaml", return_state=True)
    assert state.name.startswith("Exit 2") and "E203" in state.message


def test_without_a_server_nothing_is_deployed(own_operator):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: None}):
        result = CliRunner().invoke(app, ["deploy"])
    assert result.exit_code == 7
    assert "E709" in result.stderr
