"""Who may be on a list, best first: eligible, not held out, not suppressed, one of each account."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from features.errors import HeadwaterError
from models.scores.score_table import in_pandas
from targeting.filters import ListFilters, columns, passes
from targeting.list_settings import ListKind, ListSettings

READ = (
    "customer_id",
    "account_id",
    "as_of",
    "score_status",
    "churn_probability",
    "value_pred",
    "value_at_risk",
    "value_if_retained_12m",
    "is_high_value_now",
    "vip_probability",
    "is_potential_vip",
    "action_priority",
    "contact_allowed",
    "suppress_reason",
    "is_holdout",
)
"""What of everybody decides who is on a list; the whole rows are taken of those who are."""
UPLIFT = "uplift"
"""Stands for the column by which a list is ranked where a model of uplift ranks it."""


class Scores(Protocol):
    """A score table, in memory or in a file."""

    @property
    def column_names(self) -> list[str]: ...

    def select(self, columns: list[str]) -> pa.Table: ...

    def take(self, places: pa.Array) -> pa.Table: ...


@dataclass(frozen=True)
class Candidates:
    """Everybody whom a list is about, best first, and what keeps some of them off it.

    Attributes
    ----------
    eligible
        The columns `READ` of those whom no filter leaves out.
    held_out
        Flags of the global holdout, row for row.
    suppressed
        Flags of those who must not be contacted now.
    contactable
        The others, one of each account.
    filtered
        How many a filter leaves out.
    order
        The column by which they are ranked.
    """

    eligible: pd.DataFrame
    held_out: np.ndarray
    suppressed: np.ndarray
    contactable: pd.DataFrame
    filtered: int
    order: str

    @property
    def suppressed_by_reason(self) -> dict[str, int]:
        """Reason -> those of the eligible who must not be contacted now."""
        reasons = self.eligible[self.suppressed]["suppress_reason"].astype(object).fillna("not_allowed")
        return {str(reason): int(count) for reason, count in sorted(reasons.value_counts().items())}


def candidates(
    kind: ListKind, scores: Scores | pd.DataFrame, settings: ListSettings, uplift: np.ndarray | None = None
) -> Candidates:
    """Who may be on a list, before its length and its own holdout are looked at.

    Parameters
    ----------
    kind
        Of the list.
    scores
        A score table.
    settings
        How it is drawn.
    uplift
        What a contact is expected to change for each row of the scores: the list begins with the most, and those of whom it
        is not known (NaN) follow in their usual order. None: the usual order for all.

    Raises
    ------
    HeadwaterError
        E261 where nobody's consent is known, E239 for a least value where nobody's value is.
    """
    frame = scores if isinstance(scores, pd.DataFrame) else in_pandas(scores.select(list(READ)))
    if uplift is not None:
        frame = frame.assign(**{UPLIFT: uplift})
    _refuse_without_consent(frame)
    _refuse_without_value(frame, settings)
    about = ELIGIBLE[kind](frame, settings)
    wanted = about & _passes(scores, settings.only, kind)
    eligible = _sort(frame[wanted], kind, settings)
    held_out = eligible["is_holdout"].to_numpy(dtype=bool)
    suppressed = ~held_out & ~eligible["contact_allowed"].to_numpy(dtype=bool)
    contactable = eligible[~held_out & ~suppressed]
    if settings.one_per_account:
        contactable = contactable[~units(contactable).duplicated().to_numpy()]
    return Candidates(
        eligible, held_out, suppressed, contactable, int((about & ~wanted).sum()), _order(kind, frame, settings)
    )


def units(frame: pd.DataFrame) -> pd.Series:
    """Whom a contact reaches: the account where one is known, else the customer; as text, same index.

    The two never meet, though an account and a customer may be called alike.
    """
    customers = frame["customer_id"].astype(object)
    if "account_id" not in frame:
        return customers
    found, known = customers.copy(), frame["account_id"].notna().to_numpy(dtype=bool)
    found.iloc[known] = ("\0account:" + frame["account_id"][known].astype(str)).to_numpy(dtype=object)
    return found


def _passes(scores: Scores | pd.DataFrame, filters: ListFilters, kind: ListKind) -> np.ndarray | bool:
    if not filters.asked:
        return True
    return passes(scores if isinstance(scores, pd.DataFrame) else scores.select(columns(filters, kind)), filters, kind)


def _eligible_vip(frame: pd.DataFrame, settings: ListSettings) -> np.ndarray:
    known = _is_likely(frame, "vip_probability", settings) & ~_is_true(frame["is_high_value_now"])
    return known & _is_true(frame["is_potential_vip"]) if settings.potential_only else known


def _eligible_churn(frame: pd.DataFrame, settings: ListSettings) -> np.ndarray:
    return _is_likely(frame, "churn_probability", settings)


ELIGIBLE: dict[str, Callable[[pd.DataFrame, ListSettings], np.ndarray]] = {
    "vip": _eligible_vip,
    "churn": _eligible_churn,
}


def _is_likely(frame: pd.DataFrame, probability: str, settings: ListSettings) -> np.ndarray:
    likely = (frame[probability] >= settings.min_probability) & frame["score_status"].eq("ok")
    if settings.min_value:
        likely &= frame["value_pred"].astype(float) >= settings.min_value
    return likely.fillna(False).to_numpy(dtype=bool)


def _is_true(flags: pd.Series) -> np.ndarray:
    return flags.eq(True).fillna(False).to_numpy(dtype=bool)


def _sort(frame: pd.DataFrame, kind: ListKind, settings: ListSettings) -> pd.DataFrame:
    """Best first; equal ones in the order of their ids, so that the order of the input changes nothing."""
    by = [_order(kind, frame, settings), "value_pred" if kind == "vip" else "churn_probability"]
    if by[0] == UPLIFT:
        by.insert(1, _usual(kind, frame, settings))
    keys = [-frame[column].astype(float).fillna(-np.inf).to_numpy() for column in by]
    order = np.lexsort([frame["customer_id"].to_numpy(dtype=str), *reversed(keys)])
    return frame.iloc[order]


def _order(kind: ListKind, frame: pd.DataFrame, settings: ListSettings) -> str:
    """The column that a list is ranked by first."""
    return UPLIFT if UPLIFT in frame else _usual(kind, frame, settings)


def _usual(kind: ListKind, frame: pd.DataFrame, settings: ListSettings) -> str:
    """The column that it is ranked by without a model of uplift: on a churn list the probability where nobody's money is known."""
    if kind == "vip":
        return "vip_probability"
    known = frame.empty or frame[settings.churn_order].notna().any()
    return settings.churn_order if known else "churn_probability"


def _refuse_without_consent(frame: pd.DataFrame) -> None:
    """Nobody may be contacted, nobody has been asked: the configuration has to say how consent is recorded, before any list is drawn."""
    reasons = frame["suppress_reason"].astype(object)
    unknown = reasons.eq("consent_unknown")
    if unknown.any() and not frame["contact_allowed"].any() and not reasons.eq("no_consent").any():
        raise HeadwaterError("E261", count=int(unknown.sum()))


def _refuse_without_value(frame: pd.DataFrame, settings: ListSettings) -> None:
    """A least value where nobody's value is predicted would leave nobody, and say that nobody is at risk."""
    if settings.min_value and len(frame) and frame["value_pred"].isna().all():
        raise HeadwaterError("E239", least=settings.min_value)
