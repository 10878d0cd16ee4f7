"""What came of a training is told as it was; whole trainings of each target are in `test_each_target`."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from features.errors import HeadwaterError
from pipelines.flows import retrain
from pipelines.flows.retrain import Retrained

FAULT, LACK = HeadwaterError("E100"), HeadwaterError("E351", target="vip")


def test_a_lack_of_one_target_is_passed_over_where_another_was_trained():
    Retrained(models=[{"target": "churn"}], failures={"vip": LACK}).raise_for_failures()


@pytest.mark.parametrize(
    ("models", "failures"), [([], {"vip": LACK}), ([{"target": "churn"}], {"vip": LACK, "value": FAULT})]
)
def test_nothing_trained_or_a_fault_of_ours_is_raised(models, failures):
    with pytest.raises(HeadwaterError) as error:
        Retrained(models, failures).raise_for_failures()
    worst = min(failures.values(), key=lambda failure: failure.exit_code)
    assert error.value.problem == worst.problem
    assert len(error.value.others) == len(failures) - 1


def test_the_document_names_every_target():
    document = Retrained([{"target": "churn"}], {"vip": LACK}).as_dict("en")
    assert document["models"] == [{"target": "churn"}]
    assert document["failures"]["vip"]["code"] == "E351"


@dataclass
class Refused:
    """A training whose model the gate has refused."""

    target: str = "churn"
    winner: str = "trees"
    beats_rule: bool = True
    model: Any = field(default_factory=lambda: SimpleNamespace(facts_={"learner": "trees", "judged_sha256": "x"}))
    shipped: Any = field(default_factory=lambda: {"rule": SimpleNamespace(to_files=dict)})


def test_the_rule_that_takes_the_place_of_a_refused_model_keeps_why(monkeypatch):
    """The report of every night after names the checks that failed, and not those that the rule has passed."""
    registered = []

    def register(*given):
        registered.append(given)
        return SimpleNamespace(name="churn/8", number=8)

    monkeypatch.setattr(retrain, "_register_version", register)
    monkeypatch.setattr(retrain.promotion, "decide", lambda *given: {"passed": True, "checks": []})
    monkeypatch.setattr(retrain.promotion, "install", lambda *given: None)
    monkeypatch.setattr(retrain.tracking, "set_alias", lambda *given: None)
    checks = [{"name": "calibration", "value": 0.3, "limit": 0.2, "passed": False}]
    challenger = (SimpleNamespace(name="churn/7", number=7), {"passed": False, "checks": checks})
    project, data = SimpleNamespace(workspace=None), SimpleNamespace(frame=None)
    name, _ = retrain._promote_rule(project, data, Refused(), challenger, SimpleNamespace(lang="en"), None)
    assert name == "churn/8" and registered[0][2].winner == "rule"
    assert registered[0][5] == {"version": "churn/7", "checks": checks}
