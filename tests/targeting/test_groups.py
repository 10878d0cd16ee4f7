"""The value of an account is the sum of its members, to the cent; sizes are those on record, else by members."""

from collections import defaultdict
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from targeting.groups import GroupSettings, accounts, sizes


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sum_of_the_members_is_that_of_their_account(seed):
    rng = np.random.default_rng(seed)
    names = [f"A{k}" if k < 40 else None for k in rng.integers(0, 60, 500)]
    value = np.where(rng.random(500) < 0.3, np.nan, np.round(rng.uniform(0, 5_000, 500), 2))
    value[[name == "A7" for name in names]] = np.nan
    chunks = pa.chunked_array([pa.array(names[:120], pa.string()), pa.array(names[120:], pa.string())])
    found = accounts(chunks, value)
    sums, members = defaultdict(list), defaultdict(int)
    for name, amount in zip(names, value, strict=True):
        members[name] += 1
        sums[name] += [] if np.isnan(amount) else [Decimal(str(amount))]
    for place, name in enumerate(names):
        if name is None:
            assert found.members[place] == 0 and np.isnan(found.value[place])
            continue
        assert found.members[place] == members[name]
        told = sum(sums[name]) if sums[name] else None
        assert np.isnan(found.value[place]) if told is None else Decimal(f"{found.value[place]:.2f}") == told
    assert found.part(10, 5).members.tolist() == found.members[10:15].tolist()


def test_without_any_account_nobody_has_one():
    found = accounts(pa.chunked_array([pa.nulls(3, pa.string())]), np.array([1.0, 2.0, np.nan]))
    assert found.members.tolist() == [0, 0, 0] and np.isnan(found.value).all()


def test_a_size_is_the_one_on_record_else_by_members_and_families_have_none():
    frame = pd.DataFrame({"customer_type": ["group"] * 6 + ["family", None], "group_size": ["micro", *[None] * 7]})
    members = np.array([500, 500, 20, 5, 4, 0, 5, 5])
    told = sizes(frame, members, GroupSettings()).tolist()
    assert told == ["micro", "large", "medium", "small", "micro", None, None, None]
    assert sizes(frame.drop(columns="group_size"), members, GroupSettings()).tolist()[0] == "large"
    with pytest.raises(ValidationError, match="must fall"):
        GroupSettings(small=30)
