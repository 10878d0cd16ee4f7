"""The monitor over published nights: what it is compared with, what came of promises, and what it says in both languages."""

import json
import shutil
from datetime import date

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from models.evaluation.judging import Estimate
from models.evaluation.monitoring import Drift, Realised, calibration
from models.evaluation.movers import Mover
from models.evaluation.sketches import Shift
from pipelines.cli.app import app
from pipelines.cli.monitoring import facts
from pipelines.delivery import monitor_page
from pipelines.delivery.monitor_page import MonitorData
from pipelines.flows import looks, monitor, monitored
from pipelines.flows.monitor import Age, InputDrift, Monitoring, ScoreDrift
from pipelines.flows.realised import Kept
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import LANGUAGES
from tests.demo_project import NIGHT

DAY = date(2026, 11, 1)
CHAMPIONS = {"churn": "churn/1", "value": "value/1", "vip": "vip/1"}


def shift(psi=0.5):
    return Shift(psi, 0.3, 3.0, 180.0, 0.0, 0.01, 2000, 2000)


def test_time_that_went_on_is_no_fault_of_data_and_a_new_file_may_be():
    found = Drift("sms", shift(), 0.1, 59.0, True)
    old = {"usage": [{"path": "u09", "sha256": "a"}]}
    new = {"usage": [{"path": "u09", "sha256": "a"}, {"path": "u10", "sha256": "b"}]}
    assert not monitor._of_files(found, ("usage",), old, old).drift.alarm
    told = monitor._of_files(found, ("usage",), old, new)
    assert told.drift.alarm and told.files == ("u10",)


def kept(target="churn", *, early=False, broken=False, figure=(0.8, 0.7, 0.9), announced=(0.75, 0.85)):
    p = np.linspace(0.01, 0.5, 300)
    y = (np.arange(300) % 4 == 0).astype(float)
    low = float("nan") if target == "value" else 40.0
    result = Realised(300, 50.0, 75.0, low, low + 20, broken, Estimate(*figure))
    table = pd.DataFrame() if target == "value" else calibration(p, y)
    return Kept(target, f"{target}/1", date(2026, 7, 1), 14 if early else 90, early, result, announced, table)


def found(**more):
    drifts = [
        InputDrift(Drift("sms_12w", shift(), 0.1, 59.0, True), ("usage",), ("raw/u10.parquet",)),
        InputDrift(Drift("plan", Shift(0.1, 0.1, "p10", "p20", 0, 0, 9, 9), 0.01, None, False), ("subscriptions",), ()),
    ]
    scores = [ScoreDrift("churn", "churn/1", 0.05, 0.06, 0.1, (Mover("sms_12w", shift(), 0.8, 0.12),), True)]
    ages = [Age("churn", "churn/1", date(2026, 3, 1), 245, True), Age("vip", "vip/1", None, None, False)]
    full = [kept(broken=True), kept(early=True), kept("value", announced=None), kept("vip", figure=(0.2, 0.1, 0.3))]
    estimates = {"churn": {"rate": 0.05, "auc": 0.8, "brier": 0.04, "precision_at_5pct": float("nan")}}
    problems = [*monitor._drifted(drifts, DAY), *looks.broken(full, CHAMPIONS), *monitor._old(ages)]
    made = Monitoring(DAY, date(2026, 7, 1), (date(2026, 10, 31),), drifts, scores, full, estimates, ages, problems)
    return made if not more else Monitoring(DAY, date(2026, 7, 1), **more)


def test_each_thing_that_asks_for_something_has_its_warning():
    """Drift with its file, the level of churn, the order of potential VIPs, the old champion; early looks yield to full ones."""
    told = found().problems
    assert [p.code for p in told] == ["W572", "W573", "W574", "W575"]
    assert told[0].file == "raw/u10.parquet" and told[0].values["tables"] == "usage"
    assert (told[1].values["target"], told[2].values["target"]) == ("churn", "vip")
    for lang in LANGUAGES:
        assert all("headwater retrain" in errors.sentence(p, "fix", lang) for p in told)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("empty", [False, True])
