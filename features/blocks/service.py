"""Blocks of service: complaints, contacts and surveys, one row per event."""

import ibis.expr.types as ir

from features.settings import FeatureSettings
from features.visible import Tables, visible


def complaints(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The visible complaints as they are; `resolved_at` is null until it has come."""
    return visible(spine, tables["complaints"])


def contacts(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The visible contacts that took place: a control of a campaign is on record and was left alone."""
    return visible(spine, took_place(tables["contacts"]))


def took_place(contacts: ir.Table) -> ir.Table:
    """Contacts without the controls of campaigns."""
    return contacts.filter(contacts.arm.fill_null("") != "control")


def surveys(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The visible answers as they are, one row per question."""
    return visible(spine, tables["surveys"])
