"""Tiers by money; core by value and growth, demoted with caution, never without review."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from targeting.tiers import CLASSES, Tier, TierSettings, customer_classes, pyramid, tiers

FOUR = TierSettings(tiers=tuple(Tier(name=n, from_monthly=a) for n, a in [("basic", 0), ("silver", 80), ("gold", 150)]))


def crowd(**first):
    """Customer 0 as given, beside ninety-nine who pay 1 to 99 a month and stay as they are."""
    others = pd.DataFrame({"monthly_now": np.arange(1.0, 100), "monthly_predicted": np.arange(1.0, 100)})
    return pd.concat([pd.DataFrame([first]), others], ignore_index=True)


def rate(**first):
    return customer_classes(crowd(**first), TierSettings()).iloc[0]


def test_tiers_by_configured_thresholds():
    assert tiers(pd.Series([0.0, 79.99, 80.0, 500.0]), FOUR).tolist() == ["basic", "basic", "silver", "gold"]
    assert tiers(pd.Series([np.nan]), FOUR).isna().all()


def test_without_thresholds_there_are_no_tiers():
    assert tiers(pd.Series([10.0, 1_000.0]), TierSettings()).isna().all()


def test_everybody_must_have_a_tier():
    with pytest.raises(ValidationError):
        TierSettings(tiers=(Tier(name="gold", from_monthly=150),))


def test_the_biggest_payer_in_decline_is_not_core():
    assert rate(monthly_now=1_000.0, monthly_predicted=800.0)["customer_class"] == "quality"


def test_a_smaller_growing_one_may_be():
    grower = rate(monthly_now=50.0, monthly_predicted=70.0)
    assert grower["customer_class"] == "core"
    assert rate(monthly_now=70.0, monthly_predicted=70.0)["customer_class"] == "quality"


def test_one_bad_rating_does_not_demote_and_the_second_does():
    bad = {"monthly_now": 1_000.0, "monthly_predicted": 30.0, "previous_class": "core"}
    first = rate(**bad, ratings_below=0)
    assert (first["customer_class"], first["rated"], first["ratings_below"], first["demoted"]) == (
        "core",
        "general",
        1,
        False,
    )
    second = rate(**bad, ratings_below=1)
    assert (second["customer_class"], second["demoted"]) == ("general", True)


def test_every_lower_rating_of_a_core_customer_is_for_review():
    bad = {"monthly_now": 1_000.0, "monthly_predicted": 30.0, "previous_class": "core"}
    assert all(rate(**bad, ratings_below=below)["review"] for below in (0, 1, 5))
    assert not rate(monthly_now=1.0, monthly_predicted=1.0, previous_class="quality", ratings_below=4)["review"]


def test_a_good_rating_forgets_the_bad_ones():
    good = rate(monthly_now=1_000.0, monthly_predicted=1_000.0, previous_class="core", ratings_below=1)
    assert (good["customer_class"], good["ratings_below"]) == ("core", 0)


def test_unknown_value_keeps_the_class_and_nobody_is_deleted():
    told = customer_classes(
        crowd(monthly_now=np.nan, monthly_predicted=np.nan, previous_class="quality"), TierSettings()
    )
    assert told.iloc[0]["customer_class"] == "quality"
    assert len(told) == 100


def test_the_pyramid_adds_up():
    frame = crowd(monthly_now=500.0, monthly_predicted=500.0)
    classes = customer_classes(frame, TierSettings())["customer_class"]
    told = pyramid(classes, frame["monthly_predicted"])
    assert told.index.tolist() == list(CLASSES[::-1])
    assert told["customers"].sum() == 100
    assert told["share_of_customers"].sum() == pytest.approx(1)
    assert told["share_of_value"].sum() == pytest.approx(1)
