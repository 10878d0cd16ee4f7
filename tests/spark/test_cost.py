"""The cost model: a line through measurements, and CPU seconds of everything that a process started."""

import os
import subprocess
import sys

import pytest

from benchmarks.spark import Meter, descendants, line, tell


def test_a_line_is_found_again():
    fixed, each = line([5_000, 20_000, 60_000], [50 + 0.002 * n for n in (5_000, 20_000, 60_000)])
    assert (fixed, each) == (pytest.approx(50), pytest.approx(0.002))


def test_what_was_not_measured_is_called_extrapolated(capsys: pytest.CaptureFixture):
    costs = {"features_wall": 1.0, "scores_cpu": 5.0, "scores_wall": 1.0}
    sizes = [{"customers": n, "features_cpu": 31 + 0.0036 * n, "kept_bytes": 2_000 * n, **costs} for n in (100, 200)]
    tell(sizes)
    told, further = capsys.readouterr().out.split("extrapolated")
    assert "36 CPU s + 3600 CPU s per million customers; 2.0 kB kept of each" in told
    assert "600,000,000        600.0       1200" in further


def test_work_of_children_counts_when_they_are_gone_too():
    burn = "import time\nwhile time.process_time() < 0.5: pass\nprint('done', flush=True)\nimport sys; sys.stdin.read()"
    meter = Meter()
    before = meter.look()
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"done\n"
        assert child.pid in descendants(os.getpid())
        assert meter.look() - before >= 0.4
        child.communicate()
    assert meter.look() - before >= 0.4
