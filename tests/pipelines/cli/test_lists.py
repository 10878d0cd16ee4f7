"""`headwater list`: files whose counts add up, and options that are checked."""

from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.cli import lists
from tests.pipelines.cli.calls import call, document, stderr


@pytest.mark.parametrize("kind", ["vip", "churn"])
@pytest.mark.parametrize("ending", ["xlsx", "csv", "parquet"])
def test_lists_add_up(own_operator, kind, ending):
    found = document("list", kind, "--top", "40", "--holdout", "25%", "--format", ending, "--lang", "en")
    counts = found["counts"]
    left_out = sum(counts[name] for name in ("held_out_always", "held_out_here", "same_account", "beyond_top"))
    assert counts["eligible"] == counts["listed"] + sum(counts["suppressed"].values()) + left_out
    assert 0 < counts["listed"] <= 40
    assert Path(found["outputs"][0]).suffix == f".{ending}"


def test_a_holdout_that_is_no_share_is_exit_2(own_operator):
    assert "E234" in stderr("list", "vip", "--holdout", "many", code=2)


def test_a_list_without_scores_is_exit_4(own_operator):
    assert "E431" in stderr("list", "vip", "--as-of", "2020-01-01", code=4)


@pytest.mark.parametrize(("option", "share"), [(None, None), ("10%", 0.1), ("0.25", 0.25), ("0", 0.0)])
def test_a_share_is_a_percentage_or_a_fraction(option, share):
    assert lists.share(option) == share


@pytest.mark.parametrize("option", ["100%", "1", "-5%", "ten"])
def test_a_share_lies_between_none_and_all(option):
    with pytest.raises(HeadwaterError, match="E234"):
        lists.share(option)


def test_a_list_is_kept_shown_compared_and_drawn_again(own_operator):
    first = document("list", "churn", "--top", "40", "--region", "North", "--region", "south", "--lang", "en")
    second = document("list", "churn", "--top", "60", "--region", "north", "--region", "south", "--format", "csv")
    assert first["filters"]["region"] == ["north", "south"] and first["counts"]["filtered"] > 0
    kept = document("list", "show", first["list_id"])["list"]
    assert kept["filters"] == first["filters"] and kept["counts"] == first["counts"] and kept["models"]["churn"]
    assert {one["list_id"] for one in document("list", "show")["lists"]} >= {first["list_id"], second["list_id"]}
    changes = document("list", "diff", first["list_id"], second["list_id"])
    assert (changes["went"], changes["came"], changes["into_control"]) == (0, 20, 0)
    again = document("list", "draw", second["list_id"][-10:], "--format", "csv", "--out", "again.csv")
    assert Path("again.csv").read_bytes() == Path(second["outputs"][0]).read_bytes()
    assert again["list_id"] == second["list_id"] and again["withdrawn"] == second["withdrawn"]
    for lang in ("zh", "en"):
        told = call("list", "show", first["list_id"], "--lang", lang) + call("list", "show", "--lang", lang)
        told += call("list", "diff", first["list_id"], second["list_id"], "--lang", lang)
        assert first["list_id"] in told and "****" in told


def test_wrong_filters_and_unknown_lists_are_exit_2_and_an_empty_list_is_exit_4(own_operator):
    assert "north" in stderr("list", "vip", "--region", "nrth", "--lang", "en", code=2)
    assert "E298" in stderr("list", "draw", "nothing", code=2)
    assert "E435" in stderr("list", "churn", "--stage", "left", "--out", "x.csv", "--format", "csv", code=4)
    assert not Path("x.csv").exists()


def test_a_plan_is_of_the_lists_that_would_be_drawn(own_operator):
    found = document("list", "plan", "--top", "60", "--holdout", "20%", "--region", "north")["plan"]
    rows = {row["customers"]: row for row in found["rows"]}
    drawn = document("list", "churn", "--top", "60", "--holdout", "20%", "--region", "north")["counts"]
    assert (rows[60]["contacted"], rows[60]["held_out"]) == (drawn["listed"], drawn["held_out_here"])
    assert found["asked"] == 60 and found["recommended"] in (0, *rows) and found["measurable"]["expected"] > 0
    english, chinese = (call("list", "plan", "--holdout", "0", "--lang", lang) for lang in ("en", "zh"))
    assert "Nobody is held out" in english and "没有对照" in chinese
    assert "E435" in stderr("list", "plan", "--stage", "left", code=4)
