"""What training found, as MLflow, the report and people get it."""

import dataclasses
import json

import numpy as np
import pytest

from models.training import train
from pipelines.delivery import charts
from pipelines.flows import training_record
from tests.models import sample


@pytest.fixture(scope="module")
def trained():
    return train("churn", sample.snapshots(800), sample.split(), sample.SETTINGS, sample.FEATURES)


def test_the_evaluation_is_json_without_rows(trained):
    facts = json.loads(json.dumps(training_record._evaluation(trained), default=str))
    assert facts["winner"] == trained.winner and facts["dates"]["final"] == trained.split.final.isoformat()
    assert {row["model"] for row in facts["metrics"]} == set(trained.metrics["model"])


def test_a_sentence_names_the_winner_in_both_languages(trained):
    for lang in ("zh", "en"):
        assert trained.winner in training_record.sentence(trained, lang)
    assert training_record.sentence(trained, "zh") != training_record.sentence(trained, "en")


def test_figures_have_their_intervals_and_none_is_null(trained):
    flat = training_record._flat_metrics(trained)
    name = f"{trained.winner}.{trained.judged_by}"
    assert flat[f"{name}_low"] <= flat[name] <= flat[f"{name}_high"]
    undefined = trained.metrics.assign(low=np.nan)
    without = training_record._flat_metrics(dataclasses.replace(trained, metrics=undefined))
    assert set(without) == {key for key in flat if not key.endswith("_low")}


def test_pictures_are_those_that_the_task_asks_for(trained):
    plots = training_record._plots(trained, {"bill_level": 1.0})
    assert {"gain", "importance", "calibration"} <= set(plots)
    assert all(svg.startswith("<svg") for svg in plots.values())


def test_a_picture_that_cannot_be_drawn_is_left_out_with_a_word(trained, monkeypatch, caplog):
    def fail(*_):
        raise ValueError("'yerr' must not contain negative values")

    monkeypatch.setattr(charts, "calibration", fail)
    assert "calibration" not in training_record._plots(trained, {"bill_level": 1.0})
    assert "calibration" in caplog.text and "yerr" in caplog.text
