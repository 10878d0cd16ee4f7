"""What becomes of data that did not come: gaps planted in three businesses, and quiet nights on which nothing is missing.

`python -m benchmarks.gaps` prints what each gap led to: a run that stopped, a warning, customers judged by what is
known, or, which must never be, levels that are lower than the truth and nobody told.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from features.build import build
from features.catalogue import catalogue
from features.contracts import ALWAYS
from features.errors import HeadwaterError
from features.settings import FeatureSettings
from features.spine import Population, population
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest import judgement
from pipelines.ingest.tables import Part, Tables

START = np.datetime64("2024-01-01")
DAYS = 800
REGIONS = ("north", "south", "east", "west")
DAY = 86_400_000_000
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Business:
    """Who bills how often: `every` so many months on the first of one, or 0 for purchases on any day.

    `used`: does it have usage, a row per customer and day?
    """

    name: str
    customers: int
    every: int
    used: bool
    level: str

    @property
    def features(self) -> FeatureSettings:
        """Where purchases are the bills, their absence is the signal."""
        return FeatureSettings(settle_days=None if self.every else 0, billed_in_arrears=bool(self.every))


BUSINESSES = (
    Business("operator", 1_200, 1, True, "arpu_3m"),
    Business("shop", 6_000, 0, False, "spend_91d"),
    Business("policies", 12_000, 12, False, "arpu_12m"),
)


def world(business: Business, rng: np.random.Generator) -> Frames:
    """Everything that happened: who pays pays the same each time; rows become known late as usual, some by weeks."""
    size = business.customers
    ids = np.array([f"C{n:05d}" for n in range(size)])
    people = pd.DataFrame({"customer_id": ids, "region": rng.choice(REGIONS, size), "activated_on": START - 1000})
    tables = {
        "customers": people.assign(deactivated_on=pd.NaT, known_at=pd.Timestamp(ALWAYS)),
        "bills": _bills(business, rng),
    }
    paid = tables["bills"].happened.to_numpy() + rng.integers(1, 25, len(tables["bills"]))
    tables["payments"] = tables["bills"].assign(happened=paid, known=paid + 1)
    if business.used:
        happened = np.repeat(np.arange(DAYS), size)
        who = np.tile(np.arange(size), DAYS)
        active = rng.random(len(who)) < np.where(happened % 7 == 6, 0.7, 0.9)
        rows = pd.DataFrame({"who": who, "happened": happened})[active]
        tables["usage"] = rows.assign(known=rows.happened + 1 + _lateness(len(rows), rng), minutes=10.0)
    return {name: frame if name == "customers" else _placed(frame, ids) for name, frame in tables.items()}


def _bills(business: Business, rng: np.random.Generator) -> pd.DataFrame:
    if business.every:
        firsts = pd.date_range(START, periods=26, freq="MS")
        due = [(n, (day - pd.Timestamp(START)).days) for n, day in enumerate(firsts)]
        offset = rng.integers(0, business.every, business.customers)
        rows = [(who, day) for n, day in due for who in np.flatnonzero(offset == n % business.every)]
        frame = pd.DataFrame(rows, columns=["who", "happened"])
        return frame.assign(known=frame.happened + 5, amount=20.0 + frame.who % 90)
    count = rng.poisson(business.customers / 12 * (0.7 + 0.3 * (np.arange(DAYS) % 7 < 5)))
    happened = np.repeat(np.arange(DAYS), count)
    who = rng.integers(0, business.customers, len(happened))
    return pd.DataFrame({"who": who, "happened": happened, "known": happened + 1, "amount": 20.0 + who % 90})


def _lateness(size: int, rng: np.random.Generator) -> np.ndarray:
    """Days: none as a rule, for one row in fifty up to forty."""
    return np.where(rng.random(size) < 0.02, rng.integers(1, 41, size), 0)


def _placed(frame: pd.DataFrame, ids: np.ndarray) -> pd.DataFrame:
    """With days and instants for numbers, and the name of the customer for theirs."""
    day = START + frame.happened.to_numpy().astype("timedelta64[D]")
    known = START.astype("datetime64[us]") + (frame.known.to_numpy() * DAY - DAY // 2).astype("timedelta64[us]")
    return frame.assign(
        customer_id=ids[frame.who], happened_on=day, happened_at=day.astype("datetime64[us]"), known_at=known
    )


@dataclass(frozen=True)
class Gap:
    """Rows of a table that are gone, or late by some days: `share` of those of the days `[first, until)`, of all regions
    or one."""

    table: str
    kind: str
    first: date
    until: date
    region: str | None = None
    share: float = 1.0
    late: int | None = None

    def planted(self, tables: Frames, rng: np.random.Generator) -> Frames:
        """The tables with the gap; customers go missing whole, as in files that are cut."""
        rows, people = tables[self.table], tables["customers"]
        hit = people[people.region.eq(self.region) | (self.region is None)].customer_id
        hit = hit[rng.random(len(hit)) < self.share]
        days = rows.happened_on.between(pd.Timestamp(self.first), pd.Timestamp(self.until) - pd.Timedelta(days=1))
        gone = days & rows.customer_id.isin(hit)
        late = rows.known_at + pd.Timedelta(days=self.late or 0)
        return tables | {self.table: rows.assign(known_at=rows.known_at.mask(gone, late)) if self.late else rows[~gone]}


def gaps(business: Business, tables: Frames, as_of: date, rng: np.random.Generator) -> Iterator[Gap]:
    """One of each kind in each table: days and months in the middle and the newest, regions, files, halves, lateness."""
    for table in (name for name in tables if name != "customers"):
        month = date(as_of.year, as_of.month, 1)
        back = (month - timedelta(days=int(rng.integers(40, 300)))).replace(day=1)
        until = (back + timedelta(days=32)).replace(day=1)
        region = str(rng.choice(REGIONS))
        yield Gap(table, "month", back, until)
        yield Gap(table, "region's month", (month - timedelta(days=20)).replace(day=1), month, region)
        yield Gap(table, "half a file", back, until, share=0.5)
        yield Gap(table, "newest file", month - timedelta(days=31), as_of)
        yield Gap(table, "half of the newest", month - timedelta(days=31), as_of, share=0.5)
        day = as_of - timedelta(days=int(rng.integers(20, 120)))
        if business.every == 0 or table == "usage":
            yield Gap(table, "day", day, day + timedelta(days=1))
            yield Gap(table, "half a day", day, day + timedelta(days=1), share=0.5)
            yield Gap(table, "region's day", day, day + timedelta(days=1), region)
            yield Gap(table, "newest days", as_of - timedelta(days=3), as_of)
        newest = month if table == "bills" and business.every else as_of - timedelta(days=10)
        for late in (int(rng.integers(6, 15)), int(rng.integers(15, 41))):
            yield Gap(table, f"late by {late} days", newest, as_of, late=late)
        if table == "bills" and business.every:
            yield Gap(table, "a few late", newest, as_of, share=0.05, late=int(rng.integers(15, 41)))


def stored(con: Any, folder: Path, tables: Frames) -> Tables:
    """The tables as a reading leaves them."""
    found = Tables({})
    for name, frame in tables.items():
        path = folder / f"{name}.parquet"
        rows = frame.drop(columns=[c for c in ("who", "happened", "known") if c in frame])
        rows = rows.assign(superseded_at=pd.Series(pd.NaT, rows.index, dtype="datetime64[us]"))
        if name != "customers":
            rows = rows.assign(**{f"{name[:-1]}_id": np.arange(len(rows)).astype(str)} if name != "usage" else {})
        dates = {c: rows[c].astype("datetime64[s]").dt.date for c in rows if c.endswith("_on")}
        rows.assign(**dates).to_parquet(path)
        days = (frame.happened_on.min().date(), frame.happened_on.max().date()) if name != "customers" else (None, None)
        found.parts[name] = [Part(path, "", len(frame), *days)]
        found.tables[name] = con.read_parquet(path, table_name=f"gaps_{name}")
        if name == "customers":
            found.tables[name] = found.tables[name].cast({"activated_on": "date", "deactivated_on": "date"})
    return found


def mapped(tables: Tables) -> Mapping:
    """The mapping by which these tables would have been read."""
    made = ("happened_on", "happened_at", "known_at", "superseded_at")
    sections = {
        name: {
            "source": {"path": f"raw/{name}-*.parquet"},
            "columns": {column: column for column in table.columns if column not in made},
            **({clock: clock for clock in ("happened_at", "known_at") if clock in table.columns}),
        }
        for name, table in tables.tables.items()
    }
    return Mapping.model_validate({"timezone": "UTC", "currency": "EUR", "tables": sections, "origin": "mapping.yaml"})


def told(con: Any, tables: Tables, as_of: date) -> list[str]:
    """Codes of what the night says of these tables, each with its table."""
    try:
        problems = judgement.check(con, tables, mapped(tables), Quality(), as_of)
    except HeadwaterError as error:
        problems = error.problems
    return [f"{p.code} {p.values['table']}" for p in problems]


def levels(con: Any, business: Business, tables: Tables, as_of: date) -> pd.DataFrame:
    """What customers are said to pay and use, by customer."""
    named = {business.level, *(["minutes_mean_4w"] if business.used else [])}
    features = [f for f in catalogue(("minutes",) if business.used else ()) if f.column in named]
    spine = population(tables.tables, [as_of], "UTC", Population())
    wide = build(tables.tables, spine, features, business.features)
    return con.to_pyarrow(wide).to_pandas().set_index("customer_id")[sorted(named)].sort_index()


def outcome(
    con: Any, folder: Path, business: Business, gapped: Frames, whole: pd.DataFrame, gap: Gap, as_of: date
) -> str:
    """What a gap led to: `stopped`, `told`, `known` (judged by what is known), or `zero`.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    folder
        Where the tables are laid down.
    business
        Whose tables they are.
    gapped
        The tables with the gap.
    whole
        The levels without it.
    gap
        Which table it is in.
    as_of
        The night.
    """
    found = stored(con, folder, gapped)
    codes = told(con, found, as_of)
    if any(code.startswith("E") for code in codes):
        return "stopped"
    if not _lower(levels(con, business, found, as_of), whole):
        return "known"
    return "told" if any(code.endswith(gap.table) for code in codes) else "zero"


def _lower(found: pd.DataFrame, whole: pd.DataFrame) -> bool:
    """Does anybody pay less than in truth, or do all together use less? What each uses differs from day to day."""
    money = [c for c in whole if c != "minutes_mean_4w"]
    less = found[money].lt(0.97 * whole[money] - 1e-9).any(axis=None)
    return bool(less or (found.sum() < 0.97 * whole.sum()).any())


def nights(con: Any, folder: Path, business: Business, rng: np.random.Generator, count: int) -> list[str]:
    """What is said on quiet nights: codes that stop."""
    found = stored(con, folder, world(business, rng))
    dates = [as_of_of(rng) for _ in range(count)]
    return [code for as_of in dates for code in told(con, found, as_of) if code.startswith("E")]


def as_of_of(rng: np.random.Generator) -> date:
    """A date of the last three months of a world."""
    day: date = (START + int(rng.integers(DAYS - 95, DAYS - 5))).astype(object)
    return day


UNSEEN = {("shop", "bills", "half a day")}
"""What no count can tell: one day of a shop is half as busy as another without anything missing."""


def main(quiet: int = 200) -> int:
    """Print every gap with its outcome, and how many quiet nights were stopped; 1 where any was, or where a gap that is
    not `UNSEEN` was published as zero."""
    missed = False
    con, rng, seen = ibis.duckdb.connect(), np.random.default_rng(12), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for business in BUSINESSES:
            tables, as_of = world(business, rng), as_of_of(rng)
            whole = levels(con, business, stored(con, folder, tables), as_of)
            for gap in gaps(business, tables, as_of, rng):
                result = outcome(con, folder, business, gap.planted(tables, rng), whole, gap, as_of)
                seen[result] += 1
                missed |= result == "zero" and (business.name, gap.table, gap.kind) not in UNSEEN
                where = f" {gap.region}" if gap.region else ""
                print(f"{business.name:9} {gap.table:9} {gap.kind + where:24} {gap.first} … {gap.until}  {result}")
        stopped = [nights(con, folder, b, rng, 1 + quiet // 15) for b in BUSINESSES for _ in range(5)]
    false = [code for codes in stopped for code in codes]
    print(
        f"{sum(seen.values())} gaps: {dict(seen)}; quiet nights: {15 * (1 + quiet // 15)}, stopped: {false or 'none'}"
    )
    return int(missed or bool(false))


if __name__ == "__main__":
    sys.exit(main())
