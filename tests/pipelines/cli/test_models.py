"""`headwater train | backtest | promote | rollback`: versions come, are champions, and go."""

from pathlib import Path

import pandas as pd
import yaml

from models.settings import CandidateSettings, TreeSettings
from models.tuning import Budget
from pipelines.cli import models
from tests.pipelines.cli.calls import document, stderr


def test_train_backtest_promote_and_roll_back(own_operator):
    trained = document("train", "churn")["models"][0]
    assert trained["version"] == "churn/2" and not trained["promoted"]
    document("promote", "churn", code=5)
    assert "E232" in stderr("promote", "churn", "--force", code=2)
    assert document("promote", "churn", "--force", "--reason", "same model, for the test")["champion"] == "churn/2"
    assert document("rollback", "churn")["champion"] == "churn/1"
    told = document("backtest", "churn", "--out", "results.md")
    results, (figures, tables, page) = told["results"], told["outputs"]
    assert {row["model"] for row in results[0]["metrics"]} >= {"rule", "linear", "hazard"}
    assert len(pd.read_parquet(figures)) > len(results[0]["metrics"]) and tables == "results.md"
    html = Path(page).read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>") and "churn/1" in html  # what is in force stands beside it
    assert "headwater backtest" in Path("results.md").read_text(encoding="utf-8")


def test_a_budget_is_trials_or_seconds():
    assert models._budget("40") == Budget(trials=40) and models._budget("300s") == Budget(seconds=300.0)
    for wrong in ("0", "many", "-3", "5m"):
        assert "neither a number of trials" in stderr("train", "churn", "--tune", wrong, code=2)


def test_what_a_search_found_is_a_setting_when_pasted():
    found = TreeSettings(n_estimators=81, learning_rate=0.0226)
    pasted = yaml.safe_load(models._as_setting({"churn": found.model_dump()}))
    assert CandidateSettings.model_validate(pasted["training"]["candidates"]).shape("churn") == found


def test_a_target_that_is_not_registered_is_exit_2():
    assert "is not one of" in stderr("promote", "loyalty", code=2)
