"""Customers who pay and use the same all the time, and the same customers while the newest of it is late.

Levels must not tell the difference: what has not come is unknown, and the newest that is known is as high.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrival import MOST_LAG
from features.blocks.usage import USAGE_LOOKBACK
from features.laws.cases import DAY, Case, Rng
from features.settings import FeatureSettings

MOST = 200
"""Customers of a steady case, each with a row of usage for more than a year of days."""
MONTHS = 64
OLD_ENOUGH = 40
"""Days with us that leave four weeks of usage where the newest ten days are unknown."""
HOME_ENOUGH = timedelta(days=240)
"""With us for so long, a member is part of all that their account is said to pay."""
EVERY = {"day": 1, "week": 7}
"""Days from one row of usage to the next; of monthly rows four weeks hold one or two, so no level of theirs is steady."""
USAGE_LAG = "usage_lag"


def steady(case: Case, settings: FeatureSettings) -> Case:
    """The first customers of a case with the same bill each month and the same usage each day, or week, since they joined.

    Their amounts are those of the first row that the case has of each; who has none keeps none. All are seen from the
    newest date of the case, so that those who share an account do.
    """
    spine = _on_newest_date(case.spine)
    days = pc.subtract(spine["as_of"].cast("int32"), spine["activated_on"].cast("int32"))
    spine = spine.filter(pc.fill_null(pc.greater_equal(days, OLD_ENOUGH), False)).slice(0, MOST)
    few = replace(case, spine=_lagging(spine, 0))

    def alter(name: str, rows: pa.Table) -> pa.Table:
        if name == "bills":
            return _repeated(few, name, rows, lambda as_of: _month_ends(as_of, settings))
        if name == "usage" and settings.usage_grain in EVERY:
            back = np.arange(1, USAGE_LOOKBACK + MOST_LAG, EVERY[settings.usage_grain]) * DAY
            return _repeated(few, name, rows, lambda as_of: as_of[:, None] - back)
        return _settled_homes(few, rows) if name == "customers" else rows

    return few.altered(alter)


def late(case: Case, settings: FeatureSettings, rng: Rng) -> Case:
    """A steady case of which bills of open months are not known yet, from another month on for each customer, and the
    newest days of usage have come from nobody.

    The first bill of a customer stays: none is usual before it. Where nothing is awaited, all bills stay.
    """
    days = int(rng.integers(1, MOST_LAG + 1)) if settings.usage_grain in EVERY else 0

    def alter(name: str, rows: pa.Table) -> pa.Table:
        if name == "bills":
            return _delayed(case, rows, settings, rng)
        if name == "usage" and days:
            return rows.filter(pc.less(rows["happened_on"], pa.array(_as_of(case, rows) - days * DAY, pa.date32())))
        return rows

    return replace(case.altered(alter), spine=_lagging(case.spine, days))


def earlier(case: Case, late: Case, settings: FeatureSettings) -> Case:
    """The steady case seen from as many months earlier as newest bills of each customer are not known in the late one."""
    spine, bills = case.spine, late.tables.get("bills")
    if bills is None or not settings.settled_after:
        return case
    as_of = spine["as_of"].to_numpy().astype("datetime64[D]")
    newest = _newest_bill(late, bills)
    last = _month_ends(as_of, settings)
    last = last[np.arange(len(as_of)), (last >= as_of[:, None]).sum(axis=1)]  # one dated to the as-of date is to come
    months = np.where(np.isnat(newest), 0, (last.astype("datetime64[M]") - newest.astype("datetime64[M]")).astype(int))
    there = _months_before(as_of, months)
    cutoff = spine["cutoff"].to_numpy() + (there - as_of)
    for column, values in (("as_of", there), ("cutoff", cutoff)):
        at = spine.column_names.index(column)
        spine = spine.set_column(at, column, pa.array(values, spine.schema.field(column).type))
    return replace(case, spine=spine)


def _newest_bill(case: Case, bills: pa.Table) -> np.ndarray:
    """The day of each customer's newest bill that is known at their cutoff; not a day where none is."""
    seen = bills.filter(pc.and_(pc.less(bills["known_at"], case.own(bills, "cutoff")), _before(case, bills)))
    days = seen.group_by("customer_id").aggregate([("happened_on", "max")])
    return days["happened_on_max"].take(pc.index_in(case.spine["customer_id"], days["customer_id"])).to_numpy()


def _before(case: Case, rows: pa.Table) -> pa.ChunkedArray:
    """Of the time between joining and the as-of date?"""
    joined, day = case.own(rows, "activated_on"), case.own(rows, "as_of")
    return pc.and_(pc.less(rows["happened_on"], day), pc.greater_equal(rows["happened_on"], joined))


