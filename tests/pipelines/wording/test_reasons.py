"""Reasons as sentences: each as an editor of its language would write it, for every feature and any figure."""

import re

import pytest

from features.catalogue import FAMILIES, catalogue
from models.scores.columns import BY_NAME
from pipelines.wording.reasons import Wording, headline, sentence, sentences
from pipelines.wording.texts import catalogue as texts
from pipelines.wording.texts import has
from targeting.default_playbook import PLAYBOOK

CATALOGUE = catalogue(("data_mb", "night_data_mb", "voice_minutes"))
FEATURES = {feature.column: feature for feature in CATALOGUE}
ZH, EN = Wording(FEATURES, "zh"), Wording(FEATURES, "en")


def reason(code, feature, value, peer, *, rank=1, direction=1):
    return {"code": code, "feature": feature, "value": value, "peer_value": peer, "rank": rank, "direction": direction}


FALLING = reason("usage_trend", "data_mb_ratio_12w", "0.59", "1.01")
TOLD = [
    ("data_mb_ratio_12w", "0.59", "1.01", "近12周流量比前12周少 41%，一般客户基本持平",
     "Data volume of the last 12 weeks 41% less than that of the 12 before; others about the same"),
    ("data_mb_ratio_12w", "2.4", "0", "近12周流量是前12周的 2.4 倍，一般客户降为零",
     "Data volume of the last 12 weeks 2.4 times that of the 12 before; others down to nothing"),
    ("data_mb_mean_4w", "1234", "820", "近4周流量 1.2 GB，一般客户 820 MB",
     "Data volume of the last 4 weeks 1.2 GB; others 820 MB"),
    ("data_mb_mean_4w", "0", "820", "近4周没有流量，一般客户 820 MB",
     "No data volume in the last 4 weeks; others 820 MB"),
    ("arpu_3m", "88.5", "42", "近3个月月均账单 ¥88.50，一般客户 ¥42.00",
     "Monthly bill of the last 3 months ¥88.50; others ¥42.00"),
    ("arpu_1m", "88.5", "42", "最近一个月账单 ¥88.50，一般客户 ¥42.00", "Last month's bill ¥88.50; others ¥42.00"),
    ("arpu_trend_6m", "-0.034", "0", "近6个月账单每月下降 3.4%，一般客户基本平稳",
     "Bill falling by 3.4% a month over 6 months; others steady"),
    ("arpu_slope_3m", "2.5", "0", "近3个月账单每月上升 ¥2.50，一般客户基本平稳",
     "Bill rising by ¥2.50 a month over 3 months; others steady"),
    ("contract_days_left", "31", "181", "合约 31 天后到期，一般客户 181 天后到期",
     "Contract ends in 31 days; others in 181 days"),
    ("contract_days_left", "-31", "181", "合约已到期 31 天，一般客户 181 天后到期",
     "Contract ended 31 days ago; others in 181 days"),
    ("contract_days_left", "0", "-1", "合约今天到期，一般客户已到期 1 天", "Contract ends today; others 1 day ago"),
    ("complaint_count_90d", "2", "0", "近90天投诉 2 次，一般客户 0 次", "2 complaints in 90 days; others 0"),
    ("complaint_count_90d", "1", "0", "近90天投诉 1 次，一般客户 0 次", "1 complaint in 90 days; others 0"),
    ("days_since_usage", "1", "0", "最近一次使用在 1 天前，一般客户一天内",
     "Last used anything 1 day ago; others within the last day"),
    ("days_late_182d", "-2", "0", "近182天平均提前 2 天缴费，一般客户按时",
     "Pays 2 days early on average over 182 days; others on time"),
    ("inbound_change_90d", "-3", "0", "近90天主动联系次数比前90天少 3 次，一般客户基本持平",
     "Contacts with us in the last 90 days 3 fewer than those of the 90 before; others about the same"),
    ("plan_fee_change", "20", "0", "套餐月费比入网时高 ¥20.00，一般客户基本持平",
     "Plan fee ¥20.00 higher than that at the beginning; others about the same"),
    ("arpu_of_plan_3m", "0.8", "1", "近3个月账单比同套餐中等水平低 20%",
     "Bill of 3 months 20% lower than the middle of their plan"),
    ("arpu_ratio_of_all_3m", "1.3", "1", "近3个月账单走势领先全体客户 30%",
     "Bill of 3 months has got 30% ahead of customers in general"),
    ("lifecycle_stage", "declining", "steady", "处于衰退期，多数客户为稳定期",
     'In the stage "declining"; most others steady'),
    ("plan", "50", "20", "套餐为50，多数客户为 20", "On plan 50; most others 20"),
]  # fmt: skip


