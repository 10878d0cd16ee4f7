"""Groups and families: what an account is worth as the sum of its members, and how large it is."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from features.strict import Strict

SIZES = ("large", "medium", "small", "micro")


class GroupSettings(Strict):
    """From how many members on an account is large, medium or small, where no size is on record. All figures are assumptions."""

    large: int = Field(100, gt=0, description="members on the account from which a group is large")
    medium: int = Field(20, gt=0, description="the same of a medium one")
    small: int = Field(5, gt=0, description="the same of a small one; fewer are a micro group")
    types: tuple[str, ...] = Field(
        ("group",), description="values of customer_type that are groups, and so have a size"
    )

    @model_validator(mode="after")
    def _falling(self) -> Self:
        if not self.large > self.medium > self.small:
            raise ValueError("large, medium and small must fall")
        return self


@dataclass(frozen=True)
class Accounts:
    """The account of each customer, row for row.

    Attributes
    ----------
    members
        Customers on it, themselves included; 0 where no account is known.
    value
        Money: sum of the 12-month values of its members; NaN where no account is known or nobody on it has a value.
    """

    members: np.ndarray
    value: np.ndarray

    def part(self, first: int, rows: int) -> "Accounts":
        """The rows of a chunk."""
        return Accounts(self.members[first : first + rows], self.value[first : first + rows])


def accounts(names: pa.ChunkedArray, value: np.ndarray) -> Accounts:
    """Sums over everybody by account.

    Parameters
    ----------
    names
        account_id of everybody; null where none is known.
    value
        12-month value of everybody in money of whole cents, so that the sum is exact; NaN where it is unknown.
    """
    coded = pc.dictionary_encode(names).unify_dictionaries().combine_chunks()
    codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)
    known, cents = ~np.isnan(value), np.round(np.nan_to_num(value) * 100)
    slots = len(coded.dictionary) + 1
    members = np.bincount(codes, minlength=slots)
    valued = np.bincount(codes, weights=known, minlength=slots)
    sums = np.bincount(codes, weights=cents, minlength=slots) / 100
    members[-1] = valued[-1] = 0
    return Accounts(members[codes], np.where(valued[codes] > 0, sums[codes], np.nan))


def sizes(frame: pd.DataFrame, members: np.ndarray, settings: GroupSettings) -> pd.Series:
    """large, medium, small or micro of groups: as it is on record, else by the members on the account; null for all others.

    Parameters
    ----------
    frame
        customer_type and, where it is known, group_size.
    members
        As in `Accounts`.
    settings
        The limits.
    """
    on_record = (
        frame["group_size"].astype(object) if "group_size" in frame else pd.Series(None, frame.index, dtype=object)
    )
    steps = [members >= least for least in (settings.large, settings.medium, settings.small)]
    counted = pd.Series(np.select(steps, SIZES[:3], SIZES[3]), index=frame.index, dtype=object)
    is_group = frame["customer_type"].astype(object).isin(settings.types).to_numpy()
    return on_record.where(on_record.notna(), counted.where(is_group & (members > 0), None))
