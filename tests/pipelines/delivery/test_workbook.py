"""The workbook, read back by another library."""

import dataclasses

import numpy as np
import openpyxl
import pytest

from features.catalogue import catalogue
from pipelines.delivery import workbook
from pipelines.delivery.presets import NO_RULES, preset, preset_rows
from pipelines.wording.reasons import Wording
from targeting.list_settings import ListSettings
from targeting.ranking import ListResult, churn_list, vip_list
from tests.scores_sample import sample_scores

FEATURES = {f.column: f for f in catalogue(("data_mb",))}
LIST = churn_list(sample_scores(800), ListSettings(top=60))


def book(tmp_path, lang="zh", result=LIST, rules=NO_RULES, **options):
    shape = preset(f"excel-{lang}").of(result.kind)
    rows = preset_rows(result, shape, Wording(FEATURES, lang), rules)
    facts = workbook.Facts(result, rows, shape, "CNY", {"run_id": "2026-11-01-abc"}, withdrawn=0)
    workbook.write(facts, tmp_path / "x.xlsx", **options)
    return openpyxl.load_workbook(tmp_path / "x.xlsx")


def test_four_sheets_in_both_languages(tmp_path):
    assert book(tmp_path).sheetnames == ["名单", "汇总", "口径说明", "运行信息"]
    assert book(tmp_path, "en").sheetnames == ["List", "Summary", "Definitions", "Run"]


def test_ids_are_text_numbers_are_numbers_and_chinese_is_intact(tmp_path):
    sheet = book(tmp_path)["名单"]
    head = [cell.value for cell in sheet[1]]
    assert head[1:4] == ["客户编号", "档位", "流失概率"]
    by_name = dict(zip(head, sheet[2], strict=True))
    assert by_name["客户编号"].value == LIST.rows["customer_id"].iloc[0] and by_name["客户编号"].data_type == "s"
    assert by_name["客户编号"].value.startswith("00861")
    assert by_name["流失概率"].value == pytest.approx(float(LIST.rows["churn_probability"].iloc[0]))
    assert by_name["流失概率"].number_format == "0.0%" and "¥" in by_name["风险价值"].number_format
    assert "，一般客户 " in by_name["原因一"].value


