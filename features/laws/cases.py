"""Histories to judge features with: a case, its past alone, the same past with another future, and itself re-dated.

Nothing of `visible` is used here, which these cases judge.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import CONTRACTS

LATER = {"resolved_at": "cutoff", "superseded_at": "cutoff", "valid_to": "as_of", "deactivated_on": "as_of"}
"""Columns that come true after their row, and the clock of the spine that says so."""
DAY = np.timedelta64(1, "D")
SECOND, MICROSECOND = np.timedelta64(1, "s"), np.timedelta64(1, "us")
Rng = np.random.Generator


@dataclass(frozen=True)
class Case:
    """`spine`: customer_id, as_of, cutoff (UTC), activated_on; `tables`: canonical tables of these customers."""

    spine: pa.Table
    tables: Mapping[str, pa.Table]

    def altered(self, alter: Callable[[str, pa.Table], pa.Table]) -> "Case":
        """The same spine with each table as `alter(name, rows)` makes it."""
        return replace(self, tables={name: alter(name, rows) for name, rows in self.tables.items()})

    def own(self, rows: pa.Table, column: str) -> pa.ChunkedArray:
        """A column of the spine, row for row of a table.

        Customers that the spine has not, others of an account, see from its date when there is one only; else null.
        """
        own = self.spine[column].take(pc.index_in(rows["customer_id"], self.spine["customer_id"].combine_chunks()))
        shared = column != "activated_on" and len(self.spine["as_of"].unique()) == 1
        return pc.fill_null(own, self.spine[column][0]) if shared else own


def _ahead(case: Case, rows: pa.Table) -> pa.ChunkedArray:
    """Rows that happen, or become known, at or after the cutoff of their customer; a plan that is signed may begin later."""
    clock = case.own(rows, "cutoff")
    ahead = pc.greater_equal(rows["known_at"], clock)
    if "happened_at" in rows.column_names:
        ahead = pc.or_(ahead, pc.greater_equal(rows["happened_at"], clock))
    return pc.fill_null(ahead, False)


def past(case: Case) -> Case:
    """What could be known at each cutoff, and nothing else; brought labels tell the future, so they are emptied."""

    def alter(name: str, rows: pa.Table) -> pa.Table:
        if name == "labels":
            return rows.slice(0, 0)
        return _hidden(case, rows.filter(pc.invert(_ahead(case, rows))) if CONTRACTS[name].versioned else rows, None)

    return case.altered(alter)


def _hidden(case: Case, rows: pa.Table, rng: Rng | None) -> pa.Table:
    """What has not come true yet becomes unknown, or with `rng` comes true at the cutoff or within weeks of it."""
    for column in LATER.keys() & set(rows.column_names):
        kind, clock = rows[column].type, case.own(rows, LATER[column])
        later: Any = pa.scalar(None, kind)
        if rng is not None:
            later = pa.chunked_array([pa.array(clock.to_numpy() + rng.integers(0, 40, len(rows)) * DAY, kind)])
        seen = pc.or_(pc.fill_null(pc.less(rows[column], clock), False), pc.is_null(clock))
        rows = rows.set_column(rows.column_names.index(column), column, pc.if_else(seen, rows[column], later))
    return rows


def otherwise(case: Case, rng: Rng) -> Case:
    """The same past with a future made of copies of it: they happen at the cutoff or later, some of them announced the
    moment before (but plans, for what is signed is known), or had happened and become known at the cutoff or later."""
    before = past(case)

    def alter(name: str, rows: pa.Table) -> pa.Table:
        if not CONTRACTS[name].event:
            return _hidden(case, rows, rng) if name != "labels" else rows.slice(0, 0)
        copies = _renumbered(name, rows)
        cut = case.own(copies, "cutoff").to_numpy()
        ahead = cut + rng.choice([0, 1, 60 * 86_400_000_000], len(cut)) * MICROSECOND
        late = rng.random(len(cut)) < 0.4  # had happened by then, but nobody knew
        moment = np.where(late, _happened_at(copies, case) - SECOND, ahead)
        announced = np.maximum(moment, cut + rng.integers(0, 30, len(cut)) * rng.integers(0, 2, len(cut)) * DAY)
        known = np.where(~late & (rng.random(len(cut)) < 0.3), cut - MICROSECOND, announced)
        known = known if "happened_at" in rows.column_names else announced
        coming = _dated(case, copies, moment, known)
        return pa.concat_tables([_hidden(case, rows, rng), _distinct(name, coming, rows)])

    return before.altered(alter)


def _happened_at(rows: pa.Table, case: Case) -> np.ndarray:
    """When each row took place, in UTC; tables with dates only begin at the first instant of theirs."""
    if "happened_at" in rows.column_names:
        return rows["happened_at"].to_numpy()
    days = rows["happened_on"].to_numpy() - case.own(rows, "as_of").to_numpy()
    return case.own(rows, "cutoff").to_numpy() + days.astype("timedelta64[us]")


def _dated(case: Case, rows: pa.Table, moment: np.ndarray, known: np.ndarray) -> pa.Table:
    """The rows at another time, every other date of theirs moved along by as many days."""
    days = np.floor((moment - case.own(rows, "cutoff").to_numpy()) / DAY).astype("timedelta64[D]")
    on = case.own(rows, "as_of").to_numpy().astype("datetime64[D]") + days
    along = on - rows["happened_on"].to_numpy().astype("datetime64[D]")
    new = {"happened_at": moment, "known_at": known, "happened_on": on}
    moved = {
        c: pa.array(new[c] if c in new else rows[c].to_numpy() + along, rows.schema.field(c).type, from_pandas=True)
        for c in rows.column_names
        if pa.types.is_temporal(rows.schema.field(c).type)
    }
    return pa.table({c: moved.get(c, rows[c]) for c in rows.column_names}, rows.schema)


def _renumbered(name: str, rows: pa.Table) -> pa.Table:
    """Rows under keys of their own, where their table numbers them."""
    key = CONTRACTS[name].key[0]
    if len(CONTRACTS[name].key) > 1:
        return rows
    return rows.set_column(rows.column_names.index(key), key, pc.binary_join_element_wise(rows[key], "again", "~"))


def _distinct(name: str, rows: pa.Table, beside: pa.Table | None = None) -> pa.Table:
    """The first row of each key, none of which is one of `beside`."""
    key = list(CONTRACTS[name].key)
    taken = set(zip(*(beside[c].to_pylist() for c in key), strict=True)) if beside is not None else set()
    kept = []
    for row, values in enumerate(zip(*(rows[c].to_pylist() for c in key), strict=True)):
        if values not in taken:
            kept.append(row)
            taken.add(values)
    return rows.take(pa.array(kept, pa.int64()))


def crowded(case: Case, rng: Rng) -> Case:
    """The same customers and rows at other times: half of the events crowd around the instants where code goes wrong.

    These are the cutoff, the microsecond before it, whole days before it, the day of joining and the time before it;
    and they become known at once, days later, at the cutoff, right before it or long after it; some are announced.
    """

    def alter(name: str, rows: pa.Table) -> pa.Table:
        if not CONTRACTS[name].event:
            return rows
        size, cut = len(rows), case.own(rows, "cutoff").to_numpy()
        joined = cut + (case.own(rows, "activated_on").to_numpy() - case.own(rows, "as_of").to_numpy())
        joined = np.where(np.isnat(joined), cut, joined)
        back = cut - rng.integers(0, 400, size) * DAY
        moments = [
            _happened_at(rows, case),
            cut,
            cut - MICROSECOND,
            back,
            back - MICROSECOND,
            joined,
            joined - MICROSECOND,
        ]
        moment = np.choose(rng.choice(7, size, p=[0.5, 0.06, 0.06, 0.15, 0.15, 0.04, 0.04]), moments)
        late = [moment, moment + rng.integers(0, 20, size) * DAY, cut, cut - MICROSECOND, cut + 30 * DAY]
        known = np.maximum(moment, np.choose(rng.choice(5, size, p=[0.4, 0.3, 0.1, 0.1, 0.1]), late))
        known = np.where(rng.random(size) < 0.1, np.minimum(known, moment - DAY), known)
        return _distinct(name, _dated(case, rows, moment, known))

    return case.altered(alter)


def together(case: Case) -> Case:
    """The same histories seen from one date, the newest: what everybody else did can only be looked at together.

    Each customer's rows are moved with their date, so that what lay around their cutoff does so still.
    """
    newest = pc.index(case.spine["as_of"], pc.max(case.spine["as_of"])).as_py()
    there = {c: case.spine[c].to_numpy()[newest] for c in ("as_of", "cutoff")}

    def seen(rows: pa.Table) -> pa.Table:
        days = _shift(case.own(rows, "as_of"), there["as_of"].astype("datetime64[D]"))
        moments = _shift(case.own(rows, "cutoff"), there["cutoff"])
        for field in rows.schema:
            if pa.types.is_temporal(field.type):
                by = days if pa.types.is_date(field.type) else moments
                values = pa.array(rows[field.name].to_numpy() + by, field.type, from_pandas=True)
                rows = rows.set_column(rows.column_names.index(field.name), field.name, values)
        return rows

    return replace(case.altered(lambda name, rows: seen(rows)), spine=seen(case.spine))


def _shift(own: pa.ChunkedArray, there: np.datetime64) -> np.ndarray:
    """How far each row moves; not at all where nobody looks from."""
    by = np.asarray(there - own.to_numpy().astype(there.dtype))
    return np.where(np.isnat(by), by.dtype.type(0), by)


def moved(rows: pa.Table, days: int) -> pa.Table:
    """The rows with every date and time of theirs so many days later."""
    dates = [f.name for f in rows.schema if pa.types.is_temporal(f.type)]
    later = {
        c: pc.add(rows[c].cast("timestamp[us]"), pa.scalar(timedelta(days=days))).cast(rows[c].type) for c in dates
    }
    return pa.table({c: later.get(c, rows[c]) for c in rows.column_names})


def moved_spine(spine: pa.Table, days: int) -> pa.Table:
    """As-of dates and cutoffs moved; who joined when stays."""
    there = moved(spine, days)
    return there.set_column(there.column_names.index("activated_on"), "activated_on", spine["activated_on"])
