"""The workbook, read back by another library."""

import openpyxl
import pytest

from features.catalogue import catalogue
from pipelines.delivery import workbook
from pipelines.delivery.presets import preset, preset_rows
from pipelines.wording.reasons import Wording
from targeting.list_settings import ListSettings
from targeting.ranking import ListResult, churn_list, vip_list
from tests.scores_sample import sample_scores

FEATURES = {f.column: f for f in catalogue(("data_mb",))}
LIST = churn_list(sample_scores(800), ListSettings(top=60))


def book(tmp_path, lang="zh", result=LIST, **options):
    shape = preset(f"excel-{lang}").of(result.kind)
    rows = preset_rows(result, shape, Wording(FEATURES, lang))
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
    assert sheet.auto_filter.ref == f"A1:Q{len(LIST.rows) + 1}"


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
