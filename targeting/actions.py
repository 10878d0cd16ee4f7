"""One next action per customer by the playbook, the rule that fired, and the money that it should bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.scores.score_column import REASONS
from targeting.action_settings import ActionSettings
from targeting.benefit import Costs, net_benefits
from targeting.playbook import Action, Condition, in_order

SPOKEN = 3
"""Reasons that count: the first so many that push a score up, as lists show them."""
FACTS = (
    *(
        "as_of",
        "lifecycle_stage",
        "lifecycle_direction",
        "churn_risk_band",
        "churn_trend",
        "value_band",
        "customer_type",
    ),
    *(
        "tier_current",
        "tier_predicted",
        "tier_review",
        "is_potential_vip",
        "is_high_value_now",
        "vip_early",
        "complaints_open",
    ),
    *("complaints_90d", "overdue_amount", "contract_end_date", "consent", "last_contact_on"),
)
"""What conditions look at, in columns of the score table."""
MONEY = ("churn_probability", "value_if_retained_12m", "value_12m_pred")
"""What a benefit is reckoned from."""
REASON_COLUMNS = {"churn_reason": "churn_reasons", "vip_reason": "vip_reasons"}
Reasons = Mapping[str, pa.Array | pa.ChunkedArray | pd.Series]
OWNERS = {"group": "group_manager", "family": "community_manager"}
"""Who looks after a type of customer; of the others, high-value ones have a VIP manager."""


@dataclass(frozen=True)
class Chosen:
    """One rule for each customer, row for row.

    Attributes
    ----------
    rule
        Its place in the playbook.
    benefit
        Expected net benefit of its action in money; NaN where nothing is predicted.
    mean_value
        The mean 12-month value if retained that shares of it were taken of; NaN where nobody has one.
    """

    rule: np.ndarray
    benefit: np.ndarray
    mean_value: float

    def part(self, first: int, rows: int) -> "Chosen":
        """The rows of a chunk."""
        return Chosen(self.rule[first : first + rows], self.benefit[first : first + rows], self.mean_value)


def actions(
    frame: pd.DataFrame, settings: ActionSettings, *, unasked: bool = False, reasons: Reasons | None = None
) -> pd.DataFrame:
    """The columns of the score table that a playbook gives, where everybody is in one frame; same index.

    Parameters
    ----------
    frame
        Columns of the score table; equal benefits take a place of a quota in the order of the rows.
    settings
        The playbook.
    unasked
        May a customer be sold to who was never asked for consent?
    reasons
        `churn_reasons` and `vip_reasons`; those of the frame if None.

    Returns
    -------
    pandas.DataFrame
        What `in_words` gives.
    """
    told = {c: frame[c] for c in REASON_COLUMNS.values() if c in frame} if reasons is None else reasons
    mask = matches(frame, told, settings.playbook, unasked=unasked)
    return in_words(choose(mask, money_of(frame), settings.playbook), frame, settings.playbook)


def matches(frame: pd.DataFrame, reasons: Reasons, playbook: Sequence[Action], *, unasked: bool) -> np.ndarray:
    """Which rules hold for each customer, before quotas and least benefits: bit k of a number is rule k.

    Parameters
    ----------
    frame
        Columns of `FACTS`; one that is absent is unknown.
    reasons
        `churn_reasons` and `vip_reasons`, as far as they are known, row for row.
    playbook
        The rules.
    unasked
        As in `actions`.

    Returns
    -------
    numpy.ndarray
        uint64, a number per row.
    """
    facts = _Facts(frame, reasons, unasked=unasked)
    mask = np.zeros(len(frame), dtype="uint64")
    consenting = facts.consent(("yes",))
    for number, action in enumerate(playbook):
        holds = facts.holds(action.when)
        if action.purpose == "sell":
            holds = holds & consenting & ~facts.complaint_open
        if action.quiet_days:
            holds = holds & ~(facts.days_since_contact < action.quiet_days)
        mask |= holds.astype("uint64") << np.uint64(number)
    return mask


def money_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns `MONEY` as the score table publishes them, so that what is chosen can be chosen again from its file."""
    probability = frame["churn_probability"].astype("float32").astype("float64")
    amounts = {column: _cents(frame[column]) for column in MONEY[1:] if column in frame}
    absent = {column: np.nan for column in MONEY[1:] if column not in frame}
    return pd.DataFrame({"churn_probability": probability, **amounts, **absent}, index=frame.index)


def _cents(amounts: pd.Series) -> np.ndarray:
    """Rounded as `score_table.conform` rounds money."""
    plain = amounts.to_numpy(dtype="float64", na_value=np.nan)
    return np.sign(plain) * np.floor(np.round(np.abs(plain) * 100, 6) + 0.5) / 100


