"""The exception that people see carries what its sentence needs."""

import pytest

from features.errors import HeadwaterError, Problem


@pytest.mark.parametrize(("code", "exit_code"), [("E301", 3), ("E701", 7), ("W301", 0)])
def test_the_first_digit_of_an_error_is_the_exit_code_and_a_warning_has_none(code: str, exit_code: int):
    assert Problem(code).exit_code == exit_code


def test_an_error_names_place_sample_and_values():
    error = HeadwaterError("E301", file="bills.csv", row=3, column="amount", sample=["-1"], table="bills")
    assert error.exit_code == 3
    assert error.problem == Problem("E301", "bills.csv", 3, "amount", ("-1",), {"table": "bills"})
    assert str(error) == "E301 {'table': 'bills'}"
    assert str(HeadwaterError("E301")) == "E301"


def test_further_problems_come_along():
    other = Problem("W302")
    assert HeadwaterError("E301", others=[other]).others == (other,)
