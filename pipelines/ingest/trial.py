"""A trial of a mapping on the first rows of every table."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.config.mapping import Mapping, SourceMapping
from pipelines.ingest import columns, extracts, inputs, marks, offsets
from pipelines.ingest.columns import Columns
from pipelines.ingest.readers import sources
from pipelines.ingest.rules import contract_problems

FIRST = 1_000


@dataclass(frozen=True)
class Trial:
    """What a mapping makes of the first rows of a table, or of one of its sources: rows looked at, rule -> rows that break it, three examples, and
    rows that its `where` leaves out."""

    table: str
    rows: int
    broken: dict[str, int]
    example: list[dict]
    filtered: int = 0


def trials(mapping: Mapping, rows: int = FIRST) -> list[Trial]:
    """Try every table of a mapping on its first rows; raises what a whole reading would raise for columns and codes."""
    con, own = ibis.duckdb.connect(), mapping.model_copy(deep=True)
    with TemporaryDirectory() as folder:
        extracts.extract(own, Path(folder), first=rows)
        return [_trial(con, own, name, part, rows) for name in inputs.ordered(own) for part in own.tables[name].parts]


def _trial(con, mapping: Mapping, name: str, part: SourceMapping, rows: int) -> Trial:
    try:
        return _outcome(con, mapping, name, part, rows)
    except HeadwaterError as error:
        raise inputs.of_table(error, mapping, name) from error


def _outcome(con, mapping: Mapping, name: str, part: SourceMapping, rows: int) -> Trial:
    contract = inputs.extended(name, mapping)
    raw = sources.find(part.source)
    needed = sorted(columns.needed(part))
    sources.require(raw, set(needed))
    first = pa.Table.from_batches([b for b in [next(iter(sources.stream(raw, needed)), None)] if b is not None])
    trial = con.create_table(f"trial_{name}", first.slice(0, rows), overwrite=True, temp=True)
    plain = Columns(contract, part, mapping, trial).kept()
    kept = trial.filter(ibis.or_(plain.value, *[problem.broken for problem in plain.problems]))
    canonical = Columns(contract, part, mapping, kept, offsets.aware_columns(kept, part, contract, raw.shown))
    mapped = canonical.projection()
    columns.check_maps(canonical, raw.shown)
    judged = marks.marked(mapped, contract_problems(mapped, contract))
    bad, good = judged.filter(judged[marks.BROKEN].notnull()), judged.filter(judged[marks.BROKEN].isnull())
    counts = bad.group_by(marks.BROKEN).aggregate(n=bad.count()).to_pyarrow().to_pylist()
    broken = {row[marks.BROKEN].replace("|", "."): row["n"] for row in counts}
    good = good.select(*contract.schema()).limit(3)
    looked_at = min(first.num_rows, rows)
    filtered = looked_at - int(kept.count().execute())
    return Trial(
        f"{name}.{part.name}" if part.name else name, looked_at, broken, good.to_pyarrow().to_pylist(), filtered
    )