def choose(mask: np.ndarray, money: pd.DataFrame, playbook: Sequence[Action]) -> Chosen:
    """One rule for everybody: the first that holds, where its quota has room; a quota goes to those whom it brings most.

    Parameters
    ----------
    mask
        What `matches` gave of everybody.
    money
        What `money_of` gave, row for row.
    playbook
        The rules; the last one is for everybody.
    """
    mean = float(money["value_if_retained_12m"].mean())
    rule = np.full(len(mask), -1, dtype="int16")
    benefit = np.full(len(mask), np.nan)
    for number in in_order(playbook):
        action = playbook[number]
        places = np.flatnonzero((rule < 0) & (mask >> np.uint64(number) & np.uint64(1)).astype(bool))
        expected = expected_benefit(money.iloc[places], action, mean)
        taken = _within_limits(expected, action, len(mask))
        rule[places[taken]], benefit[places[taken]] = number, expected[taken]
    return Chosen(rule, benefit, mean)


def _within_limits(expected: np.ndarray, action: Action, everybody: int) -> np.ndarray:
    """Places of those whom an action is worth its money for and has room for; who has no score comes last."""
    least = -np.inf if action.least_benefit is None else action.least_benefit
    worth = np.arange(len(expected)) if action.least_benefit is None else np.flatnonzero(expected >= least)
    if action.quota is None or len(worth) <= (room := _room(action.quota, everybody)):
        return worth
    order = np.argsort(-np.nan_to_num(expected[worth], nan=-np.inf), kind="stable")
    return worth[order[:room]]


def _room(quota: int | str, everybody: int) -> int:
    """Customers of a quota; a share is rounded down."""
    return quota if isinstance(quota, int) else int(_share(quota) * everybody + 1e-9)


def expected_benefit(money: pd.DataFrame, action: Action, mean_value: float) -> np.ndarray:
    """Net benefit of an action in money: what saving would-be leavers and growth bring, less what it costs; NaN without a score.

    Parameters
    ----------
    money
        The columns `MONEY`.
    action
        What is done.
    mean_value
        What shares in costs are taken of.
    """
    probability, value, expected = (money[column].to_numpy(dtype=float) for column in MONEY)
    saved = net_benefits(probability, value, costs(action, mean_value), action.save_rate)
    return saved + action.growth_rate * expected if action.growth_rate else saved


def costs(action: Action, mean_value: float) -> Costs:
    """What an action costs in money, shares being of `mean_value`."""
    return Costs(_amount(action.cost, mean_value), _amount(action.incentive, mean_value))


def _amount(amount: float | str, mean_value: float) -> float:
    return _share(amount) * mean_value if isinstance(amount, str) else float(amount)


def _share(percent: str) -> float:
    return float(percent.rstrip(" %")) / 100


def in_words(chosen: Chosen, frame: pd.DataFrame, playbook: Sequence[Action]) -> pd.DataFrame:
    """The columns of the score table that a choice gives, same index as `frame`.

    Parameters
    ----------
    chosen
        Row for row.
    frame
        customer_type and is_high_value_now, where they are known.
    playbook
        The rules that were chosen among.

    Returns
    -------
    pandas.DataFrame
        recommended_action, action_rule, action_channel, owner (the action's, or who looks after the customer) and
        action_priority (expected net benefit in money; null without a score).
    """
    names = pd.DataFrame([{"code": a.code, "rule": a.name, "channel": a.channel, "owner": a.owner} for a in playbook])
    rows = names.astype(object).iloc[chosen.rule].set_index(frame.index)
    columns = {
        "recommended_action": rows["code"],
        "action_rule": rows["rule"],
        "action_channel": rows["channel"],
        "owner": rows["owner"].where(rows["owner"].notna(), owners(frame)),
        "action_priority": chosen.benefit,
    }
    return pd.DataFrame(columns, index=frame.index)


def owners(frame: pd.DataFrame) -> pd.Series:
    """Who looks after each customer, by their type, and by their value where the type has nobody; same index."""
    high = frame["is_high_value_now"].eq(True).fillna(False) if "is_high_value_now" in frame else False
    usual = pd.Series(np.where(high, "vip_manager", "service_desk"), index=frame.index, dtype=object)
    if "customer_type" not in frame:
        return usual
    by_type = frame["customer_type"].astype(object).map(OWNERS)
    return by_type.where(by_type.notna(), usual)


