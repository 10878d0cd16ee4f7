"""Without the tracking store, and without Prefect's server, a night publishes, says so at once, and somebody is told."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipelines.workspace.paths import Workspace
from tests.demo_project import NIGHT
from tests.pipelines.flows.servers import awaited, free_port
from tests.pipelines.notification import listeners

SOON = 15.0
"""Seconds within which a night says what it does without."""
COMMAND = "from pipelines.cli.app import main; main()"


@contextmanager
def gone(store: Path) -> Iterator[None]:
    store.rename(store.with_name("elsewhere"))
    yield
    store.with_name("elsewhere").rename(store)


@contextmanager
def damaged(store: Path) -> Iterator[None]:
    before = store.read_bytes()
    store.write_bytes(bytes(range(256)) * 64)
    yield
    store.write_bytes(before)


@contextmanager
def without_server(store: Path) -> Iterator[None]:
    """Where a store of files was expected somebody has made a folder."""
    with gone(store):
        store.mkdir()
        yield
        store.rmdir()


@contextmanager
def held(store: Path) -> Iterator[None]:
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


BEGIN = """
from pipelines.flows import prefect_flows
prefect_flows.nightly_flow("configs/operator.yaml", as_of="2026-10-31", return_state=True)
"""


def told_to(posts: listeners.Posts, **more: str) -> dict[str, str]:
    """An environment in which one webhook is told everything."""
    named = {"HEADWATER_NOTIFY__RECEIVERS": "{ops: {url: '${HEADWATER_NOTIFY_OPS}'}}"}
    return os.environ | named | {"HEADWATER_NOTIFY_OPS": posts.url.replace("http", "json")} | more


HARMS: dict[str, Callable] = {"gone": gone, "damaged": damaged, "folder": without_server, "held": held}


def said_after(command: list[str], word: str, environment: dict[str, str]) -> tuple[float, int, str]:
    """Seconds until a word stands on stderr, then the exit code and all of it."""
    began, lines, after = time.monotonic(), [], float("inf")
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            lines.append(line)
            if word in line:
                after = min(after, time.monotonic() - began)
    return after, run.returncode, "".join(lines)


def test_nights_do_without_the_tracking_store_say_so_soon_and_tell_once(own_operator):
    """Gone, damaged, a folder, held by somebody: the first night publishes; all are one incident, until it is well."""
    workspace, day = Workspace(own_operator / "workspace" / "operator"), NIGHT.replace(month=10, day=31)
    night = [sys.executable, "-c", COMMAND, "nightly", "--lang", "en", "--as-of", str(day)]
    with listeners.web() as posts:
        told = told_to(posts)
        for harm, happens in HARMS.items():
            with happens(workspace.tracking):
                after, code, said = said_after(night, "W721", told)
            print(json.dumps({"store": harm, "said_after_seconds": round(after, 1)}))
            assert (code, workspace.score_file(day).is_file()) == (0, True), said
            assert after < SOON and "Traceback" not in said
        assert [content["type"] for _, _, content in posts.taken] == ["warning"]
        assert "W721" in posts.taken[0][2]["message"]
        assert "W721" not in said_after(night, "W721", told)[2]
        assert [content["type"] for _, _, content in posts.taken] == ["warning", "success"]


def test_a_night_whose_prefect_server_dies_publishes_says_so_and_tells(own_operator, scheduling_server):
    """Killed after a stage: the others go on, the next says that nobody answers, and the message goes out."""
    workspace, day = Workspace(own_operator / "workspace" / "operator"), NIGHT.replace(month=10, day=31)
    with listeners.web() as posts:
        environment = told_to(posts, PREFECT_API_URL=scheduling_server.url)
        night = subprocess.Popen([sys.executable, "-c", BEGIN], env=environment, stderr=subprocess.PIPE, text=True)
        assert night.stderr is not None
        died = said = 0.0
        try:
            for line in night.stderr:
                if not died and "check" in line and "Finished" in line:
                    os.killpg(scheduling_server.process.pid, signal.SIGKILL)
                    died = time.monotonic()
                if died and "W722" in line:
                    said = time.monotonic()
                    break
            assert 0 < said - died < SOON
            read_on = threading.Thread(target=night.stderr.read)  # a full pipe would hold it
            read_on.start()
            assert awaited(lambda: bool(posts.taken), seconds=120)
        finally:
            night.kill()
            night.wait()
        read_on.join()
        night.stderr.close()
    assert workspace.score_file(day).is_file() and workspace.report(day).is_file()
    assert [content["type"] for _, _, content in posts.taken] == ["warning"]
    assert "W722" in posts.taken[0][2]["message"] and scheduling_server.url in posts.taken[0][2]["message"]


def test_who_asks_why_nothing_came_hears_that_prefect_does_not_answer(own_operator):
    (own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet").unlink()
    late = [sys.executable, "-c", COMMAND, "late", "--by", "06:00", "--lang", "en"]
    with listeners.web() as posts:
        environment = told_to(posts, PREFECT_API_URL=f"http://someone:secret@127.0.0.1:{free_port()}/api")
        after, code, said = said_after(late, "W722", environment)
    assert after < SOON and code == 4 and "E433" in said
    (message,) = [content["message"] for _, _, content in posts.taken]
    assert "Prefect" in message and "secret" not in message + said
