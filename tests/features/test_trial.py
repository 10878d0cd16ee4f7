"""Features tried over empty tables: what cannot be made or has another type is refused before anything is read."""

import pytest

from features.catalogue import catalogue
from features.definition import Feature, Kind, columns
from features.errors import HeadwaterError
from features.grains import Events, Peers, WholeRow
from features.settings import FeatureSettings
from features.trial import check, sentence

SETTINGS = FeatureSettings()
CATALOGUE = catalogue(("sms",), ("kids",), topics=("coverage",), parts={"night_sms": "sms"})
events = Kind(Events, "complaints", unit="count", reason="complaints")
texts = Kind(WholeRow, "wide", unit="text", reason="plan", no_events=None)
peers = Kind(Peers, "peers", unit="ratio", reason="plan", no_events=None)


def one(kind: Kind, function, *reads: str) -> Feature:
    return columns(kind("tried", "试", reads=reads)(function).definition, ())[0]


def test_one_feature_of_every_source_of_ours_passes():
    first = {f.source: f for f in reversed(CATALOGUE)}
    check(first.values(), CATALOGUE, SETTINGS)


WRONG = {
    "no such column": (one(events, lambda rows: rows.topics.count()), "topics"),
    "a whole number": (one(events, lambda rows: rows.topic.count()), "@own.type"),
    "a number for a text": (one(texts, lambda row: row.arpu_3m), "@own.type"),
    "not declared what it reads": (one(peers, lambda rows: rows.arpu_3m), "arpu_3m"),
    "reads what is not there": (one(peers, lambda rows: rows.arpu_9m, "arpu_9m"), "arpu_9m"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_refused_at_its_line(name: str):
    feature, word = WRONG[name]
    with pytest.raises(HeadwaterError) as raised:
        check([feature], CATALOGUE, SETTINGS)
    problem = raised.value.problem
    assert (problem.code, problem.row) == ("E265", feature.definition.line)
    assert str(problem.file).endswith("test_trial.py") and word in problem.values["found"]


def test_an_error_is_said_in_its_first_line():
    assert sentence(ValueError("wrong\nlong story")) == "ValueError: wrong"
    assert sentence(KeyError()) == "KeyError: —"
