"""What leaves the house: safe, whole, complete, and never anybody who must not be on it."""

import csv
import errno
import hashlib
import io
import json
import stat

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.exports import cells_under, starts_formula
from features.catalogue import catalogue
from features.errors import HeadwaterError
from pipelines.delivery import export
from pipelines.delivery.export import ExportContext, csv_text, safe_cell, write_list
from pipelines.delivery.presets import presets
from targeting.list_settings import ListSettings
from targeting.ranking import ListResult, churn_list, vip_list
from tests.scores_sample import sample_scores

SCORES = sample_scores(800)
BY_ADDRESS = {name for name, shape in presets().items() if any(column.kinds for column in shape.columns)}
WITH_IDS = sorted(presets().keys() - BY_ADDRESS)
MACHINES = sorted(name for name in WITH_IDS if presets()[name].format == "csv")
CONTEXT = ExportContext(features={f.column: f for f in catalogue(("data_mb",))}, run={"run_id": "r1", "salt": "sample"})
LISTS = {"vip": vip_list(SCORES, ListSettings(top=60)), "churn": churn_list(SCORES, ListSettings(top=60))}


def ids_in(path, preset):
    """Every customer id that can be read out of a file, by its own kind of reader."""
    shape = presets()[preset]
    place = next((i for i, c in enumerate(shape.columns) if c.source == "customer_id"), 0)
    if shape.format == "parquet":
        return pq.read_table(path)["customer_id"].to_pylist()
    if shape.format == "xlsx":
        sheet = openpyxl.load_workbook(path).worksheets[0]
        return [row[place] for row in sheet.iter_rows(min_row=2, values_only=True)]
    return [row[place] for row in csv.reader(io.StringIO(path.read_text("utf-8-sig")))][1:]


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("preset", WITH_IDS)
def test_every_preset_carries_exactly_the_listed_customers(tmp_path, kind, preset):
    path = tmp_path / "list.xlsx"
    exported = write_list(LISTS[kind], path, preset, CONTEXT)
    frame = SCORES.to_pandas().set_index("customer_id")
    found = ids_in(path, preset)
    assert found == LISTS[kind].rows["customer_id"].tolist() and len(found) == exported.rows > 0
    assert not frame.loc[found, "is_holdout"].any() and frame.loc[found, "contact_allowed"].all()
    everything = path.read_bytes()
    assert not [held for held in LISTS[kind].control["customer_id"] if held.encode() in everything]
    assert exported.sha256 == hashlib.sha256(everything).hexdigest()


@pytest.mark.parametrize("preset", WITH_IDS)
def test_the_same_list_gives_the_same_bytes(tmp_path, preset):
    written = [write_list(LISTS["vip"], tmp_path / name, preset, CONTEXT).sha256 for name in ("a", "b")]
    assert written[0] == written[1]


@pytest.mark.parametrize("change", [{"is_holdout": True}, {"contact_allowed": False}, {"arm": "control"}])
def test_a_list_with_somebody_untouchable_is_refused(tmp_path, change):
    rows = LISTS["vip"].rows.copy()
    for column, value in change.items():
        rows[column] = rows[column].where(rows.index != 3, value)
    broken = ListResult(**{**vars(LISTS["vip"]), "rows": rows})
    with pytest.raises(HeadwaterError) as raised:
        write_list(broken, tmp_path / "x.csv", "csv", CONTEXT)
    assert raised.value.problem.code == "E262" and list(tmp_path.iterdir()) == []


def test_who_refuses_later_is_taken_off_old_lists_too(tmp_path):
    gone = LISTS["vip"].rows["customer_id"].iloc[0]
    context = ExportContext(features=CONTEXT.features, refused=frozenset({gone}))
    exported = write_list(LISTS["vip"], tmp_path / "x.xlsx", "excel-en", context)
    assert exported.withdrawn == 1 and gone not in ids_in(tmp_path / "x.xlsx", "excel-en")
    told = dict(openpyxl.load_workbook(tmp_path / "x.xlsx")["Summary"].iter_rows(values_only=True))
    counts = LISTS["vip"].counts
    assert told["Taken off since the list was drawn"] == 1 and told["On this list"] == counts.listed - 1


def test_unknown_presets_are_named(tmp_path):
    with pytest.raises(HeadwaterError) as raised:
        write_list(LISTS["vip"], tmp_path / "x", "salesforce", CONTEXT)
    assert raised.value.problem.code == "E263" and "braze" in raised.value.problem.values["known"]


def test_every_export_is_logged_without_customers(tmp_path):
    log = tmp_path / "exports.jsonl"
    context = ExportContext(features=CONTEXT.features, log=log, who="li", when="2026-11-01T02:00:00Z")
    exported = [write_list(LISTS["vip"], tmp_path / "x.csv", preset, context) for preset in ("csv", "braze")]
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [line["preset"] for line in lines] == ["csv", "braze"]
    assert [(line["rows"], line["sha256"]) for line in lines] == [(e.rows, e.sha256) for e in exported]
    assert {line["who"] for line in lines} == {"li"}
    assert not any(customer in log.read_text("utf-8") for customer in LISTS["vip"].rows["customer_id"])