@pytest.mark.parametrize(("feature", "value", "peer", "zh", "en"), TOLD)
def test_a_sentence_tells_figure_unit_direction_and_others(feature, value, peer, zh, en):
    given = reason("plan", feature, value, peer)
    assert (sentence(given, ZH), sentence(given, EN)) == (zh, en)


NUMBERS = ("0", "1", "0.59", "1.3", "2", "-31", "-0.034", "987654.3")
WORDS = ("declining", "P50")
ODD = re.compile(r"None|nan|True|False|[{}]|  | [，；]|_|\b1 (?:days|months|weeks|complaints)\b|--|\bof the last 1\b")
CHINESE = re.compile("[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]+")


@pytest.mark.parametrize("feature", CATALOGUE, ids=lambda feature: feature.column)
def test_every_feature_is_told_in_both_languages_whatever_its_figure(feature):
    words = feature.unit == "text"
    peer, told = ("P", []) if words else ("0.4", [])
    for value in WORDS if words else NUMBERS:
        chinese, english = (sentence(reason("plan", feature.column, value, peer), wording) for wording in (ZH, EN))
        assert (chinese is None) == (english is None)
        if chinese is not None and english is not None:
            told.append(value)
            assert not ODD.search(chinese) and not ODD.search(english), (chinese, english)
            assert CHINESE.search(chinese) and not CHINESE.search(english), (chinese, english)
            assert set(LATIN.findall(chinese)) <= {"MB", "GB", "P", *WORDS}, chinese
            assert english[0] == english[0].upper()
    assert len(told) >= (1 if words else 4)
    assert sentence(reason("plan", feature.column, None, peer), EN) is None
    assert sentence(reason("plan", feature.column, "", peer), ZH) is None


def test_nothing_is_said_where_nothing_can_be_compared():
    assert sentence(FALLING | {"peer_value": ""}, ZH) is None and sentence(FALLING | {"peer_value": None}, EN) is None
    assert sentence(FALLING | {"value": "0.995"}, EN) is None, "about the same as others is no reason"
    assert sentence(reason("bill_level", "arpu_of_plan_3m", "1.01", "1.4"), EN) is None, "as others, said by itself"
    empty = reason("contract", "contract_days_left", None, "9")
    assert sentences([reason("usage_recency", "usage_days_4w", "4", "4"), empty, FALLING], EN) == [
        sentence(FALLING, EN)
    ]


def test_only_what_pushes_the_score_up_is_told_best_first():
    given = [FALLING | {"rank": 2}, reason("plan", "plan", "P50", "P20"), FALLING | {"rank": 3, "direction": -1}]
    told = sentences(given, EN)
    assert len(told) == 2 and told[0].startswith("On plan")
    assert sentences(None, EN) == []


def test_a_feature_without_a_sentence_of_its_own_is_told_by_its_label():
    assert sentence(reason("new_code", "new_feature", "1.5", "2"), EN) == "New_feature: 1.5; others 2"
    assert headline("new_code", "en") == "new_code" and headline("plan", "zh") == "套餐情况"


def test_every_sentence_belongs_to_a_feature_that_is_there():
    defined = {f"{family.__name__.rpartition('.')[2]}.{name}" for family in FAMILIES for name in vars(family)}
    keys = [key.removeprefix("spoken.") for key in texts() if key.startswith("spoken.")]
    assert len(keys) > 150
    assert [key for key in keys if re.sub(r"_(none|\d+)$", "", key) not in defined] == []


def test_every_reason_of_the_catalogue_has_words():
    codes = {feature.reason for feature in catalogue(("data_mb", "voice_minutes"))}
    assert [c for c in codes if not has(f"reasons.{c}")] == []


def test_every_code_of_the_score_table_and_the_playbook_has_words():
    codes = [f"enums.{c.name}_{v}" for c in BY_NAME.values() for v in c.values if c.name != "value_risk_cell"]
    codes += [f"actions.{action.code}" for action in PLAYBOOK]
    assert [code for code in codes if not has(code)] == []


def test_every_code_of_a_text_feature_has_words():
    stages = ("onboarding", "growing", "steady", "declining", "dormant")
    kinds = ("spike", "rising", "falling", "volatile", "steady")
    codes = [
        f"enums.{name}_{code}"
        for name in ("lifecycle_stage", "lifecycle_stage_before", "lifecycle_stage_previous")
        for code in stages
    ]
    codes += [f"enums.fluctuation_type_{kind}" for kind in kinds]
    assert [code for code in codes if not has(code)] == []
