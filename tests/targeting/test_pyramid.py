"""The pyramid adds up, the 80/20 check is that of a sorted list, and a migration loses nobody."""

import numpy as np
import pandas as pd
import pytest

from targeting.pyramid import migration, pyramid

NAMES = ("general", "silver", "gold")


def customers(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    tier = rng.choice([*NAMES, None], n, p=[0.5, 0.3, 0.15, 0.05])
    bills = np.where(rng.random(n) < 0.1, np.nan, np.exp(rng.normal(4, 1, n)))
    ids = [f"c{i}" for i in rng.permutation(2 * n)[:n]]
    return pd.DataFrame({"customer_id": ids, "tier_current": tier, "arpu_3m": bills, "tier_review": tier == "gold"})


def test_the_pyramid_adds_up():
    frame = customers(500, 1)
    found = pyramid(frame, NAMES)
    assert found.tiers["tier"].tolist() == ["gold", "silver", "general", None]
    assert found.tiers["customers"].sum() == 500
    assert found.tiers[["share_of_customers", "share_of_revenue"]].sum().tolist() == pytest.approx([1, 1])
    gold = frame[frame["tier_current"].eq("gold")]
    assert found.tiers["revenue"].iloc[0] == pytest.approx(gold["arpu_3m"].sum()) and found.review == len(gold)


def test_the_eighty_twenty_check_is_that_of_a_sorted_list():
    frame = customers(137, 2)
    bills = sorted(frame["arpu_3m"].fillna(0), reverse=True)
    found = pyramid(frame, NAMES)
    assert found.top_share == pytest.approx(sum(bills[:28]) / sum(bills))
    needed = next(k for k in range(138) if sum(bills[:k]) >= 0.8 * sum(bills) - 1e-9)
    assert found.for_80 == needed / 137
    alike = pyramid(pd.DataFrame({"tier_current": ["gold"] * 10, "arpu_3m": 7.0}), NAMES)
    assert (alike.top_share, alike.for_80) == (pytest.approx(0.2), 0.8)
    nothing = pyramid(frame.assign(arpu_3m=0.0), NAMES)
    assert nothing.top_share is None and nothing.for_80 is None and nothing.tiers["share_of_revenue"].sum() == 0


def test_a_migration_loses_nobody():
    before, after = customers(300, 3), customers(300, 4)
    found = migration(before, after, NAMES)
    old, new = (dict(zip(f["customer_id"], f["tier_current"], strict=True)) for f in (before, after))
    assert found.to_numpy().sum() == len(old.keys() | new.keys())
    assert found.loc["gold", "silver"] == sum(old[c] == "gold" and new.get(c) == "silver" for c in old)
    assert found.loc["joined"].sum() == len(new.keys() - old.keys())
    assert found["left"].sum() == len(old.keys() - new.keys()) and found.loc["joined", "left"] == 0
    assert found.index.tolist() == ["gold", "silver", "general", "unknown", "joined"]
