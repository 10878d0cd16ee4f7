"""What a killed run left behind goes with the next; what is in use stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from pipelines.workspace import scratch

HOLDER = """
import sys, time
from pathlib import Path
from pipelines.workspace import scratch
with scratch.folder(Path(sys.argv[1]), ".work-") as made:
    (made / "rows").write_bytes(b"x" * 1000)
    print(made, flush=True)
    time.sleep(60)
"""


def test_a_folder_is_there_for_as_long_as_the_work(tmp_path):
    with scratch.folder(tmp_path, ".work-") as made:
        (made / "rows").write_text("some")
        with scratch.folder(tmp_path, ".work-") as other:
            assert other != made and (made / "rows").exists()
    assert not list(tmp_path.iterdir())


def test_what_killed_runs_left_goes_and_what_others_use_stays(tmp_path):
    (tmp_path / ".other-1").mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        its = Path(holder.stdout.readline().strip())
        with scratch.folder(tmp_path, ".work-"):
            assert (its / "rows").exists(), "its holder is alive"
        os.kill(holder.pid, signal.SIGKILL)
    assert (its / "rows").exists()
    with scratch.folder(tmp_path, ".work-") as made:
        assert sorted(path.name for path in tmp_path.iterdir()) == [".other-1", made.name]
