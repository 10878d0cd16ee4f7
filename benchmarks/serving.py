"""How long the server takes for every page with many customers: `python -m benchmarks.serving PROJECT --customers 1000000`.

PROJECT is the folder of a built project, such as the small operator. It is copied, the rows of its newest night are repeated
under new ids until there are enough, and a server in a process of its own is asked for each page again and again.
"""

import argparse
import http.client
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa

from benchmarks.measure import ROOT
from pipelines.page.routes import PAGES
from pipelines.page.security.accounts import Account, Accounts
from pipelines.project import Project
from pipelines.workspace.files import sha256
from pipelines.workspace.publication import clean, publish, read_publication

PORT, PIECE = 8799, 122_880
BAR, MOST = {1_000_000: 0.3, 10_000_000: 1.0}, 1.0
"""Seconds at the 95th percentile by the number of customers, and GB of the process."""
LISTS = (
    {},
    {"preset": "churn"},
    {"preset": "vip"},
    {"preset": "all", "order": "value", "page": 40},
    {"preset": "churn", "region": "north", "stage": "declining"},
    {"preset": "churn", "reason": "complaints", "order": "churn"},
    {"preset": "all", "cell": "high_high", "type": "family", "order": "benefit"},
)


@dataclass
class Browser:
    """Somebody who is logged in."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[float, http.client.HTTPResponse, str]:
        """Seconds until the answer is there, the answer, and its text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        origin = {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/x-www-form-urlencoded"}
        begun = time.perf_counter()
        connection.request(
            "POST" if form else "GET", path, urlencode(form or {}), self.headers | (origin if form else {})
        )
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        seconds = time.perf_counter() - begun
        connection.close()
        return seconds, answer, text

    def log_in(self, name: str, password: str) -> None:
        _, answer, text = self.ask("/login")
        self.headers["Cookie"] = _cookies(answer)
        _, answer, _ = self.ask("/login", {"csrf": _csrf(text), "name": name, "password": password})
        self.headers["Cookie"] = _cookies(answer)
        assert answer.status == 303, answer.status
        self.csrf = _csrf(self.ask("/customers")[2])


def _cookies(answer: http.client.HTTPResponse) -> str:
    return "; ".join(value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie")


def _csrf(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found
    return found[1]


def repeated(project: Project, customers: int) -> None:
    """Publish the newest night again, with its rows repeated under new ids."""
    publication = read_publication(project.workspace, None)
    rows = publication.scores.table()
    meta = dict(publication.meta) | {"run_id": "repeated", "rows": str(customers)}

    def pieces() -> Iterator[pa.Table]:
        for first in range(0, customers, PIECE):
            numbers = np.arange(first, min(first + PIECE, customers))
            ids = pa.array([f"{number:010d}" for number in numbers])
            piece = rows.take(pa.array(numbers % rows.num_rows))
            yield piece.set_column(0, rows.schema.field(0), ids)

    path = publish(project.workspace, pieces(), meta, len)
    record = project.workspace.runs / "repeated" / "record.json"
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({"sha256": sha256(path)}))
    clean(project.workspace)


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """A server of the project in a folder; its process id."""
    command = [sys.executable, "-c", "from pipelines.cli.app import main; main()", "page", "--port", str(PORT)]
    around = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--config", "configs/operator.yaml"], cwd=folder, env=around, stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                Browser(PORT).ask("/login")
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def peak(pid: int) -> float:
    """The most that a process ever held, in GB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024**2


def measured(browser: Browser, times: int) -> dict[str, list[float]]:
    """Page -> seconds of each answer. Every answer is looked at: one that is an error is no measurement."""
    draw = random.Random(7)
    names = re.findall(r'href="/customers/([0-9a-z]{6,12})"', browser.ask("/customers?preset=all&page=7")[2])
    asked = {page.path: [page.path] for page in PAGES} | {
        "/customers": [f"/customers?{urlencode(case)}" for case in LISTS]
    }
    asked["/customers/NAME"] = [f"/customers/{name}" for name in names]
    found: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(times):
        for name, paths in asked.items():
            seconds, answer, text = browser.ask(draw.choice(paths))
            assert answer.status == 200, (name, answer.status, text[:2000])
            found[name].append(seconds)
    found["/customers/find"] = [_found(browser, draw.choice(names)) for _ in range(times)]
    return found


def _found(browser: Browser, name: str) -> float:
    seconds, answer, _ = browser.ask("/customers/find", {"csrf": browser.csrf, "who": name})
    assert answer.status == 303, answer.status
    return seconds


def main() -> None:
    """Print the table, and whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=60)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "project"
        shutil.copytree(chosen.project, folder, symlinks=True)
        os.chdir(folder)
        project = Project.open("configs/operator.yaml")
        repeated(project, chosen.customers)
        Accounts(project.workspace.page / "accounts.json").add(Account.of("bench", "marketer", "a long password"))
        with server(folder) as pid:
            browser = Browser(PORT)
            browser.log_in("bench", "a long password")
            first = {page.path: browser.ask(page.path)[0] for page in PAGES}
            found = measured(browser, chosen.times)
            told(chosen.customers, first, found, peak(pid))


def told(customers: int, first: dict[str, float], found: dict[str, list[float]], gigabytes: float) -> None:
    """The table: milliseconds of the first request, and the median and 95th percentile of those after it."""
    bar = min((seconds for most, seconds in BAR.items() if customers <= most), default=max(BAR.values()))
    print(f"| page, {customers:,} customers | first | median | p95 | bar | met |\n|---|--:|--:|--:|--:|---|")
    for name, seconds in found.items():
        high = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
        begun = f"{1000 * first[name]:.0f}" if name in first else "-"
        middle = 1000 * statistics.median(seconds)
        print(
            f"| {name} | {begun} | {middle:.0f} | {1000 * high:.0f} ms | {1000 * bar:.0f} | {'yes' if high < bar else '**NO**'} |"
        )
    print(
        f"| the process, most memory | | | {gigabytes:.2f} GB | {MOST:.1f} | {'yes' if gigabytes <= MOST else '**NO**'} |"
    )


if __name__ == "__main__":
    main()