def test_nothing_is_a_formula_or_a_link(tmp_path):
    hostile = LIST.rows.copy()
    hostile["customer_id"] = ["=1+1", "http://x.example/", "00012", "+8613800000021", *hostile["customer_id"].iloc[4:]]
    workbook_read = book(tmp_path, result=ListResult(**{**vars(LIST), "rows": hostile}))
    cells = [cell for sheet in workbook_read for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert not [cell for cell in cells if cell.hyperlink]
    assert [row[1].value for row in workbook_read["名单"].iter_rows(min_row=2, max_row=4)] == [
        "=1+1",
        "http://x.example/",
        "00012",
    ]


def test_the_header_stays_and_filters_are_on(tmp_path):
    sheet = book(tmp_path)["名单"]
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == f"A1:R{len(LIST.rows) + 1}"


@pytest.mark.parametrize(("lang", "sheet", "title", "words"), [
    ("zh", "名单", "此前从无高账单", {"是": True, "否": False}),
    ("en", "List", "No high bill so far", {"yes": True, "no": False}),
])  # fmt: skip
def test_the_list_of_vips_alone_says_in_words_who_had_no_high_bill_so_far(tmp_path, lang, sheet, title, words):
    vips = vip_list(sample_scores(800), ListSettings(top=60))
    read = book(tmp_path, lang, vips)
    told = {
        cell.value: [row[cell.column - 1].value for row in read[sheet].iter_rows(min_row=2)] for cell in read[sheet][1]
    }
    assert [words[word] for word in told[title]] == vips.rows["vip_early"].tolist()
    assert len(set(told[title])) == 2
    definitions = dict(read.worksheets[2].iter_rows(min_row=2, values_only=True))
    assert ("high-value threshold" if lang == "en" else "高价值线") in definitions[title]
    assert title not in [cell.value for cell in book(tmp_path, lang)[sheet][1]]


def test_risk_has_the_colours_of_a_traffic_light(tmp_path):
    sheet = book(tmp_path)["名单"]
    colours = {row[4].value: row[4].fill.start_color.rgb[-6:] for row in sheet.iter_rows(min_row=2)}
    assert colours["极高"] == workbook.LIGHTS["critical"].strip("#")
    assert len(set(colours.values())) == len(colours) > 1


def test_the_summary_adds_up(tmp_path):
    lines = list(book(tmp_path, "en")["Summary"].iter_rows(min_row=2, values_only=True))
    numbers = [value for _, value in lines if value is not None]
    assert numbers[0] == sum(numbers[1:]) == LIST.counts.eligible
    assert dict(lines)["Held out for measuring (this list)"] == LIST.counts.held_out_here


def test_run_and_definitions_are_there(tmp_path):
    read = book(tmp_path)
    assert "2026-11-01-abc" in [value for _, value in read["运行信息"].iter_rows(values_only=True)]
    told = dict(read["口径说明"].iter_rows(min_row=2, values_only=True))
    assert set(told) == {cell.value for cell in read["名单"][1]}


def test_long_lists_go_on_in_further_sheets(tmp_path):
    read = book(tmp_path, rows_per_sheet=20)
    parts = [read[name] for name in read.sheetnames if name.startswith("名单")]
    ids = [row[1] for part in parts for row in part.iter_rows(min_row=2, values_only=True)]
    assert len(parts) == -(-len(LIST.rows) // 20) and ids == LIST.rows["customer_id"].tolist()


def test_an_empty_list_is_a_sound_workbook(tmp_path):
    empty = ListResult(**{**vars(LIST), "rows": LIST.rows.head(0)})
    told = list(book(tmp_path, result=empty)["名单"].iter_rows(values_only=True))
    assert len(told) == 2 and f"{LIST.counts.eligible:,}" in told[1][0] and not any(told[1][1:])


RULES = {"keep": {"churn_risk_band": ["high", "critical"], "value_band": ["high"]}, "rest": {}}


@pytest.mark.parametrize(
    ("lang", "title", "told"),
    [
        (
            "en",
            "Why this action",
            "The first rule of the playbook that fits: risk of leaving high or critical, value high.",
        ),
        ("zh", "动作依据", "动作手册中最先适用的规则：流失风险高或极高，价值高。"),
    ],
)
def test_the_rule_that_fired_is_a_sentence(tmp_path, lang, title, told):
    """A rule that is not known, as of a night before there were playbooks, is told by nothing."""
    fired = ["keep", "rest", None, "gone", *["keep"] * (len(LIST.rows) - 4)]
    result = ListResult(**{**vars(LIST), "rows": LIST.rows.assign(action_rule=fired)})
    sheet = book(tmp_path, lang, result, RULES).worksheets[0]
    column = next(cell.column for cell in sheet[1] if cell.value == title)
    found = [row[column - 1].value for row in sheet.iter_rows(min_row=2)]
    assert [found[0], found[2], found[3]] == [told, None, None]
    assert found[1] in ("No special rule of the playbook fits.", "动作手册中没有更具体的规则适用，按基础规则处理。")


def test_it_prints_as_wide_as_a_page_with_its_header_on_each(tmp_path):
    read = book(tmp_path, "en")
    for sheet in read:
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight, sheet.page_setup.paperSize) == (1, 0, 9)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.oddFooter.left.text == LIST.list_id and sheet.oddFooter.right.text == "Page &P of &N"
    assert read["List"].page_setup.orientation == "landscape" and read["List"].print_title_rows == "$1:$1"


def test_the_run_is_told_in_a_sentence(tmp_path):
    counts = LIST.counts
    told = dict(book(tmp_path, "en")["Run"].iter_rows(min_row=2, values_only=True))["This list"]
    assert told == (
        f"A list (at risk of leaving), drawn by what was known before {LIST.as_of}, first by value at risk. {counts.eligible:,} customers "
        f"were eligible, {counts.listed:,} are to be contacted, {counts.held_out:,} are held out so that the effect can be measured."
    )
    assert "按潜在VIP分排序" in str(
        list(book(tmp_path, "zh", vip_list(sample_scores(800), ListSettings(top=60)))["运行信息"].values)
    )


@pytest.mark.parametrize("draw", [churn_list, vip_list])
def test_a_list_in_the_order_of_a_model_of_uplift_says_so(tmp_path, draw):
    scores = sample_scores(300)
    drawn = draw(scores, ListSettings(top=40), uplift=np.linspace(0, 1, 300))
    result = dataclasses.replace(drawn, filters=drawn.filters | {"uplift": "call · t_learner"})
    cells = [str(cell.value) for row in book(tmp_path, "en", result)["Run"].iter_rows() for cell in row]
    assert any("expected effect of a contact" in cell for cell in cells) and "call · t_learner" in cells
