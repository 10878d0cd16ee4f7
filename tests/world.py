"""Random worlds, hostile on purpose: one customer is one world, so that ten thousand of them go through one query.

Each customer has an as-of date of their own; those who share an account share it. Events crowd around the instants where code goes wrong: the cutoff itself,
the microsecond before it, month ends, leap days, the day of joining, and times before it (a recycled number).
Money is held in whole hundredths until it becomes decimal. Same size and seed, same worlds.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from features.catalogue import catalogue
from features.contracts import ALWAYS, CONTRACTS, MONEY
from features.counted import counted_values
from features.definition import ROW, Feature
from tests.draws import bills, complaints, contacts, customers, former, payments, subscriptions, surveys, usage

ZONE = "Asia/Shanghai"
AHEAD = np.timedelta64(8, "h")
"""Local time of ZONE is this far ahead of UTC, in every season."""
MEASURES = ("voice_minutes", "data_mb")
ATTRIBUTES, NUMBERS, DATES, FLAGS = ("kids",), ("age",), ("born_on", "promised_on"), ("paperless",)
COMPONENTS = ("rent",)
TOPICS = ("billing", "network")
PARTS = {"voice_minutes": "data_mb"}
COUNTED = {
    "contacts": {"reason": {"price": "price", "network": "bad network"}},
    "complaints": {"channel": {"hotline": "hotline"}, "severity": {"grave": "3"}},
    "subscriptions": {"sold_by": {"shop": "shop"}},
}
WORDED = ("reason", "sold_by")
"""Columns beyond the contracts of events."""
WINDOWS = {"bills": (12, 24), "purchases": (7,), "usage": (7, 91)}
"""Declared beside the shipped ones; 12 months are shipped for some features."""
HOSTILE_DATES = ("2024-02-29", "2024-03-01", "2024-03-31", "2025-01-01", "2025-03-06", "2025-03-07", "2026-01-31")
HOSTILE_AGES = (1, 2, 27, 28, 29, 56, 89, 90, 91, 182, 183, 365, 730)
SPINE = {
    "customer_id": "string",
    "as_of": "date",
    "cutoff": "timestamp(6)",
    "activated_on": "date",
    "usage_lag": "int64",
}
LATER = {"resolved_at": "cutoff", "valid_to": "as_of", "superseded_at": "cutoff"}
"""Columns that come true after their row, and the clock that says so."""
UNVERSIONED = {"known_at": pd.Timestamp(ALWAYS), "superseded_at": pd.NaT}
"""Of customers whose record never changed."""
_names = count()


def everything() -> tuple[Feature, ...]:
    """The catalogue with all that a project may declare."""
    return catalogue(
        MEASURES,
        ATTRIBUTES,
        topics=TOPICS,
        parts=PARTS,
        numbers=NUMBERS,
        dates=DATES,
        flags=FLAGS,
        components=COMPONENTS,
        spans=WINDOWS,
        values=counted_values(COUNTED),
    )


@dataclass(frozen=True)
class World:
    """`spine`: customer_id, as_of, cutoff (UTC), activated_on; `tables`: frames with the columns of the contracts."""

    spine: pd.DataFrame
    tables: dict[str, pd.DataFrame]

    def rows(self, name: str) -> dict[str, list[dict]]:
        """The rows of a table by customer, as plain Python values."""
        found: dict[str, list[dict]] = {}
        for row in arrow(name, self.tables[name]).to_pylist():
            found.setdefault(row["customer_id"], []).append(row)
        return found

    def of(self, **tables: pd.DataFrame) -> "World":
        """The same world with these tables instead."""
        return replace(self, tables=self.tables | tables)


def world(size: int, seed: int) -> World:
    """`size` customers, each a world of their own."""
    rng = np.random.default_rng(seed)
    made = spine(size, rng)
    tables = {"customers": customers(made, rng), "bills": bills(made, rng)}
    tables["payments"] = payments(made, rng, tables["bills"])
    for maker in (complaints, contacts, surveys, subscriptions):
        tables[maker.__name__] = maker(made, rng)
    tables["usage"] = usage(made, rng, MEASURES)
    tables["customers"] = pd.concat([tables["customers"], former(tables["customers"], made, rng)], ignore_index=True)
    return World(made, {name: dated(frame) for name, frame in tables.items()})


def spine(size: int, rng: np.random.Generator) -> pd.DataFrame:
    """One as-of date per customer, who joined at least a day before it; their order is the order of the ids. On a third
    of the dates up to ten newest days of usage have not come."""
    days = np.datetime64("2024-01-01") + rng.integers(0, 1000, size)
    hostile = rng.choice(np.array(HOSTILE_DATES, "datetime64[D]"), size)
    first = np.arange(size) // 3 * 3
    as_of = np.where(rng.random(size) < 0.3, hostile, days)
    as_of = np.where((rng.random(size) < 0.4)[first], as_of[first], as_of)
    age = np.where(rng.random(size) < 0.3, rng.choice(HOSTILE_AGES, size), rng.integers(1, 1200, size))
    ids = [f"C{i:06d}" for i in range(size)]
    cutoff = as_of.astype("datetime64[us]") - AHEAD
    columns = {"customer_id": ids, "as_of": as_of, "cutoff": cutoff, "activated_on": as_of - age}
    made = pd.DataFrame(columns).astype(dict.fromkeys(["as_of", "cutoff", "activated_on"], "datetime64[us]"))
    return made.assign(usage_lag=np.where(made.as_of.dt.day % 3 == 0, made.as_of.dt.day_of_year % 11, 0))


def dated(frame: pd.DataFrame) -> pd.DataFrame:
    """With the local date on which each row took place."""
    if "valid_from" in frame:
        return frame.assign(happened_on=frame.valid_from)
    return frame.assign(happened_on=(frame.happened_at + AHEAD).dt.floor("D")) if "happened_at" in frame else frame


def future(rows: pd.DataFrame, spine: pd.DataFrame) -> pd.Series:
    """Rows that happen, or become known, at or after the cutoff of their customer; what is signed is known."""
    own = spine.set_index("customer_id").loc[rows.customer_id]
    known = rows.known_at.to_numpy() >= own.cutoff.to_numpy()
    return known | (rows.happened_at.to_numpy() >= own.cutoff.to_numpy()) if "happened_at" in rows else known


def past(given: World) -> World:
    """What could be known at each cutoff, and nothing else."""
    return rewritten(given, None)


def rewritten(given: World, other: World | None) -> World:
    """The same past with the future of `other` (of the same customers): rows dropped, added and altered."""
    tables = {}
    for name, frame in given.tables.items():
        if name == "customers":
            tables[name] = frame.assign(deactivated_on=leaving(frame, given.spine, other))
            continue
        kept = hidden(frame[~future(frame, given.spine)], given.spine, other)
        coming = [] if other is None else [other.tables[name][future(other.tables[name], given.spine)]]
        tables[name] = pd.concat([kept, *coming], ignore_index=True)
    return given.of(**tables)


def leaving(customers: pd.DataFrame, spine: pd.DataFrame, other: World | None) -> pd.Series:
    """When customers leave: those who had left before stay away, the day of the others is unknown or another one."""
    here = customers.customer_id.isin(spine.customer_id)
    if other is None:
        return customers.deactivated_on.mask(here)
    then = other.tables["customers"].set_index("customer_id").deactivated_on.reindex(customers.customer_id)
    as_of = spine.set_index("customer_id").as_of.reindex(customers.customer_id)
    return customers.deactivated_on.mask(here, then.where(then >= as_of).set_axis(customers.index))


def hidden(rows: pd.DataFrame, spine: pd.DataFrame, other: World | None) -> pd.DataFrame:
    """What comes true at or after the cutoff becomes unknown, or with `other` comes true at another time."""
    own = spine.set_index("customer_id").loc[rows.customer_id]
    changed = {}
    for column in LATER.keys() & set(rows.columns):
        clock = own[LATER[column]].to_numpy()
        days = np.arange(len(rows)) % 40  # the cutoff itself and the weeks after it
        later = pd.NaT if other is None else clock + days.astype("timedelta64[D]")
        changed[column] = rows[column].where(rows[column].to_numpy() < clock, later)
    return rows.assign(**changed)


def arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    """The frame with exactly the columns and types of the contract, and `superseded_at` where it has versions."""
    contract = CONTRACTS[name].with_measures(MEASURES) if name == "usage" else CONTRACTS[name]
    if name == "customers":
        frame = frame.assign(**{c: v for c, v in UNVERSIONED.items() if c not in frame})
    schema = contract.schema() | ({"superseded_at": "timestamp(6)"} if "superseded_at" in frame else {})
    own = dict.fromkeys(ATTRIBUTES, "string") | dict.fromkeys(NUMBERS, "float64")
    own |= dict.fromkeys(DATES, "date") | dict.fromkeys(FLAGS, "boolean") | dict.fromkeys(COMPONENTS, MONEY)
    own |= dict.fromkeys(WORDED, "string")
    schema |= {column: dtype for column, dtype in own.items() if column in frame}
    return pa.table({c: cast(frame[c], dtype) for c, dtype in schema.items()})


def cast(values: pd.Series, dtype: str) -> pa.Array:
    if dtype == MONEY:
        exact = [None if pd.isna(v) else Decimal(int(v)).scaleb(-2) for v in values]
        return pa.array(exact, pa.decimal128(12, 2))
    return pa.array(values, from_pandas=True).cast(ibis.dtype(dtype).to_pyarrow())


def tables(con: ibis.BaseBackend, given: World, only: tuple[str, ...] = ()) -> dict[str, ibis.Table]:
    """The tables of a world (all, or `only` these) in the connection, under names of their own."""
    names = only or tuple(given.tables)
    return {name: stored(con, name, arrow(name, given.tables[name])) for name in names}


def spine_of(given: World) -> pa.Table:
    """The spine of a world: every customer on a date of their own."""
    rows = pa.table({c: cast(given.spine[c], dtype) for c, dtype in SPINE.items()})
    return rows.append_column(ROW, pa.array(range(len(rows)), pa.int64()))


def spine_table(con: ibis.BaseBackend, given: World) -> ibis.Table:
    """The same in the connection."""
    return stored(con, "spine", spine_of(given))


def stored(con: ibis.BaseBackend, name: str, rows: pa.Table) -> ibis.Table:
    return con.create_table(f"{name}_{next(_names)}", rows, temp=True)
