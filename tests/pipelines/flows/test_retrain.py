"""What came of a training is told as it was; whole trainings of each target are in `test_each_target`."""

import pytest

from features.errors import HeadwaterError
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
