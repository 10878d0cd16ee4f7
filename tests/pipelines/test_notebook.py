"""The project as notebooks use it: what is built from it in one call."""

from datetime import date

import pandas as pd
import pytest

from pipelines import Project
from tests.demo_project import NIGHT


@pytest.fixture
def project(own_operator) -> Project:
    return Project.open("configs/operator.yaml")


def test_a_dataset_holds_features_labels_and_a_split_forward_in_time(project):
    data = project.dataset("churn", as_of=NIGHT)
    assert set(data.splits) == {"churn"}
    assert {"customer_id", "as_of", "churned_90", *data.features} <= set(data.frame)
    assert max(data.splits["churn"].every) < data.splits["churn"].final < NIGHT


def test_a_history_is_the_rows_of_a_snapshot(project):
    """Some customers, compared with everybody of each date all the same."""
    earlier = date(2026, 10, 1)
    everybody = project.snapshot(earlier, NIGHT)
    customers = sorted(everybody["customer_id"].unique()[[5, 40]])
    history = project.history(*reversed(customers), dates=(earlier, NIGHT))
    expected = everybody[everybody["customer_id"].isin(customers)].reset_index(drop=True)
    assert len(history) == 4
    pd.testing.assert_frame_equal(history, expected)
