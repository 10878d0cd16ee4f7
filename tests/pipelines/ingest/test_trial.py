"""Trials say what a mapping makes of the first rows."""

import pytest

from features.errors import HeadwaterError
from pipelines.ingest import trial
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path):
    made = Raw(tmp_path)
    made.write("gbk")
    return made


def test_a_trial_counts_what_breaks(raw):
    raw.rows["bill"][1][3] = "x"
    raw.rows["bill"][2][1] = ""
    raw.write()
    trials = {each.table: each for each in trial.trials(raw.load())}
    assert trials["bills"].broken == {"amount.not_a_number": 1, "customer_id.empty": 1}
    assert (trials["bills"].rows, trials["customers"].broken) == (200, {})
    assert len(trials["bills"].example) == 3


def test_a_trial_of_a_broken_mapping_raises_like_a_reading(raw):
    raw.rename("bill", "应收_分", "应收")
    raw.write()
    with pytest.raises(HeadwaterError) as error:
        trial.trials(raw.load())
    assert (error.value.problem.code, error.value.problem.values["nearest"]) == ("E302", "应收")
