"""`make bench` on few customers: every line is there, says honestly whether it met its bar, and the rivals agree."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.measure import Cost
from benchmarks.rivals import difference
from benchmarks.run import of_night
from tests.demo_project import ROOT

CUSTOMERS = 1_000


@pytest.mark.slow
def test_a_run_measures_everything_and_is_honest_about_its_bars(tmp_path: Path):
    out = tmp_path / "bench.json"
    command = [
        sys.executable,
        "-m",
        "benchmarks.run",
        "--customers",
        str(CUSTOMERS),
        "--repeats",
        "1",
        "--out",
        str(out),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = {line["name"]: line for line in json.loads(out.read_text(encoding="utf-8"))}
    assert all(line["name"] in done.stdout and line["customers"] == CUSTOMERS for line in lines.values())
    assert all(set(line) == {"name", "customers", "value", "bar", "met", "unit"} for line in lines.values())
    assert {name for name, line in lines.items() if line["met"] is not None and line["met"] != within(line)} == set()
    assert all(line["value"] >= 0 for line in lines.values())
    for equal in ("subset of features - sql, largest difference", "subset of features - pandas, largest difference"):
        assert lines[equal]["met"]
    assert lines["reasons: largest difference"]["met"]
    assert lines["features of one night / raw scan"]["value"] > 1


def within(line: dict) -> bool:
    sign, bar = line["bar"].split()
    return line["value"] <= float(bar) if sign == "<=" else line["value"] >= float(bar)


@pytest.mark.parametrize(
    ("customers", "peak", "met"), [(20_000, 1e9, None), (20_000, 3e9, False), (1_000_000, 1e9, True)]
)
def test_few_customers_can_break_the_bar_of_memory_but_not_meet_it(customers: int, peak: float, met: bool | None):
    cost = Cost(cpu=1.0, wall=1.0, peak=int(peak), start=0, process_cpu=2.0)
    told = list(of_night({"night": cost, "read": cost, "scan": cost}, customers))
    assert [line[3] for line in told if line[4] == "GB"] == [met]


def test_other_numbers_nulls_or_customers_are_seen():
    ours = pd.DataFrame({"customer_id": ["a", "b"], "arpu_1m": [50.0, None]})
    assert difference(ours, ours.copy(), ["arpu_1m"]) == 0.0
    assert difference(ours, ours.assign(arpu_1m=[50.5, None]), ["arpu_1m"]) == pytest.approx(0.01)
    with pytest.raises(ValueError, match="nulls"):
        difference(ours, ours.assign(arpu_1m=[50.0, 0.0]), ["arpu_1m"])
    with pytest.raises(ValueError, match="customers"):
        difference(ours, ours.assign(customer_id=["a", "c"]), ["arpu_1m"])
