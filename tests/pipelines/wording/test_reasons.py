"""Reasons as sentences, in both languages."""

import pytest

from features.catalogue import catalogue
from models.scores.columns import BY_NAME
from pipelines.wording.reasons import Wording, headline, sentence, sentences
from pipelines.wording.texts import has
from targeting.actions import PLAYBOOK

FEATURES = {feature.column: feature for feature in catalogue(("data_mb",))}
ZH, EN = Wording(FEATURES, "zh"), Wording(FEATURES, "en")


def reason(code, feature, value, peer, *, rank=1, direction=1):
    return {"code": code, "feature": feature, "value": value, "peer_value": peer, "rank": rank, "direction": direction}


FALLING = reason("usage_trend", "data_mb_ratio_12w", "0.59", "1.02")


def test_a_sentence_names_the_reason_the_figure_and_the_others():
    assert sentence(FALLING, ZH) == "使用走低：近12周流量与前12周之比 59%（一般客户 102%）"
    told = sentence(FALLING, EN)
    assert told.startswith("Use falling: ") and told.endswith(" 59% (others 102%)")


@pytest.mark.parametrize(
    ("feature", "value", "zh", "en"),
    [
        ("arpu_3m", "88.5", "¥88.50", "¥88.50"),
        ("contract_days_left", "31", "31 天", "31 days"),
        ("complaint_count_90d", "2", "2", "2"),
        ("tenure_months", "4.0", "4 个月", "4 months"),
        ("arpu_trend_6m", "-0.034", "-3.4%", "-3.4%"),
        ("arpu_slope_3m", "-2.5", "-¥2.50", "-¥2.50"),
        ("lifecycle_stage", "declining", "衰退期", "declining"),
        ("arpu_3m", None, FEATURES["arpu_3m"].null_meaning("zh"), FEATURES["arpu_3m"].null_meaning("en")),
        ("no_such_feature", "", "未知", "unknown"),
    ],
)
def test_values_are_told_in_their_unit(feature, value, zh, en):
    given = reason("plan", feature, value, "")
    assert sentence(given, ZH).endswith(zh) and sentence(given, EN).endswith(en)
    assert "None" not in sentence(given, ZH) + sentence(given, EN)


def test_the_headline_follows_the_side_of_the_others():
    assert headline(FALLING, "en") == "Use falling"
    assert headline(FALLING | {"value": "1.5"}, "en") == "Use rising"
    assert headline(FALLING | {"peer_value": None}, "en") == "Course of use"


def test_only_what_pushes_the_score_up_is_told_best_first():
    given = [FALLING | {"rank": 2}, reason("plan", "plan", "P50", None, rank=1), FALLING | {"rank": 3, "direction": -1}]
    told = sentences(given, EN)
    assert len(told) == 2 and told[0].startswith("Plan")
    assert sentences(None, EN) == []


def test_a_figure_like_that_of_the_others_is_no_reason():
    assert sentences([reason("usage_recency", "usage_days_4w", "4", "4"), FALLING], EN) == [sentence(FALLING, EN)]


def test_a_contract_that_is_over_is_said_to():
    assert headline(reason("contract", "contract_days_left", "-31", "181"), "en") == "Contract has ended"
    assert headline(reason("contract", "contract_days_left", "31", "181"), "en") == "Contract ends sooner"


def test_unknown_features_and_codes_stand_for_themselves():
    assert sentence(reason("new_code", "new_feature", "1.5", "x"), EN) == "new_code: new_feature 1.5 (others x)"


def test_every_reason_of_the_catalogue_has_words():
    codes = {feature.reason for feature in catalogue(("data_mb", "voice_minutes"))}
    assert [c for c in codes for side in ("", "_below", "_above") if not has(f"reasons.{c}{side}")] == []


def test_every_code_of_the_score_table_and_the_playbook_has_words():
    codes = [f"enums.{c.name}_{v}" for c in BY_NAME.values() for v in c.values if c.name != "value_risk_cell"]
    codes += [f"actions.{action.code}" for action in PLAYBOOK]
    assert [code for code in codes if not has(code)] == []


def test_every_code_of_a_text_feature_has_words():
    stages = ("onboarding", "growing", "steady", "declining", "dormant")
    kinds = ("spike", "rising", "falling", "volatile", "steady")
    codes = [f"enums.{name}_{code}" for name in ("lifecycle_stage", "lifecycle_stage_before") for code in stages]
    codes += [f"enums.fluctuation_type_{kind}" for kind in kinds]
    assert [code for code in codes if not has(code)] == []
