"""Campaigns that the contacts table knows: what was done, whether or not anybody registered it beforehand."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import HeadwaterError
from pipelines.ingest import canonical
from pipelines.ingest.tables import Part
from pipelines.workspace.files import sha256

COLUMNS = ["campaign_id", "customer_id", "happened_on", "arm"]
CONTROL = "control"


@dataclass(frozen=True)
class OnRecord:
    """One campaign of the contacts table.

    Attributes
    ----------
    name
        Its campaign_id.
    contacted
        Customers who were contacted.
    held_out
        Customers who were left alone on purpose; 0 where it had no holdout.
    first, last
        Days of its contacts, local.
    """

    name: str
    contacted: int
    held_out: int
    first: date
    last: date


def on_record(folder: Path) -> list[OnRecord]:
    """The campaigns of the newest reading, the last to begin first.

    Parameters
    ----------
    folder
        The project's own (`<workspace>/<name>`); none where nothing was read there, or no contacts.

    Raises
    ------
    HeadwaterError
        E331 (exit 3) where what was read is missing or altered.
    """
    parts = canonical.newest_parts(folder, "contacts")
    if not parts:
        return []
    rows = pa.concat_tables(map(_read, parts))
    rows = rows.filter(pc.is_valid(rows["campaign_id"]))
    is_held_out = pc.fill_null(pc.equal(rows["arm"], CONTROL), False)
    days = rows.group_by("campaign_id").aggregate([("happened_on", "min"), ("happened_on", "max")]).to_pylist()
    contacted, held_out = (_customers(rows.filter(chosen)) for chosen in (pc.invert(is_held_out), is_held_out))
    found = [
        OnRecord(
            name=(name := row["campaign_id"]),
            contacted=contacted.get(name, 0),
            held_out=held_out.get(name, 0),
            first=row["happened_on_min"],
            last=row["happened_on_max"],
        )
        for row in days
    ]
    return sorted(found, key=lambda one: (one.first, one.name), reverse=True)


def _customers(rows: pa.Table) -> dict[str, int]:
    """Campaign -> its customers, each once."""
    counted = rows.group_by("campaign_id").aggregate([("customer_id", "count_distinct")])
    return dict(zip(counted["campaign_id"].to_pylist(), counted["customer_id_count_distinct"].to_pylist(), strict=True))


def _read(part: Part) -> pa.Table:
    if not part.path.is_file() or sha256(part.path) != part.sha256:
        raise HeadwaterError("E331", file=part.path, detail="missing or altered (sha256)")
    return pq.read_table(part.path, columns=COLUMNS)
