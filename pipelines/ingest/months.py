"""A series of monthly files of customers: each says what was known at the end of its month, and who left in it.

A row counts from the first moment after its month until the next month's is known. Whoever is there with a yes left in
the first month that says so, on a day that nobody knows: the middle one is written. Whoever comes back after that is
another holder. Whoever is gone without a yes is on record no more, and whether they left is not known.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from features.contracts import CHURNED, TIME
from features.errors import HeadwaterError, Problem
from features.spine import cutoff
from pipelines.config.mapping import Mapping as TableMappings
from pipelines.config.mapping import TableMapping
from pipelines.config.settings import Settings
from pipelines.ingest.readers.sources import FILE, Raw
from pipelines.ingest.tables import Tables

TICK = timedelta(microseconds=1)
MIDDLE = timedelta(days=14)
"""From the first day of a month to the one on which whoever left in it is taken to have left."""
FEWEST_SHARED = 0.5
"""Ids that two months which follow each other share at the least, of the fewer."""
LATE_DAYS, MISSING_DAYS = 10, 31
"""Days after the end of a month until its file is late, and until it is missing."""


def of_file(path: str, shape: str) -> date:
    """The first day of the month in the name of a file. Raises E366 where the name has another shape."""
    try:
        return datetime.strptime(Path(path).name, shape).date().replace(day=1)  # noqa: DTZ007  a month has no zone
    except ValueError as error:
        raise HeadwaterError("E366", file=path, shape=shape) from error


def after(month: date) -> date:
    """The first day of the month after the one of a day."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def end(month: date, timezone: str) -> datetime:
    """The last moment of a month (UTC): what is known then is seen on the first of the next."""
    return cutoff(after(month), timezone) - TICK


def _month(known_at: datetime, timezone: str) -> date:
    """The first day of the month whose end is known then."""
    local = known_at.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone))
    return local.date().replace(day=1)


def _ends(rows: ir.Table) -> list[datetime]:
    """The moments at which months became known, in order."""
    found = rows.select("known_at").distinct().to_pyarrow()["known_at"].to_pylist()
    return sorted(moment for moment in found if moment is not None)


@contextmanager
def columns_compared(table: TableMapping, raw: Raw, needed: set[str]) -> Iterator[None]:
    """A column that one month lacks and others have is told as that. Raises E368 instead of E302."""
    try:
        yield
    except HeadwaterError as error:
        having = [f.path for f in raw.inputs if needed <= set(raw.reader.header(f.path, raw.source))]
        if not table.monthly or error.problem.code != "E302" or not having:
            raise
        others = {"months": len(having), "other": having[-1], "there": error.problem.values.get("there") or "—"}
        problems = [Problem("E368", p.file, p.row, p.column, values=p.values | others) for p in error.problems]
        raise HeadwaterError.of(problems) from error


def check_copies(table: TableMapping, raw: Raw) -> None:
    """Raises E369 for each file that is a copy of another month's, where the months stand in the names of the files."""
    shape = table.month.file if table.monthly and table.month else None
    if not shape:
        return
    pairs = [(copy, first, of_file(copy, shape), of_file(first, shape)) for copy, first in raw.repeated]
    copied = [
        Problem("E369", copy, values={"month": f"{month:%Y-%m}", "before": f"{before:%Y-%m}", "other": first})
        for copy, first, month, before in pairs
        if month != before
    ]
    if copied:
        raise HeadwaterError.of(copied)


def check_files(con, raw: Raw, pieces: Mapping[str, list[Path]], timezone: str) -> None:
    """Raises E367 for each month that several files tell.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    raw
        The inputs.
    pieces
        Rows that were read, with `__file` and `known_at`, as Parquet files.
    timezone
        Of the months.
    """
    paths = [str(path) for part in pieces.values() for path in part]
    if not paths:
        return
    rows = con.read_parquet(paths, table_name="months_told").select("known_at", FILE).distinct()
    told: dict[datetime, list[str]] = {}
    for row in rows.order_by("known_at", FILE).to_pyarrow().to_pylist():
        told.setdefault(row["known_at"], []).append(raw.inputs[row[FILE]].path)
    con.drop_view("months_told", force=True)
    twice = [
        Problem("E367", files[1], values={"month": f"{_month(moment, timezone):%Y-%m}", "other": files[0]})
        for moment, files in told.items()
        if len(files) > 1
    ]
    if twice:
        raise HeadwaterError.of(twice)


def versions(rows: ir.Table, timezone: str) -> ir.Table:
    """The rows of all months with when each ends, when their customer joined and, for those who left, on which day.

    Parameters
    ----------
    rows
        The contract's columns, one row per customer and month; `activated_on` and `deactivated_on` may be null.
    timezone
        Of the months.

    Returns
    -------
    ir.Table
        The same columns and `superseded_at`; `activated_on` is never null.
    """
    columns = [*(c for c in rows.columns if c != "superseded_at"), "superseded_at"]
    ends = _ends(rows)
    months = [_month(moment, timezone) for moment in ends]
    until = [*ends[1:], None]
    schema = {"known_at": TIME, "until": TIME, "month": "date", "middle": "date"}
    calendar = ibis.memtable(
        [(e, u, m, m + MIDDLE) for e, u, m in zip(ends, until, months, strict=True)], schema=ibis.schema(schema)
    )
    rows = rows.drop(*[c for c in ("superseded_at",) if c in rows.columns]).join(calendar, "known_at")
    rows = _with_holders(rows)
    return rows.mutate(superseded_at=rows.until.cast(TIME)).select(*columns)


