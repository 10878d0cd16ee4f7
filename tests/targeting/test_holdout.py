"""The holdout is permanent, of the right size, and knows nothing of scores."""

from itertools import pairwise

import numpy as np
import pytest

from targeting.holdout import BUCKETS, STARTS, HoldoutSettings, arms, control_buckets, is_holdout, random_buckets

ALWAYS = HoldoutSettings(salt="a", share=0.02)
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


@pytest.mark.parametrize("kind", STARTS)
def test_arms_depend_on_the_bucket_and_the_kind_of_list_only(kind):
    drawn = arms(IDS, kind, 0.1, ALWAYS)
    assert abs((drawn == "control").mean() - 0.1) < 0.01
    assert (arms(IDS[::-1], kind, 0.1, ALWAYS)[::-1] == drawn).all()


def test_kinds_of_lists_hold_out_others_and_none_of_the_global_holdout():
    """So that what one list does is seen among people whom another contacts, and nobody is spared by chance twice."""
    buckets = random_buckets(IDS, ALWAYS.salt)
    for_all = is_holdout(buckets, ALWAYS)
    vip, churn = (arms(IDS, kind, 0.25, ALWAYS) == "control" for kind in ("vip", "churn"))
    assert not (vip & churn).any() and not ((vip | churn) & for_all).any()
    assert vip[~for_all].mean() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("kind", STARTS)
@pytest.mark.parametrize("always", [0.0, 0.02, 0.45])
def test_a_larger_control_holds_the_smaller_one_and_has_its_share(kind, always):
    settings = HoldoutSettings(salt="a", share=always)
    shares = (0.0, 0.05, 0.1, 0.5, 0.9)
    flags = [control_buckets(kind, share, settings) for share in shares]
    assert [f.sum() for f in flags] == [round(share * BUCKETS * (1 - always)) for share in shares]
    assert all((large | ~small).all() for small, large in pairwise(flags))


def test_starts_are_permanent():
    """Pinned: a start that moves makes of last month's control people whom this month's list contacts."""
    assert STARTS == {"churn": 4_000, "vip": 7_000}


def test_nobody_is_drawn_without_customers_or_share():
    assert len(random_buckets([], "a")) == 0
    assert (arms(IDS[:100], "vip", 0.0, ALWAYS) == "treated").all()
