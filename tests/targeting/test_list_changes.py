"""Who came, went and changed sides between two lists."""

import dataclasses

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.list_changes import list_changes
from targeting.list_settings import ListSettings
from targeting.ranking import ListResult, churn_list
from tests.scores_sample import sample_frame

BASE = churn_list(sample_frame(200), ListSettings(top=5))
MEMBERS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["treated", "control"]))


def as_list(arms: dict[str, str]) -> ListResult:
    frame = pd.DataFrame({"customer_id": list(arms), "arm": list(arms.values())}, dtype=object)
    frame["rank"] = range(1, len(frame) + 1)
    parts = (frame[frame["arm"].eq(arm)] for arm in ("treated", "control"))
    return dataclasses.replace(BASE, **dict(zip(("rows", "control"), parts, strict=True)))


@settings(max_examples=200, deadline=None)
@given(MEMBERS, MEMBERS)
def test_changes_are_those_of_the_sets(before, after):
    found = list_changes(as_list(before), as_list(after))
    assert found.stayed == len(before.keys() & after.keys())
    assert found.came["customer_id"].tolist() == [c for c in after if c not in before]
    assert found.went["customer_id"].tolist() == [c for c in before if c not in after]
    both = before.keys() & after.keys()
    assert found.into_control == sum(before[c] == "treated" and after[c] == "control" for c in both)
    assert found.out_of_control == sum(before[c] == "control" and after[c] == "treated" for c in both)


def test_settings_that_differ_are_named():
    longer = churn_list(sample_frame(200), ListSettings(top=9, min_value=3))
    assert list_changes(BASE, longer).settings == {"top": (5, 9), "min_value": (0.0, 3.0)}
    assert list_changes(BASE, BASE).settings == {}
