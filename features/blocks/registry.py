"""What feature functions read: visible rows, one block per kind of history, each with every row of the spine in it.

A block holds the `row` of the spine and what its features need; a customer without events keeps one row of nulls, so
that "none" and "unknown" are decided in the feature and never patched in afterwards.
"""

from collections.abc import Callable

import ibis.expr.types as ir

from features.blocks import customers, household, money, service, surroundings, usage
from features.settings import FeatureSettings
from features.visible import Tables

Block = Callable[[ir.Table, Tables, FeatureSettings], ir.Table]
"""From the spine (one numbered row per customer_id and as_of), the canonical tables that it needs and the settings to
its rows: any number for each `row` of the spine, of which a customer without events keeps one that is null."""


BLOCKS: dict[str, tuple[tuple[str, ...], Block]] = {
    "customers": (("customers",), customers.customers),
    "bills": (("bills",), money.bills),
    "purchases": (("bills",), money.purchases),
    "usage": (("usage",), usage.usage),
    "usage_days": (("usage",), usage.usage_days),
    "settled": (("bills", "payments"), money.settled),
    "payments": (("payments",), money.payments),
    "complaints": (("complaints",), service.complaints),
    "contacts": (("contacts",), service.contacts),
    "subscriptions": (("subscriptions",), customers.subscriptions),
    "surveys": (("surveys",), service.surveys),
    "attributes": (("customers",), customers.attributes),
    "plans_ahead": (("subscriptions",), customers.plans_ahead),
    "plan_moves": (("subscriptions",), customers.plan_moves),
    "household": (("customers",), household.household),
    "household_bills": (("customers", "bills"), household.household_bills),
    "household_complaints": (("customers", "complaints"), household.household_complaints),
    "surroundings_left": (("customers",), surroundings.surroundings_left),
    "surroundings_complaints": (("customers", "complaints"), surroundings.surroundings_complaints),
    "surroundings_payments": (("customers", "payments"), surroundings.surroundings_payments),
}
"""Block name to the tables that it needs and how it is made."""

ACCOUNTS = ("household", "household_bills", "household_complaints")
"""Blocks that look at other customers of the account: their tables must not be cut to some of the customers."""

EVERYBODY = ("surroundings_left", "surroundings_complaints", "surroundings_payments")
"""Blocks that look at all customers of the as-of date."""

ACROSS = ACCOUNTS + EVERYBODY
"""Blocks whose rows follow from other customers too."""
