"""How long a list should be: for every length whom it reaches, what it costs and brings, and what its control could show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from features.errors import HeadwaterError
from targeting import holdout
from targeting.benefit import Costs
from targeting.candidates import Candidates, Scores, candidates, units
from targeting.list_settings import ListSettings
from targeting.power import POWER, detectable_effect, lists_needed, power
from targeting.profit import MaximumProfit, ProfitCurve, Treatment, Treatments, maximum_profit, net_interval, treatments
from targeting.profit_settings import Acceptance, ProfitSettings

STEPS = 20
NO_PLAYBOOK: Mapping[str, Treatment] = MappingProxyType({})
SHARES = tuple(share / 100 for share in range(5, 55, 5))
"""Shares of control that are tried where the one asked for shows too little."""
LENGTHS = 400
"""Longer lists that are tried where no share of control does."""
Verdict = Literal["seen", "hold_out_more", "too_small", "no_control"]


@dataclass(frozen=True)
class Audience:
    """Customers who may be contacted, in the order of the list, as far as probability and value are known.

    Attributes
    ----------
    probability
        Of leaving within the horizon.
    value
        Money of twelve months if retained.
    contacted
        False for the control.
    leavers
        Expected number of leavers among all whom the list is about, contactable or not.
    unknown
        Contactable customers without a probability or value, who are left out.
    eligible
        How many customers the list is about, after the filters.
    suppressed
        Reason -> those of them who must not be contacted now.
    held_out
        Those of them in the global holdout.
    """

    probability: np.ndarray
    value: np.ndarray
    contacted: np.ndarray
    leavers: float
    unknown: int
    eligible: int = 0
    suppressed: Mapping[str, int] = field(default_factory=dict)
    held_out: int = 0


@dataclass(frozen=True)
class Advice:
    """Can the effect of a list be measured?

    Attributes
    ----------
    verdict
        `seen`; `hold_out_more` where a larger control would do; `too_small` where no share up to a half would; `no_control`.
    detectable
        The smallest drop of the share that leaves which is seen with a power of 80 %; None where there is none.
    expected
        The drop that is expected: mean probability x acceptance.
    share
        The smallest share of control with which the expected drop would be seen; None where there is none.
    longer
        Where no share does: the shortest longer list that would show it with half of it held out; None where none would.
    lists
        Where no share does: how many lists of this length would show it together, half of each held out; None where too many.
    keeps
        Where no share does: the share of would-be leavers that an action would have to keep to be seen with half of this list held
        out; None where none would be.
    """

    verdict: Verdict
    detectable: float | None
    expected: float
    share: float | None
    longer: int | None = None
    lists: int | None = None
    keeps: float | None = None


@dataclass(frozen=True)
class Plan:
    """A list of every length in money.

    Attributes
    ----------
    table
        A row per length, rising: customers, held_out, contacted, reached (expected leavers among those contacted), in_vain,
        cost, saved, net, net_low, net_high (95 %), detectable and expected (drops of the share that leaves).
    recommended
        The length of the expected maximum profit; 0 where that list costs more than it is expected to bring.
    asked
        The length that was asked for.
    held_out_share
        The share of a list that is left alone.
    curve
        Sums over the first k, for every k.
    rate
        The acceptance that those sums are taken with.
    profit
        The expected maximum profit.
    costs
        What was reckoned with, the mean over those who may be contacted.
    acceptance
        The same of the share of would-be leavers who stay because of it, and its spread.
    by_action
        Was any of it that of each customer's own action?
    audience
        Who could be listed.
    advice
        Of the length that was asked for.
    """

    table: pd.DataFrame
    recommended: int
    asked: int
    held_out_share: float
    curve: ProfitCurve
    rate: Acceptance
    profit: MaximumProfit
    costs: Costs
    acceptance: Acceptance
    by_action: bool
    audience: Audience
    advice: Advice

    def at(self, length: int) -> dict[str, float | int | None]:
        """What a list of this length would be, the holdout included: a row of the table."""
        return _row(self.curve, length, self.rate)

    def measurable(self, length: int) -> Advice:
        """Can the effect of a list of this length be measured?"""
        return advise(self.curve, length, self.held_out_share, self.rate.mean)


def plan(
    scores: Scores | pd.DataFrame,
    settings: ListSettings,
    profit: ProfitSettings,
    buckets: holdout.HoldoutSettings,
    steps: int = STEPS,
    paid: Mapping[str, Treatment] = NO_PLAYBOOK,
) -> Plan:
    """The at-risk list at `steps` lengths, the recommended one and the one that was asked for.

    Parameters
    ----------
    scores
        A score table.
    settings
        Order, filters, share of control, and the length that is asked for.
    profit
        Costs and acceptance.
    buckets
        Salt and global holdout.
    steps
        Equal parts of everybody who may be contacted.
    paid
        Rule of the playbook of these scores -> its money; where it is not known the defaults of `default_treatment` are.

    Raises
    ------
    HeadwaterError
        E294 where nobody's value is predicted, and what `candidates` raises. Where nobody may be contacted the table is empty.
    """
    found = candidates("churn", scores, settings)
    known = found.contactable.dropna(subset=["churn_probability", "value_if_retained_12m"])
    if len(found.contactable) and known.empty:
        raise HeadwaterError("E294")
    audience = _audience(found, known, settings, buckets)
    values = found.eligible["value_if_retained_12m"].astype(float)
    given = treatments(_rules(scores, known.index), paid, values, profit)
    curve = ProfitCurve.of(audience.probability, audience.value, audience.contacted, given.costs, given.relative)
    most = maximum_profit(curve, given.acceptance)
    asked = min(settings.top, len(known))
    parts = {round(len(known) * step / steps) for step in range(1, steps + 1)}
    lengths = sorted((parts | {most.recommended, asked}) - {0})
    rows = [_row(curve, k, given.acceptance) for k in lengths]
    return Plan(
        table=pd.DataFrame(rows, columns=list(rows[0]) if rows else []),
        recommended=most.recommended,
        asked=asked,
        held_out_share=settings.holdout,
        curve=curve,
        rate=given.acceptance,
        profit=most,
        costs=_mean_costs(given),
        acceptance=_mean_acceptance(given),
        by_action=bool(paid) and None in (profit.contact_cost, profit.incentive, profit.acceptance),
        audience=audience,
        advice=advise(curve, asked, settings.holdout, given.acceptance.mean),
    )


def _rules(scores: Scores | pd.DataFrame, places: pd.Index) -> pd.Series:
    """The rule of each customer at these places; null in score files of before there were any."""
    if "action_rule" not in (scores.columns if isinstance(scores, pd.DataFrame) else scores.column_names):
        return pd.Series(None, places, dtype=object)
    if isinstance(scores, pd.DataFrame):
        return scores["action_rule"].loc[places]
    rules = scores.select(["action_rule"])["action_rule"].take(pa.array(places.to_numpy()))
    return rules.to_pandas().set_axis(places)


def _mean_costs(given: Treatments) -> Costs:
    return Costs(_mean(given.costs.contact), _mean(given.costs.incentive))


def _mean_acceptance(given: Treatments) -> Acceptance:
    share = _mean(given.relative)
    return Acceptance(share * given.acceptance.mean, share * given.acceptance.sd)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _audience(
    found: Candidates, known: pd.DataFrame, settings: ListSettings, buckets: holdout.HoldoutSettings
) -> Audience:
    arm = holdout.arms(units(known), "churn", settings.holdout, buckets)
    return Audience(
        probability=known["churn_probability"].to_numpy(dtype=float),
        value=known["value_if_retained_12m"].to_numpy(dtype=float),
        contacted=arm == "treated",
        leavers=float(found.eligible["churn_probability"].sum()),
        unknown=len(found.contactable) - len(known),
        eligible=len(found.eligible),
        suppressed=found.suppressed_by_reason,
        held_out=int(found.held_out.sum()),
    )


def _row(curve: ProfitCurve, k: int, acceptance: Acceptance) -> dict[str, float | int | None]:
    """What a list of the first k would be."""
    contacted, reached = int(curve.contacted[k]), float(curve.leavers[k])
    saved = acceptance.mean * float(curve.at_risk[k])
    low, high = net_interval(curve, k, acceptance)
    base = reached / contacted if contacted else 0.0
    return {
        "customers": k,
        "held_out": k - contacted,
        "contacted": contacted,
        "reached": reached,
        "in_vain": contacted - reached,
        "cost": float(curve.outlay[k]) + acceptance.mean * float(curve.offers[k]),
        "saved": saved,
        "net": float(curve.net(k, acceptance.mean)),
        "net_low": low,
        "net_high": high,
        "detectable": detectable_effect(base, contacted, k - contacted),
        "expected": acceptance.mean * _share_kept(curve, k),
    }


def _share_kept(curve: ProfitCurve, k: int) -> float:
    """The drop of the share that leaves among the contacted of the first k, at an acceptance of one."""
    return float(curve.kept[k]) / int(curve.contacted[k]) if curve.contacted[k] else 0.0


def advise(curve: ProfitCurve, k: int, share: float, acceptance: float) -> Advice:
    """Can the expected effect of a list of the first k be seen, and with which control if not?

    Parameters
    ----------
    curve
        Of the ranking.
    k
        Length, the control included.
    share
        Of the control as it is.
    acceptance
        The largest share of would-be leavers who stay because of a contact.
    """
    contacted = int(curve.contacted[k])
    base = float(curve.leavers[k]) / contacted if contacted else 0.0
    expected, detectable = acceptance * _share_kept(curve, k), detectable_effect(base, contacted, k - contacted)
    if share and detectable is not None and detectable <= expected:
        return Advice("seen", detectable, expected, share)
    more = _enough(base, k, share, expected)
    verdict: Verdict = "no_control" if not share else "too_small" if more is None else "hold_out_more"
    if more is not None:
        return Advice(verdict, detectable, expected, more)
    half = detectable_effect(base, k - k // 2, k // 2)
    return Advice(
        *(verdict, detectable, expected, None),
        longer=_longer(curve, k, acceptance),
        lists=lists_needed(expected, base, k),
        keeps=None if half is None else half / base,
    )


def _longer(curve: ProfitCurve, k: int, acceptance: float) -> int | None:
    """The shortest list longer than k that shows its own expected effect with half of it held out; None without one.

    Further down fewer would leave, so a longer list need not show more. Lengths are tried in `LENGTHS` steps of equal ratio.
    """
    longest = len(curve.contacted) - 1
    if k < 1 or k >= longest:
        return None
    lengths = np.unique(np.geomspace(k + 1, longest, LENGTHS).round().astype(int))
    lengths = lengths[curve.contacted[lengths] > 0]
    base, kept = curve.leavers[lengths] / curve.contacted[lengths], curve.kept[lengths] / curve.contacted[lengths]
    seen = lengths[power(acceptance * kept, base, lengths / 2, lengths / 2) >= POWER]
    return int(seen[0]) if len(seen) else None


def _enough(base: float, k: int, share: float, expected: float) -> float | None:
    """The smallest larger share of control with which a list of k customers shows the expected effect; None without one."""
    for tried in SHARES:
        control = round(k * tried)
        seen = detectable_effect(base, k - control, control)
        if tried > share and seen is not None and seen <= expected:
            return tried
    return None
