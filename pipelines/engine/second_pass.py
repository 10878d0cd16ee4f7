"""What of scores needs everybody: ranks, bands, actions and accounts; the second pass over the chunks of a night.

`ranks` looks at a few columns of everybody, and `finish_rows` turns a chunk of what `Scorer.score` gave into rows of the
score table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from models.scores.score_table import conform
from models.targets.registry import TARGETS
from pipelines.config.settings import Settings
from pipelines.engine.scoring import CURVES, REASONED
from targeting import bands, groups, suppression, tiers
from targeting.actions import FACTS, MONEY, REASON_COLUMNS, Chosen, choose, in_words, matches, money_of
from targeting.groups import Accounts

NESTED = (*CURVES.values(), *(target.reasons_column for target in REASONED), "data_quality_flags")
RANKED = tuple(column for target in TARGETS.values() for column in target.ranked)
"""What is compared among everybody."""
_MADE = ("churn_risk_band", "churn_trend", "value_band", "is_potential_vip", "tier_current", "tier_review")
WEIGHED = tuple(
    dict.fromkeys(
        (
            *("customer_id", "vip_model_version", "churn_probability", "vip_probability", "value_pred"),
            *("_tier_rated", "_tier_cause"),
            *(column for column in (*FACTS, *MONEY) if column not in _MADE),
            *REASON_COLUMNS.values(),
        )
    )
)
"""What of a scored chunk decides about actions; bands are made of it."""
BEFORE = ("churn_probability", *tiers.STATE)
"""What of the publication before is looked at."""


@dataclass(frozen=True)
class Ranks:
    """Where each customer stands among everybody, row for row, and the mean probabilities.

    Attributes
    ----------
    frame
        A row for each customer, in the order of their numbers: the columns of `bands.ranks`.
    churn
        Mean churn probability, 0 to 1; NaN where nobody has one.
    vip
        The same of becoming a VIP.
    """

    frame: pd.DataFrame
    churn: float
    vip: float


def ranks(everybody: pd.DataFrame) -> Ranks:
    """Ranks from the columns `RANKED` of everybody."""
    named = everybody.rename(columns={"_vip_score_raw": "vip_score_raw"})
    means = (float(everybody[f"{name}_probability"].mean()) for name in ("churn", "vip"))
    return Ranks(bands.ranks(named), *means)


@dataclass(frozen=True)
class Standing:
    """What turns a chunk into rows of the score table and needs more than the chunk.

    Attributes
    ----------
    as_of
        The date.
    ranks
        Of everybody.
    previous
        `BEFORE` of the latest publication before, by customer_id; None without one.
    settings
        Bands, tiers, playbook and contact policy of the project.
    """

    as_of: date
    ranks: Ranks
    previous: pd.DataFrame | None
    settings: Settings

    def banded(self, frame: pd.DataFrame, first: int) -> pd.DataFrame:
        """Columns of a chunk with bands and tiers; `first` is the number of its first row among everybody."""
        before = self._before(frame)
        churn = np.nan if before is None else before["churn_probability"].astype(float)
        rated = frame[["_tier_rated", "_tier_cause"]].set_axis(["rated", "cause"], axis=1)
        frame = frame.assign(churn_probability_prev=churn)
        frame = frame.join(tiers.held(rated, before, self.as_of, self.settings.tiers))
        standing = self.ranks.frame.iloc[first : first + len(frame)].reset_index(drop=True)
        cuts = self.settings.scores
        frame = frame.join(
            bands.bands(frame.join(standing), cuts, churn_mean=self.ranks.churn, vip_mean=self.ranks.vip)
        )
        unasked = frame["vip_model_version"].isna().all()  # nobody was asked: unknown, not "no"
        return frame.assign(is_potential_vip=None) if unasked else frame

    def _before(self, frame: pd.DataFrame) -> pd.DataFrame | None:
        """The publication before, row for row."""
        if self.previous is None:
            return None
        return self.previous.reindex(frame["customer_id"]).set_axis(frame.index)


def matching(scored: pa.Table, first: int, standing: Standing) -> tuple[np.ndarray, pd.DataFrame]:
    """Which rules of the playbook hold for the customers of a chunk, and the money that decides among them.

    Parameters
    ----------
    scored
        The columns `WEIGHED` of what `Scorer.score` gave for it.
    first
        The number of its first row among everybody.
    standing
        Ranks and settings.
    """
    nested = {name: scored[name].combine_chunks() for name in REASON_COLUMNS.values()}
    frame = standing.banded(scored.drop_columns(list(nested)).to_pandas(date_as_object=True), first)
    settings = standing.settings
    unasked = settings.contact.consent in suppression.UNASKED
    return matches(frame, nested, settings.actions.playbook, unasked=unasked), money_of(frame)


def chosen_among(parts: Sequence[tuple[np.ndarray, pd.DataFrame]], settings: Settings) -> Chosen:
    """One rule for everybody, from what `matching` gave of each chunk, in their order."""
    masks, money = zip(*parts, strict=True)
    return choose(np.concatenate(masks), pd.concat(money, ignore_index=True), settings.actions.playbook)


def accounts_among(parts: Sequence[tuple[np.ndarray, pd.DataFrame]], names: Sequence[pa.ChunkedArray]) -> Accounts:
    """The account of everybody, from what `matching` gave of each chunk and the accounts of its customers, in their order."""
    value = np.concatenate([money["value_12m_pred"].to_numpy(dtype=float) for _, money in parts])
    whole = pa.chunked_array([chunk for name in names for chunk in name.cast(pa.string()).chunks], pa.string())
    return groups.accounts(whole, value)


def finish_rows(scored: pa.Table, first: int, standing: Standing, chosen: Chosen, accounts: Accounts) -> pa.Table:
    """Rows of the score table, in its contract, from a chunk.

    Parameters
    ----------
    scored
        What `Scorer.score` gave for it.
    first
        The number of its first row among everybody.
    standing
        Ranks and settings.
    chosen
        Rules of everybody.
    accounts
        Of everybody.

    Returns
    -------
    pyarrow.Table
        As many rows, in the same order, in the schema of `score_table.SCHEMA`.
    """
    nested = {name: scored[name].combine_chunks() for name in NESTED}
    frame = standing.banded(scored.drop_columns(list(NESTED)).to_pandas(date_as_object=True), first)
    playbook = standing.settings.actions.playbook
    frame = _with_accounts(frame, accounts.part(first, len(frame)), standing.settings)
    frame = frame.join(in_words(chosen.part(first, len(frame)), frame, playbook))
    columns = {str(name): frame[name] for name in frame if not str(name).startswith("_")}
    return conform(columns | nested)


def _with_accounts(frame: pd.DataFrame, own: Accounts, settings: Settings) -> pd.DataFrame:
    """Members and value of each customer's account, and the size of groups."""
    members = pd.Series(pd.array(own.members, "Int32"), frame.index).where(own.members > 0)
    return frame.assign(
        account_members=members,
        account_value_12m=own.value,
        group_size=groups.sizes(frame, own.members, settings.groups),
    )
