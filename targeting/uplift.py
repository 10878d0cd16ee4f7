"""Whom would contacting help most? A model of it, from several campaigns of one kind, and whether it knows more than the risk.

It is used only where its Qini curve is above that of ranking by the score of before, beyond chance. Every customer is predicted
by models that saw nobody of their account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.evaluation import qini
from models.evaluation.qini import Estimate, Order
from models.learners.trees import TreeObjective
from models.learners.uplift import LEARNERS, SLearner, TLearner
from targeting.campaigns import COVARIATES, WANTED, Outcome, enough
from targeting.known_before import FEATURES, FEWEST_CAMPAIGNS, NUMBERS, WORDS

FOLDS, SEED, LEVEL = 5, 7, 0.95
OBJECTIVES: Mapping[str, TreeObjective] = {"churn": "binary", "vip": "binary", "value": "amount"}


@dataclass(frozen=True)
class Ranking:
    """What one order of the lists is worth.

    Attributes
    ----------
    name
        `risk`, or the kind of a learner.
    coefficient
        Of Qini: area between its curve and that of a random order, in the unit of the outcome per customer; 95 %.
    ahead
        The coefficient less that of ranking by risk; its interval is as much wider as there are learners that try. None
        for the risk itself.
    curve
        What contacting the first 0 %, 10 % … 100 % brings, per customer on the list.
    """

    name: str
    coefficient: Estimate
    ahead: Estimate | None
    curve: Sequence[float]

    @property
    def is_better(self) -> bool:
        """Beyond chance: than ranking by risk, and than no order at all."""
        return self.ahead is not None and self.ahead.low > 0 and self.coefficient.low > 0


@dataclass(frozen=True)
class Uplift:
    """The trial of an uplift model.

    Attributes
    ----------
    campaigns, customers
        That it was tried on.
    risk
        Ranking by the score of before.
    learners
        The models of uplift.
    adopted
        Name of the learner that ranks better than risk does, beyond chance; None where none does.
    """

    campaigns: int
    customers: int
    risk: Ranking
    learners: tuple[Ranking, ...]
    adopted: str | None


@dataclass(frozen=True)
class Fitted:
    """A learner that was fitted on everybody of some campaigns.

    Attributes
    ----------
    outcome
        Of the campaigns.
    learner
        As the trial has adopted it.
    low, high
        The least and the highest score of before on their lists: beyond them nobody was contacted, and nothing is known.
    """

    outcome: Outcome
    learner: TLearner | SLearner
    low: float
    high: float

    def uplift(self, rows: pd.DataFrame) -> np.ndarray:
        """What a contact is expected to change for each row, more is better; NaN beyond the scores of the campaigns.

        Parameters
        ----------
        rows
            With the columns of `known_before.FEATURES`.
        """
        treated, control = self.learner.outcomes(_known(rows))
        score = rows[COVARIATES[self.outcome]].to_numpy(dtype=float)
        reached = (score >= self.low) & (score <= self.high)
        return np.where(reached, WANTED[self.outcome] * (treated - control), np.nan)


def fitted(campaigns: Sequence[pd.DataFrame], outcome: Outcome, name: str) -> Fitted | None:
    """The learner of a name, fitted on everybody; parameters are those of `trial`, which has adopted it. None where the campaigns
    cannot be compared any more."""
    rows = _together(campaigns, outcome)
    if rows is None:
        return None
    chosen = next(learner for learner in LEARNERS if learner.kind == name)
    came, treated = rows["came"].to_numpy(dtype=float), rows["treated"].to_numpy(dtype=bool)
    score = rows[COVARIATES[outcome]].astype(float)
    learner = chosen(OBJECTIVES[outcome], SEED).fit(_known(rows), came, treated)
    return Fitted(outcome, learner, float(score.min()), float(score.max()))


def trial(campaigns: Sequence[pd.DataFrame], outcome: Outcome) -> Uplift | None:
    """Does a model of uplift rank better than risk does?

    Parameters
    ----------
    campaigns
        Members of each, as `campaigns.measure` takes them, with the columns of `known_before.FEATURES`.
    outcome
        Of all of them.

    Returns
    -------
    Uplift
        None with fewer than two campaigns of which both arms can be compared and the score of before is known.
    """
    rows = _together(campaigns, outcome)
    if rows is None:
        return None
    sign, score = WANTED[outcome], rows[COVARIATES[outcome]].to_numpy(dtype=float)
    predicted = {
        learner.kind: _predicted(learner(OBJECTIVES[outcome], SEED), rows, rows["came"].to_numpy(dtype=float))
        for learner in LEARNERS
    }
    share, arm = rows["share"].to_numpy(), rows["treated"].to_numpy(dtype=float)
    expected = np.mean([(1 - share) * treated + share * control for treated, control in predicted.values()], axis=0)
    gain = qini.gains(sign * rows["came"].to_numpy(dtype=float), arm, share, sign * expected)
    orders = {"risk": score} | {name: sign * (both[0] - both[1]) for name, both in predicted.items()}
    risk, *learners = _ranked(gain, orders, rows["campaign"].to_numpy(), rows["unit"].to_numpy(str))
    better = [one for one in learners if one.is_better]
    adopted = max(better, key=lambda one: one.coefficient.value).name if better else None
    return Uplift(int(rows["campaign"].max()) + 1, len(rows), risk, tuple(learners), adopted)


def _together(campaigns: Sequence[pd.DataFrame], outcome: Outcome) -> pd.DataFrame | None:
    """Everybody of the campaigns that can be compared, with the number of their campaign and the share of its treated."""
    score = COVARIATES[outcome]
    known = [rows[rows["came"].notna() & rows[score].notna()] for rows in campaigns]
    known = [rows for rows in known if enough(rows, "came", outcome != "value")]
    if len(known) < FEWEST_CAMPAIGNS:
        return None
    rows = pd.concat([part.assign(campaign=number) for number, part in enumerate(known)], ignore_index=True)
    rows = rows.assign(treated=rows["arm"] == "treated")
    return rows.assign(share=rows.groupby("campaign")["treated"].transform("mean"))


def _known(rows: pd.DataFrame) -> pd.DataFrame:
    """What is learnt from, as numbers and words."""
    return rows[list(FEATURES)].astype(dict.fromkeys(NUMBERS, float) | dict.fromkeys(WORDS, object))


def _predicted(learner: TLearner | SLearner, rows: pd.DataFrame, came: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of everybody if treated and if left alone, by models that saw nobody of their account."""
    X = _known(rows)
    treated, codes = rows["treated"].to_numpy(dtype=bool), np.unique(rows["unit"].to_numpy(str), return_inverse=True)[1]
    folds = np.random.default_rng(SEED).permutation(int(codes.max()) + 1)[codes] % FOLDS
    found = np.empty((2, len(rows)))
    for fold in range(FOLDS):
        held, kept = folds == fold, folds != fold
        fitted = learner.fit(X[kept], came[kept], treated[kept])
        found[:, held] = fitted.outcomes(X[held])
    return found[0], found[1]


def _ranked(
    gain: np.ndarray, scores: Mapping[str, np.ndarray], campaigns: np.ndarray, units: np.ndarray
) -> list[Ranking]:
    """Every order with its coefficient, and how far it is ahead of the first."""
    orders = [Order.of(score, campaigns) for score in scores.values()]
    values = [qini.coefficient(gain, order) for order in orders]
    sampled = np.array(
        [[qini.coefficient(gain, order, weights) for order in orders] for weights in qini.draws(units, SEED)]
    )
    wide, told = 1 - (1 - LEVEL) / (len(orders) - 1), []
    for place, name in enumerate(scores):
        own = qini.interval(values[place], sampled[:, place], LEVEL)
        lead = qini.interval(values[place] - values[0], sampled[:, place] - sampled[:, 0], wide)
        told.append(Ranking(name, own, lead if place else None, qini.curve(gain, orders[place])))
    return told
