"""Files that nobody would write are refused with a place, or accounted for; what ends otherwise is told."""

from datetime import date

import pytest

from benchmarks.reliability import fuzz
from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from tests.raw import Raw


def test_there_are_enough_spoilt_inputs_and_each_has_a_name_of_its_own():
    names = [case.name for case in fuzz.spoiled()]
    assert len(names) >= 300 and len(set(names)) == len(names)


def test_a_few_spoilt_inputs_and_mutated_files():
    spoilt = list(fuzz.spoiled())[95::55]
    assert not fuzz.tried(spoilt, len, must_refuse=True).wrong
    assert not fuzz.tried([fuzz.Mutant(number, 5) for number in range(5)], len, must_refuse=False).wrong


@pytest.mark.exhaustive
def test_more_of_them_in_a_process_of_its_own(tmp_path):
    spoilt = fuzz.apart("spoiled", 90, 80, 0, tmp_path)
    assert spoilt.tries == 80 and not spoilt.wrong, spoilt
    mutated = fuzz.apart("mutated", 0, 100, 1, tmp_path)
    assert mutated.tries == 100 and not mutated.wrong and mutated.told["E312"] > 5, mutated


def test_a_mutant_is_the_same_for_the_same_seed(tmp_path):
    made = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        raw = Raw(tmp_path / folder)
        fuzz.Mutant(3, 9).spoil(raw)
        made.append((tmp_path / folder / "bill.csv").read_bytes())
    assert made[0] == made[1]


class Case:
    """One whose reading ends as it is told to."""

    name = "planted"

    def __init__(self, error: Exception):
        self.error = error

    def spoil(self, raw: Raw) -> None:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        TypeError("none of ours"),
        HeadwaterError("E303"),
        HeadwaterError("E101", file="x", detail="y"),
        HeadwaterError("E521", file="x"),
    ],
    ids=["no refusal", "no place", "a bug", "another room's"],
)
def test_what_is_told_badly_is_found(error):
    assert fuzz.tried([Case(error)], len, must_refuse=False).wrong


def test_what_is_read_whole_is_no_refusal(con, tmp_path):
    class Good:
        name = "good"

        def spoil(self, raw: Raw) -> None:
            """Nothing."""

    assert fuzz.tried([Good()], len, must_refuse=True).wrong == ["good: was read"]
    assert Raw(tmp_path).read(con, Quality(), as_of=date(2026, 3, 1)).counts["bills"].in_ == 200
    assert list(fuzz.tried([Good()], len, must_refuse=False).told) == ["read"]
