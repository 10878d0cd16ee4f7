"""Tiers by value and growth; held with caution, and a core customer's lower rating is looked at by a person."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from targeting.tiers import REASONS, Tier, TierSettings, held, ratings, tiers

OWN = TierSettings(tiers=tuple(Tier(name=n, from_monthly=a) for n, a in [("basic", 0), ("silver", 80), ("gold", 150)]))
USUAL = TierSettings()


def rated(now, predicted, ladder=USUAL):
    found = ratings(pd.Series([now], dtype=float), pd.Series([predicted], dtype=float), ladder)
    place = found["rated"].iloc[0]
    return (None if np.isnan(place) else ladder.names[int(place)]), found["cause"].iloc[0]


def months(*rates, ladder=USUAL, day=1):
    """What is held after each monthly rating: (tier, reason, review)."""
    before, told = None, []
    for month, (now, predicted) in enumerate(rates):
        found = ratings(pd.Series([now], dtype=float), pd.Series([predicted], dtype=float), ladder)
        before = held(found, before, date(2026, 1 + month, day), ladder)
        told.append(tuple(before[["tier_current", "tier_reason", "tier_review"]].iloc[0]))
    return told


def test_tiers_by_configured_thresholds():
    assert tiers(pd.Series([0.0, 79.99, 80.0, 500.0]), OWN).tolist() == ["basic", "basic", "silver", "gold"]
    assert tiers(pd.Series([np.nan]), OWN).isna().all()
    assert tiers(pd.Series([0.5, 1.0, 1.5, 9.0]), USUAL).tolist() == ["general", "silver", "gold", "diamond"]
    assert tiers(pd.Series([10.0]), TierSettings(tiers=())).isna().all()
    nobody = held(
        ratings(pd.Series([1.0]), pd.Series([1.0]), TierSettings(tiers=())),
        None,
        date(2026, 1, 1),
        TierSettings(tiers=()),
    )
    assert nobody.isna().all(axis=None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tiers": [{"name": "gold", "from_monthly": 150}]},
        {"tiers": [{"name": "a", "from_monthly": 0}, {"name": "b", "from_high_value": 1}]},
        {"tiers": [{"name": "a"}]},
        {"tiers": [{"name": "a", "from_monthly": 0}, {"name": "a", "from_monthly": 1}]},
        {"core_from": "platinum"},
    ],
)
def test_a_ladder_that_leaves_somebody_out_or_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValidationError):
        TierSettings.model_validate(wrong)


def test_core_is_the_highest_two_unless_it_is_said():
    assert (USUAL.core, OWN.core, USUAL.model_copy(update={"core_from": "silver"}).core) == (2, 1, 1)


def test_the_biggest_payer_in_decline_is_not_core_and_a_smaller_growing_one_may_be():
    assert rated(9.0, 8.0) == ("silver", "decline") and rated(9.0, 8.5) == ("diamond", "bill")
    assert rated(1.2, 1.6) == ("gold", "growth") and rated(1.6, 1.6) == ("gold", "bill")
    assert rated(0.3, 9.0) == ("silver", "growth"), "one tier at a time"


def test_what_is_unknown_is_rated_by_the_rest():
    assert rated(np.nan, 1.2) == ("silver", "bill") and rated(1.2, np.nan) == ("silver", "bill")
    assert rated(np.nan, np.nan)[0] is None and rated(0.0, 1.2) == ("general", "bill")


def test_one_bad_month_does_not_demote_and_the_second_does_with_its_reason():
    assert months((2.0, 2.0), (0.5, 0.5), (0.5, 0.5)) == [
        ("diamond", "new", False),
        ("diamond", "below_bill", True),
        ("general", "lowered_bill", True),
    ]
    assert [told[0] for told in months((2.0, 2.0), (0.5, 0.5), (2.0, 2.0), (0.5, 0.5))] == ["diamond"] * 4
    assert months((2.0, 2.0), (2.0, 1.6), (2.0, 1.6))[2] == ("silver", "lowered_decline", True)
    assert months((1.2, 1.2), (0.5, 0.5), (0.5, 0.5))[2] == ("general", "lowered_bill", False), "no core customer"


def test_a_better_month_counts_at_once():
    assert months((0.5, 0.5), (1.1, 1.1))[1] == ("silver", "raised_bill", False)
    assert months((1.1, 1.1), (1.1, 1.6))[1] == ("gold", "raised_growth", False)


def test_nights_of_the_same_month_are_one_rating():
    good, bad = (ratings(pd.Series([v]), pd.Series([v]), USUAL) for v in (2.0, 0.5))
    first = held(good, None, date(2026, 1, 31), USUAL)
    once = held(bad, first, date(2026, 2, 1), USUAL)
    again = held(bad, once, date(2026, 2, 28), USUAL)
    assert (once["tier_ratings_below"].item(), once["tier_rated_on"].item()) == (1, date(2026, 2, 1))
    pd.testing.assert_frame_equal(again, once)


def test_an_unknown_value_keeps_the_tier_and_a_tier_that_is_no_more_is_rated_anew():
    first = held(ratings(pd.Series([2.0]), pd.Series([2.0]), USUAL), None, date(2026, 1, 1), USUAL)
    nothing = ratings(pd.Series([np.nan]), pd.Series([np.nan]), USUAL)
    assert held(nothing, first, date(2026, 5, 1), USUAL)["tier_current"].item() == "diamond"
    other = held(ratings(pd.Series([90.0]), pd.Series([90.0]), OWN), first, date(2026, 1, 2), OWN)
    assert other[["tier_current", "tier_reason"]].iloc[0].tolist() == ["silver", "new"]


def slow(history: list[tuple], ladder: TierSettings) -> list[tuple]:
    """Customer by customer, in plain Python."""
    tier, below, review, reason, told = None, 0, False, None, []
    edges = [step.least for step in ladder.tiers]
    place = lambda amount: max(k for k, edge in enumerate(edges) if amount >= edge)  # noqa: E731
    for now, later in history:
        rating, cause = None, "bill"
        if now is None and later is not None:
            rating = place(later)
        elif now is not None:
            rating = place(now)
            growth = (later / now - 1) if later is not None and now > 0 else None
            if growth is not None and growth <= -ladder.decline:
                fallen = min(rating, place(later), ladder.core - 1)
                rating, cause = fallen, ("decline" if fallen < rating else "bill")
            elif growth is not None and growth >= ladder.growing and place(later) > rating:
                rating, cause = rating + 1, "growth"
        if rating is not None:
            if tier is None:
                tier, below, review, reason = rating, 0, False, "new"
            elif rating > tier:
                tier, below, review, reason = rating, 0, False, f"raised_{cause}"
            elif rating == tier:
                below, review, reason = 0, False, "kept"
            else:
                below, review = below + 1, tier >= ladder.core
                lost = below >= ladder.ratings_before_demotion
                reason = f"{'lowered' if lost else 'below'}_{cause}"
                tier = rating if lost else tier
        told.append((None if tier is None else ladder.names[tier], reason, review if tier is not None else None))
    return told


@pytest.mark.parametrize("seed", [1, 2])
def test_any_histories_are_those_of_the_slow_twin(seed):
    """Many customers at once; nobody is lost, and every core demotion is marked and has its reason."""
    rng = np.random.default_rng(seed)
    amounts = rng.choice([0.0, 0.5, 1.0, 1.2, 1.5, 1.7, 2.0, 4.0], (400, 4, 2)) * rng.choice(
        [1.0, 0.9, 1.2], (400, 4, 2)
    )
    histories = [
        [tuple(None if rng.random() < 0.1 else v for v in month) for month in customer] for customer in amounts
    ]
    before, found = None, [[] for _ in histories]
    for month in range(4):
        now, later = (pd.Series([h[month][k] for h in histories], dtype=float) for k in (0, 1))
        after = held(ratings(now, later, USUAL), before, date(2026, 1 + month, 3), USUAL)
        assert len(after) == len(histories)
        for row, customer in zip(after.to_dict("records"), found, strict=True):
            review = None if row["tier_review"] is pd.NA else row["tier_review"]
            customer.append((row["tier_current"], row["tier_reason"], review))
            assert row["tier_reason"] in (*REASONS, None)
        if before is not None:
            places = [side["tier_current"].map(USUAL.names.index, na_action="ignore") for side in (before, after)]
            fell = (places[0] >= USUAL.core) & (places[1] < places[0])
            assert after.loc[fell, "tier_review"].eq(True).all()
            assert after.loc[fell, "tier_reason"].str.startswith("lowered").all()
        before = after
    assert found == [slow(history, USUAL) for history in histories]
