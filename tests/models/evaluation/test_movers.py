"""What moved the scores is named, and by as much as it did."""

import numpy as np
import pandas as pd
import pytest

from models.evaluation import movers, sketches

FEATURES = ["arpu", "sms", "idle"]
WEIGHTS = np.array([0.02, 0.5, 0.0])


class Additive:
    """A linear model: what a feature adds is its weight times its distance from a base."""

    def contributions(self, X):
        parts = X[FEATURES] * WEIGHTS
        return parts.assign(base=-1.0)


def night(seed=0, **factors):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"arpu": rng.normal(60, 20, 1500), "sms": rng.poisson(3, 1500), "idle": rng.random(1500)})
    return frame.assign(**{name: frame[name] * factor for name, factor in factors.items()})


def found(before, now, same=True):
    old, new = ((sketches.sketch(f, FEATURES), movers.uses({"churn": Additive()}, f)) for f in (before, now))
    moved = sketches.shifts(old[0], new[0])
    return movers.movers(moved, new[1], old[1] if same else None, "churn")


def test_effects_add_up_to_what_the_mean_raw_score_has_moved_by():
    before, now = night(), night(arpu=1.4, sms=2)
    told = found(before, now)
    raw = [(frame[FEATURES].to_numpy() @ WEIGHTS).mean() for frame in (before, now)]
    assert sum(m.effect for m in told) == pytest.approx(raw[1] - raw[0])
    assert [m.feature for m in told] == ["sms", "arpu"]
    assert sum(m.share for m in told) == pytest.approx(1)


@pytest.mark.parametrize("same", [True, False])
def test_what_the_model_does_not_go_by_moves_nothing(same):
    assert found(night(), night(idle=100), same) == []
    assert [m.feature for m in found(night(), night(idle=100, sms=60), same)] == ["sms"]


def test_two_quiet_nights_have_no_mover():
    assert found(night(), night()) == []


def test_of_another_model_shifts_are_weighed_by_use():
    told = found(night(), night(arpu=3, sms=3), same=False)
    assert {m.feature for m in told} == {"arpu", "sms"} and all(m.effect is None for m in told)
