"""What a change of the playbook would do: how many customers move from which action to which."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from targeting.actions import Chosen
from targeting.playbook import Action


@dataclass(frozen=True)
class Changes:
    """Two playbooks on the same customers.

    Attributes
    ----------
    actions
        A row per action, most customers first: action, before, after (customers), benefit_before and benefit_after
        (expected net benefit of all of them in money; customers without a score bring nothing to it).
    moves
        A row per pair of different actions, most customers first: before, after, customers.
    customers
        Everybody.
    moved
        Those who would get another action.
    """

    actions: pd.DataFrame
    moves: pd.DataFrame
    customers: int
    moved: int


def changes(before: Chosen, old: Sequence[Action], after: Chosen, new: Sequence[Action]) -> Changes:
    """Who moves from which action to which.

    Parameters
    ----------
    before, after
        What the two playbooks choose for the same customers, row for row.
    old, new
        Their rules.
    """
    columns: dict[str, pd.Categorical | np.ndarray] = {}
    for name, chosen, playbook in (("before", before, old), ("after", after, new)):
        codes = np.array([action.code for action in playbook], dtype=object)
        columns |= {name: pd.Categorical(codes[chosen.rule]), f"benefit_{name}": chosen.benefit}
    frame = pd.DataFrame(columns)
    pairs = frame.groupby(["before", "after"], observed=True).size().rename("customers").reset_index()
    pairs[["before", "after"]] = pairs[["before", "after"]].astype(object)
    moves = pairs[pairs["before"] != pairs["after"]]
    moves = moves.sort_values(["customers", "before", "after"], ascending=[False, True, True], ignore_index=True)
    return Changes(_actions(frame), moves, len(frame), int(moves["customers"].sum()))


def _actions(frame: pd.DataFrame) -> pd.DataFrame:
    sides = []
    for name in ("before", "after"):
        grouped = frame.groupby(name, observed=True)[f"benefit_{name}"]
        side = pd.DataFrame({name: grouped.size(), f"benefit_{name}": grouped.sum()})
        sides.append(side.set_axis(side.index.astype(object)))
    table = sides[0].join(sides[1], how="outer").fillna(0).rename_axis("action").reset_index()
    table = table.astype({"before": int, "after": int})[
        ["action", "before", "after", "benefit_before", "benefit_after"]
    ]
    order = pd.DataFrame({"n": -table[["before", "after"]].max(axis=1), "action": table["action"]}).sort_values(
        ["n", "action"]
    )
    return table.loc[order.index].reset_index(drop=True)
