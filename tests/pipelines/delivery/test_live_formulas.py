"""Thousands of texts through every export, read again with four separators: no live formula, ids and numbers as they were."""

import csv
import io
from contextlib import closing

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from openpyxl.utils.escape import unescape

from benchmarks.exports import PAYLOADS, details_of, generated, listed, live, summary, trial
from features.errors import HeadwaterError
from pipelines.delivery import export
from pipelines.delivery.export import ExportContext, write_list
from pipelines.delivery.presets import presets
from targeting.list_settings import ListSettings
from targeting.ranking import ListResult, churn_list
from tests.scores_sample import sample_scores


def check(tmp_path, texts):
    """Every layout but those that refuse: no live cell, and every id as it was but for apostrophes."""
    result = listed(texts)
    for name, shape in presets().items():
        path = tmp_path / f"{name}.xlsx"
        if shape.format == "csv":
            refuses(result, path, name)
            continue
        write_list(result, path, name, ExportContext())
        READ[shape.format](path, [column.source for column in shape.of("churn").columns], texts)


def refuses(result, path, name):
    """A machine's layout, which has every text as it is, leaves with harmless ones alone."""
    with pytest.raises(HeadwaterError) as raised:
        write_list(result, path, name, ExportContext())
    assert raised.value.problem.code in ("E344", "E347") and not path.exists()


def read_guarded(path, sources, texts):
    text = path.read_bytes().decode("utf-8-sig")
    assert live(text) == []
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    place = sources.index("customer_id")
    assert [row[place].replace("'", "") for row in rows] == [one.replace("'", "") for one in texts]


def read_workbook(path, sources, texts):
    place = sources.index("customer_id")
    with closing(openpyxl.load_workbook(path, read_only=True)) as book:
        for row, text in zip(book.worksheets[0].iter_rows(min_row=2), texts, strict=True):
            assert row[place].data_type == "s" and unescape(row[place].value) == text
            assert not [cell for cell in row if cell.data_type == "f"]


def read_parquet(path, sources, texts):
    assert pq.read_table(path)["customer_id"].to_pylist() == texts


READ = {"csv-excel": read_guarded, "xlsx": read_workbook, "parquet": read_parquet}


def test_payloads_are_many_and_would_run():
    assert len(set(PAYLOADS)) == 150
    assert all(live(text) for text in PAYLOADS)


def test_payloads_and_some_texts_through_every_export(tmp_path):
    check(tmp_path, PAYLOADS + generated(30, seed=1))


@pytest.mark.slow
def test_ten_thousand_texts_through_every_export(tmp_path):
    check(tmp_path, PAYLOADS + generated(10_000, seed=2))


def test_contact_details_are_live_in_no_export(tmp_path):
    """People read texts as they are, machines get numbers and addresses or nothing: no file is stopped by a hostile name."""
    texts = PAYLOADS + generated(30, seed=3) + ["138 0013 8000"]
    ids = [f"{n:06d}" for n in range(len(texts))]
    result = listed(ids)
    context = ExportContext(details=details_of(texts, ids))
    for name, shape in presets().items():
        write_list(result, tmp_path / name, name, context)
        sources = [column.source for column in shape.of("churn", contacts=True).columns]
        if shape.format == "xlsx":
            with (tmp_path / name).open("rb") as file, closing(openpyxl.load_workbook(file, read_only=True)) as book:
                told = list(book.worksheets[0].iter_rows(min_row=2))
                assert not [cell for row in told for cell in row if cell.data_type == "f"]
                places = [sources.index(column) for column in ("contact_name", "phone", "email")]
                assert [[unescape(row[n].value) for n in places] for row in told] == [[text] * 3 for text in texts]
        elif shape.format == "parquet":
            assert pq.read_table(tmp_path / name)["phone"].to_pylist() == texts
        else:
            text = (tmp_path / name).read_bytes().decode("utf-8-sig")
            assert live(text) == [] and ("13800138000" in text or shape.format == "csv-excel")


MACHINES = sorted(name for name, shape in presets().items() if shape.format == "csv")


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("column", ["recommended_action", "tier_current"])
def test_a_text_that_would_run_stops_a_machine_s_file_whatever_column_it_is_in(tmp_path, name, column):
    shape = presets()[name]
    if column in [c.source for c in shape.of("churn").columns]:
        result = churn_list(sample_scores(400), ListSettings(top=60))
        rows = result.rows.assign(**{column: "=1+1"})
        with pytest.raises(HeadwaterError) as raised:
            write_list(ListResult(**{**vars(result), "rows": rows}), tmp_path / "x", name, ExportContext())
        assert (raised.value.problem.code, raised.value.problem.column) == ("E344", column)


@pytest.mark.parametrize("name", MACHINES)
def test_numbers_and_ids_are_read_back_as_they_were(tmp_path, name):
    """A probability keeps every digit of its type, and money every cent."""
    result = churn_list(sample_scores(400), ListSettings(top=60))
    if any(column.kinds for column in presets()[name].columns):
        ids = [f"+86138{n:08d}" for n in range(len(result.rows))]
        result = ListResult(**{**vars(result), "rows": result.rows.assign(customer_id=ids)})
    write_list(result, tmp_path / "x", name, ExportContext())
    text = (tmp_path / "x").read_bytes().decode("utf-8")
    rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    assert live(text) == []
    for place, column in enumerate(presets()[name].of("churn").columns):
        own, read = result.rows[column.source], rows.iloc[:, place]
        if own.dtype.kind == "f":
            told = read.replace("", "nan").astype(np.float32).to_numpy()
            assert np.array_equal(told, own.to_numpy(np.float32), equal_nan=True), column.source
        elif column.source in ("customer_id", "value_at_risk", "value_12m_pred"):
            assert read.tolist() == [str(value) for value in own], column.source


def test_the_benchmark_counts_what_a_guard_that_looks_at_the_start_alone_lets_through(tmp_path, monkeypatch):
    """And nothing of the guard as it is."""
    assert trial("csv-excel-en", tmp_path, PAYLOADS, contacts=True).live == 0
    monkeypatch.setattr(export, "safe_cell", lambda text: f"'{text}" if text[:1] in "=+-@" else text)
    broken = trial("csv-excel-en", tmp_path, PAYLOADS, contacts=True)
    assert broken.live > 0 and summary([broken])["live"] == broken.live