def test_a_list_that_cannot_be_logged_does_not_leave(tmp_path):
    path, log = tmp_path / "x.csv", tmp_path / "exports.jsonl"
    log.mkdir()
    path.write_text("old")
    with pytest.raises(HeadwaterError) as raised:
        write_list(LISTS["vip"], path, "csv", ExportContext(features=CONTEXT.features, log=log))
    assert raised.value.problem.code == "E705" and raised.value.problem.file == str(log)
    assert path.read_text() == "old" and sorted(tmp_path.iterdir()) == [log, path]


def test_only_csv_excel_starts_with_a_bom(tmp_path):
    for preset in (*MACHINES, "csv-excel-zh"):
        write_list(LISTS["vip"], tmp_path / preset, preset, CONTEXT)
        assert (tmp_path / preset).read_text("utf-8").startswith("\ufeff") == (preset == "csv-excel-zh")


def test_files_are_not_for_everybody_and_nothing_is_left_beside(tmp_path):
    write_list(LISTS["vip"], tmp_path / "new" / "x.csv", "csv", CONTEXT)
    assert stat.S_IMODE((tmp_path / "new" / "x.csv").stat().st_mode) == 0o640
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.csv"]


def test_a_failure_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "x.csv"
    path.write_text("old")

    def fail(result, target, *_):
        target.write_text("half")
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(export, "_write", fail)
    with pytest.raises(HeadwaterError, match="E703"):
        write_list(LISTS["vip"], path, "csv", CONTEXT)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


HOSTILE = st.text(st.sampled_from(list("=+-@＝＋－＠,;|\t\r\n\0\"' \ufeff\u200b\u00a0\u2028aA1流")), max_size=14)


@settings(max_examples=400, deadline=None)
@given(HOSTILE)
@example("x,\"=cmd|' /C calc'!A0")
@example(";＝1+1")
@example("\u200b=1")
def test_no_cell_of_any_separator_is_a_formula(text):
    written = csv_text(pd.DataFrame({"名称": [text]}), guard=True)
    for separator in ",;\t|":
        assert [cell for cell in cells_under(written, separator) if starts_formula(cell)] == []


def with_id(customer: str) -> ListResult:
    """The list with another id in its fourth place."""
    rows = LISTS["vip"].rows.copy()
    rows["customer_id"] = rows["customer_id"].where(rows.index != 3, customer)
    return ListResult(**{**vars(LISTS["vip"]), "rows": rows})


@pytest.mark.parametrize("customer", ['=HYPERLINK("x")', "@SUM(1)", "+1-1", "\u200b=1", "a;=1", "＝1", "-1+2"])
def test_ids_that_a_spreadsheet_would_run_leave_in_guarded_layouts_alone(tmp_path, customer):
    for preset in MACHINES:
        with pytest.raises(HeadwaterError) as raised:
            write_list(with_id(customer), tmp_path / "x", preset, CONTEXT)
        told = raised.value.problem
        assert (told.code, raised.value.exit_code, told.values["count"]) == ("E344", 3, 1)
        assert customer not in str(told.values["value"]) and list(tmp_path.iterdir()) == []
    for preset in ("excel-zh", "csv-excel-zh"):
        assert write_list(with_id(customer), tmp_path / preset, preset, CONTEXT).rows == len(LISTS["vip"].rows)


@pytest.mark.parametrize("customer", ["+8613812345678", "-17", "00012373", "A-17", "89860012345678901234", "李=四"])
def test_honest_ids_arrive_as_they_are(tmp_path, customer):
    for preset in MACHINES:
        write_list(with_id(customer), tmp_path / preset, preset, CONTEXT)
        assert ids_in(tmp_path / preset, preset)[3] == customer


@settings(max_examples=400, deadline=None)
@given(HOSTILE)
def test_law_an_id_is_refused_or_no_formula_under_any_separator(text):
    try:
        export._refuse_formulas(pd.Series([text]), "customer_id")
    except HeadwaterError:
        return
    written = csv_text(pd.DataFrame({"customer_id": [text]}), guard=False)
    live = [cell for separator in ",;|\t" for cell in cells_under(written, separator) if starts_formula(cell)]
    assert not [cell for cell in live if not export.HARMLESS.fullmatch(text)]


def test_the_reading_above_catches_a_guard_at_the_start_alone():
    naive = "'" + 'x,"=1+1'
    assert [cell for cell in cells_under(f'"{naive}"', ",") if starts_formula(cell)]


@given(st.text(max_size=30))
def test_the_guard_only_adds_apostrophes(text):
    guarded = iter(safe_cell(text))
    assert all(char in guarded for char in text)
    assert safe_cell(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", ["13800000021", "流量连降：近12周 -41%（一般客户 +2%）", "a=b", "C-1"])
def test_harmless_texts_stay_as_they_are(text):
    assert safe_cell(text) == text
