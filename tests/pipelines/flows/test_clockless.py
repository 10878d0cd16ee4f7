"""One CSV of attributes and a yes/no column, from reading to the list."""

import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from features.errors import HeadwaterError
from models.targets import outcomes
from pipelines.delivery import lists
from pipelines.flows import backtest, dataset, nightly, retrain
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.workspace import publication
from pipelines.workspace.progress import Steps
from tests import scores_sample

DAY = date(2026, 11, 2)
COLUMNS = {
    "customer_id": "id",
    "churned": "Churn",
    "tenure": {"from": "tenure", "type": "number"},
    "charges": {"from": "charges", "type": "number"},
    "contract": "contract",
    "exit_reason": "exit_reason",
}
SETTINGS = {
    "name": "one",
    "mapping": "mapping.yaml",
    "language": "en",
    "threads": 1,
    "contact": {"consent": "assumed"},
    "training": {
        "resamples": 20,
        "min_positives": 5,
        "candidates": {"trees": {"n_estimators": 20, "min_child_samples": 10}},
    },
    "gates": {"calibration": 0.2, "slice_loss": 1.0},
}


def written(folder: Path, words: tuple[str, str] = ("Yes", "No"), customers: int = 400) -> Project:
    """Short tenure and monthly contracts leave; who left has a reason for it in half of the cases."""
    rng = np.random.default_rng(4)
    with (folder / "one.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "Churn", "tenure", "charges", "contract", "exit_reason"])
        for number in range(customers):
            tenure, monthly = int(rng.integers(0, 72)), bool(rng.random() < 0.6)
            left = bool(rng.random() < 1 / (1 + np.exp(0.08 * tenure - 1.5 * monthly)))
            reason = "price" if left and rng.random() < 0.5 else ""
            contract = "monthly" if monthly else "yearly"
            rows.writerow([f"K{number:04d}", words[not left], tenure, f"{rng.normal(60, 9):.2f}", contract, reason])
    source = {"path": str(folder / "one.csv")}
    tables = {"customers": {"source": source, "columns": COLUMNS}}
    (folder / "mapping.yaml").write_text(yaml.safe_dump({"tables": tables}), encoding="utf-8")
    (folder / "one.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    return Project.open(folder / "one.yaml", workspace=str(folder / "workspace"))


def left(folder: Path) -> set[str]:
    rows = pd.read_csv(folder / "one.csv")
    return set(rows.loc[rows["Churn"].isin(["Yes", "是"]), "id"])


@pytest.mark.parametrize("words", [("Yes", "No"), ("是", "否"), ("1", "0"), ("TRUE", "FALSE"), ("Y", "N")])
def test_yes_and_no_as_people_write_them(tmp_path, words):
    project = written(tmp_path, words, customers=30)
    answers = project.tables(DAY)["customers"].churned.to_pyarrow().to_pylist()
    assert set(answers) == {True, False}


def test_everybody_is_learnt_from_and_no_feature_sees_the_answer(tmp_path):
    project = written(tmp_path)
    data = dataset.dataset(project, DAY, project.targets(), Steps(quiet=True))
    assert len(data.frame) == 400 and "churned" not in data.features
    assert set(data.frame.loc[data.frame["churned_90"].astype(bool), "customer_id"]) == left(tmp_path)
    assert data.frame["tenure_days"].isna().all(), "nobody knows when they joined"
    assert data.frame["lifecycle_stage"].isna().all(), "and nobody is called steady for it"


def test_one_table_tells_no_money(tmp_path):
    project = written(tmp_path, customers=30)
    tables = project.tables(DAY).tables
    assert [target.name for target in outcomes.told(tables, project.settings.targets)] == ["churn"]
    with pytest.raises(HeadwaterError, match="E238"):
        project.targets("value")


@pytest.mark.slow
def test_from_one_file_to_the_list_with_the_usual_commands(tmp_path, capsys):
    project = written(tmp_path)
    (made,) = backtest.run(project, DAY, project.targets(), 3, Steps("en"))
    assert list(made.left_out) == ["exit_reason"] and made.split.folds == 5
    assert "not forward in time" in capsys.readouterr().err
    found = retrain.run(project, DAY, project.targets(), Steps("en"), promote=True)
    assert [(m["target"], m["promoted"]) for m in found.models] == [("churn", True)]
    said = capsys.readouterr().err
    assert (
        "not forward in time" in said
        and "they know too much of the outcome: exit_reason" in said
        and "W522" not in said
    )
    night = nightly.run(Night(project, DAY, Steps("en")))
    meta, table = scores_sample.read_scores(night.workspace.score_file(DAY))
    rows = table.to_pandas().set_index("customer_id")
    assert set(rows.index).isdisjoint(left(tmp_path)) and len(rows) == 400 - len(left(tmp_path))
    judged = made.final.set_index("customer_id")[made.winner]
    np.testing.assert_allclose(rows["churn_probability"], judged[rows.index], rtol=1e-6, err_msg="nobody is flattered")
    for unknown in ("churn_horizon_days", "churn_curve", "median_days_to_churn", "tenure_months", "value_pred"):
        assert rows[unknown].isna().all(), unknown
    assert rows["churn_reasons"].map(len).max() > 1, "each attribute tells itself"
    assert night.lists[0].counts.listed > 0 and set(json.loads(meta["models"])) == {"churn"}
    page = night.workspace.report(DAY).read_text(encoding="utf-8")
    assert "This is not forward in time" in page and "exit_reason" in page and "0 days" not in page
    with pytest.raises(HeadwaterError, match="E238"):
        lists.draw(project, publication.read_publication(project.workspace, DAY), "vip", {})
