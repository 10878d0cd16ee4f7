"""Who has said yes and no by now: what the newest reading of the consents table knows, whatever date was scored since."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError
from pipelines.ingest import canonical
from pipelines.ingest.tables import Part
from pipelines.workspace.files import sha256

COLUMNS = ["customer_id", "purpose", "happened_at", "allowed"]


def refused(folder: Path, purpose: str) -> frozenset[str]:
    """Customers whose newest decision for a purpose is no. Parameters and errors are those of `decisions`."""
    newest = decisions(folder, purpose)
    return frozenset(newest.index[~newest])


def agreed(folder: Path, purpose: str) -> frozenset[str]:
    """Customers whose newest decision for a purpose is yes. Parameters and errors are those of `decisions`."""
    newest = decisions(folder, purpose)
    return frozenset(newest.index[newest])


def decisions(folder: Path, purpose: str) -> "pd.Series[bool]":
    """The newest decision of each customer for a purpose; where a yes and a no have the same time, the no counts.

    Time is not cut here: a no that is on record for tomorrow is obeyed today, and so is one that the scores do not see yet.

    Parameters
    ----------
    folder
        The project's own (`<workspace>/<name>`); nobody where nothing was read there, or no consents.
    purpose
        What the consent was asked for.

    Returns
    -------
    pandas.Series
        Flags by customer_id.

    Raises
    ------
    HeadwaterError
        E331 (exit 3) where what was read is missing or altered: without it nobody can be called.
    """
    parts = canonical.newest_parts(folder, "consents")
    if not parts:
        return pd.Series(dtype=bool)
    decided: pd.DataFrame = pa.concat_tables(map(_read, parts)).to_pandas()
    decided = decided[decided["purpose"].eq(purpose)].sort_values(["happened_at", "allowed"], ascending=[True, False])
    newest = decided.drop_duplicates("customer_id", keep="last")
    return newest.set_index("customer_id")["allowed"].fillna(False).astype(bool)


def _read(part: Part) -> pa.Table:
    if not part.path.is_file() or sha256(part.path) != part.sha256:
        raise HeadwaterError("E331", file=part.path, detail="missing or altered (sha256)")
    return pq.read_table(part.path, columns=COLUMNS)
