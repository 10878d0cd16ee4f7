"""What happened to customers after an as-of date, as far as it is known by now: what labels are made from.

Days are local dates: day 0 is the as-of date itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import ibis
import ibis.expr.types as ir

from features.blocks.months import month
from features.definition import KEY
from features.series import hundredths
from features.visible import seen

Tables = Mapping[str, ir.Table]


@dataclass(frozen=True)
class FollowUp:
    """The rows of a spine (customer_id, as_of, cutoff, activated_on) and what came after; seen from the instant `until`."""

    spine: ir.Table
    tables: Tables
    until: datetime

    @cached_property
    def bills(self) -> ir.Table:
        """Bills from each as-of date on: key, `day` (0 is the as-of date), `month`, `amount`.

        Amounts are whole hundredths: their sums are exact, so that no other row can change the last bit of a label.
        """
        bills, later = self.tables["bills"], self.spine.mutate(cutoff=ibis.timestamp(self.until))
        own = [later.customer_id == bills.customer_id, seen(later, bills), bills.happened_on >= later.as_of]
        rows = later.inner_join(bills, own)
        day = rows.happened_on.delta(rows.as_of, unit="day")
        return rows.select(*KEY, day=day, month=month(rows.happened_on), amount=hundredths(rows.amount))

    def billed(self, gap: int, horizon: int) -> ir.Table:
        """Key and `value`: sum of bills in the window (float64, currency), 0 without any."""
        sums = self.bills.group_by(*KEY).aggregate(
            cents=self.bills.amount.sum(where=inside(self.bills.day, gap, horizon))
        )
        rows = self.spine.select(*KEY).left_join(sums, KEY)
        return rows.select(*KEY, value=rows.cents.fill_null(0.0) / 100.0)

    def brought(self, names: Mapping[str, str]) -> ir.Table:
        """Columns of the table `labels` under our names; null for a row that it does not have."""
        rows = self.spine.select(*KEY).left_join(self.tables["labels"], KEY)
        return rows.select(*KEY, **{ours: rows[theirs] for ours, theirs in names.items()})


def inside(day: ir.IntegerValue, gap: int, horizon: int) -> ir.BooleanValue:
    """Is a day in the window? Half-open: the first day counts, the day after the last does not."""
    return (day >= gap) & (day < gap + horizon)
