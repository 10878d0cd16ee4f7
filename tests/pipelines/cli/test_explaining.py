"""`headwater explain`: the score of one customer, recomputed from its reasons."""

import pyarrow.parquet as pq
import pytest

from pipelines.cli import explaining
from tests.pipelines.cli.calls import document, stderr


def test_explain_recomputes_the_published_score(own_operator):
    listed = document("list", "churn", "--top", "5", "--format", "parquet", "--out", "few.parquet")
    customer = pq.read_table(listed["outputs"][0])["customer_id"][0].as_py()
    found = document("explain", customer)
    assert found["reasons"]["churn"]
    assert found["recomputed"] == pytest.approx(found["churn_score_raw"], abs=1e-5)
    assert "E432" in stderr("explain", "nobody", code=4)


def test_words_have_words_and_numbers_three_digits():
    assert explaining._value("churn_risk_band", "high", "zh") != "high"
    assert (explaining._value("arpu_3m", 12.3456, "en"), explaining._value("tenure_months", 7, "en")) == ("12.346", "7")
