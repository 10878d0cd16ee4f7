"""Segments and the trial of an uplift model as people read them, in both languages; and what an offer costs."""

from types import SimpleNamespace

import pytest

from pipelines.delivery import plan_words, uplift_words
from pipelines.wording.texts import LANGUAGES
from targeting.profit_settings import ProfitSettings

FIGURE = {"value": 0.0201, "low": -0.004, "high": 0.0443}
SEGMENTS = [
    {
        "by": "region",
        "value": "<b>north</b>",
        "status": "works",
        "effect": {"value": -0.08, "low": -0.12, "high": -0.04},
    },
    {"by": "stage", "value": "declining", "status": "open", "effect": {"value": -0.02, "low": -0.06, "high": 0.03}},
]


def trial(adopted: str | None = None, outcome: str = "churn") -> dict:
    """As `flows.campaigns_together` gives it."""
    order = FIGURE | {"ahead": None, "curve": [0.01 * step for step in range(11)]}
    learner = order | {"ahead": FIGURE}
    told = {"outcome": outcome, "channel": "call", "campaigns": 2, "customers": 1_800, "adopted": adopted}
    return told | {"risk": order, "learners": {"t_learner": learner, "s_learner": learner}}


EARLY = {
    "outcome": "churn",
    "channel": "call",
    "campaigns": 1,
    "adopted": None,
    "customers": 0,
    "risk": None,
    "learners": {},
}


def test_a_segment_that_spans_zero_has_not_enough_data():
    rows = uplift_words.segments(SEGMENTS, "churn", "GBP", "en")
    assert rows[0][0] == "region: <b>north</b>" and rows[0][2] == "Works" and "8.0 points" in rows[0][1]
    assert rows[1][0].startswith("lifecycle stage: ") and rows[1][2] == "Not enough data yet"
    assert uplift_words.segments(SEGMENTS, "churn", "CNY", "zh")[1][2] == "数据尚不足"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_verdict_has_its_words(lang):
    told = [
        EARLY,
        EARLY | {"campaigns": 3},
        trial(),
        trial("t_learner"),
        trial("s_learner", "value"),
        trial(None, "vip"),
    ]
    said = [uplift_words.verdict(one, lang) for one in told]
    assert len(set(said)) == len(said) and not any("{" in sentence for sentence in said)
    rows = list(uplift_words.orders(trial(), "CNY", lang))
    assert len(rows) == 3 and {len(row) for row in rows} == {len(uplift_words.order_titles(lang))}
    assert "50.0" in rows[0][1] and "20.1" in rows[1][2], "per thousand on the list"
    assert list(uplift_words.orders(EARLY, "CNY", lang)) == []


def test_a_model_that_is_not_used_says_what_to_go_on_with():
    assert "Go on listing by churn probability" in uplift_words.verdict(trial(), "en")
    assert "headwater list churn --by-uplift call" in uplift_words.verdict(trial("t_learner"), "en")
    assert "--by-uplift" not in uplift_words.verdict(trial("t_learner", "value"), "en"), "no list is about money"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_an_offer_costs_is_never_an_amount_of_nothing(lang):
    def basis(incentive: float, by_action: bool) -> str:
        costs, rate = SimpleNamespace(contact=1.2, incentive=incentive), SimpleNamespace(mean=0.3, sd=0.1)
        plan = SimpleNamespace(costs=costs, acceptance=rate, by_action=by_action)
        return plan_words.basis(plan, ProfitSettings(), "GBP", lang)  # type: ignore[arg-type]

    assert len({basis(cost, True) for cost in (0.0, 0.001, 2.5)} | {basis(2.5, False)}) == 4
    assert all("0.00" not in basis(cost, by) for cost in (0.0, 0.001) for by in (True, False))
    assert "2.50" in basis(2.5, True)
