"""Score table -> ranked list. Every eligible customer is accounted for: listed, suppressed, held out, on an account that is
listed already, or beyond the top."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.scores.score_table import with_later_columns
from targeting import holdout
from targeting.candidates import Scores, candidates, units
from targeting.list_settings import ListKind, ListSettings

DEFAULT_BUCKETS = holdout.HoldoutSettings()


@dataclass(frozen=True)
class ListCounts:
    """eligible = listed + sum of suppressed + held_out + same_account + beyond_top.

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
    same_account
        Those on an account of which somebody stands further up.
    filtered
        Customers whom the list is about and a filter leaves out; they are not among the eligible.
    """

    eligible: int
    listed: int
    suppressed: dict[str, int]
    held_out_always: int
    held_out_here: int
    beyond_top: int
    same_account: int = 0
    filtered: int = 0

    @property
    def held_out(self) -> int:
        return self.held_out_always + self.held_out_here

    @property
    def adds_up(self) -> bool:
        left_out = sum(self.suppressed.values()) + self.held_out + self.same_account + self.beyond_top
        return self.eligible == self.listed + left_out


@dataclass(frozen=True)
class ListResult:
    """A list that was drawn.

    Attributes
    ----------
    list_id
        Stands in each row; kind and date until the list is frozen.
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


def vip_list(
    scores: Scores | pd.DataFrame,
    settings: ListSettings,
    list_id: str | None = None,
    buckets: holdout.HoldoutSettings = DEFAULT_BUCKETS,
    uplift: np.ndarray | None = None,
) -> ListResult:
    """Potential VIPs, most probable first. Customers who are high-value now are not eligible.

    Parameters
    ----------
    scores
        A score table.
    settings
        How it is drawn.
    list_id
        Stands in each row; kind and date if None.
    buckets
        Salt and global holdout, which the list's own is taken beside.
    uplift
        As `candidates` takes it.

    Returns
    -------
    ListResult
        Rows, control and counts.

    Raises
    ------
    HeadwaterError
        E261 where nobody's consent is known, E239 for a least value where nobody's value is.
    """
    return _draw("vip", scores, settings, list_id, buckets, uplift)


def churn_list(
    scores: Scores | pd.DataFrame,
    settings: ListSettings,
    list_id: str | None = None,
    buckets: holdout.HoldoutSettings = DEFAULT_BUCKETS,
    uplift: np.ndarray | None = None,
) -> ListResult:
    """Customers who may leave, in the configured order, by default the money at risk; drawn as `vip_list` is."""
    return _draw("churn", scores, settings, list_id, buckets, uplift)


def _draw(
    kind: ListKind,
    scores,
    settings: ListSettings,
    list_id: str | None,
    buckets: holdout.HoldoutSettings,
    uplift: np.ndarray | None,
) -> ListResult:
    found = candidates(kind, scores, settings, uplift)
    chosen = found.contactable.head(settings.top)
    as_of = _as_of(scores)
    if not isinstance(scores, pd.DataFrame):
        whole = with_later_columns(scores.take(pa.array(chosen.index.to_numpy())))
        chosen = plain_frame(whole, chosen.index)
    members = _members(chosen, kind, settings, buckets).assign(list_id=list_id or f"{kind}-{as_of or 'empty'}")
    rows, control = (members[members["arm"] == arm].reset_index(drop=True) for arm in ("treated", "control"))
    allowed = len(found.eligible) - int(found.held_out.sum()) - int(found.suppressed.sum())
    counts = ListCounts(
        eligible=len(found.eligible),
        listed=len(rows),
        suppressed=found.suppressed_by_reason,
        held_out_always=int(found.held_out.sum()),
        held_out_here=len(control),
        beyond_top=len(found.contactable) - len(members),
        same_account=allowed - len(found.contactable),
        filtered=found.filtered,
    )
    return ListResult(
        list_id=list_id or f"{kind}-{as_of or 'empty'}",
        kind=kind,
        as_of=as_of,
        rows=rows,
        control=control,
        counts=counts,
        filters=_filters(kind, settings, found.order),
    )


def _filters(kind: ListKind, settings: ListSettings, order: str) -> dict[str, Any]:
    """The settings that this kind of list was drawn by; filters that are not set are left out."""
    other = "churn_order" if kind == "vip" else "potential_only"
    used = settings.model_dump(exclude={"only", other}) | ({"churn_order": order} if kind == "churn" else {})
    return {"list": kind} | used | {name: list(values) for name, values in settings.only.asked.items()}


def _as_of(scores: Scores | pd.DataFrame) -> date | None:
    """The date of the scores; None where there are none."""
    days = scores["as_of"] if isinstance(scores, pd.DataFrame) else scores.select(["as_of"])["as_of"].to_pandas()
    return pd.Timestamp(days.iloc[0]).date() if len(days) else None


def plain_frame(rows: pa.Table, index: pd.Index | None = None) -> pd.DataFrame:
    """Whole rows of the score table in pandas, lists and structs as plain lists; counted from 0 without an index."""
    index = pd.RangeIndex(rows.num_rows) if index is None else index
    nested = [field.name for field in rows.schema if pa.types.is_nested(field.type)]
    frame = rows.drop_columns(nested).to_pandas().set_index(index)
    added = {name: pd.Series(rows[name].to_pylist(), index=index, dtype=object) for name in nested}
    return frame.assign(**added)[rows.column_names]


def _members(
    frame: pd.DataFrame, kind: ListKind, settings: ListSettings, buckets: holdout.HoldoutSettings
) -> pd.DataFrame:
    arm = holdout.arms(units(frame), kind, settings.holdout, buckets)
    return frame.assign(rank=np.arange(1, len(frame) + 1), arm=arm)
