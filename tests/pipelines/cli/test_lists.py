"""`headwater list`: files whose counts add up, and options that are checked."""

from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.cli import lists
from tests.pipelines.cli.calls import document, stderr


@pytest.mark.parametrize("kind", ["vip", "churn"])
@pytest.mark.parametrize("ending", ["xlsx", "csv", "parquet"])
def test_lists_add_up(own_operator, kind, ending):
    found = document("list", kind, "--top", "40", "--holdout", "25%", "--format", ending, "--lang", "en")
    counts = found["counts"]
    held_out = counts["held_out_always"] + counts["held_out_here"]
    assert counts["eligible"] == counts["listed"] + sum(counts["suppressed"].values()) + held_out + counts["beyond_top"]
    assert 0 < counts["listed"] <= 40
    assert Path(found["outputs"][0]).suffix == f".{ending}"


def test_a_holdout_that_is_no_share_is_exit_2(own_operator):
    assert "E234" in stderr("list", "vip", "--holdout", "many", code=2)


def test_a_list_without_scores_is_exit_4(own_operator):
    assert "E431" in stderr("list", "vip", "--as-of", "2020-01-01", code=4)


@pytest.mark.parametrize(("option", "share"), [(None, None), ("10%", 0.1), ("0.25", 0.25), ("0", 0.0)])
def test_a_share_is_a_percentage_or_a_fraction(option, share):
    assert lists._share(option) == share


@pytest.mark.parametrize("option", ["100%", "1", "-5%", "ten"])
def test_a_share_lies_between_none_and_all(option):
    with pytest.raises(HeadwaterError, match="E234"):
        lists._share(option)
