"""Grades follow from the figures: A where the intervals part, C where the rule was not beaten, none for few cases."""

import dataclasses

import numpy as np
import pytest

from models.targets.registry import TARGETS
from pipelines.delivery import report_models
from pipelines.delivery.report_data import Page
from pipelines.wording.formats import NOTHING
from tests.scores_sample import sample_report

DATA = sample_report(200)
PAGE = Page(DATA, "en")
CHURN, VALUE, VIP = (DATA.evaluations[name] for name in ("churn", "value", "vip"))


def test_every_target_has_a_block_in_the_order_of_the_registry():
    versions = [block["version"] for block in report_models.models(PAGE)]
    assert versions == [DATA.models[name] for name in TARGETS if name in DATA.evaluations]


def test_pictures_are_drawn_once_and_anew_for_other_figures(monkeypatch):
    """Nights of one champion share them; one other prediction, outcome, rate, winner, language or currency is another."""
    drawn = []
    monkeypatch.setattr(report_models, "_PICTURES", {})
    monkeypatch.setattr(
        report_models, "_new_pictures", lambda *given: drawn.append(given) or [{"svg": str(len(drawn))}]
    )

    def pictures(page=PAGE, **changed):
        return report_models.pictures(page, TARGETS["churn"], dataclasses.replace(CHURN, **changed))

    def with_first(frame, column):
        return frame.assign(**{column: np.r_[1 - frame[column].iloc[0], frame[column].iloc[1:]]})

    first = pictures()
    assert pictures(final=CHURN.final.copy(), beats_rule=False) == first and len(drawn) == 1
    others = [{"final": with_first(CHURN.final, column)} for column in ("y", "rule", CHURN.winner)]
    others += [{"rates": with_first(CHURN.rates, "rate")}, {"winner": "linear"}]
    others += [{"page": Page(DATA, "zh")}, {"page": Page(dataclasses.replace(DATA, currency="EUR"), "en")}]
    for number, other in enumerate(others, 2):
        assert pictures(**other) != first and len(drawn) == number, other


def test_what_is_kept_of_pictures_does_not_grow(monkeypatch):
    monkeypatch.setattr(report_models, "_PICTURES", dict.fromkeys(map(str, range(report_models.MOST_KEPT))))
    monkeypatch.setattr(report_models, "_new_pictures", lambda *given: [])
    assert report_models.pictures(PAGE, TARGETS["churn"], CHURN) == []
    assert len(report_models._PICTURES) == 1


def test_who_is_ahead_is_said_however_uncertain():
    assert report_models._is_ahead(TARGETS["churn"], CHURN)
    assert not report_models._is_ahead(TARGETS["churn"], dataclasses.replace(CHURN, winner="rule"))


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [("auc", 0.7123, "0.712"), ("lift_5", 3.21, "3.2×"), ("ece", 0.0123, "1.2%"), ("auc", np.nan, NOTHING)],
)
def test_a_figure_is_written_by_its_kind(metric, value, words):
    assert report_models.number(PAGE, metric, value) == words


def test_a_change_is_relative_to_the_rule():
    assert report_models._change(1.5, 1.0) == "+50%"
    assert report_models._change(1.0, 0.0) == NOTHING


def test_a_figure_that_was_not_measured_has_no_interval():
    assert report_models.figure_words(PAGE, "auc", None) == {"value": NOTHING, "interval": ""}
    figure = report_models.figure(VALUE, VALUE.winner, TARGETS["value"].metric)
    assert "–" in report_models.figure_words(PAGE, TARGETS["value"].metric, figure)["interval"]
