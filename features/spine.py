"""Who is looked at, and from when: one row per customer of the population and as-of date."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
from pydantic import Field

from features.arrival import with_usage_lag
from features.definition import KEY, ROW
from features.strict import Strict
from features.visible import CLOCKS, known, seen, with_us


class Population(Strict):
    """`active`: joined and not left. `billed`: also a bill above zero in the `lookback_days` before the as-of date.
    `listed`: in the table of customers and not left, whatever the date; for a table without dates.
    """

    rule: Literal["active", "billed", "listed"] = Field("active", description="who gets a row")
    lookback_days: int = Field(91, gt=0, description="days before the as-of date in which a bill counts")
    min_history_days: int = Field(0, ge=0, description="younger customers get a row without scores")


def cutoff(as_of: date, timezone: str) -> datetime:
    """The first instant of a local day, in UTC and without a zone: what timestamps are compared with."""
    return datetime.combine(as_of, time(), ZoneInfo(timezone)).astimezone(UTC).replace(tzinfo=None)


def everyone(customers: ir.Table, dates: Sequence[date], timezone: str) -> ir.Table:
    """One row per customer with us on each date, by what was on record then.

    Holders of one id follow each other, so at most one of them is with us.

    Parameters
    ----------
    customers : customer_id, activated_on, deactivated_on (null: not left), known_at, superseded_at where it has versions
    dates : as-of dates, each counted once
    timezone : where those dates begin

    Returns
    -------
    ir.Table
        customer_id, as_of, cutoff (UTC), activated_on and the number `row` from 0; never null
    """
    clocks = [c for c in CLOCKS if c in customers.columns]
    pairs = customers.select("customer_id", "activated_on", "deactivated_on", *clocks).cross_join(
        _days(dates, timezone)
    )
    here = pairs.filter(known(pairs.cutoff, pairs), with_us(pairs, pairs.as_of))
    spine = here.select("customer_id", "as_of", "cutoff", "activated_on")
    return _numbered(spine)


def _days(dates: Sequence[date], timezone: str) -> ir.Table:
    """Each date once, and its cutoff."""
    schema = {"as_of": "date", "cutoff": "timestamp(6)"}
    return ibis.memtable([(d, cutoff(d, timezone)) for d in sorted(set(dates))], schema=ibis.schema(schema))


def _listed(customers: ir.Table, dates: Sequence[date], timezone: str) -> ir.Table:
    """Everybody of the table on each date but those of whom it says that they have left."""
    if "churned" in customers.columns:
        customers = customers.filter(~customers.churned.fill_null(False))
    clocks = [c for c in CLOCKS if c in customers.columns]
    spine = customers.select("customer_id", "activated_on", *clocks).cross_join(_days(dates, timezone))
    spine = spine.filter(known(spine.cutoff, spine))
    return _numbered(spine.select("customer_id", "as_of", "cutoff", "activated_on"))


def _numbered(spine: ir.Table) -> ir.Table:
    """With `row` from 0 in the order of the key: the same however often it is evaluated."""
    return spine.mutate(row=ibis.row_number().over(order_by=KEY))


def population(tables: Mapping[str, ir.Table], dates: Sequence[date], timezone: str, rule: Population) -> ir.Table:
    """The spine: who is scored or learnt from on each date.

    Parameters
    ----------
    tables : `customers`, `usage` where there is any, and `bills` where the rule is `billed`
    dates : as-of dates
    timezone : where those dates begin
    rule : who belongs to it

    Returns
    -------
    ir.Table
        One row per customer and date, as `everyone` gives it; with `usage`, `usage_lag` says how many of the newest
        days before the date nobody's usage has come for
    """
    spine = _belonging(tables, dates, timezone, rule)
    return with_usage_lag(spine, tables["usage"]) if "usage" in tables else spine


def _belonging(tables: Mapping[str, ir.Table], dates: Sequence[date], timezone: str, rule: Population) -> ir.Table:
    if rule.rule == "listed":
        return _listed(tables["customers"], dates, timezone)
    spine = everyone(tables["customers"], dates, timezone)
    if rule.rule == "active":
        return spine
    bills = tables["bills"]
    recent = bills.happened_on >= spine.as_of - ibis.interval(days=rule.lookback_days)
    paying = [spine.customer_id == bills.customer_id, seen(spine, bills), recent, bills.amount > 0]
    return _numbered(spine.semi_join(bills, paying).drop(ROW))
