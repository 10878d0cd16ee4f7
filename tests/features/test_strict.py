"""Settings that nobody changes: unknown keys are errors, keys of before work with a warning."""

from typing import ClassVar

import pytest
from pydantic import ValidationError

from features.strict import Renamed, Strict, with_fields


class Sized(Strict):
    renamed: ClassVar = {"breadth": "width"}
    width: int = 1


def test_values_do_not_change_and_unknown_keys_are_errors():
    with pytest.raises(ValidationError, match="frozen"):
        Sized().width = 2
    with pytest.raises(ValidationError, match="Extra inputs"):
        Sized.model_validate({"height": 1})


def test_a_key_of_before_works_with_a_warning():
    with pytest.warns(Renamed, match="breadth is called width now"):
        assert Sized.model_validate({"breadth": 3}) == Sized(width=3)
    with pytest.raises(ValidationError, match="give one of them"):
        Sized.model_validate({"breadth": 3, "width": 4})


def test_fields_may_be_made_when_the_program_runs():
    class Made(with_fields({"a": (int, 1), "b": (Sized, Sized())})):
        pass

    assert Made.model_validate({"b": {"width": 5}}).model_dump() == {"a": 1, "b": {"width": 5}}
    with pytest.raises(ValidationError, match="Extra inputs"):
        Made(c=1)
