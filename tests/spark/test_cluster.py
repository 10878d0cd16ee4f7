"""A real cluster: a standalone master and two workers on this machine, and a night by them, as an operator would run it."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipelines.engine import spark
from pipelines.workspace.score_files import ScoreFile
from tests.demo_project import NIGHT
from tests.spark.published import SCORES, differing, withdrawn

pytestmark = pytest.mark.slow
HOST = "127.0.0.1"
WORKERS = 2


class Daemon:
    """A process of the cluster, stopped with everything that it started."""

    def __init__(self, folder: Path, name: str, *words: str):
        import pyspark

        home = Path(pyspark.__file__).parent
        self.log = folder / f"{name}.log"
        environment = os.environ | {"SPARK_LOCAL_IP": HOST, "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
        with self.log.open("w") as out:
            command = [str(home / "bin" / "spark-class"), *words]
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=folder)

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)

    def until(self, said: Callable[[str], bool]) -> None:
        for _ in range(600):
            if said(self.log.read_text()):
                return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind((HOST, 0))
        return asked.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a master to which two workers of one core have come, and the folder of all three."""
    if lacking := spark.missing_requirement():
        pytest.skip(f"{lacking} is not installed: pip install 'headwater[spark]', and a Java 17 runtime")
    folder = tmp_path_factory.mktemp("cluster")
    address = f"spark://{HOST}:{(port := free_port())}"
    deploy, listen = "org.apache.spark.deploy", ["--host", HOST, "--webui-port", "0"]
    with ExitStack() as running:
        master = Daemon(folder, "master", f"{deploy}.master.Master", *listen, "--port", str(port))
        running.enter_context(master).until(lambda log: "New state: ALIVE" in log)
        for number in range(WORKERS):
            size = ["--cores", "1", "--memory", "900m", "--work-dir", str(folder / f"work{number}")]
            running.enter_context(Daemon(folder, f"worker{number}", f"{deploy}.worker.Worker", *listen, *size, address))
        master.until(lambda log: len(re.findall("Registering worker", log)) == WORKERS)
        yield address, folder


def test_a_night_by_two_workers_is_the_night_of_duckdb(cluster: tuple[str, Path], own_operator: Path):
    address, folder = cluster
    expected = withdrawn()
    environment = os.environ | {
        "HEADWATER_SPARK__MASTER": address,
        "HEADWATER_SPARK__MEMORY": "900m",
        "HEADWATER_SPARK__PARTITIONS": "4",
    }
    call = "from pipelines.cli.app import main; main()"
    words = [sys.executable, "-c", call, "nightly", "--as-of", str(NIGHT), "--engine", "spark", "--lang", "en"]
    night = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert night.returncode == 0, night.stderr
    assert differing(ScoreFile(SCORES), expected) == set()
    worked = [list((folder / f"work{number}").glob("app-*/*/stderr")) for number in range(WORKERS)]
    assert all(worked), "each worker had an executor"
