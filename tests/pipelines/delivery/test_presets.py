"""Presets: the shapes that receivers ask for."""

import pytest

from features.errors import HeadwaterError
from models.scores.columns import BY_NAME
from pipelines.delivery.presets import REASONS, preset, preset_name, preset_rows, presets
from pipelines.wording.reasons import Wording
from targeting.list_settings import ListSettings
from targeting.ranking import churn_list
from tests.scores_sample import sample_scores

LIST = churn_list(sample_scores(300), ListSettings(top=20))


def test_every_column_comes_from_the_score_table():
    known = {*BY_NAME, *REASONS, "rank"}
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
    assert [column.header for column in preset("braze").columns] == [
        "external_id", "churn_risk_band", "churn_percentile", "is_potential_vip", "value_band", "as_of",
    ]  # fmt: skip


def test_dynamics_speaks_in_its_codes():
    rows = preset_rows(LIST, preset("dynamics"), Wording({}, "en"))
    assert set(rows["ScoreTrend"]) <= {"0", "1", "2", "3"} and set(rows["Grade"]) <= set("ABCD")
    assert rows["Score"].between(0, 100).all()


def test_machines_get_codes_and_people_get_words():
    assert set(preset_rows(LIST, preset("csv"), Wording({}, "zh"))["churn_risk_band"]) <= {
        "low",
        "medium",
        "high",
        "critical",
    }
    assert set(preset_rows(LIST, preset("excel-zh"), Wording({}, "zh"))["风险等级"]) <= {"低", "中", "高", "极高"}


def test_a_format_and_a_language_name_a_preset():
    assert preset_name("xlsx", "en") == "excel-en" and preset_name("csv-excel", "zh") == "csv-excel-zh"
    assert all(
        preset_name(kind, lang) in presets()
        for kind in ("xlsx", "csv", "csv-excel", "parquet")
        for lang in ("zh", "en")
    )
    with pytest.raises(HeadwaterError):
        preset_name("pdf", "en")
