"""What training found out about a version is read back as it was saved, and never written over."""

from pathlib import Path

import pandas as pd
import pytest

from features.errors import HeadwaterError
from pipelines.workspace import evaluations
from pipelines.workspace.paths import Workspace

FINAL = pd.DataFrame({"y": [0, 1], "trees": [0.25, 0.75]})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def test_facts_and_rows_come_back(workspace):
    evaluations.save(workspace, "churn/3", {"winner": "trees", "区": [1, None]}, FINAL)
    facts, final = evaluations.load(workspace, "churn/3")
    assert facts == {"winner": "trees", "区": [1, None]}
    pd.testing.assert_frame_equal(final, FINAL)


def test_a_version_that_was_never_saved_is_none(workspace):
    evaluations.save(workspace, "churn/3", {}, FINAL)
    assert evaluations.load(workspace, "churn/4") is None


def test_a_number_is_given_once(workspace):
    evaluations.save(workspace, "churn/3", {"winner": "trees"}, FINAL)
    with pytest.raises(HeadwaterError, match="E714"):
        evaluations.save(workspace, "churn/3", {"winner": "linear"}, FINAL)
    assert evaluations.load(workspace, "churn/3")[0] == {"winner": "trees"}


def test_the_newest_version_has_the_largest_number(workspace):
    assert evaluations.newest(workspace, "churn") is None
    for number in (2, 10, 9):
        evaluations.save(workspace, f"churn/{number}", {"n": number}, FINAL)
    evaluations.save(workspace, "vip/11", {"n": 11}, FINAL)
    assert evaluations.newest(workspace, "churn") == ("churn/10", {"n": 10})
    (workspace.models / "evaluations" / "churn-10.json").write_text("{")
    assert evaluations.newest(workspace, "churn") is None, (
        "a damaged record tells nothing, and an older one is not the newest"
    )
