"""The guide's lines are run by a real cron, and systemd reads its units, where a machine has them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.demo_project import NIGHT, ROOT
from tests.pipelines.flows.servers import awaited
from tests.pipelines.notification import listeners

GUIDE = (ROOT / "docs" / "guides" / "operations.md").read_text(encoding="utf-8")
FOLDER = "/srv/headwater"
CRON = shutil.which("cron")
ANALYZE = shutil.which("systemd-analyze")


def blocks(title: str) -> list[str]:
    """What is set off in a section of the guide."""
    section = GUIDE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```\n(.*?)^```", section, re.S | re.M)


def installed(folder: Path, url: str) -> Path:
    """A folder as the guide describes it: command, configuration, log, secrets."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    command = folder / ".venv" / "bin" / "headwater"
    main = "from pipelines.cli.app import main; main()"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -c "{main}" "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    (folder / "log").mkdir()
    receivers = "notify: {receivers: {ops: '${HEADWATER_NOTIFY_OPS}'}}\n"
    text = (folder / "configs" / "operator.yaml").read_text(encoding="utf-8")
    (folder / "configs" / "mine.yaml").write_text(text + receivers, encoding="utf-8")
    (folder / "secrets.env").write_text(f"HEADWATER_NOTIFY_OPS={url.replace('http', 'json')}\n", encoding="utf-8")
    (folder / "secrets.env").chmod(0o600)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(CRON is None or os.geteuid() != 0, reason="needs cron (apt-get install cron), and root to run it")
def test_a_real_cron_runs_the_lines_of_the_guide(own_operator):
    """Every minute instead of at two and six: the night publishes, and what is late is told to whom the secrets name."""
    nightly, _, late, _ = blocks("With cron")[0].splitlines()
    scores = own_operator / "workspace" / "operator" / "scores" / f"{NIGHT}.parquet"
    scores.unlink()
    with listeners.web() as posts:
        installed(own_operator, posts.url)
        for line, happened in ((late, lambda: bool(posts.taken)), (nightly, scores.exists)):
            with crontab(line.replace(FOLDER, str(own_operator))):
                assert awaited(happened, seconds=240), [f.read_text() for f in (own_operator / "log").iterdir()]
        assert awaited(lambda: len(posts.taken) == 2, seconds=120)
    assert [content["type"] for _, _, content in posts.taken] == ["failure", "success"]
    assert "E433" in (own_operator / "log" / "late.log").read_text(encoding="utf-8")
    assert scores.name in (own_operator / "log" / "nightly.log").read_text(encoding="utf-8")


@contextmanager
def crontab(line: str) -> Iterator[None]:
    """A cron of our own in the foreground that runs one line every minute while the block lasts; no other table is touched."""
    place, command = Path("/etc/cron.d/headwater-test"), re.sub(r"^(\S+\s+){5}", "", line)
    place.write_text(f"* * * * * root {command}\n", encoding="utf-8")
    cron = subprocess.Popen([str(CRON), "-f"])
    try:
        yield
    finally:
        place.unlink()
        cron.terminate()
        cron.wait(30)


@pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")
def test_systemd_reads_the_units_of_the_guide(tmp_path):
    (tmp_path / "headwater").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "headwater").chmod(0o755)
    units = re.findall(r"^# (headwater-\S+)\n(.*?)(?=^# |\Z)", "".join(blocks("With systemd")), re.S | re.M)
    names = {name for name, _ in units}
    assert names == {
        f"headwater-{one}.{kind}" for one in ("nightly", "late", "monitor") for kind in ("service", "timer")
    }
    for name, content in units:
        ours = content.replace("User=headwater\n", "User=root\n").replace(
            f"{FOLDER}/.venv/bin/headwater", str(tmp_path / "headwater")
        )
        (tmp_path / name).write_text(ours, encoding="utf-8")
    told = subprocess.run(
        [str(ANALYZE), "verify", *(str(tmp_path / name) for name in sorted(names))],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (told.returncode, told.stderr) == (0, ""), told.stderr
    assert all("WantedBy=timers.target" in content for name, content in units if name.endswith("timer"))
