"""Who was contacted by a campaign: by the contacts table, and by a file that somebody brings where there is no such table."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd

from features.errors import HeadwaterError
from models.targets.campaigns import CONTROL
from pipelines.project import Project
from pipelines.workspace import campaign_records
from pipelines.workspace.campaign_records import CONTACTS
from pipelines.workspace.campaigns import Campaign

NEEDED = ("customer_id", "happened_on")
COLUMNS = tuple(CONTACTS.names)


@dataclass(frozen=True)
class Contacts:
    """Contacts of one campaign.

    Attributes
    ----------
    rows
        customer_id, happened_on, channel, result, cost (null unknown): a row per contact of somebody on its list.
    strangers
        Contacts under the campaign's name of customers who are not on its list.
    outside
        Contacts before its first day or after its last.
    """

    rows: pd.DataFrame
    strangers: int
    outside: int

    @property
    def on_record(self) -> bool:
        """Is any contact of the campaign known at all?"""
        return bool(len(self.rows))


def found(project: Project, campaign: Campaign, tables: Mapping[str, ir.Table]) -> Contacts:
    """The contacts of a campaign on record: those that the contacts table gives its id or name, and those of a file.

    Parameters
    ----------
    project
        Its workspace.
    campaign
        As it was registered.
    tables
        The canonical tables; whom the contacts table lists as control was not contacted.

    Raises
    ------
    HeadwaterError
        E371 (exit 3) where what was read from a file is damaged.
    """
    told = [_of_table(tables["contacts"], campaign)] if "contacts" in tables else []
    brought = campaign_records.contacts(project.workspace, campaign.id)
    told += [] if brought is None else [brought]
    rows = pd.concat(told, ignore_index=True) if told else pd.DataFrame(columns=list(COLUMNS))
    return of_list(campaign, rows)


def of_list(campaign: Campaign, rows: pd.DataFrame) -> Contacts:
    """Contacts of the customers of a campaign, and how many others there are.

    Parameters
    ----------
    campaign
        As it was registered.
    rows
        The columns of `campaign_records.CONTACTS`.
    """
    listed = rows["customer_id"].isin(campaign.members["customer_id"])
    inside = [campaign.terms.start <= day <= campaign.terms.end for day in rows["happened_on"]]
    outside = int((listed & ~pd.Series(inside, index=rows.index, dtype=bool)).sum())
    return Contacts(rows[listed].reset_index(drop=True), int((~listed).sum()), outside)


def _of_table(contacts: ir.Table, campaign: Campaign) -> pd.DataFrame:
    """Outbound contacts under the campaign's id or name."""
    own = contacts.filter(
        contacts.campaign_id.isin(sorted(campaign.names)),
        contacts.arm.isnull() | (contacts.arm != CONTROL),
        contacts.direction.isnull() | (contacts.direction == "outbound"),
    )
    rows = own.select(
        "customer_id", "happened_on", "channel", result=ibis.null("string"), cost=own.cost.cast("float64")
    )
    return rows.order_by("customer_id", "happened_on", "channel", "cost").to_pyarrow().to_pandas(date_as_object=True)


def per_customer(contacts: Contacts, customers: Iterable[str]) -> pd.DataFrame:
    """What a campaign did to each customer.

    Parameters
    ----------
    contacts
        Of the campaign.
    customers
        Of its list.

    Returns
    -------
    pandas.DataFrame
        Rows as the customers; contacts (0 for none, null where none of anybody is on record), contact_cost (null where one of
        them has no cost), first_contact, and channel and result of the last one.
    """
    index = pd.Index(list(customers))
    if not contacts.on_record:
        unknown = pd.DataFrame({"contacts": float("nan"), "contact_cost": float("nan")}, index=index)
        return unknown.assign(first_contact=None, channel=None, result=None)
    own = contacts.rows.sort_values("happened_on", kind="stable").groupby("customer_id")
    counts, costs = own.size(), own["cost"].sum(min_count=1).where(own["cost"].count() == own.size())
    facts = {
        "first_contact": own["happened_on"].first(),
        "channel": own["channel"].last(),
        "result": own["result"].last(),
    }
    known = {"contacts": counts.reindex(index).fillna(0.0), "contact_cost": costs.reindex(index)}
    return pd.DataFrame(known | {name: column.reindex(index) for name, column in facts.items()})


def read_file(path: Path) -> pd.DataFrame:
    """Contacts from a CSV file in UTF-8: customer_id and happened_on (2026-11-05), and where known channel, result and cost.

    Parameters
    ----------
    path
        The file, its first line the names of columns.

    Returns
    -------
    pandas.DataFrame
        The columns of `campaign_records.CONTACTS`, null where the file says nothing.

    Raises
    ------
    HeadwaterError
        E372 (exit 3) for a file that is no such table, with the first line that is wrong: half a file is not read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in NEEDED if name not in (reader.fieldnames or ())]
            if lacking:
                raise HeadwaterError("E372", file=path, line=1, found=", ".join(reader.fieldnames or ()) or "—")
            rows = [_contact(path, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HeadwaterError("E372", file=path, line=0, found=str(error)) from error
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _contact(path: Path, line: int, row: Mapping[str, str | None]) -> dict[str, object]:
    """One line of the file."""
    customer, day, cost = ((row.get(name) or "").strip() for name in ("customer_id", "happened_on", "cost"))
    try:
        amount = float(cost) if cost else None
        if not customer or (amount is not None and not 0 <= amount < float("inf")):
            raise ValueError
        told = {"customer_id": customer, "happened_on": date.fromisoformat(day), "cost": amount}
    except ValueError as error:
        raise HeadwaterError("E372", file=path, line=line, found=f"{customer}, {day}, {cost}") from error
    return told | {name: (row.get(name) or "").strip() or None for name in ("channel", "result")}
