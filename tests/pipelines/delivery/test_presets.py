"""Presets: the shapes that receivers ask for."""

import pandas as pd
import pytest

from features.errors import HeadwaterError
from models.scores.columns import BY_NAME
from pipelines.delivery.presets import REASONS, WHY, preset, preset_name, preset_rows, presets
from pipelines.wording.reasons import Wording
from targeting.list_settings import ListSettings
from targeting.ranking import churn_list
from tests.scores_sample import sample_scores

DETAILS = ("contact_name", "phone", "email", "phone_e164", "phone_digits", "email_safe")
"""What is joined at export, for those who may take it."""
LIST = churn_list(sample_scores(300), ListSettings(top=20))


def test_every_column_comes_from_the_score_table():
    known = {*BY_NAME, *REASONS, "rank", WHY, *DETAILS}
    assert [c.source for shape in presets().values() for c in shape.columns if c.source not in known] == []


def test_the_chinese_workbook_has_the_promised_columns_in_order():
    told = [column.title("zh") for column in preset("excel-zh").columns]
    promised = [
        "客户编号",
        "档位",
        "流失概率",
        "风险等级",
        "趋势",
        "预计未来12个月价值",
        "潜在VIP分",
        "原因一",
        "原因二",
        "原因三",
        "建议动作",
    ]
    assert [name for name in told if name in promised] == promised


def test_braze_headers_are_exact():
    assert [column.header for column in preset("braze").of("churn").columns] == [
        "external_id", "churn_risk_band", "churn_percentile", "is_potential_vip", "value_band", "as_of",
    ]  # fmt: skip


def test_dynamics_speaks_in_its_codes():
    rows = preset_rows(LIST, preset("dynamics").of("churn"), Wording({}, "en"))
    assert set(rows["ScoreTrend"]) <= {"0", "1", "2", "3"} and set(rows["Grade"]) <= set("ABCD")
    assert rows["Score"].between(0, 100).all()


HEADERS = {
    "hubspot": "headwater_customer_id headwater_churn_risk_band headwater_churn_percentile headwater_is_potential_vip "
    "headwater_value_band headwater_as_of",
    "sfmc": "SubscriberKey ChurnRiskBand ChurnPercentile IsPotentialVip ValueBand AsOf",
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_of_receivers_are_exact(name):
    assert [column.header for column in preset(name).of("churn").columns] == HEADERS[name].split()


@pytest.mark.parametrize("name", sorted(presets()))
def test_no_layout_of_a_receiver_has_free_text_or_consent(name):
    if preset(name).format == "csv":
        sources = {column.source for column in preset(name).of("churn").columns}
        assert not sources & {*REASONS, "contact_allowed", "suppress_reason", "churn_reasons", "vip_reasons"}


@pytest.mark.parametrize(
    ("ids", "header"),
    [
        (["a@example.com", "b.c+d@mail.example.cn"], "Email Address"),
        (["+8613812345678", "+442079460000"], "Phone Number"),
        (["a@example.com", "+8613812345678"], None),
        (["00012373"], None),
        (["a@example"], None),
        (["+86 138 1234 5678"], None),
    ],
)
def test_who_knows_people_by_an_address_gets_one_kind_of_them_or_nothing(ids, header):
    if header is None:
        with pytest.raises(HeadwaterError) as raised:
            preset("klaviyo").addressed(pd.Series(ids))
        assert (raised.value.problem.code, raised.value.exit_code) == ("E347", 3)
        assert not any(one in str(raised.value.problem.values) for one in ids)
    else:
        assert preset("klaviyo").addressed(pd.Series(ids)).columns[0].title(None) == header


def test_machines_get_codes_and_people_get_words():
    assert set(preset_rows(LIST, preset("csv").of("churn"), Wording({}, "zh"))["churn_risk_band"]) <= {
        "low",
        "medium",
        "high",
        "critical",
    }
    assert set(preset_rows(LIST, preset("excel-zh").of("churn"), Wording({}, "zh"))["风险等级"]) <= {
        "低",
        "中",
        "高",
        "极高",
    }


def test_a_format_and_a_language_name_a_preset():
    assert preset_name("xlsx", "en") == "excel-en" and preset_name("csv-excel", "zh") == "csv-excel-zh"
    assert all(
        preset_name(kind, lang) in presets()
        for kind in ("xlsx", "csv", "csv-excel", "parquet")
        for lang in ("zh", "en")
    )
    with pytest.raises(HeadwaterError):
        preset_name("pdf", "en")
