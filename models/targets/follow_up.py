"""What happened to customers after an as-of date, as far as it is known by now: what labels are made from.

Days are local dates: day 0 is the as-of date itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import ibis
import ibis.expr.types as ir
from ibis import _

from features.blocks.months import awaiting, billed_month, month
from features.definition import KEY
from features.series import hundredths
from features.settings import FeatureSettings
from features.visible import known, seen

Tables = Mapping[str, ir.Table]


@dataclass(frozen=True)
class FollowUp:
    """The rows of a spine (customer_id, as_of, cutoff, activated_on) and what came after; seen from the instant `until`.

    `features` say when months of bills close and settle.
    """

    spine: ir.Table
    tables: Tables
    until: datetime
    features: FeatureSettings

    @cached_property
    def holders(self) -> ir.Table:
        """The spine with what became of each holder of an id, by the newest that is on record now: `deactivated_on`
        (null: not left), `left_reason`, `next_on` (the day from which somebody else has the id; null: nobody has), and `on_record`.

        Somebody whose record ended without a day of leaving is not on record: whether they left is not known.
        """
        people = self.tables["customers"]
        people = people.filter(people.known_at < ibis.timestamp(self.until))
        newest = ibis.window(group_by=["customer_id", "activated_on"], order_by=people.known_at.desc())
        people = people.mutate(age=ibis.row_number().over(newest)).filter(lambda t: t.age == 0)
        stands = ibis.literal(True)
        if "superseded_at" in people.columns:
            stands = people.superseded_at.isnull() | (people.superseded_at >= ibis.timestamp(self.until))
        later = ibis.window(group_by="customer_id", order_by="activated_on")
        people = people.select(
            "customer_id",
            "deactivated_on",
            "left_reason",
            held_from=people.activated_on,
            next_on=people.activated_on.lead().over(later),
            on_record=stands | people.deactivated_on.notnull(),
        )
        spine = self.spine
        then = people.next_on.isnull() | (people.next_on >= spine.as_of)
        own = [spine.customer_id == people.customer_id, people.held_from < spine.as_of, then]
        return spine.left_join(people, own).drop("customer_id_right", "held_from")

    @cached_property
    def on_record(self) -> ir.Table:
        """Customers as they are on record now."""
        people = self.tables["customers"]
        return people.filter(known(ibis.timestamp(self.until), people))

    @cached_property
    def bills(self) -> ir.Table:
        """Bills from each as-of date on: key, `day` (0 is the as-of date), `month` that they are for, `amount`; none of a later
        holder.

        Amounts are whole hundredths: their sums are exact, so that no other row can change the last bit of a label.
        """
        bills, later = self.tables["bills"], self.holders.mutate(cutoff=ibis.timestamp(self.until))
        theirs = later.next_on.isnull() | (bills.happened_on < later.next_on)
        own = [later.customer_id == bills.customer_id, seen(later, bills), bills.happened_on >= later.as_of, theirs]
        rows = later.inner_join(bills, own)
        day = rows.happened_on.delta(rows.as_of, unit="day")
        return rows.select(*KEY, day=day, month=billed_month(rows, self.features), amount=hundredths(rows.amount))

    def billed(self, gap: int, horizon: int) -> ir.Table:
        """Key and `value`: sum of bills in the window (float64, currency), 0 without any; null while one is awaited."""
        sums = self.bills.group_by(*KEY).aggregate(
            cents=self.bills.amount.sum(where=inside(self.bills.day, gap, horizon))
        )
        rows = self.spine.select(*KEY).left_join(sums, KEY).select(*KEY, value=_.cents.fill_null(0.0) / 100.0)
        return self.known(rows, "value", gap, horizon)

    def known(self, rows: ir.Table, label: str, gap: int, horizon: int) -> ir.Table:
        """The rows (key and labels) with the label null for customers one of whose bills of the window is awaited."""
        late = self._late.filter(self._touches(gap, horizon)).select(*KEY)
        marked = rows.left_join(late.mutate(late=True), KEY).drop("customer_id_right", "as_of_right")
        return marked.mutate(**{label: marked.late.notnull().ifelse(None, marked[label])}).drop("late")

    @cached_property
    def _late(self) -> ir.Table:
        """Rows of the spine whose customer's bills after month `newest` are awaited at `until`, up to the `closed` one.

        Of customers who have left only what came before their last month is awaited: there may be no last bill.
        """
        until = ibis.timestamp(self.until)
        today = (until + ibis.interval(hours=12)).date()  # it is a local midnight
        people = self.spine.select("customer_id", "activated_on").distinct()
        waiting = awaiting(people.mutate(as_of=today, cutoff=until), self.tables, self.features)
        waiting = waiting.filter(waiting.awaited > 0).mutate(newest=waiting.closed - waiting.awaited)
        who = ["customer_id", "activated_on"]
        people = self.tables["customers"]
        left = (
            people.filter(people.known_at < until)
            .group_by(who)
            .aggregate(deactivated_on=lambda t: t.deactivated_on.max())
        )
        waiting = waiting.left_join(left, who)
        with_us = waiting.deactivated_on.isnull() | (month(waiting.deactivated_on) > waiting.newest + 1)
        return self.spine.inner_join(waiting.filter(with_us).select(*who, "newest", "closed"), who)

    def _touches(self, gap: int, horizon: int) -> ir.BooleanValue:
        """Would a bill of an awaited month be dated inside the window?"""
        arrears = int(self.features.billed_in_arrears)
        first = month(_.as_of + ibis.interval(days=gap - arrears))
        last = month(_.as_of + ibis.interval(days=gap + horizon - 1)) - arrears
        return (first <= _.closed) & (last > _.newest)

    def brought(self, names: Mapping[str, str]) -> ir.Table:
        """Columns of the table `labels` under our names; null for a row that it does not have."""
        rows = self.spine.select(*KEY).left_join(self.tables["labels"], KEY)
        return rows.select(*KEY, **{ours: rows[theirs] for ours, theirs in names.items()})


def inside(day: ir.IntegerValue, gap: int, horizon: int) -> ir.BooleanValue:
    """Is a day in the window? Half-open: the first day counts, the day after the last does not."""
    return (day >= gap) & (day < gap + horizon)
