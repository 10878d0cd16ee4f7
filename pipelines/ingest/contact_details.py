"""How some customers are reached: read from its source when a list is taken away with it, and kept nowhere."""

from collections.abc import Collection
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features.contracts import CONTACT_DETAILS
from features.errors import HeadwaterError
from pipelines.config.mapping import Mapping, SourceMapping
from pipelines.ingest import columns, pinning
from pipelines.ingest.columns import Columns
from pipelines.ingest.extracts import Extract
from pipelines.ingest.marks import BROKEN
from pipelines.ingest.readers import databases, sources
from pipelines.workspace.erasures import Erasures

DETAILS = tuple(column.name for column in CONTACT_DETAILS.columns if column.name != "customer_id")


def read(mapping: Mapping, ids: Collection[str], erasures: Erasures) -> pd.DataFrame:
    """Names, telephone numbers and e-mail addresses of some customers, as their source has them now.

    Where several rows of a customer say different things, nobody knows which is theirs: what they differ in is left
    empty. So is everything of an id that was erased, whoever has it now: the source has no day that would tell.

    Parameters
    ----------
    mapping
        Its `contact_details`.
    ids
        Of the customers.
    erasures
        Who was erased.

    Returns
    -------
    pandas.DataFrame
        `DETAILS` as texts by customer_id, a row for each id in their order; None where nothing is known.

    Raises
    ------
    HeadwaterError
        E248 (exit 2) where the mapping has no contact_details; what reading a source raises: E401 where it is not there, E302 for a column
        that it lacks.
    """
    part = mapping.contact_details
    if part is None:
        named = {"key": "--contacts", "table": CONTACT_DETAILS.name, "mapping": mapping.origin}
        raise HeadwaterError("E248", **named, advice="@contact_details.without")
    wanted = [one for one in dict.fromkeys(ids) if erasures.digest(one) not in erasures.until]
    try:
        with _as_files(part) as source:
            found = _rows(mapping, source, wanted)
    except HeadwaterError as error:
        named = {"table": CONTACT_DETAILS.name, "place": CONTACT_DETAILS.name, "mapping": mapping.origin}
        raise HeadwaterError.of([replace(one, values=one.values | named) for one in error.problems]) from error
    told = found.groupby("customer_id", sort=False)[list(DETAILS)].agg(_only_one)
    return told.reindex(list(dict.fromkeys(ids))).astype(object).where(lambda frame: frame.notna(), None)


def _only_one(values: pd.Series) -> Any:
    """The value that all rows have which have one; None where they differ."""
    found = values.dropna().unique()
    return found[0] if len(found) == 1 else None


@contextmanager
def _as_files(part: SourceMapping):
    """The source as files of which it is known how they are written; a database table is fetched into files that go again."""
    if part.source.connection is None or part.source.files:
        yield part.model_copy(update={"source": pinning.readable(part.source)})
        return
    with TemporaryDirectory() as folder:
        own = part.model_copy(deep=True)
        with databases.opened(part.source.connection) as database:
            Extract.of(CONTACT_DETAILS.name, own, Path(folder)).fetch(database, None)
        yield own


def _rows(mapping: Mapping, part: SourceMapping, ids: Collection[str]) -> pd.DataFrame:
    """The sound rows of these customers."""
    con, raw = ibis.duckdb.connect(threads=1), sources.find(part.source)
    needed = sorted(columns.needed(part))
    sources.require(raw, set(needed))
    wanted = ibis.memtable(pa.table({"customer_id": pa.array(sorted(ids), pa.string())}))
    found = [
        con.to_pyarrow(_sound(mapping, part, con.create_table("batch", pa.table(batch), overwrite=True), wanted))
        for batch in sources.stream(raw, needed)
    ]
    names = ["customer_id", *DETAILS]
    empty = pa.schema([(name, pa.string()) for name in names]).empty_table()
    return pa.concat_tables([empty, *(table.select(names).cast(empty.schema) for table in found)]).to_pandas()


def _sound(mapping: Mapping, part: SourceMapping, batch: ir.Table, wanted: ir.Table) -> ir.Table:
    kept = batch.filter(Columns(CONTACT_DETAILS, part, mapping, batch).kept().value)
    mapped = Columns(CONTACT_DETAILS, part, mapping, kept).projection()
    return mapped.filter(mapped[BROKEN].isnull()).semi_join(wanted, "customer_id")
