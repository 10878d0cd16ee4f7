"""Which champions score: those of the very features; the others are named, and no target stops another."""

from types import SimpleNamespace

import pytest

from features import identity
from features.errors import HeadwaterError, Problem
from models.targets.registry import TARGETS
from pipelines.flows.champions import scoring_champions
from pipelines.workspace.bundles import Champion


def champion(target: str, trained_on: str = "these", **facts: object) -> Champion:
    model = SimpleNamespace(facts_={"feature_set_hash": trained_on, "identity": identity.FORMAT} | facts)
    return Champion(target, f"{target}/1", "sha256", model)


def scoring(*champions: Champion) -> tuple[set[str], list[Problem]]:
    warnings: list[Problem] = []
    asked = dict.fromkeys(TARGETS) | {c.target: c for c in champions}
    found = scoring_champions(asked, "these", {"customers", "bills"}, warnings.append)
    return set(found), warnings


def test_all_of_these_features_score_without_a_word():
    assert scoring(*map(champion, TARGETS)) == (set(TARGETS), [])


def test_a_target_without_a_champion_is_named():
    targets, warnings = scoring(champion("churn"))
    assert targets == {"churn"}
    assert [(w.code, w.values["target"]) for w in warnings] == [("W521", t) for t in TARGETS if t != "churn"]


@pytest.mark.parametrize(("facts", "why"), [({}, "@identity.same"), ({"identity": "of before"}, "@identity.earlier")])
def test_a_champion_of_other_features_does_not_stop_the_others(facts, why):
    others = [champion(target) for target in TARGETS if target != "vip"]
    targets, (warning,) = scoring(*others, champion("vip", "others", **facts))
    assert targets == set(TARGETS) - {"vip"}
    assert (warning.code, warning.values["version"], warning.values["why"]) == ("W525", "vip/1", why)


def test_where_all_are_of_other_features_nothing_is_scored():
    with pytest.raises(HeadwaterError, match="E525") as error:
        scoring(*(champion(target, "others") for target in TARGETS))
    assert error.value.exit_code == 5 and error.value.problem.values["expected"] == "others"


def test_a_champion_that_learnt_from_a_table_that_is_gone_does_not_score():
    """Its columns would be null for everybody, and the scores wrong without a word."""
    others = [champion(target, tables=["bills", "customers"]) for target in TARGETS if target != "vip"]
    targets, (warning,) = scoring(*others, champion("vip", tables=["bills", "usage"]))
    assert targets == set(TARGETS) - {"vip"}
    assert (warning.code, warning.values["tables"]) == ("W535", "usage")
    with pytest.raises(HeadwaterError, match="E535") as error:
        scoring(champion("churn", tables=["customers", "surveys"]))
    assert error.value.exit_code == 5