class _Facts:
    """What is known of some customers, as flags; a column is looked at once, whatever the number of rules."""

    def __init__(self, frame: pd.DataFrame, reasons: Reasons, *, unasked: bool):
        self.frame, self.reasons, self.unasked = frame, reasons, unasked
        self._codes: dict[str, tuple[np.ndarray, list[Any]]] = {}
        self._spoken: dict[str, dict[str, np.ndarray]] = {}
        self.complaint_open = self._number("complaints_open") > 0

    def holds(self, condition: Condition) -> np.ndarray:
        mask = np.ones(len(self.frame), dtype=bool)
        for name, wanted in condition.model_dump(exclude_none=True).items():
            mask &= self._part(name, wanted)
        return mask

    def _part(self, name: str, wanted: Any) -> np.ndarray:
        special = getattr(self, f"_{name}", None)
        if special is not None:
            return special(wanted)
        if name in REASON_COLUMNS:
            spoken = self._reasons(REASON_COLUMNS[name])
            return np.logical_or.reduce([spoken[code] for code in wanted if code in spoken] or [self._nobody()])
        return self._is_any(name, wanted if isinstance(wanted, tuple) else (wanted,))

    def _is_any(self, column: str, values: Sequence[Any]) -> np.ndarray:
        if column not in self.frame:
            return self._nobody()
        if column not in self._codes:
            codes, found = pd.factorize(self.frame[column].astype(object))
            self._codes[column] = codes, list(found)
        codes, found = self._codes[column]
        wanted = np.array([*(value in values for value in found), False])
        return wanted[codes]  # null is -1, the last

    def consent(self, wanted: Sequence[str]) -> np.ndarray:
        said = {"yes": self._is_any("consent", (True,)), "no": self._is_any("consent", (False,))}
        unknown = ~said["yes"] & ~said["no"]
        said["yes"], said["unknown"] = (
            (said["yes"] | unknown, self._nobody()) if self.unasked else (said["yes"], unknown)
        )
        return np.logical_or.reduce([said[word] for word in wanted] or [self._nobody()])

    def _consent(self, wanted: Sequence[str]) -> np.ndarray:
        return self.consent(wanted)

    def _complaint_open(self, wanted: bool) -> np.ndarray:
        return self.complaint_open if wanted else self._number("complaints_open") == 0

    def _complaints_at_least(self, wanted: int) -> np.ndarray:
        return self._number("complaints_90d") >= wanted

    def _overdue(self, wanted: bool) -> np.ndarray:
        amounts = self._number("overdue_amount")
        return amounts > 0 if wanted else amounts <= 0

    def _contract_ends_within(self, wanted: int) -> np.ndarray:
        left = self._days("contract_end_date", 1)
        return (left >= 0) & (left <= wanted)

    @property
    def days_since_contact(self) -> np.ndarray:
        """NaN where there was none."""
        return self._days("last_contact_on", -1)

    def _days(self, column: str, sign: int) -> np.ndarray:
        """Days from the as-of date to a date, or since it; NaN where it is not known."""
        if column not in self.frame or not len(self.frame):
            return np.full(len(self.frame), np.nan)
        ends, today = pd.to_datetime(self.frame[column]), pd.Timestamp(_first_day(self.frame["as_of"]))
        return sign * (ends - today).dt.days.to_numpy(dtype=float)

    def _number(self, column: str) -> np.ndarray:
        if column not in self.frame:
            return np.full(len(self.frame), np.nan)
        return self.frame[column].to_numpy(dtype=float, na_value=np.nan)

    def _nobody(self) -> np.ndarray:
        return np.zeros(len(self.frame), dtype=bool)

    def _reasons(self, column: str) -> dict[str, np.ndarray]:
        """Code -> is it among the first reasons that push the score up?"""
        if column not in self._spoken:
            known = self.reasons.get(column)
            self._spoken[column] = {} if known is None else _spoken(known)
        return self._spoken[column]


def _first_day(days: pd.Series) -> date:
    return days.iloc[0]


def _spoken(cells: pa.Array | pa.ChunkedArray | pd.Series) -> dict[str, np.ndarray]:
    if isinstance(cells, pd.Series):
        cells = pa.array([None if row is None else list(row) for row in cells], REASONS)
    lists = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    up = pc.greater(pc.struct_field(flat, "direction"), 0).to_numpy(zero_copy_only=False).astype(bool)
    before = np.concatenate([[0], np.cumsum(up)])
    starts = np.searchsorted(parents, parents, side="left")
    first = up & (before[:-1] - before[starts] < SPOKEN)
    codes = pc.struct_field(flat, "code").dictionary_encode()
    codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    numbers, flags = codes.indices.to_numpy(), {}
    for number, code in enumerate(codes.dictionary.to_pylist()):
        flags[code] = np.zeros(len(lists), dtype=bool)
        flags[code][parents[first & (numbers == number)]] = True
    return flags