def _months_before(days: np.ndarray, months: np.ndarray) -> np.ndarray:
    """The same day of so many months before, the last of a month that is shorter."""
    month = days.astype("datetime64[M]")
    into = days - month.astype("datetime64[D]")
    there = month - months
    return np.minimum(there.astype("datetime64[D]") + into, (there + 1).astype("datetime64[D]") - DAY)


def _on_newest_date(spine: pa.Table) -> pa.Table:
    newest = pc.index(spine["as_of"], pc.max(spine["as_of"])).as_py()
    for column in ("as_of", "cutoff"):
        date = pa.repeat(spine[column][newest], len(spine))
        spine = spine.set_column(spine.column_names.index(column), column, date)
    return spine


def _settled_homes(case: Case, customers: pa.Table) -> pa.Table:
    """Customers of whom nobody has lately come to an account: what its members pay together is steady, too."""
    if not len(case.spine) or "account_id" not in customers.column_names:
        return customers
    newest = case.spine["as_of"][0].as_py() - HOME_ENOUGH
    home = pc.fill_null(pc.less(customers["activated_on"], pa.scalar(newest)), False)
    account = pc.if_else(home, customers["account_id"], pa.scalar(None, pa.string()))
    return customers.set_column(customers.column_names.index("account_id"), "account_id", account)


def _lagging(spine: pa.Table, days: int) -> pa.Table:
    """The spine that knows of so many missing days of usage, as `population` would say."""
    rest = spine.drop_columns([USAGE_LAG]) if USAGE_LAG in spine.column_names else spine
    return rest.append_column(USAGE_LAG, pa.array(np.full(len(spine), days), pa.int64()))


def _as_of(case: Case, rows: pa.Table) -> np.ndarray:
    return case.own(rows, "as_of").to_numpy().astype("datetime64[D]")


def _month_ends(as_of: np.ndarray, settings: FeatureSettings) -> np.ndarray:
    """The days on which bills are dated: the day after each month, or its last."""
    firsts = as_of.astype("datetime64[M]")[:, None] - np.arange(MONTHS)
    return firsts.astype("datetime64[D]") - (0 if settings.billed_in_arrears else 1) * DAY


def _repeated(case: Case, name: str, rows: pa.Table, days_of: Callable[[np.ndarray], np.ndarray]) -> pa.Table:
    """The first row of each customer of the spine, once for each of the days that `days_of` gives for their dates, known
    six hours after its noon."""
    mine = pc.index_in(case.spine["customer_id"], rows["customer_id"].combine_chunks())
    first = rows.take(mine.combine_chunks().drop_null())
    days = days_of(_as_of(case, first))
    again = first.take(np.repeat(np.arange(len(first)), days.shape[1]))
    noon = case.own(again, "cutoff").to_numpy() + (days.ravel() - _as_of(case, again)) + DAY // 2
    new = {"happened_on": days.ravel(), "happened_at": noon, "known_at": noon + DAY // 4}
    columns = {c: pa.array(v, rows.schema.field(c).type) for c, v in new.items() if c in rows.column_names}
    columns["superseded_at"] = pa.nulls(len(again), pa.timestamp("us"))
    if name == "bills":
        columns |= {"bill_id": pa.array(np.arange(len(again)).astype(str)), "amount": pc.abs(again["amount"])}
    return pa.table({c: columns.get(c, again[c]) for c in rows.column_names}, rows.schema)


def _delayed(case: Case, bills: pa.Table, settings: FeatureSettings, rng: Rng) -> pa.Table:
    """The same bills, the newest of each customer known at the cutoff at the earliest: those of months that have not
    settled, but for the month in which the customer joined."""
    ended = bills["happened_on"].to_numpy().astype("datetime64[D]") + (0 if settings.billed_in_arrears else 1) * DAY
    joined = case.own(bills, "activated_on").to_numpy().astype("datetime64[M]")
    bound = rng.integers(0, settings.settled_after + 1, len(case.spine))
    bound = bound[pc.index_in(bills["customer_id"], case.spine["customer_id"].combine_chunks()).to_numpy()]
    gone = ((_as_of(case, bills) - ended) < bound * DAY) & ((ended - DAY).astype("datetime64[M]") > joined)
    known = np.where(gone, case.own(bills, "cutoff").to_numpy(), bills["known_at"].to_numpy())
    return bills.set_column(bills.column_names.index("known_at"), "known_at", pa.array(known, pa.timestamp("us")))
