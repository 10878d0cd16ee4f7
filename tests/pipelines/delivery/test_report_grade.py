"""The grade comes from what is sold; a range is claimed where it was shown; a refusal names its reason."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.targets.registry import TARGETS
from pipelines.delivery import report_grade, report_models
from pipelines.delivery.report_data import Page
from pipelines.wording.texts import LANGUAGES, has
from tests.scores_sample import sample_report

DATA = sample_report(200)
CHURN, VALUE, VIP = (DATA.evaluations[name] for name in ("churn", "value", "vip"))
PAGE = Page(DATA, "en")
SURE, MAYBE, NOT, SURELY_NOT = (0.2, 0.1, 0.3), (0.1, -0.1, 0.3), (-0.1, -0.3, 0.1), (-0.2, -0.3, -0.1)


def judged(evaluation, beats_rule=True, **figures):
    """The evaluation with these paired differences: value, low, high."""
    rows = [dict(zip(("metric", "value", "low", "high"), (name, *f), strict=True)) for name, f in figures.items()]
    return dataclasses.replace(evaluation, differences=pd.DataFrame(rows), beats_rule=beats_rule)


@pytest.mark.parametrize(
    ("hits", "money", "beats_rule", "grade"),
    [
        (SURE, SURE, True, "A"),
        (SURE, MAYBE, True, "A"),
        (SURE, NOT, True, "B"),
        (SURE, SURELY_NOT, True, "B"),
        (MAYBE, MAYBE, True, "B"),
        (MAYBE, SURELY_NOT, True, "C"),
        (NOT, SURELY_NOT, True, "C"),
        (MAYBE, MAYBE, False, "B"),
        ((0.0, -0.1, 0.1), (0.0, -0.1, 0.1), True, "B"),
        ((0.0, -0.1, 0.1), (0.0, -0.1, 0.1), False, "C"),
    ],
)
def test_the_grade_follows_what_is_sold_and_not_the_order_of_everybody(hits, money, beats_rule, grade):
    for auc in (SURE, SURELY_NOT):
        found = judged(CHURN, beats_rule, auc=auc, lift_at_5pct=hits, captured_value_at_5pct=money)
        assert report_grade.grade(TARGETS["churn"], found) == grade


def test_few_cases_and_a_rule_that_scores_are_no_better():
    assert report_grade.grade(TARGETS["vip"], VIP) == "few"
    rule = dataclasses.replace(judged(CHURN, lift_at_5pct=SURE, captured_value_at_5pct=SURE), winner="rule")
    assert report_grade.grade(TARGETS["churn"], rule) == "C"


def test_without_paired_differences_two_intervals_decide():
    assert report_grade.grade(TARGETS["churn"], CHURN) == "A"
    wide = CHURN.metrics.assign(low=CHURN.metrics["low"] - 9, high=CHURN.metrics["high"] + 9)
    assert report_grade.grade(TARGETS["churn"], dataclasses.replace(CHURN, metrics=wide)) == "B"
    sides = {f.metric: f.side for f in report_grade.sold(TARGETS["value"], VALUE)}
    mae = VALUE.metrics[VALUE.metrics["metric"].eq("mae")].set_index("model")["value"]
    assert (sides["mae"] in ("ahead", "leaning")) == (mae["trees"] < mae["rule"]), (
        "an error is better when it is smaller"
    )


def test_where_model_and_rule_disagree_it_says_which_to_use_for_what():
    both = judged(VALUE, captured_value_at_10pct=SURE, mae=SURELY_NOT)
    assert report_grade.advice(PAGE, TARGETS["value"], both) == [
        "Model and rule disagree here: go by the model for the order of customers by what they will bring, and by "
        "today's rule for how much a customer will bring."
    ]
    told = report_models.block(PAGE, TARGETS["value"], both, "value/3")
    assert told["grade"] == "B" and any("go by the model" in sentence for sentence in told["sentences"])
    worse = judged(VALUE, captured_value_at_10pct=SURELY_NOT, mae=NOT)
    assert "Go by today's rule" in report_grade.advice(PAGE, TARGETS["value"], worse)[0]
    agreed = judged(VALUE, captured_value_at_10pct=SURE, mae=MAYBE)
    assert report_grade.advice(PAGE, TARGETS["value"], agreed) == []


def test_every_figure_of_what_is_sold_has_words():
    sold = {metric for target in TARGETS.values() for metric in target.sold_figures}
    assert sold and all(has(f"report.sold_{metric}") for metric in sold)
    assert all(set(target.sold_figures) <= set(target.report_figures) for target in TARGETS.values())


def world(seed, n=8_000, wrong_above=None):
    """Outcomes drawn from the probabilities; above some probability half as many leave as promised."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.6, 5, n)
    truth = p if wrong_above is None else np.where(p > wrong_above, p / 3, p)
    return (rng.random(n) < truth).astype(float), p


