"""Blocks of the household: what the members of an account do, seen from each of them."""

import ibis.expr.types as ir

from features.blocks.months import awaiting, billed_month
from features.definition import ROW
from features.series import hundredths
from features.settings import FeatureSettings
from features.visible import CLOCKS, Tables, as_known, known, since, visible, with_us

HOUSEHOLD_DAYS = 240
"""Days of bills that hold the three newest closed months of an account, however late months are closed; awaited
months come on top."""


def household(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per day on which members left (`days_ago`; null for those with us): `members`, the customer included."""
    rows, members = _accounts(spine, tables)
    left = members.as_of.delta(members.deactivated_on, unit="day") - 1
    days = members.mutate(days_ago=(left >= 0).ifelse(left, None)).group_by("shared", "as_of", "days_ago")
    counted = days.aggregate(members=lambda t: t.count())
    rows = rows.left_join(counted, ["shared", "as_of"])
    return rows.select(ROW, "account_id", "days_ago", "members")


def household_bills(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per closed month of an account that members share: `ago` from the newest known of all members, in
    `total` and the customer's `own` (hundredths); `others` where there are any. No rows for a customer who never
    shared an account."""
    rows, members = _accounts(spine, tables)
    here = awaiting(_together(members), tables, settings)
    awaited = here.awaited.max().over(group_by=[here.shared, here.as_of])
    days = HOUSEHOLD_DAYS + settings.settled_after
    seen = visible(here.mutate(newest=here.closed - awaited), since(spine, tables["bills"], days))
    seen = seen.mutate(ago=seen.newest - billed_month(seen, settings), value=hundredths(seen.amount))
    here = _together(members).select("shared", "as_of").distinct().mutate(others=True)
    rows = rows.filter(rows.shared.notnull()).left_join(here, ["shared", "as_of"]).drop("shared_right", "as_of_right")
    return _of_all(rows, seen.filter(seen.ago.between(0, 2)), "ago")


def household_complaints(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per day with complaints of an account that members share: `days_ago`, in `total` and `own`."""
    rows, members = _accounts(spine, tables)
    seen = visible(_together(members), tables["complaints"])
    return _of_all(rows, seen.mutate(value=1.0).filter(seen.days_ago < 365), "days_ago")


def sharing(customers: ir.Table) -> ir.Table:
    """Customers whose account was ever somebody else's too: the usual account of one costs nothing after that."""
    customers = _with_account(customers)
    who = customers.customer_id
    several = customers.group_by("account_id").having(who.min() != who.max()).aggregate()
    return customers.semi_join(several, "account_id")


def _accounts(spine: ir.Table, tables: Tables) -> tuple[ir.Table, ir.Table]:
    """The spine with `account_id`; and who was ever on its `shared` accounts, seen from the same dates.

    `sharing` may have been made before, as a table of that name: three blocks ask for it, and some more than once.
    """
    customers = tables["sharing"] if "sharing" in tables else sharing(tables["customers"])
    rows = spine.select(ROW, "customer_id", "as_of", "cutoff", "activated_on")
    rows = as_known(rows, customers).rename(shared="account_id")
    rows = as_known(rows, _with_account(tables["customers"]))
    seen_from = rows.filter(rows.shared.notnull()).select("shared", "as_of", "cutoff").distinct()
    on_it = [seen_from.shared == customers.account_id, known(seen_from.cutoff, customers)]
    members = seen_from.join(customers, on_it).drop("account_id", *[c for c in CLOCKS if c in customers.columns])
    return rows.drop("cutoff", "activated_on"), members.filter(members.activated_on < members.as_of)


def _with_account(customers: ir.Table) -> ir.Table:
    clocks = [c for c in CLOCKS if c in customers.columns]
    return customers.select("customer_id", "activated_on", "deactivated_on", "account_id", *clocks)


def _together(members: ir.Table) -> ir.Table:
    """Members with us on accounts on which at least two are: a spine of its own, with `shared` for the account."""
    here = members.filter(with_us(members, members.as_of)).drop("deactivated_on")
    several = here.group_by("shared", "as_of").having(here.count() > 1).aggregate()
    return here.semi_join(several, ["shared", "as_of"])


def _of_all(rows: ir.Table, seen: ir.Table, when: str) -> ir.Table:
    """Sums of `value` per row and `when`: `total` of all members and `own`; a member alone keeps one row of nulls."""
    each = seen.group_by("customer_id", "shared", "as_of", when).aggregate(own=lambda t: t.value.sum())
    whole = each.group_by("shared", "as_of", when).aggregate(total=lambda t: t.own.sum())
    rows = rows.left_join(whole, ["shared", "as_of"]).drop("shared_right", "as_of_right")
    rows = rows.left_join(each.drop("shared"), ["customer_id", "as_of", when])
    kept = [c for c in ("account_id", "others") if c in rows.columns]
    return rows.select(ROW, *kept, when, "total", "own")
