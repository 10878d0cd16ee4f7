"""Pictures: the right figures behind them, the same bytes, text that stays text."""

import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from models.evaluation.metrics import captured_at
from pipelines.delivery import charts
from tests.scores_sample import sample_evaluations

RNG = np.random.default_rng(1)
EVALUATIONS = sample_evaluations()
CHURN, VALUE = EVALUATIONS["churn"], EVALUATIONS["value"]
Y = CHURN.final["y"].to_numpy(float)
PREDICTIONS = {name: CHURN.final[name].to_numpy() for name in CHURN.compared_models}


NAMES = ("calibration", "gain", "captured", "reasons", "deciles", "rates")


def drawn(lang):
    return {
        "calibration": charts.calibration(Y, PREDICTIONS["trees"], lang),
        "gain": charts.gain(Y, PREDICTIONS, "trees", lang),
        "captured": charts.captured_bars(Y, PREDICTIONS, "trees", lang),
        "reasons": charts.reasons({"plan": 0.25, "usage_trend": 0.75}, lang),
        "deciles": charts.deciles(VALUE.final["y"].to_numpy(), VALUE.final["trees"].to_numpy(), "¥", lang),
        "rates": charts.rates(CHURN.rates, lang),
    }


def chinese():
    return {name: charts.svg(figure, name, '图 <1> & "2"') for name, figure in drawn("zh").items()}


@pytest.fixture(scope="module")
def pictures():
    return chinese()


def test_the_same_data_gives_the_same_bytes(pictures):
    assert chinese() == pictures
    assert tuple(pictures) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_sound_accessible_and_speaks_chinese_as_text(name, pictures):
    root = ET.fromstring(pictures[name])
    assert root.get("role") == "img" and root.get("aria-label") == '图 <1> & "2"'
    assert root.get("width") is None and root.get("viewBox")
    texts = "".join(root.itertext())
    assert any("\u4e00" <= char <= "\u9fff" for char in texts)
    assert "DejaVu" not in pictures[name] and "<image" not in pictures[name]


def test_ids_of_two_pictures_never_meet(pictures):
    ids = [{e.get("id") for e in ET.fromstring(svg).iter() if e.get("id")} for svg in pictures.values()]
    assert sum(map(len, ids)) == len(set.union(*ids))


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2, 1.0])
def test_captured_is_the_metric_of_the_models(share):
    for prediction in (PREDICTIONS["rule"], PREDICTIONS["rule"].round(1)):  # with ties too
        ours = charts.captured_shares(Y, prediction, [share])[0]
        assert ours == pytest.approx(float(captured_at(share)(Y, prediction, Y)), abs=1e-9)


def test_captured_is_a_rising_curve_from_nothing_to_all():
    curve = charts.captured_shares(Y, RNG.random(len(Y)), np.linspace(0, 1, 50))
    assert curve[0] == 0 and curve[-1] == pytest.approx(1) and (np.diff(curve) >= 0).all()
    assert (charts.captured_shares(np.zeros(5), np.arange(5.0), [0.5]) == 0).all()


@pytest.mark.parametrize("size", [510, 1000, 2040])
def test_a_tenth_without_a_hit_can_be_drawn(size):
    y = np.r_[np.zeros(size - size // 10), np.ones(size // 10)]
    svg = charts.svg(charts.calibration(y, np.linspace(0, 1, size), "en"), "empty", "empty")
    assert svg.startswith("<svg") and "nan" not in svg


def test_the_winner_comes_first_and_the_rule_is_grey():
    palette = charts.colours(["rule", "linear", "trees"], "trees")
    assert list(palette) == ["trees", "linear", "rule"] and palette["rule"] == charts.RULE
    assert charts.colours(["rule", "linear"], "rule")["rule"] == charts.WINNER


def test_settings_of_others_stay_as_they_were():
    before = dict(mpl.rcParams)
    drawn("en")
    assert dict(mpl.rcParams) == before


def test_few_equal_and_certain_predictions_can_be_drawn():
    flat = np.full(30, 0.2)
    y = np.r_[np.ones(3), np.zeros(27)]
    never = pd.DataFrame({"as_of": ["2026-01-01"], "rate": [0.0], "n": [30]})
    figures = [
        charts.calibration(y, flat, "en"),
        charts.gain(y, {"rule": flat}, "rule", "en"),
        charts.rates(never, "en"),
    ]
    pictures = [charts.svg(figure, "name", "words") for figure in figures]
    assert all(svg.startswith("<svg") and "nan" not in svg for svg in pictures)