def test_the_page_is_the_same_twice_asks_nothing_of_outside_and_shows_both_languages(lang, empty):
    warnings = {one: [] if empty else ["<b>what</b>"] for one in LANGUAGES}
    data = MonitorData("operator", found(ages=()) if empty else found(), warnings, {}, "CNY")
    page = monitor_page.render(data, lang)
    assert page == monitor_page.render(data, lang)
    assert "监控" in page and "Monitor" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/", "") and "<b>what" not in page
    assert ("sms_12w" in page) != empty
    assert page.count("<svg") == (0 if empty else 6) and ("Potential VIP: promised and happened" in page) != empty
    assert ("第 1 十分位" in page and "tenth 1<" in page) != empty and "tenth=" not in page


def test_facts_are_json_without_nan():
    document = json.loads(json.dumps(facts(found()), default=str, allow_nan=False))
    assert document["inputs"][0]["files"] == ["raw/u10.parquet"] and document["inputs"][0]["alarm"]
    assert document["realised"][0]["level_broken"] and document["estimated"]["churn"]["precision_at_5pct"] is None
    assert document["warnings"] == ["W572", "W573", "W574", "W575"]


def test_promises_are_kept_for_the_served_page_without_nan():
    told = monitored.promises(found())
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert [(p["target"], p["early"], p["broken"]) for p in told[:2]] == [
        ("churn", False, True),
        ("churn", True, False),
    ]
    assert told[0]["promised"] == 50.0 and told[0]["low"] == 40.0 and told[2]["low"] is None


def test_one_night_has_nothing_to_compare_and_says_so(operator, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(operator, tmp_path / "operator", symlinks=True))
    told = monitor.monitor(Project.open("configs/operator.yaml"), NIGHT)
    assert (told.as_of, told.nights, told.inputs, told.kept) == (NIGHT, (), [], [])
    assert {age.target for age in told.ages} == {"churn", "value", "vip"}
    assert 0.5 < told.estimates["churn"]["auc"] < 1


def test_what_came_of_a_night_is_known_after_a_week(own_operator):
    """A night in the past, looked at today: 7, 14, 30 days and the full horizon, every count beside its promise."""
    for as_of in ("2026-07-20", "2026-10-01"):
        assert CliRunner().invoke(app, ["nightly", "--as-of", as_of, "-q"]).exit_code == 0
    project = Project.open("configs/operator.yaml")
    told = monitor.monitor(project, NIGHT, date(2026, 7, 1))
    churn = {(one.as_of.isoformat(), one.days): one.result for one in told.kept if one.target == "churn"}
    assert {days for day, days in churn if day == "2026-07-20"} >= {14, 30, 60, 90}
    counts = [churn["2026-07-20", days].observed for days in (14, 30, 60, 90)]
    promised = [churn["2026-07-20", days].promised for days in (14, 30, 60, 90)]
    assert counts == sorted(counts) and promised == sorted(promised)
    assert ("2026-10-01", 90) not in churn
    assert {one.target for one in told.kept} >= {"churn", "value"}
    assert len(told.inputs) > 20 and told.scores[0].movers
    scheduled = monitor.monitor(project, NIGHT)
    seen = {(one.as_of.isoformat(), one.target, one.days) for one in scheduled.kept if one.learnt}
    assert seen >= {("2026-07-20", "churn", 90), ("2026-07-20", "value", 89), ("2026-10-01", "churn", 14)}
    assert not {"W573", "W574"} & {p.code for p in scheduled.problems}, "made again by a model that learnt from them"
    page = own_operator / "monitor.html"
    result = CliRunner().invoke(app, ["monitor", "--json", "--since", "2026-07-01", "--out", str(page)])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["as_of"] == NIGHT.isoformat()
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    with pytest.raises(Exception, match="E431"):
        monitor.monitor(project, date(2026, 1, 1))
