"""The holdout is permanent, of the right size, and knows nothing of scores."""

import numpy as np

from targeting.holdout import BUCKETS, HoldoutSettings, arms, is_holdout, random_buckets

PINNED = [5728, 0, 8850]
IDS = [f"C{i:06d}" for i in range(20_000)]


def test_buckets_are_permanent():
    """Pinned: these numbers must never change, or running campaigns lose their holdout. Origin: BLAKE2b, RFC 7693."""
    assert random_buckets(["C000001", "13800000021", "客户"], "headwater").tolist() == PINNED


def test_buckets_are_even_and_in_range():
    buckets = random_buckets(IDS, "a")
    assert buckets.min() >= 0 and buckets.max() < BUCKETS
    tenths = np.bincount(buckets // 1_000)
    assert np.abs(tenths - 2_000).max() < 200  # 4.7 standard deviations


def test_another_salt_draws_independently():
    first, second = (random_buckets(IDS, salt) < 1_000 for salt in ("a", "b"))
    assert abs((first & second).mean() - 0.01) < 0.004


def test_the_share_is_kept_and_only_grows_with_it():
    buckets = random_buckets(IDS, "a")
    small, large = (is_holdout(buckets, HoldoutSettings(salt="a", share=share)) for share in (0.02, 0.05))
    assert abs(small.mean() - 0.02) < 0.005
    assert large[small].all()


def test_arms_depend_on_customer_and_list_only():
    drawn = arms(IDS, "vip-2026-11-01", 0.1)
    assert abs((drawn == "control").mean() - 0.1) < 0.01
    assert (arms(IDS[::-1], "vip-2026-11-01", 0.1)[::-1] == drawn).all()
    assert (arms(IDS, "churn-2026-11-01", 0.1) != drawn).any()


def test_nobody_is_drawn_without_customers_or_share():
    assert len(random_buckets([], "a")) == 0
    assert (arms(IDS[:100], "x", 0.0) == "treated").all()
