"""A Prefect server as operations run it, on loopback: the test harness leaves the scheduler out."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Server:
    """A running server: where its API answers, and its process, which leads a group of its own."""

    url: str
    process: subprocess.Popen


@contextmanager
def prefect_server(folder: Path, **settings: str) -> Iterator[Server]:
    """A server for as long as the block lasts, its database and log in a folder; `settings` of its environment."""
    port = free_port()
    ours = {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_UI_API_URL": f"http://127.0.0.1:{port}/api"}
    environment = {k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"} | ours | settings
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("w") as log:
        started = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        assert awaited(lambda: answers(f"http://127.0.0.1:{port}/api/health"), seconds=120)
        yield Server(f"http://127.0.0.1:{port}/api", started)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGTERM)
        started.wait(30)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


def awaited(happened: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(1)
    return False
