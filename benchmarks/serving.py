"""How long the server takes for every page with many customers: `python -m benchmarks.serving PROJECT --customers 1000000`.

PROJECT is the folder of a built project, such as the small operator. It is copied; the rows of its newest night, and with them
the histories of these customers, are repeated under new ids until there are enough; and a server in a process of its own is asked
for each page again and again. What was made can be kept (`--kept FOLDER`) and asked another time.
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
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import ROOT
from pipelines.ingest import canonical, store
from pipelines.ingest.merging import ROWS_OF_A_GROUP
from pipelines.page.routes import PAGES
from pipelines.page.security.accounts import Account, Accounts
from pipelines.project import Project
from pipelines.wording.texts import LANGUAGES
from pipelines.workspace.files import replacing, sha256, write_json
from pipelines.workspace.publication import clean, publish, read_publication

PORT, PIECE = 8799, 100_000
OUT = ROOT / "workspace" / "serving.json"
"""What `benchmarks.reached` reads."""
ENOUGH = 1_000_000
"""Customers from which on a bar can be met."""
BAR, FIRST, MOST = {1_000_000: 0.3, 10_000_000: 1.0}, 1.0, 1.0
"""Seconds at the 95th percentile by the number of customers, seconds of the first request of a night, GB of the process."""
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
    """Publish the newest night again, with its rows repeated under new ids, and the same of a month before."""
    publication = read_publication(project.workspace, None)
    rows = publication.scores.table()
    for day in (publication.as_of - timedelta(days=30), publication.as_of):
        _published(project, _pieces(rows, customers, day), dict(publication.meta) | {"as_of": day.isoformat()}, "first")
    clean(project.workspace)


def another_night(project: Project) -> str:
    """Publish the same rows as those of the next day; the id of the run."""
    publication = read_publication(project.workspace, None)
    day = publication.as_of + timedelta(days=1)
    run = _published(
        project, publication.scores.pieces(), dict(publication.meta) | {"as_of": day.isoformat()}, "another"
    )
    clean(project.workspace)
    return run


def _published(project: Project, pieces: Iterator[pa.Table], meta: dict[str, str], name: str) -> str:
    run = f"{name}-{meta['as_of']}"
    path = publish(project.workspace, pieces, meta | {"run_id": run}, len)
    record = project.workspace.runs / run / "record.json"
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({"sha256": sha256(path)}))
    return run


def _pieces(rows: pa.Table, customers: int, day: date) -> Iterator[pa.Table]:
    """So many rows, in groups as large as those of a night."""
    place = rows.column_names.index("as_of")
    for first in range(0, customers, PIECE):
        numbers = np.arange(first, min(first + PIECE, customers))
        ids = pa.array([f"{number:010d}" for number in numbers])
        piece = rows.take(pa.array(numbers % rows.num_rows)).set_column(0, rows.schema.field(0), ids)
        yield piece.set_column(place, rows.schema.field(place), pa.array([day] * len(numbers), pa.date32()))


def repeated_histories(project: Project, customers: int) -> None:
    """Let every new customer have the history of the one whose row they have; the reading is sealed again."""
    folder = project.workspace.tables / (project.workspace.tables / canonical.CURRENT).read_text().strip()
    manifest = store.read_manifest(folder)
    assert manifest
    ids = read_publication(project.workspace, None).scores.select(["customer_id"])  # of before they are repeated
    con = duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "temp_directory": str(folder / ".spill")})
    con.register("ids", ids.append_column("place", pa.array(range(ids.num_rows))))
    con.execute(
        f"CREATE TABLE new AS SELECT ids.customer_id AS old, printf('%010d', n) AS id "
        f"FROM range({customers}) AS each(n) JOIN ids ON place = n % {ids.num_rows}"
    )
    for part in (part for parts in manifest["parts"].values() for part in parts):
        path = folder / part["file"]
        columns = pq.read_schema(path).names
        order = ", ".join(name for name in ("customer_id", "happened_at", "valid_from") if name in columns)
        with replacing(path) as temporary:
            con.execute(
                f"COPY (SELECT t.* REPLACE (new.id AS customer_id) FROM '{path}' AS t JOIN new ON t.customer_id = new.old "
                f"ORDER BY {order}) TO '{temporary}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_OF_A_GROUP})"
            )
        manifest["sha256"][part["file"]] = part["sha256"] = sha256(path)
        part["rows"] = pq.read_metadata(path).num_rows
    write_json(folder / store.MANIFEST, manifest | {"seal": store._seal(manifest)})


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
    parser.add_argument("--kept", type=Path, help="where the many customers are kept, and found another time")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = chosen.kept or Path(place) / "project"
        if not folder.exists():
            made(chosen.project, folder.resolve(), chosen.customers)
        asked(folder, chosen.customers, chosen.times)


def made(project: Path, folder: Path, customers: int) -> None:
    """A copy of a project with so many customers, and an account."""
    shutil.copytree(project, folder, symlinks=True)
    os.chdir(folder)
    opened = Project.open("configs/operator.yaml")
    repeated_histories(opened, customers)
    repeated(opened, customers)
    Accounts(opened.workspace.page / "accounts.json").add(Account.of("bench", "marketer", "a long password"))


def asked(folder: Path, customers: int, times: int) -> None:
    """Ask the server of a project for its pages, let another night come, ask for the pages of that, and tell."""
    os.chdir(folder)
    with server(Path()) as pid:
        browser = Browser(PORT)
        browser.log_in("bench", "a long password")
        begun = {page.path: browser.ask(page.path)[0] for page in PAGES}
        for lang in LANGUAGES:  # until the night of the start is ready, too
            for page in PAGES:
                browser.ask(f"{page.path}?lang={lang}")
        found = measured(browser, times)
        run, moment = another_night(Project.open("configs/operator.yaml")), time.monotonic()
        meanwhile = list[float]()
        while run not in (answer := browser.ask("/glossary"))[2]:
            meanwhile.append(answer[0])
            time.sleep(0.1)
        seconds = time.monotonic() - moment
        first = {page.path: browser.ask(page.path)[0] for page in PAGES}
        told(customers, begun, first, found, peak(pid))
        print(f"\nanother night was shown {seconds:.1f} s after its publication; in the meantime the slowest of")
        print(f"{len(meanwhile)} answers took {1000 * max(meanwhile, default=0):.0f} ms")


def told(
    customers: int,
    begun: dict[str, float],
    first: dict[str, float],
    found: dict[str, list[float]],
    gigabytes: float,
) -> None:
    """The table, in milliseconds: the first request of a server that has just begun, the first one of another night, and the
    median and 95th percentile of those in between."""
    bar = min((seconds for most, seconds in BAR.items() if customers <= most), default=max(BAR.values()))
    OUT.parent.mkdir(exist_ok=True)
    write_json(OUT, [*_reached(customers, found, bar), _memory(customers, gigabytes)])
    print(f"| page, {customers:,} customers | at the start | first of a night | median | p95 | bar | met |")
    print("|---|--:|--:|--:|--:|--:|---|")
    for name, seconds in found.items():
        high = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
        firsts = " | ".join(f"{1000 * known[name]:.0f}" if name in known else "-" for known in (begun, first))
        is_met = "yes" if high < bar and first.get(name, 0) < FIRST else "**NO**"
        middle = 1000 * statistics.median(seconds)
        print(f"| {name} | {firsts} | {middle:.0f} | {1000 * high:.0f} ms | {1000 * bar:.0f} | {is_met} |")
    print(
        f"| the process, most memory | | | | {gigabytes:.2f} GB | {MOST:.1f} | {'yes' if gigabytes <= MOST else '**NO**'} |"
    )


def _reached(customers: int, found: dict[str, list[float]], bar: float) -> Iterator[dict[str, Any]]:
    """The 95th percentiles as `benchmarks.reached` reads them; fewer than a million can miss a bar and not meet it."""
    for name, seconds in found.items():
        high = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
        yield _figure(f"page: p95 in seconds of {name}", high, f"<= {bar:g}", high <= bar, customers)


def _memory(customers: int, gigabytes: float) -> dict[str, Any]:
    return _figure("page: most memory of the process, GB", gigabytes, f"<= {MOST:g}", gigabytes <= MOST, customers)


def _figure(name: str, value: float, bar: str, good: bool, customers: int) -> dict[str, Any]:
    met = None if good and customers < ENOUGH else good
    return {"name": name, "value": value, "bar": bar, "met": met, "note": f"{customers:,} customers"}


if __name__ == "__main__":
    main()
