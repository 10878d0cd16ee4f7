"""What training found, as MLflow, the report and people get it."""

import json
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from models.seasons import Season
from models.training import train
from pipelines.delivery import charts
from pipelines.flows import training_record
from tests.models import sample


@pytest.fixture(scope="module")
def trained():
    return train("churn", sample.snapshots(800), sample.split(), sample.SETTINGS, sample.FEATURES)


def test_the_evaluation_is_json_without_rows(trained):
    facts = json.loads(json.dumps(training_record.evaluation(trained), default=str))
    assert facts["winner"] == trained.winner and facts["dates"]["final"] == trained.split.final.isoformat()
    assert {row["model"] for row in facts["metrics"]} == set(trained.metrics["model"])


def test_a_sentence_names_the_winner_in_both_languages(trained):
    for lang in ("zh", "en"):
        assert trained.winner in training_record.sentence(trained, lang)
    assert training_record.sentence(trained, "zh") != training_record.sentence(trained, "en")


def test_where_the_rule_finds_more_money_that_is_told(trained):
    """A model that is better at who leaves may be worse at whose leaving is dear."""
    at_money = trained.differences["metric"] == training_record.MONEY
    for low, high, told in ((-0.2, -0.1, True), (-0.2, 0.1, False), (float("nan"), float("nan"), False)):
        gaps = trained.differences.copy()
        gaps.loc[at_money, ["low", "high"]] = low, high
        sentence = training_record.sentence(replace(trained, differences=gaps), "en")
        assert ("the rule finds more of the money" in sentence) is told
        assert ("in its best tenth ([-0.200, -0.100] of it)" in sentence) is told
    without = replace(trained, differences=trained.differences[~at_money])
    assert "money" not in training_record.sentence(without, "en")


def test_the_level_of_last_years_season_is_told_where_it_was_taken(trained):
    season = Season(date(2025, 12, 1), date(2024, 12, 1), 0.3, 1.34, 0.1, 0.5, 2, adopted=True)
    told = replace(trained, levels={trained.winner: 0.79}, season=season)
    for lang, words in (
        ("en", ("last year's season (2024-12-01, × 1.34)", "2 of them")),
        ("zh", ("去年同期", "× 1.34")),
    ):
        sentence = training_record.sentence(told, lang)
        assert all(word in sentence for word in words) and "0.79" not in sentence
    refused = replace(told, season=replace(season, adopted=False))
    assert "1.34" not in training_record.sentence(refused, "en") and "0.79" in training_record.sentence(refused, "en")
    assert json.loads(json.dumps(training_record.evaluation(told), default=str))["season"]["day"] == "2024-12-01"


def test_whom_a_campaign_treated_is_told_in_both_languages(trained):
    figures = [
        {"model": m, "metric": "auc", "value": v, "n": 512, "positives": 40}
        for m, v in ((trained.winner, 0.8), ("rule", 0.6))
    ]
    told = replace(trained, apart=pd.DataFrame(figures), rows=trained.rows | {"treated": 1234})
    for lang, words in (
        ("en", ("1,234 rows", "among the 512", "0.800, the rule 0.600")),
        ("zh", ("1,234 行", "512 位", "0.800")),
    ):
        assert all(word in training_record.sentence(told, lang) for word in words)
    nobody = replace(told, apart=told.apart.assign(positives=0), rows=trained.rows)
    assert training_record.sentence(nobody, "en") == training_record.sentence(trained, "en")


def test_shares_of_features_sum_to_one_and_to_those_of_their_reasons(trained):
    shares = training_record.importance_shares(trained, sample.snapshots(800))
    assert sum(shares.values()) == pytest.approx(1) and list(shares.values()) == sorted(shares.values(), reverse=True)
    features = [SimpleNamespace(column=c, reason="usage" if c == "trend" else "rest") for c in sample.FEATURES]
    reasons = training_record.by_reason(SimpleNamespace(features=features), shares)
    assert reasons["usage"] == shares["trend"] and sum(reasons.values()) == pytest.approx(1)


def test_what_is_shown_is_told_by_origin_and_is_json(trained):
    shares = training_record.importance_shares(trained, sample.snapshots(800))
    told = json.loads(json.dumps(training_record.importance_by_origin(trained, shares)))
    assert told["origins"] == sorted({str(day) for day in (*trained.split.calibrate, trained.split.final)})
    assert set(told["features"]) == set(shares)
    assert all(0 <= one["least"] <= one["most"] and one["stable"] in (True, False) for one in told["features"].values())
    nothing = training_record.importance_by_origin(replace(trained, importances=trained.importances.iloc[:0]), shares)
    assert nothing == {"origins": [], "features": {}}


def test_pictures_are_those_that_the_task_asks_for(trained):
    plots = training_record.plots(trained, {"bill_level": 1.0})
    assert {"gain", "lift", "importance", "calibration"} <= set(plots)
    assert all(svg.startswith("<svg") for svg in plots.values())


def test_a_picture_that_cannot_be_drawn_is_left_out_with_a_word(trained, monkeypatch, caplog):
    def fail(*_):
        raise ValueError("'yerr' must not contain negative values")

    monkeypatch.setattr(charts, "calibration", fail)
    assert "calibration" not in training_record.plots(trained, {"bill_level": 1.0})
    assert "calibration" in caplog.text and "yerr" in caplog.text
