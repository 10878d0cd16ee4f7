"""What a campaign did: those listed for contact beside the control, in people, in money, and how far that can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from targeting.effects import Effect, effect

Outcome = Literal["churn", "value", "vip"]
Status = Literal["no_control", "too_few", "open", "works", "harms"]
WANTED: Mapping[str, int] = {"churn": -1, "value": 1, "vip": 1}
"""Which way an outcome is to move."""
COVARIATES = {"churn": "churn_probability", "value": "value_pred", "vip": "vip_probability"}
"""The score, as published before, that each outcome is adjusted by."""
FEWEST_EVENTS, FEWEST_PEOPLE = 5, 10
"""Of a yes-or-no outcome that many of either kind in each arm, of money that many people, or nothing is said."""
DOUBT = 0.001
"""Below this chance, arms that are not as large as drawn, or outcomes that are missing in one of them, are told."""


@dataclass(frozen=True)
class Costs:
    """What contacting costs.

    Attributes
    ----------
    contact
        Money per contact.
    incentive
        Money that the offer costs for each customer who gets it.
    """

    contact: float
    incentive: float


@dataclass(frozen=True)
class Amount:
    """A figure of the whole campaign with its 95 % interval; the interval is None where nothing can be told of it."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Arm:
    """One side of a campaign.

    Attributes
    ----------
    listed
        Customers on the list.
    followed
        Those whose outcome is known.
    mean
        Of the outcome; None where nobody's is known.
    contacted
        Customers with a contact of this campaign on record; None where no contacts are on record at all.
    """

    listed: int
    followed: int
    mean: float | None
    contacted: int | None


@dataclass(frozen=True)
class Measurement:
    """What came of a campaign.

    Attributes
    ----------
    status
        `works` or `harms` where the interval lies on one side of zero, else `open`; `too_few` and `no_control` where
        there is none.
    treated, control
        The arms.
    effect
        Of the outcome, adjusted by the score of before; None where nothing can be told.
    unadjusted
        The plain difference.
    people
        Customers saved, or potential VIPs converted; None for money.
    revenue
        What the campaign brought in the window; None where no bills are known.
    cost
        Contacts and incentives.
    net, roi
        Revenue less cost, and that over the cost (None where there is none).
    expected
        Mean of the score of those listed for contact: what was expected without the campaign. With `treated.mean` a bare
        before and after.
    doubts
        What weakens the evidence: `not_as_drawn`, `lost_unevenly`, `control_contacted`, `not_reached`.
    """

    status: Status
    treated: Arm
    control: Arm
    effect: Effect | None
    unadjusted: Effect | None
    people: Amount | None
    revenue: Amount | None
    cost: float
    net: Amount | None
    roi: Amount | None
    expected: float | None
    doubts: tuple[str, ...]


def measure(members: pd.DataFrame, outcome: Outcome, costs: Costs, share: float) -> Measurement:
    """The effect of one campaign, by intention to treat.

    Parameters
    ----------
    members
        A row per customer: arm (treated, control), unit (account or customer), came (the outcome: 1.0, 0.0 or money; null
        where it is not known), money (billed in the window; null unknown), left (1.0 for who has gone; null unknown),
        contacts (number of contacts; null where none are on record of anybody), contact_cost (their cost; null unknown),
        and the columns of `COVARIATES`.
    outcome
        What `came` is.
    costs
        Of a contact and of the offer.
    share
        Of the control, as it was drawn.

    Returns
    -------
    Measurement
        Figures are None where nothing can be told.
    """
    treated, control = (_arm(members[members["arm"] == name]) for name in ("treated", "control"))
    known = members[members["came"].notna()]
    status, adjusted, plain = _compared(known, outcome)
    billed = members[members["money"].notna()]
    earned = difference(billed, "money", COVARIATES["value"]) if adjusted and enough(billed, "money", False) else None
    revenue, cost = _in_all(earned, int((billed["arm"] == "treated").sum())), spent(members, costs)
    gain = _in_all(adjusted, treated.followed)
    people = gain if outcome == "vip" else _turned(gain) if outcome == "churn" else None
    return Measurement(
        status=status,
        treated=treated,
        control=control,
        effect=adjusted,
        unadjusted=plain,
        people=people,
        revenue=revenue,
        cost=cost,
        net=_moved(revenue, -cost, 1),
        roi=_moved(revenue, -cost, 1 / cost) if cost > 0 else None,
        expected=_mean(members.loc[members["arm"] == "treated", COVARIATES[outcome]]),
        doubts=tuple(_doubts(members, treated, control, share)),
    )