def test_probabilities_that_come_true_are_shown_over_nearly_all_of_their_range():
    wide = 0
    for seed in range(20):
        low, high = report_grade.shown_range(*world(seed)) or (1, 0)
        wide += low < 0.01 and high > 0.3
    assert wide >= 18


def test_a_range_ends_where_probabilities_stop_coming_true():
    for seed in range(20):
        found = report_grade.shown_range(*world(seed, wrong_above=0.25))
        assert found is None or found[1] <= 0.35, found


@given(st.integers(0, 1_199), st.integers(0, 3))
def test_too_few_customers_show_nothing_and_a_range_lies_within_what_was_promised(n, seed):
    y, p = world(seed, n)
    found = report_grade.shown_range(y, p)
    if n < report_grade.BIN_ROWS:
        assert found is None
    if found:
        assert p.min() <= found[0] <= found[1] <= p.max()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_calibration_is_claimed_for_its_range_alone(lang):
    page = Page(DATA, lang)
    y, p = world(3)
    final = pd.DataFrame({"y": y, "trees": p, "rule": p})
    told = report_grade.calibrated(page, dataclasses.replace(CHURN, final=final), 90)
    low, high = report_grade.shown_range(y, p)
    assert page.share(low, 0) in told and page.share(high, 0) in told and "90" in told
    wrong = dataclasses.replace(CHURN, final=final.assign(trees=np.clip(p * 4 + 0.3, 0, 1)))
    assert report_grade.calibrated(page, wrong, 90) == page.say("calibrated_not")
    season = dataclasses.replace(CHURN, final=final, season={"day": "2025-11-01", "ratio": 1.2})
    assert report_grade.calibrated(page, season, 90) == page.say("calibrated_not")
    assert report_grade.calibrated(page, None, 90) == page.say("calibrated_unknown")


def test_a_mended_level_is_the_one_that_is_checked():
    y, p = world(3)
    odds = 3 * p / (1 - p)
    off = dataclasses.replace(CHURN, final=pd.DataFrame({"y": y, "trees": odds / (1 + odds)}))
    assert report_grade.calibrated(PAGE, off, 90) == PAGE.say("calibrated_not")
    assert "Between" in report_grade.calibrated(PAGE, dataclasses.replace(off, level=0.5), 90)


CHECKS = [
    {"name": "calibration", "text": "gates.calibration", "value": 0.31, "limit": 0.2, "passed": False},
    {"name": "slices", "text": "gates.slices", "value": 0.0, "limit": 1.0, "passed": True},
    {"name": "beats_rule", "text": "gates.beats_rule", "value": -0.012, "limit": 0.0, "passed": False},
]


def test_a_refused_model_names_what_refused_it():
    rule = dataclasses.replace(CHURN, winner="rule", beats_rule=False, refused={"version": "churn/7", "checks": CHECKS})
    told = report_models.block(PAGE, TARGETS["churn"], rule, "churn/8")["sentences"]
    assert told[-1] == (
        "Today's rule scores here, because the model churn/7 was refused: calibration error: 0.31, at most 0.2; "
        "expected lead over today's rule: -0.012, must be above 0."
    )
    plain = report_models.block(PAGE, TARGETS["churn"], dataclasses.replace(rule, refused=None), "churn/8")["sentences"]
    assert plain[-1] == PAGE.say("found_worse")
