"""A comparison in words: the figures of both, one sentence that agrees with them, and a wrong use is exit 2."""

from datetime import date

import pytest

from pipelines.cli import comparisons
from pipelines.config.settings import Settings
from pipelines.flows import comparison
from pipelines.project import Project
from pipelines.workspace.paths import Workspace
from tests.models.evaluation.test_comparing import pair
from tests.pipelines.cli.calls import stderr


@pytest.fixture
def compared(tmp_path):
    opened = Project(Settings(), Workspace.open(tmp_path, "operator"))
    days = (date(2025, 6, 1), date(2025, 7, 1))

    def made(*spoilt, names=("churn/1", "churn/2")):
        pairs = [pair(spoilt, seed=seed) for seed in (1, 2)]
        return comparison._compared(opened, "churn", names, "judged", days, pairs)

    return made


def test_the_sentence_is_seen_from_the_better_one(compared):
    better = compared("N", "S")
    said = comparisons.verdict(better, "en")
    assert said.startswith("churn/1 is better: auc +") and "churn/1 captures more money on a list of 500" in said
    assert "churn/1 更优" in comparisons.verdict(better, "zh")
    same = comparisons.verdict(compared(), "en")
    assert same.startswith("neither is better beyond chance") and "50%" in same


def test_the_same_pair_turned_round_says_the_same(compared):
    found = compared("N", "S")
    lead = found.figures[["value", "low", "high"]]
    turned = found.figures.assign(value=-lead.value, low=-lead.high, high=-lead.low, sure=1 - found.figures.sure)
    other = comparison.dataclasses.replace(found, figures=turned, names=("churn/2", "churn/1"))
    assert other.better == "churn/1" and comparisons.verdict(other, "en") == comparisons.verdict(found, "en")


def test_tables_name_both_and_show_the_lead(compared):
    found = compared("N")
    table = comparisons.figures(found, "en")
    assert [str(column.header) for column in table.columns][1:3] == ["churn/1", "churn/2"]
    assert table.row_count == len(found.figures) and "2025-06-01 … 2025-07-01 (2)" in str(table.title)
    groups = comparisons.slices(found, "zh")
    assert list(groups.columns[0].cells) == ["region N", "region S"]
    assert list(groups.columns[4].cells)[1] == "0.000 [0.000, 0.000]"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("churn/1", "--without", "peers"), "E286"),
        (("churn", "vip", "--without", "peers"), "E286"),
        (("churns",), "E285"),
    ],
)
def test_a_wrong_use_is_exit_2(operator, monkeypatch, words, code):
    monkeypatch.chdir(operator)
    assert code in stderr("compare", *words, code=2)
