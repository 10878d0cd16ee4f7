"""Flags say what is to be distrusted in a row, and nothing of what a project does not have."""

import pandas as pd

from models.scores.flags import NAMES, flags
from models.scores.score_column import FLAGS
from pipelines.wording.formats import word


def test_each_row_has_the_flags_that_its_features_raise():
    rows = pd.DataFrame({"bills_awaited": [0.0, 1.0, None, 2.0], "months_known": [12.0, 2.0, None, 3.0]})
    found = flags(rows.assign(usage_lag=[0, 3, None, 1]))
    assert found.to_pylist() == [
        [],
        ["bill_awaited", "few_months", "usage_awaited"],
        [],
        ["bill_awaited", "usage_awaited"],
    ]
    assert found.type == FLAGS
    assert flags(rows.iloc[:0]).to_pylist() == []


def test_a_project_without_bills_raises_none_of_theirs():
    assert flags(pd.DataFrame({"tenure_days": [1.0]})).to_pylist() == [[]]


def test_every_flag_has_words_in_both_languages():
    assert all(word("data_quality_flags", name, lang) != name for name in NAMES for lang in ("en", "zh"))
