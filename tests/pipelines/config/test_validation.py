"""What pydantic finds becomes our message: code, key, line and the nearest name."""

from typing import Annotated

import pytest
from pydantic import AfterValidator

from features.errors import HeadwaterError
from features.strict import Strict
from pipelines.config.validation import Refused, filled, known_keys, nearest, readable


def _odd(value):
    if value == 13:
        raise Refused(HeadwaterError("E215", found="13"))
    return value


class Inner(Strict):
    width: int = 1
    depth: Annotated[int, AfterValidator(_odd)] = 1


class Outer(Strict):
    inner: Inner = Inner()
    many: dict[str, Inner] = {}
    maybe: Inner | None = None


class Lines:
    def place(self, keys):
        return "a.yaml", len(keys)


def refused(content):
    with pytest.raises(HeadwaterError) as error:
        filled(Outer, content, Lines())
    return error.value


def test_good_values_fill_the_model():
    assert filled(Outer, {"inner": {"width": 3}}, Lines()) == Outer(inner=Inner(width=3))


@pytest.mark.parametrize("section", [("inner",), ("many", "a"), ("maybe",)])
def test_an_unknown_key_is_named_with_the_nearest_one(section):
    content = {"widht": 2}
    for key in reversed(section):
        content = {key: content}
    problem = refused(content).problem
    assert (problem.code, problem.column) == ("E203", ".".join((*section, "widht")))
    assert problem.values["nearest"] == "width" and problem.row == len(section) + 1


def test_every_problem_is_told_at_once():
    error = refused({"inner": {"width": "x"}, "more": 1})
    assert sorted(problem.code for problem in (error.problem, *error.others)) == ["E203", "E204"]


def test_a_code_of_ours_stays_and_gets_its_place():
    problem = refused({"inner": {"depth": 13}}).problem
    assert (problem.code, problem.column, problem.row, problem.values) == ("E215", "inner.depth", 2, {"found": "13"})


def test_texts_of_our_own_grammar_are_refused_with_our_code():
    def parse(text):
        raise HeadwaterError("E212", expression=text)

    with pytest.raises(Refused, match="E212"):
        readable(parse, "1 +")


def test_nearest_looks_at_no_case_and_may_say_nothing():
    assert nearest("Customers", ["bills", "customer"]) == "customer" and nearest("zz", ["bills"]) is None


def test_keys_are_known_inside_lists_of_sections():
    assert known_keys(Outer, ("many", "any")) == ["width", "depth"] and known_keys(Outer, ("inner", "width")) == []
