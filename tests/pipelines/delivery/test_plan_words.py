"""What a plan says of measuring: how much holdout, how long a list, how many lists, how strong an action."""

import re

import pytest

from pipelines.delivery.plan_words import measurable
from pipelines.wording.formats import number
from targeting.list_settings import ListSettings
from targeting.plan import plan
from targeting.profit_settings import ProfitSettings
from tests.scores_sample import sample_scores
from tests.targeting.test_plan import BUCKETS

SCORES = sample_scores(900)
CASES = {
    "seen": (500, 0.3, 0.8),
    "hold_out_more": (500, 0.05, 0.7),
    "too_small": (100, 0.1, 0.2),
    "no_control": (500, 0.0, 0.8),
    "no_control_helps": (60, 0.0, 0.1),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_sentence_says_what_to_do(case, lang):
    top, holdout, acceptance = CASES[case]
    profit = ProfitSettings(contact_cost=1.0, incentive=1.0, acceptance=acceptance)
    found = plan(SCORES, ListSettings(top=top, holdout=holdout), profit, BUCKETS)
    advice = found.advice
    assert case.startswith(advice.verdict), advice
    told = measurable(found, found.asked, advice, lang)
    assert not re.search(r"[{}]|None|nan", told)
    if case in ("hold_out_more", "no_control"):
        assert number(round(advice.share * found.asked), lang) in told
    if case in ("too_small", "no_control_helps"):
        named = [advice.lists, advice.longer, found.asked // 2 if advice.keeps else None]
        assert advice.lists and all(number(value, lang) in told for value in named if value)
        assert told.count("." if lang == "en" else "。") >= 2
