"""What a step says in a line, in both languages, agrees with its facts."""

from types import SimpleNamespace

import pytest

from features.errors import HeadwaterError
from pipelines.flows import sentences
from pipelines.ingest.tables import RowCount

COUNTS = {"bills": RowCount(10, 7, 2, 1), "usage": RowCount(1_005, 1_003, 0, 2)}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_rows_are_summed_over_all_tables(lang):
    tables = SimpleNamespace(counts=COUNTS, files={"read": 3, "known": 4})
    sentence = sentences.rows_read(tables, lang)
    assert all(number in sentence for number in ("1,010", "7"))


def test_counts_have_the_words_of_the_document():
    assert sentences.row_counts(COUNTS)["bills"] == {
        "in": 10,
        "used": 7,
        "quarantined": 2,
        "duplicates": 1,
        "filtered": 0,
        "erased": 0,
    }


def test_what_nothing_scores_is_left_out():
    facts = {"scored": 1_200, "high_risk": 60, "potential_vips": 12}
    whole = sentences.customers_scored(facts, "en")
    part = sentences.customers_scored(facts | {"potential_vips": None}, "en")
    assert whole.startswith(part) and "12" in whole.removeprefix(part)


def test_a_target_that_was_not_trained_is_named_with_code_and_way_out():
    line = sentences.not_trained("vip", HeadwaterError("E521"), "en")
    assert line.startswith("vip was not trained: E521 ") and " · " in line
