"""Score table -> ranked list. Every eligible customer is accounted for: listed, suppressed, held out or beyond the top."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field

from features.errors import HeadwaterError
from features.strict import Strict
from models.scores.score_table import in_pandas, with_later_columns
from targeting import holdout

ListKind = Literal["vip", "churn"]


class ListSettings(Strict):
    """How lists are drawn. All figures are assumptions."""

    top: int = Field(500, gt=0, description="customers that can be worked on, the list's own holdout included")
    holdout: float = Field(0.10, ge=0, lt=1, description="share of them that stays untouched, to measure the effect")
    min_value: float = Field(0.0, ge=0, description="least predicted value over the value horizon, in money")
    min_probability: float = Field(0.0, ge=0, le=1, description="least probability of what the list is about")
    potential_only: bool = Field(True, description="vip list: only those whom the rule of potential VIPs names")
    churn_order: Literal["action_priority", "value_at_risk", "churn_probability"] = Field(
        "value_at_risk", description="churn list: the column by which it is ranked, highest first"
    )


@dataclass(frozen=True)
class ListCounts:
    """eligible = listed + sum of suppressed + held_out + beyond_top.

    Attributes
    ----------
    eligible
        Customers whom the list is about.
    listed
        Those to contact.
    suppressed
        Reason -> those who must not be contacted now.
    held_out_always
        Those in the global holdout.
    held_out_here
        Those in the list's own holdout.
    beyond_top
        Those who come after the last place.
    """

    eligible: int
    listed: int
    suppressed: dict[str, int]
    held_out_always: int
    held_out_here: int
    beyond_top: int

    @property
    def held_out(self) -> int:
        return self.held_out_always + self.held_out_here

    @property
    def adds_up(self) -> bool:
        return self.eligible == self.listed + sum(self.suppressed.values()) + self.held_out + self.beyond_top


@dataclass(frozen=True)
class ListResult:
    """A list that was drawn.

    Attributes
    ----------
    list_id
        Stands in each row.
    kind
        Its target.
    as_of
        Date of the scores; None where there are none.
    rows
        Customers to contact, best first: columns of the score table plus rank, arm and list_id.
    control
        The same of the list's own holdout, kept for measuring and never exported.
    counts
        What became of everybody who was eligible.
    filters
        The settings that it was drawn by.
    """

    list_id: str
    kind: ListKind
    as_of: date | None
    rows: pd.DataFrame
    control: pd.DataFrame
    counts: ListCounts
    filters: dict = field(default_factory=dict)


READ = (
    "customer_id",
    "as_of",
    "score_status",
    "churn_probability",
    "value_pred",
    "value_at_risk",
    "is_high_value_now",
    "vip_probability",
    "is_potential_vip",
    "action_priority",
    "contact_allowed",
    "suppress_reason",
    "is_holdout",
)
"""What of everybody decides who is on a list; the whole rows are taken of those who are."""


class Scores(Protocol):
    """A score table, in memory or in a file."""

    def select(self, columns: list[str]) -> pa.Table: ...

    def take(self, places: pa.Array) -> pa.Table: ...


def vip_list(scores: Scores | pd.DataFrame, settings: ListSettings, list_id: str | None = None) -> ListResult:
    """Potential VIPs, most probable first. Customers who are high-value now are not eligible.

    Parameters
    ----------
    scores
        A score table.
    settings
        How it is drawn.
    list_id
        Another draws another holdout; kind and date if None.

    Returns
    -------
    ListResult
        Rows, control and counts.

    Raises
    ------
    HeadwaterError
        E261 where nobody's consent is known, E239 for a least value where nobody's value is.
    """
    return _draw("vip", scores, settings, list_id)


def churn_list(scores: Scores | pd.DataFrame, settings: ListSettings, list_id: str | None = None) -> ListResult:
    """Customers who may leave, in the configured order, by default the money at risk; drawn as `vip_list` is."""
    return _draw("churn", scores, settings, list_id)


def _draw(kind: ListKind, scores, settings: ListSettings, list_id: str | None) -> ListResult:
    frame = scores if isinstance(scores, pd.DataFrame) else in_pandas(scores.select(list(READ)))
    as_of = pd.Timestamp(frame["as_of"].iloc[0]).date() if len(frame) else None
    list_id = list_id or f"{kind}-{as_of or 'empty'}"
    _refuse_without_consent(frame)
    _refuse_without_value(frame, settings)
    eligible = _sort(frame[ELIGIBLE[kind](frame, settings)], kind, settings)
    held_out = eligible["is_holdout"].to_numpy(dtype=bool)
    suppressed = ~held_out & ~eligible["contact_allowed"].to_numpy(dtype=bool)
    contactable = eligible[~held_out & ~suppressed]
    chosen = contactable.head(settings.top)
    if not isinstance(scores, pd.DataFrame):
        whole = with_later_columns(scores.take(pa.array(chosen.index.to_numpy())))
        chosen = _to_pandas(whole, chosen.index)
    members = _members(chosen, list_id, settings.holdout)
    rows, control = (members[members["arm"] == arm].reset_index(drop=True) for arm in ("treated", "control"))
    counts = ListCounts(
        eligible=len(eligible),
        listed=len(rows),
        suppressed=_by_reason(eligible[suppressed]),
        held_out_always=int(held_out.sum()),
        held_out_here=len(control),
        beyond_top=len(contactable) - len(members),
    )
    filters = {"list": kind} | settings.model_dump() | {"churn_order": _order(frame, settings)}
    return ListResult(list_id, kind, as_of, rows, control, counts, filters)


def _to_pandas(rows: pa.Table, index: pd.Index) -> pd.DataFrame:
    """In pandas, lists and structs as plain lists."""
    nested = [field.name for field in rows.schema if pa.types.is_nested(field.type)]
    frame = rows.drop_columns(nested).to_pandas().set_index(index)
    added = {name: pd.Series(rows[name].to_pylist(), index=index, dtype=object) for name in nested}
    return frame.assign(**added)[rows.column_names]


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
    by = ["vip_probability", "value_pred"] if kind == "vip" else [_order(frame, settings), "churn_probability"]
    keys = [-frame[column].astype(float).fillna(-np.inf).to_numpy() for column in by]
    order = np.lexsort([frame["customer_id"].to_numpy(dtype=str), *reversed(keys)])
    return frame.iloc[order]


def _order(frame: pd.DataFrame, settings: ListSettings) -> str:
    """The column that a churn list is ranked by: the probability where nobody's money is known."""
    known = frame.empty or frame[settings.churn_order].notna().any()
    return settings.churn_order if known else "churn_probability"


def _members(frame: pd.DataFrame, list_id: str, share: float) -> pd.DataFrame:
    arm = holdout.arms(frame["customer_id"], list_id, share)
    return frame.assign(list_id=list_id, rank=np.arange(1, len(frame) + 1), arm=arm)


def _by_reason(suppressed: pd.DataFrame) -> dict[str, int]:
    reasons = suppressed["suppress_reason"].astype(object).fillna("not_allowed")
    return {str(reason): int(count) for reason, count in sorted(reasons.value_counts().items())}


def _refuse_without_consent(frame: pd.DataFrame) -> None:
    """Nobody's consent is known: the configuration has to say how consent is recorded, before any list is drawn."""
    if len(frame) and frame["suppress_reason"].astype(object).eq("consent_unknown").all():
        raise HeadwaterError("E261", count=len(frame))


def _refuse_without_value(frame: pd.DataFrame, settings: ListSettings) -> None:
    """A least value where nobody's value is predicted would leave nobody, and say that nobody is at risk."""
    if settings.min_value and len(frame) and frame["value_pred"].isna().all():
        raise HeadwaterError("E239", least=settings.min_value)