def _with_holders(rows: ir.Table) -> ir.Table:
    """The rows with the first day of each holder of an id, and the day on which they left where a month says so."""
    own = ibis.window(group_by="customer_id", order_by="known_at")
    left = rows.churned.fill_null(False) if CHURNED.name in rows.columns else ibis.literal(False)
    rows = rows.mutate(left=left)
    rows = rows.mutate(back=(~rows.left & rows.left.lag().over(own).fill_null(False)).cast("int64"))
    holder = rows.back.sum().over(ibis.cumulative_window(group_by="customer_id", order_by="known_at"))
    rows = rows.mutate(holder=holder)
    whole = ibis.window(group_by=["customer_id", "holder"])
    said, first = rows.activated_on.min().over(whole), rows["month"].min().over(whole)
    rows = rows.mutate(said=said, first=first, gone=rows.middle.min(where=rows.left).over(whole))
    joined = (rows.holder > 0).ifelse(ibis.greatest(rows["first"], rows.said), ibis.coalesce(rows.said, rows["first"]))
    rows = rows.mutate(activated_on=joined)
    told = ibis.greatest(rows.gone, rows.activated_on)
    return rows.mutate(deactivated_on=ibis.coalesce(rows.deactivated_on, rows.left.ifelse(told, None)))


def told_until(tables: Tables, mapping: TableMappings, as_of: date) -> date:
    """The date up to which it is known who has left: of a series of months the end of the newest before the as-of date."""
    if not mapping.tables["customers"].monthly:
        return as_of
    midnight = cutoff(as_of, mapping.timezone)
    seen = [moment for moment in _ends(tables["customers"]) if moment < midnight]
    return min(as_of, after(_month(seen[-1], mapping.timezone))) if seen else as_of


def check(tables: Tables, settings: Settings, as_of: date) -> tuple[Problem, ...]:
    """Warnings of a series of months: its newest file is late (W425), customers are gone without a yes (W367).

    Parameters
    ----------
    tables
        What was read.
    settings
        The mapping, and the limits of `quality`.
    as_of
        Months that end then or later do not count.

    Raises
    ------
    HeadwaterError
        E425 for a month in the middle that nobody, or nearly nobody, has; E426 where the newest is missing; E322 where
        two months that follow each other share few of their ids.
    """
    mapping = settings.tables
    if not mapping.tables["customers"].monthly:
        return ()
    people, file = tables["customers"], tables.fingerprints["customers"][-1].path
    seen = people.filter(people.known_at < cutoff(as_of, mapping.timezone))
    counted = seen.group_by("known_at").aggregate(rows=seen.count()).to_pyarrow().to_pylist()
    counts = {_month(row["known_at"], mapping.timezone): row["rows"] for row in counted}
    if not counts:
        return ()
    if thin := list(_thin(counts, settings, file)):
        raise HeadwaterError.of(thin)
    _check_spelling(seen, file)
    return (*_late(max(counts), as_of, file), *_gone(seen, file))


def _check_spelling(seen: ir.Table, file: str) -> None:
    """Ids that are spelled otherwise from some month on. Raises E322 where it shares few of the fewer with the one before."""
    later = seen.select("customer_id", "known_at").view()
    here = seen.left_join(later, [seen.customer_id == later.customer_id, seen.superseded_at == later.known_at])
    shared = here.group_by("known_at", "superseded_at").aggregate(n=here.count(), shared=here.known_at_right.count())
    rows = {row["known_at"]: row for row in shared.to_pyarrow().to_pylist()}
    for row in rows.values():
        if row["superseded_at"] in rows:
            share = row["shared"] / min(row["n"], rows[row["superseded_at"]]["n"])
            if share < FEWEST_SHARED:
                ids = later.filter(later.known_at == row["superseded_at"]).customer_id.min().to_pyarrow().as_py()
                raise HeadwaterError("E322", file=file, column="customer_id", share=share, value=ids)


def _thin(counts: Mapping[date, int], settings: Settings, file: str) -> Iterator[Problem]:
    """Months between others with far fewer customers than both of those beside them."""
    quality, month = settings.quality, min(counts)
    quiet, every = quality.quiet.get("customers", ()), [month]
    while every[-1] < max(counts):
        every.append(after(every[-1]))
    for before, month in pairwise(every):
        later = next((counts[m] for m in every if m > month and m in counts), None)
        beside = [n for n in (counts.get(before), later) if n]
        least = round(max(quality.smallest_month, 1e-9) * min(beside)) if beside and later else 0
        found, named = counts.get(month, 0), f"{month:%Y-%m}"
        if later and (not found or found < least) and named not in quiet:
            yield Problem("E425", file, values={"month": named, "found": found, "expected": max(least, 1)})


def _late(newest: date, as_of: date, file: str) -> Iterator[Problem]:
    """A warning where the month after the newest should be there. Raises E426 where it is missing for a month."""
    due = after(after(newest))
    days, values = (as_of - due).days, {"month": f"{after(newest):%Y-%m}", "newest": f"{newest:%Y-%m}"}
    if days >= MISSING_DAYS:
        raise HeadwaterError("E426", file=file, days=days, as_of=as_of, **values)
    if days >= LATE_DAYS:
        yield Problem("W425", file, values=values | {"days": days, "as_of": as_of})


def _gone(seen: ir.Table, file: str) -> Iterator[Problem]:
    """A warning where customers of one month are in no later one, and none of theirs says that they left."""
    last = seen.group_by("customer_id").aggregate(
        known_at=seen.known_at.max(), left=seen.deactivated_on.notnull().any()
    )
    is_gone = ~last.left & (last.known_at < last.known_at.max())
    counted = last.mutate(gone=is_gone).aggregate(rows=ibis._.gone.sum(), total=ibis._.count())
    values = counted.to_pyarrow().to_pylist()[0]
    if values["rows"]:
        yield Problem("W367", file, column="customer_id", values=values | {"share": values["rows"] / values["total"]})
