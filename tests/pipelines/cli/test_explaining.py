"""`headwater explain`: the score of one customer, recomputed from its reasons."""

from decimal import Decimal

import numpy as np
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


@pytest.mark.parametrize(
    ("column", "value", "zh", "en"),
    [
        ("churn_risk_band", "high", "高", "high"),
        ("arpu_3m", Decimal("12.30"), "¥12.30", "¥12.30"),
        ("churn_probability", 0.1234, "12.3%", "12.3%"),
        ("arpu_trend_pct", -41.0, "-41.0%", "-41.0%"),
        ("churn_percentile", 98.76, "98.8", "98.8"),
        ("tenure_months", 7, "7", "7"),
        ("is_potential_vip", np.bool_(True), "是", "yes"),
        ("contact_allowed", False, "否", "no"),
    ],
)
def test_cells_are_told_as_people_read_them(column, value, zh, en):
    assert (explaining._value(column, value, "zh", "CNY"), explaining._value(column, value, "en", "CNY")) == (zh, en)
