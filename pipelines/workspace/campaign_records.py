"""What is told of campaigns after they were registered: contacts that were read from a file (`campaigns/contacts/`), and what was
measured last, in figures (`campaigns/measured/`) and of each customer (`campaigns/members/`)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError
from pipelines.workspace.campaigns import DAMAGED
from pipelines.workspace.files import FOLDER_MODE, settle, write_json, write_parquet
from pipelines.workspace.paths import Workspace
from pipelines.workspace.score_files import DAMAGE

TOGETHER = "together"
"""Stands for all campaigns where the name of one stands otherwise."""
CONTACTS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("happened_on", pa.date32()),
        ("channel", pa.string()),
        ("result", pa.string()),
        ("cost", pa.float64()),
    ]
)
FACTS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("arm", pa.string()),
        ("rank", pa.int64()),
        ("contacts", pa.float64()),
        ("first_contact", pa.date32()),
        ("channel", pa.string()),
        ("result", pa.string()),
        ("contact_cost", pa.float64()),
        ("came", pa.float64()),
        ("money", pa.float64()),
        ("left", pa.float64()),
    ]
)
"""Members with what became of them: the last contact's channel and result, the outcome, money of the window, have they left."""


def keep_contacts(workspace: Workspace, name: str, contacts: pd.DataFrame) -> Path:
    """Replace what a file told of the contacts of a campaign.

    Parameters
    ----------
    workspace
        Of the project.
    name
        Id of the campaign.
    contacts
        The columns of `CONTACTS`, a row per contact.
    """
    return _keep_rows(_beside(workspace, "contacts", name), contacts, CONTACTS)


def contacts(workspace: Workspace, name: str) -> pd.DataFrame | None:
    """What a file told of the contacts of a campaign; None where none was read. Raises E371 where that is damaged."""
    path = _beside(workspace, "contacts", name)
    return _rows(path) if path.is_file() else None


def keep_facts(workspace: Workspace, name: str, members: pd.DataFrame) -> Path:
    """Replace what became of each customer of a campaign: `campaigns/members/<id>.parquet`.

    Parameters
    ----------
    workspace
        Of the project.
    name
        Id of the campaign.
    members
        The columns of `FACTS`, null where something is not known.
    """
    return _keep_rows(_beside(workspace, "members", name), members, FACTS)


def facts(workspace: Workspace, name: str) -> pd.DataFrame:
    """What became of each customer of a campaign when it was measured last. Raises E371 where that is damaged or gone."""
    return _rows(_beside(workspace, "members", name))


def _rows(path: Path) -> pd.DataFrame:
    try:
        return pq.read_table(path, page_checksum_verification=True).to_pandas(date_as_object=True)
    except (*DAMAGE, FileNotFoundError) as error:
        raise HeadwaterError(DAMAGED, file=path, detail=str(error).splitlines()[0]) from error


def keep_measurement(workspace: Workspace, name: str, told: Mapping[str, Any]) -> Path:
    """Replace what was measured last of a campaign, or of all `TOGETHER`: figures, and nobody's id.

    Parameters
    ----------
    workspace
        Of the project.
    name
        Id of the campaign.
    told
        As JSON has it.
    """
    path = _beside(workspace, "measured", name, "json")
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return write_json(path, told)


def measurement(workspace: Workspace, name: str) -> dict[str, Any] | None:
    """What was measured last of a campaign, or of all `TOGETHER`; None where nothing was. Raises E371 where that is damaged."""
    path = _beside(workspace, "measured", name, "json")
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise HeadwaterError(DAMAGED, file=path, detail=str(error)) from error
    return found


def _beside(workspace: Workspace, folder: str, name: str, ending: str = "parquet") -> Path:
    """Where something lies that is told of a campaign beside its own file."""
    return workspace.campaigns / folder / f"{name}.{ending}"


def _keep_rows(path: Path, rows: pd.DataFrame, schema: pa.Schema) -> Path:
    """Replace a file of a campaign's people."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    write_parquet(path, [pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False)], schema)
    settle(path.parent)
    return path
