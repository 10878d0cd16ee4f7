"""The score table: typed, ordered, checked; one content has one name."""

import datetime as dt
import io
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import HeadwaterError
from models.scores import score_table
from tests.scores_sample import sample_frame, sample_scores

MINIMAL = {
    "customer_id": ["007", "001"],
    "as_of": [dt.date(2026, 11, 1)] * 2,
    "currency": ["CNY"] * 2,
    "score_status": ["ok", "insufficient_history"],
    "contact_allowed": [True, False],
    "random_bucket": [12, 9_999],
    "is_holdout": [False, False],
    "feature_set_hash": ["f"] * 2,
}


def test_names_and_order_are_those_of_the_interface():
    names = score_table.SCHEMA.names
    assert names[:6] == ["customer_id", "account_id", "as_of", "customer_type", "region", "currency"]
    assert names[-2:] == ["feature_set_hash", "data_quality_flags"]
    assert [n for n in names if not score_table.SCHEMA.field(n).nullable] == [
        "customer_id", "as_of", "currency", "score_status", "contact_allowed", "random_bucket", "is_holdout", "feature_set_hash",
    ]  # fmt: skip
    assert score_table.SCHEMA.field("value_at_risk").type == pa.decimal128(12, 2)


def test_every_column_has_words_in_both_languages():
    for field in score_table.SCHEMA:
        assert field.metadata[b"label_zh"] and field.metadata[b"label_en"] and b"unit" in field.metadata


def test_absent_columns_become_null_and_rows_stand_in_key_order():
    table = score_table.conform(MINIMAL)
    assert table.schema.equals(score_table.SCHEMA, check_metadata=True)
    assert table["customer_id"].to_pylist() == ["001", "007"]
    assert table["churn_probability"].null_count == 2
    assert score_table.check(table) == []


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ({"customer_id": ["1", None]}, "E542", "customer_id"),
        ({"is_holdout": None}, "E542", "is_holdout"),
        ({"churn_probability": [1.01, None]}, "E543", "churn_probability"),
        ({"vip_probability": [-0.01, None]}, "E543", "vip_probability"),
        ({"customer_id": ["1", "1"]}, "E544", "customer_id"),
        ({"churn_risk_band": ["hot", None]}, "E545", "churn_risk_band"),
        ({"tenure_months": [1.5, 2]}, "E541", "tenure_months"),
        ({"value_pred": ["much", None]}, "E541", "value_pred"),
        ({"value_pred": [np.inf, None]}, "E541", "value_pred"),
        ({"phone": ["1", "2"]}, "E541", "phone"),
    ],
)
def test_what_breaks_the_contract_is_named(change, code, column):
    rows = {name: values for name, values in (MINIMAL | change).items() if values is not None}
    with pytest.raises(HeadwaterError) as raised:
        score_table.conform(rows)
    assert (raised.value.problem.code, raised.value.problem.column) == (code, column)
    assert raised.value.exit_code == 5


def test_only_scored_customers_have_model_outputs():
    outputs = {"churn_probability": [0.5, 0.6], "value_pred": [10.0, 20.0], "is_potential_vip": [True, True]}
    reason = {
        "code": "plan",
        "rank": 1,
        "direction": 1,
        "contribution": 0.5,
        "feature": "plan",
        "value": "P",
        "peer_value": None,
    }
    table = score_table.conform(MINIMAL | outputs | {"churn_reasons": [[reason], [reason]]}).to_pandas()
    assert table.loc[0, ["churn_probability", "value_pred", "is_potential_vip", "churn_reasons"]].isna().all()
    assert table.loc[1, "churn_reasons"][0]["code"] == "plan"


def test_check_finds_outputs_of_customers_who_were_not_scored():
    table = score_table.conform(MINIMAL)
    index = table.schema.get_field_index("churn_probability")
    broken = table.set_column(index, table.schema.field(index), pa.array([0.5, 0.5], pa.float32()))
    assert [(p.code, p.column) for p in score_table.check(broken)] == [("E546", "churn_probability")]


@given(st.integers(-(10**11), 10**11))
def test_money_is_rounded_half_up_once(thousandths):
    exact = Decimal(thousandths) / 1000
    told = score_table.conform(MINIMAL | {"arpu_3m": [float(exact), None]})["arpu_3m"].to_pylist()
    assert told == [None, exact.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")]


def test_decimals_stay_exact():
    amounts = [Decimal("9999999999.99"), Decimal("-0.005")]
    assert score_table.conform(MINIMAL | {"arpu_3m": amounts})["arpu_3m"].to_pylist() == [Decimal("-0.01"), amounts[0]]


def test_the_same_rows_in_any_order_give_the_same_bytes():
    frame = sample_frame(300)
    written = [_bytes(score_table.conform(frame.sample(frac=1, random_state=seed))) for seed in (1, 2)]
    assert written[0] == written[1]


def test_the_name_of_the_content_survives_the_file_and_ignores_layout():
    table = sample_scores(300)
    read = pq.read_table(io.BytesIO(_bytes(table)))
    halves = pa.concat_tables([table.slice(150), table.slice(0, 150)])
    named = score_table.rows_sha256(table)
    assert named == score_table.rows_sha256(read) == score_table.rows_sha256(halves)
    assert read.schema.equals(score_table.SCHEMA, check_metadata=True)


def test_the_name_of_the_content_ignores_what_lies_under_nulls():
    validity = pa.py_buffer(b"\x01")
    clean, dirty = (
        pa.Array.from_buffers(pa.float32(), 2, [validity, pa.py_buffer(np.array([0.5, junk], "float32"))])
        for junk in (0.0, 123.0)
    )
    hashed = [score_table.rows_sha256(pa.table({"customer_id": ["a", "b"], "p": values})) for values in (clean, dirty)]
    assert hashed[0] == hashed[1]


@pytest.mark.parametrize(
    "column", ["customer_id", "churn_probability", "churn_risk_band", "arpu_3m", "churn_reasons", "as_of"]
)
def test_the_name_of_the_content_sees_every_change(column):
    table = sample_scores(50)
    values = table[column].to_pylist()
    other = next(value for value in values[1:] if value != values[0]) if column != "as_of" else dt.date(2000, 1, 1)
    field = table.schema.field(column)
    changed = table.set_column(table.schema.names.index(column), field, _array([other, *values[1:]], field.type))
    assert score_table.rows_sha256(changed) != score_table.rows_sha256(table)


def test_an_empty_table_is_sound():
    assert score_table.check(score_table.SCHEMA.empty_table()) == []
    assert len(score_table.rows_sha256(score_table.SCHEMA.empty_table())) == 64


def test_pandas_with_missing_values_is_read_as_null():
    frame = pd.DataFrame(MINIMAL | {"churn_probability": [0.25, np.nan], "region": pd.Categorical(["north", None])})
    table = score_table.conform(frame)
    assert table["churn_probability"].to_pylist() == [None, 0.25]
    assert table["region"].to_pylist() == [None, "north"]


def _array(values, dtype):
    if pa.types.is_dictionary(dtype):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, dtype)


def _bytes(table):
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
