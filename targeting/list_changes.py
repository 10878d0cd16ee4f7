"""What became of a list: who came, who went, and who changed between contact and control."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from targeting.ranking import ListResult


@dataclass(frozen=True)
class ListChanges:
    """Two lists beside each other; the control belongs to a list.

    Attributes
    ----------
    stayed
        Customers on both.
    came
        Those on the second alone: customer_id, rank and arm there, in the order of their places.
    went
        Those on the first alone, in the same way.
    into_control
        Customers to contact on the first who are control on the second; none while salt, shares and accounts stay.
    out_of_control
        The other way round: what they were spared before, they get now.
    settings
        Filter or setting -> its values on both, where they differ.
    """

    stayed: int
    came: pd.DataFrame
    went: pd.DataFrame
    into_control: int
    out_of_control: int
    settings: Mapping[str, tuple[Any, Any]]


def list_changes(before: ListResult, after: ListResult) -> ListChanges:
    """From one list to another, whatever their dates.

    Parameters
    ----------
    before, after
        Lists; of one kind, if their differences are to say anything of time.
    """
    first, second = _members(before), _members(after)
    both = first.merge(second, on="customer_id", suffixes=("_before", "_after"))
    names = dict.fromkeys([*before.filters, *after.filters])
    values = {name: (before.filters.get(name), after.filters.get(name)) for name in names}
    return ListChanges(
        stayed=len(both),
        came=_without(second, first),
        went=_without(first, second),
        into_control=int((both["arm_before"].eq("treated") & both["arm_after"].eq("control")).sum()),
        out_of_control=int((both["arm_before"].eq("control") & both["arm_after"].eq("treated")).sum()),
        settings={name: pair for name, pair in values.items() if pair[0] != pair[1]},
    )


def _members(result: ListResult) -> pd.DataFrame:
    """Place and arm of everybody on a list, best first."""
    columns = ["customer_id", "rank", "arm"]
    return pd.concat([result.rows[columns], result.control[columns]]).sort_values("rank", ignore_index=True)


def _without(members: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    return members[~members["customer_id"].isin(others["customer_id"])].reset_index(drop=True)
