"""Rows that were put aside: file, row, column, rule and masked value; and when there are too many of them."""

from collections import Counter

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import Contract
from features.errors import HeadwaterError, Problem
from pipelines.judging import BROKEN, FOUND, Told
from pipelines.quality import KEY_RULES, Quality, RowCount, Versions, masked
from pipelines.sources import FILE, ROW, Raw

SCHEMA = pa.schema(
    [("file", pa.string()), ("row", pa.int64()), ("column", pa.string()), ("rule", pa.string()), ("value", pa.string())]
)
OWN_CODES = {
    "conflicting_key": "E304",
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


def collect(staged: ir.Table, told: list[Told], parts: Versions, raw: Raw) -> pa.Table:
    """Every row of a table that is not used and not a duplicate, in the order of the files."""
    pieces = [ragged(raw), numbered(staged, told, raw)]
    if parts.conflicts is not None:
        pieces.append(conflicts(parts.conflicts, raw))
    return pa.concat_tables(pieces).sort_by([("file", "ascending"), ("row", "ascending")])


def ragged(raw: Raw) -> pa.Table:
    rows = [
        {"file": raw.name(line.file), "row": line.row, "rule": "ragged_row", "value": line.text[:12] + "…"}
        for line in raw.bad_lines
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def numbered(staged: ir.Table, told: list[Told], raw: Raw) -> pa.Table:
    bad = staged.filter(staged[BROKEN].notnull())
    found = bad.select(FILE, ROW, BROKEN, value=masked(bad[FOUND])).to_pyarrow()
    return table(found, raw, [column for column, _ in told], [rule for _, rule in told])


def conflicts(rows: ir.Table, raw: Raw) -> pa.Table:
    key = masked(ibis.literal("").join([rows.customer_id])) if "customer_id" in rows.columns else ibis.literal("")
    found = rows.select(FILE, ROW, value=key).mutate(**{BROKEN: ibis.literal(0, "int32")}).to_pyarrow()
    return table(found, raw, ["customer_id"], ["conflicting_key"])


def table(found: pa.Table, raw: Raw, columns: list[str], rules: list[str]) -> pa.Table:
    """Numbers replaced by names."""
    number = found[BROKEN].cast(pa.int32())
    names = pa.array([file.path for file in raw.inputs], pa.string())
    return pa.table(
        [
            names.take(found[FILE].combine_chunks()) if found.num_rows else pa.array([], pa.string()),
            found[ROW],
            pa.array(columns, pa.string()).take(number.combine_chunks()),
            pa.array(rules, pa.string()).take(number.combine_chunks()),
            found["value"].cast(pa.string()),
        ],
        schema=SCHEMA,
    )


def judge(contract: Contract, count: RowCount, bad: pa.Table, quality: Quality) -> None:
    """Raises E304-E310 or E318 when more of a table is bad than the settings allow."""
    if not bad.num_rows:
        return
    keys = bad.filter(pc.is_in(bad["rule"], pa.array(KEY_RULES)))
    shares = [(keys, quality.max_quarantined_keys), (bad, quality.max_quarantined)]
    for rows, limit in shares:
        if rows.num_rows > limit * count.in_:
            raise excess(contract, rows, count, limit)


def excess(contract: Contract, rows: pa.Table, count: RowCount, limit: float) -> HeadwaterError:
    """The message of the most frequent rule, with three examples; its other rules are counted."""
    counted = Counter(zip(rows["rule"].to_pylist(), rows["column"].to_pylist(), strict=True))
    (rule, column), number = counted.most_common(1)[0]
    same = rows.filter(pc.and_kleene(pc.equal(rows["rule"], rule), same_column(rows, column)))
    first = same.slice(0, 3).to_pylist()
    return HeadwaterError(
        OWN_CODES.get(rule, "E310"),
        file=first[0]["file"],
        row=first[0]["row"],
        column=column,
        sample=[f"{row['file']}:{row['row']}  {column or ''}={row['value']}" for row in first],
        rule=f"@rule.{rule}",
        rows=number,
        total=count.in_,
        share=rows.num_rows / count.in_,
        limit=limit,
        value=first[0]["value"],
    )


def same_column(rows: pa.Table, column: str | None) -> pa.ChunkedArray:
    return pc.is_null(rows["column"]) if column is None else pc.equal(rows["column"], column)


def notes(contract: Contract, raw: Raw, count: RowCount, bad: pa.Table) -> list[Problem]:
    """What is worth a warning: a file given twice, rows put aside, duplicates removed."""
    found = [Problem("W301", again, values={"table": contract.name, "first": first}) for again, first in raw.repeated]
    if bad.num_rows:
        rule, number = Counter(bad["rule"].to_pylist()).most_common(1)[0]
        values = {
            "table": contract.name,
            "rows": bad.num_rows,
            "total": count.in_,
            "rule": f"@rule.{rule}",
            "most": number,
        }
        found.append(Problem("W302", bad["file"][0].as_py(), values=values))
    if count.duplicates:
        values = {"table": contract.name, "rows": count.duplicates, "total": count.in_}
        found.append(Problem("W303", raw.name(0), values=values))
    return found
