"""Rows that were put aside: file, row, column, rule and masked value; and when there are too many of them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import Contract
from features.errors import HeadwaterError, Problem
from pipelines.config.quality import Quality
from pipelines.ingest import cells
from pipelines.ingest.marks import BROKEN, FOUND, column_of, rule_of
from pipelines.ingest.readers.sources import FILE, ROW, Raw, Raws
from pipelines.ingest.rules import KEY_RULES, masked
from pipelines.ingest.tables import ASIDE, RowCount

SCHEMA = pa.schema(
    [("file", pa.string()), ("row", pa.int64()), ("column", pa.string()), ("rule", pa.string()), ("value", pa.string())]
)
OWN_CODES = {
    "conflicting_key": "E304",
    "overlapping_holders": "E361",
    "key_of_two_sources": "E365",
    "from_the_future": "E305",
    "unknown_customer": "E306",
    "not_a_date": "E307",
    "not_a_time": "E307",
    "not_a_number": "E308",
    "not_a_whole_number": "E308",
    "empty": "E309",
    "empty_key": "E309",
    "ragged_row": "E318",
}
"""Rules whose excess has a message of its own; the others share E310."""


def collect(con, aside: pa.Table, waiting: pa.Table, raws: Raws, zone: str) -> pa.Table:
    """Every row of a table that is not used and not a duplicate, in the order of the files.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    aside
        Rows put aside for good, of the schema `ASIDE`.
    waiting
        Rows that wait, as `rows_with_places`.
    raws
        Name the inputs.
    zone
        IANA name, in which moments are shown.
    """
    rows = pa.concat_tables([aside, _waiting_rows(con, waiting, zone)]).combine_chunks()
    names = pa.array([file.path for file in raws.inputs], pa.string()).take(rows[FILE].combine_chunks())
    columns = [names, rows[ROW], *(rows[name] for name in SCHEMA.names[2:])]
    return pa.table(columns, schema=SCHEMA).sort_by([("file", "ascending"), ("row", "ascending")])


def ragged_rows(raw: Raw) -> pa.Table:
    """Rows of the wrong length, which no table ever saw; of the schema `ASIDE`."""
    rows = [
        {FILE: line.file, ROW: line.row, "rule": "ragged_row", "value": line.text[:12] + "…"} for line in raw.bad_lines
    ]
    return pa.Table.from_pylist(rows, ASIDE)


def broken_rows(bad: ir.Table) -> pa.Table:
    """Marked rows with column, rule and masked value; of the schema `ASIDE`."""
    column, rule = column_of(bad[BROKEN]), rule_of(bad[BROKEN])
    return bad.select(FILE, ROW, column=column, rule=rule, value=masked(bad[FOUND])).to_pyarrow().cast(ASIDE)


def _waiting_rows(con, waiting: pa.Table, zone: str) -> pa.Table:
    """The same of rows that wait: those from the future show when they were known, the others whose they are."""
    if not waiting.num_rows:
        return ASIDE.empty_table()
    rows = con.create_table("rows_waiting", waiting, temp=True, overwrite=True)
    column, value = ibis.literal("customer_id"), rows.customer_id
    if "known_at" in rows.columns:
        late = rows.rule == "from_the_future"
        column, value = late.ifelse("known_at", column), late.ifelse(cells.local_text(rows.known_at, zone), value)
    shown = rows.select(FILE, ROW, column=column, rule=rows.rule, value=masked(value)).to_pyarrow()
    con.drop_table("rows_waiting")
    return shown.cast(ASIDE)


def judge(contract: Contract, count: RowCount, bad: pa.Table, quality: Quality) -> None:
    """Raises E304-E310 or E318 when more of a table is bad than the settings allow, a problem for each rule and column.

    Parameters
    ----------
    contract
        Of the table.
    count
        What became of its rows.
    bad
        Its quarantined rows, of the schema `SCHEMA`.
    quality
        The limits.
    """
    if not bad.num_rows:
        return
    keys = bad.filter(pc.is_in(bad["rule"], pa.array(KEY_RULES)))
    shares = [(keys, quality.max_quarantined_keys), (bad, quality.max_quarantined)]
    for rows, limit in shares:
        if rows.num_rows > limit * count.in_:
            share = {"table": contract.name, "total": count.in_, "share": rows.num_rows / count.in_, "limit": limit}
            told = list(_broken_rules(rows, share))
            raise HeadwaterError.of(told + [problem for problem in _broken_rules(bad, share) if problem not in told])


def _broken_rules(rows: pa.Table, share: dict[str, Any]) -> Iterator[Problem]:
    """A problem for each rule and column that rows break, the most frequent first, with three examples."""
    counted = Counter(zip(rows["rule"].to_pylist(), rows["column"].to_pylist(), strict=True))
    for (rule, column), number in counted.most_common():
        same = rows.filter(pc.and_kleene(pc.equal(rows["rule"], rule), _same_column(rows, column)))
        first = same.slice(0, 3).to_pylist()
        sample = tuple(f"{row['file']}:{row['row']}  {column or ''}={row['value']}" for row in first)
        yield broken_rule(rule, column, first[0], share | {"rows": number}, sample)


def broken_rule(
    rule: str, column: str | None, first: dict[str, Any], values: dict[str, Any], sample: tuple[str, ...] = ()
) -> Problem:
    """What is said of a rule that rows of a table break.

    Parameters
    ----------
    rule, column
        As in the quarantine; a row of the wrong length breaks its rule in no column.
    first
        `file`, `row` and masked `value` of the first such row.
    values
        Numbers for the sentence: table, rows, total, share, limit.
    sample
        Some rows, as they are shown.
    """
    words = {"rule": f"@rule.{rule}", "value": first["value"]}
    return Problem(OWN_CODES.get(rule, "E310"), first["file"], first["row"], column, sample, values | words)


def _same_column(rows: pa.Table, column: str | None) -> pa.ChunkedArray:
    return pc.is_null(rows["column"]) if column is None else pc.equal(rows["column"], column)


def notes(contract: Contract, raws: Raws, count: RowCount, bad: pa.Table) -> list[Problem]:
    """What is worth a warning: a file given twice, rows put aside, duplicates removed.

    Parameters
    ----------
    contract
        Of the table.
    raws
        Its inputs, and which of them are repeated.
    count
        What became of its rows.
    bad
        Its quarantined rows, of the schema `SCHEMA`.
    """
    warnings = [Problem("W301", copy, values={"table": contract.name, "first": first}) for copy, first in raws.repeated]
    if bad.num_rows:
        rule, number = Counter(bad["rule"].to_pylist()).most_common(1)[0]
        values = {
            "table": contract.name,
            "rows": bad.num_rows,
            "total": count.in_,
            "rule": f"@rule.{rule}",
            "most": number,
        }
        warnings.append(Problem("W302", bad["file"][0].as_py(), values=values))
    if count.duplicates:
        values = {"table": contract.name, "rows": count.duplicates, "total": count.in_}
        warnings.append(Problem("W303", raws.inputs[0].path, values=values))
    return warnings