def _arm(rows: pd.DataFrame) -> Arm:
    reached = None if rows["contacts"].isna().all() else int((rows["contacts"] > 0).sum())
    return Arm(len(rows), int(rows["came"].notna().sum()), _mean(rows["came"]), reached)


def _mean(values: pd.Series) -> float | None:
    known = values.dropna().astype(float)
    return float(known.mean()) if len(known) else None


def _compared(known: pd.DataFrame, outcome: Outcome) -> tuple[Status, Effect | None, Effect | None]:
    """Status, the adjusted effect and the plain one."""
    if not (known["arm"] == "control").any():
        return "no_control", None, None
    if not enough(known, "came", outcome != "value"):
        return "too_few", None, None
    adjusted = difference(known, "came", COVARIATES[outcome])
    if adjusted.spans_zero:
        status: Status = "open"
    else:
        status = "works" if np.sign(adjusted.estimate) == WANTED[outcome] else "harms"
    return status, adjusted, difference(known, "came", None)


def enough(rows: pd.DataFrame, column: str, binary: bool) -> bool:
    """Are there enough in both arms that an interval can be believed?

    Parameters
    ----------
    rows
        With arm and the column.
    column
        The outcome, known of everybody.
    binary
        Is it yes or no?
    """
    for arm in ("treated", "control"):
        values = rows.loc[rows["arm"] == arm, column].astype(float)
        if binary and min(values.sum(), len(values) - values.sum()) < FEWEST_EVENTS:
            return False
        if len(values) < FEWEST_PEOPLE or values.nunique() < 2:
            return False
    return True


def difference(rows: pd.DataFrame, column: str, covariate: str | None) -> Effect:
    """The effect on a column; a score that is not known of somebody is taken as the mean, as it was known of nobody.

    Parameters
    ----------
    rows
        With arm, unit, the column and the covariate.
    column
        The outcome, known of everybody.
    covariate
        The score to adjust by; None is no adjustment.
    """
    known = None
    if covariate is not None:
        score = rows[covariate].to_numpy(dtype=float)
        if not np.isnan(score).all():
            known = np.where(np.isnan(score), np.nanmean(score), score)[:, None]
    return effect(
        rows[column].to_numpy(dtype=float), (rows["arm"] == "treated").to_numpy(), known, rows["unit"].to_numpy(str)
    )


def spent(members: pd.DataFrame, costs: Costs) -> float:
    """Money that a campaign costs: each contact at its own cost where that is on record, and the offer for everybody who
    was reached and is still here, as nobody says who has taken it.

    Where no contacts are on record everybody listed for contact counts as contacted once.

    Parameters
    ----------
    members
        As `measure` takes them.
    costs
        Of a contact and of the offer.
    """
    planned = (members["arm"] == "treated").astype(float)
    contacts = planned if members["contacts"].isna().all() else members["contacts"].fillna(0).astype(float)
    each = members["contact_cost"].astype(float).fillna(contacts * costs.contact)
    offered = (contacts > 0) & (members["left"].astype(float).fillna(0) == 0)
    return float(each.sum() + costs.incentive * offered.sum())


def _in_all(found: Effect | None, people: int) -> Amount | None:
    """An effect per customer as one of all who were listed for contact and could be followed."""
    if found is None:
        return None
    return Amount(found.estimate * people, found.low * people, found.high * people)


def _turned(amount: Amount | None) -> Amount | None:
    """Fewer who leave are more who stay."""
    return _moved(amount, 0, -1)


def _moved(amount: Amount | None, by: float, factor: float) -> Amount | None:
    if amount is None:
        return None
    ends = [None if end is None else (end + by) * factor for end in (amount.low, amount.high)]
    low, high = reversed(ends) if factor < 0 else ends
    return Amount((amount.value + by) * factor, low, high)


def _doubts(members: pd.DataFrame, treated: Arm, control: Arm, share: float) -> list[str]:
    """What weakens the evidence."""
    found = []
    everybody = treated.listed + control.listed
    if control.listed and stats.binomtest(control.listed, everybody, share).pvalue < DOUBT:
        found.append("not_as_drawn")
    lost = [[arm.listed - arm.followed, arm.followed] for arm in (treated, control)]
    if control.listed and np.sum(lost, axis=0).all() and stats.fisher_exact(lost).pvalue < DOUBT:
        found.append("lost_unevenly")
    if control.contacted:
        found.append("control_contacted")
    if treated.contacted is not None and treated.contacted < treated.listed:
        found.append("not_reached")
    return found
