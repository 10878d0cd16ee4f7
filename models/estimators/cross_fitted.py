"""Models of one recipe, each of which has not learnt from one part of the customers, and tells that part.

Where there is no later time, a model has seen the answers of those whom it tells; told by models that have not, nobody
is flattered. To which part somebody belongs follows from their id and a salt alone: no id is kept with the model.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from features.errors import HeadwaterError
from models.estimators.estimator import Model
from models.estimators.packing import pack, unpack

KIND = "cross_fitted"
Numbers = np.ndarray[Any, np.dtype[np.int64]]


def parts(customers: Sequence[str] | pd.Series, count: int, salt: int) -> Numbers:
    """The part of each customer, 0 to `count` - 1: a number drawn from id and salt, the same in every process.

    Parameters
    ----------
    customers
        Their ids.
    count
        How many parts there are.
    salt
        Another gives other parts.
    """
    key = salt.to_bytes(8, "little")
    digests = (hashlib.blake2b(str(name).encode(), digest_size=8, key=key).digest() for name in customers)
    return np.fromiter((int.from_bytes(d, "little") % count for d in digests), np.int64, len(customers))


class CrossFitted:
    """One fitted estimator per part of the customers; every row is told by the one that has not learnt from its part.

    Attributes
    ----------
    members
        By the number of the part that they have not seen.
    salt
        Decides who belongs to which part.
    facts_
        What travels with the model.
    """

    def __init__(self, members: Sequence[Model], salt: int):
        self.members, self.salt = list(members), salt
        self.facts_: dict[str, Any] = {}

    def outputs(self, X: pd.DataFrame) -> pd.DataFrame:
        """As each member's; X also has `customer_id`. Raises E511 without it."""
        return self._by_part(X, lambda member, rows: member.outputs(rows))

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """As each member's; X also has `customer_id`. Raises E511 without it."""
        return self._by_part(X, lambda member, rows: member.contributions(rows))

    def _by_part(self, X: pd.DataFrame, ask: Callable[[Model, pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
        if "customer_id" not in X.columns:
            raise HeadwaterError("E511", column="customer_id", sample=["customer_id"], missing=1)
        part = parts(X["customer_id"], len(self.members), self.salt)
        places = [np.flatnonzero(part == number) for number in range(len(self.members))]
        answers = [ask(m, X.iloc[rows]) for m, rows in zip(self.members, places, strict=True) if len(rows)]
        if not answers:
            return ask(self.members[0], X)
        told = pd.concat(answers, ignore_index=True).iloc[np.argsort(np.concatenate(places), kind="stable")]
        told.attrs = dict(answers[0].attrs)
        return told.set_axis(X.index)

    def to_files(self) -> dict[str, str]:
        """File name to text: one document that holds the files of every member."""
        state = {"salt": self.salt, "members": [m.to_files() for m in self.members]}
        return pack(KIND, state, {}, self.facts_)

    @classmethod
    def from_files(cls, files: Mapping[str, str], member: Callable[[Mapping[str, str]], Model]) -> Self:
        """The model that `to_files` wrote; `member` reads the files of one member."""
        state, _, facts = unpack(KIND, files)
        model = cls([member(texts) for texts in state["members"]], int(state["salt"]))
        model.facts_ = facts
        return model
