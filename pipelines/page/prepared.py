"""What is asked of a night again and again, worked out when it is opened: the table `beside`, a row per customer.

`row` is the place in the score file; `digest` and `length` make the short name; `churn_bits` and `vip_bits` say which reasons
somebody has.
"""

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.page import short_names
from pipelines.workspace.publication import Publication

KINDS = ("churn", "vip")
MOST_CODES = 63
"""Bits of a whole number of DuckDB with a sign."""


def beside(con: duckdb.DuckDBPyConnection, publication: Publication, key: bytes) -> Mapping[str, Sequence[str]]:
    """Make the table in a connection.

    Parameters
    ----------
    con
        Of the night.
    publication
        Whose rows they are.
    key
        Of the short names.

    Returns
    -------
    Mapping
        Kind of list -> codes of its reasons, in the order of their bits.
    """
    digest = _digests(publication, key)
    columns = {
        "row": pa.array(np.arange(len(digest), dtype="int32")),
        "digest": pa.array(digest.astype("int64")),
        "length": pa.array(short_names.lengths(digest)),
    }
    codes: dict[str, Sequence[str]] = {}
    for kind in KINDS:
        codes[kind], columns[f"{kind}_bits"] = _bits(publication, f"{kind}_reasons")
    table = pa.table(columns)
    con.register("beside_rows", table)
    con.execute("CREATE TABLE beside AS SELECT * FROM beside_rows")
    con.unregister("beside_rows")
    return codes


def _digests(publication: Publication, key: bytes) -> np.ndarray:
    pieces = [
        short_names.digests(piece["customer_id"].to_pylist(), key)
        for piece in publication.scores.pieces(["customer_id"])
    ]
    return np.concatenate(pieces) if pieces else np.empty(0, dtype="uint64")


def _bits(publication: Publication, column: str) -> tuple[Sequence[str], pa.Array]:
    """Codes that somebody has, and which of them each customer has."""
    codes: list[str] = []
    masks = []
    for piece in publication.scores.pieces([column]):
        cells = piece[column].combine_chunks()
        found = pc.struct_field(pc.list_flatten(cells), "code").cast(pa.string())
        codes += sorted(set(pc.unique(found).to_pylist()) - {None, *codes})
        places = pc.index_in(found, pa.array(codes[:MOST_CODES], pa.string())).fill_null(MOST_CODES).to_numpy()
        mask = np.zeros(len(cells), dtype="int64")
        known = places < MOST_CODES
        np.bitwise_or.at(
            mask, pc.list_parent_indices(cells).to_numpy()[known], np.int64(1) << places[known].astype("int64")
        )
        masks.append(mask)
    return codes[:MOST_CODES], pa.array(np.concatenate(masks) if masks else np.empty(0, dtype="int64"))
