"""Which columns are suspects, and what becomes of those that know too much: left out and told, or confirmed."""

import csv
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml

from features.errors import HeadwaterError
from models.targets.settings import TargetSettings
from pipelines.flows import suspects
from pipelines.project import Project
from pipelines.wording import errors

COLUMNS = {
    "customer_id": "id",
    "activated_on": "since",
    "deactivated_on": "until",
    "region": "city",
    "state": {"from": "state", "type": "category"},
    "ended": {"from": "ended", "type": "date"},
}


def project(folder, history="mutable", **training) -> Project:
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["id", "since", "until", "city", "state", "ended"], ["A", "2020-01-01", "", "N", "", ""]]
        )
    customers = {"source": {"path": str(folder / "people.csv")}, "columns": COLUMNS, "history": history}
    (folder / "mapping.yaml").write_text(yaml.safe_dump({"tables": {"customers": customers}}), encoding="utf-8")
    settings = {"name": "one", "mapping": "mapping.yaml", "training": training}
    (folder / "one.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return Project.open(folder / "one.yaml", workspace=str(folder / "workspace"))


def frame() -> pd.DataFrame:
    """A third leave; the state and the day of ending were written when they left, and age is honest."""
    rng = np.random.default_rng(0)
    left = rng.random(300) < 1 / 3
    return pd.DataFrame(
        {
            "customer_id": np.arange(300).astype(str),
            "as_of": date(2026, 1, 1),
            "tenure_days": rng.exponential(500, 300),
            "region": rng.choice(["N", "S"], 300),
            "state": np.where(left, "closed", "open"),
            "days_since_ended": np.where(left, -rng.random(300) * 90, np.nan),
            "churned_90": left,
        }
    )


def found(opened: Project) -> set[str]:
    rows = frame()
    return set(suspects.found(opened, rows, list(rows.columns), TargetSettings()))


def test_what_an_export_of_today_says_of_leavers_is_left_out_and_told(tmp_path):
    opened = project(tmp_path)
    rows = frame()
    leaks = suspects.found(opened, rows, list(rows.columns), TargetSettings())
    assert set(leaks) == {"state", "days_since_ended"}
    for lang in ("en", "zh"):
        told = [errors.render_line(problem, lang) for problem in suspects.problems(opened, leaks)]
        assert all("W563" in line and "training.confirmed: [" in line and "AUC" in line for line in told)


def test_what_somebody_has_confirmed_is_learnt_from(tmp_path):
    """By the column, or by the attribute that it is made from."""
    assert found(project(tmp_path, confirmed=["state"])) == {"days_since_ended"}
    assert found(project(tmp_path, confirmed=["state", "ended"])) == set()


def test_what_people_rank_by_today_is_known_to_them(tmp_path):
    rules = {"rules": {"churn": {"column": "state"}}}
    assert found(project(tmp_path, candidates=rules)) == {"days_since_ended"}


def test_a_confirmed_name_that_is_not_there_is_refused(tmp_path):
    suspects.check_confirmed(project(tmp_path, confirmed=["state", "days_since_ended", "region"]))
    with pytest.raises(HeadwaterError) as caught:
        suspects.check_confirmed(project(tmp_path, confirmed=["stat"]))
    assert caught.value.problem.code == "E284" and caught.value.problem.values["nearest"] == "state"


@pytest.mark.parametrize(("history", "recorded"), [("mutable", True), ("snapshots", True)])
def test_a_file_that_is_replaced_says_of_the_past_what_holds_today(tmp_path, history, recorded):
    opened = project(tmp_path, history)
    by_column = {feature.column: feature for feature in opened.features}
    assert suspects._recorded(opened, by_column["state"]) is recorded
    assert suspects._is_suspect(opened, by_column["region"])
    assert not suspects._is_suspect(opened, by_column["tenure_days"])
    assert not suspects._is_suspect(opened, by_column["lifecycle_stage"])
