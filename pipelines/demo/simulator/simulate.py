"""A simulated telecom operator with known truth: raw files as an operator would extract them on the night of `end`.

The truth lies in a folder of its own, which only tests and studies read. Nothing here uses features/ or models/.

What is recorded comes from functions that all take the same: `who` (the people, some of them unobserved), `life` (what
happened to them month by month), `when` (the calendar) and `rng` (the source of chance, drawn from in a fixed order).
"""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.demo.simulator import files
from pipelines.demo.simulator.lives import CAMPAIGN_EFFECTS, CONTROL_SHARE, campaign_months, live
from pipelines.demo.simulator.money import bills_by_month, payments
from pipelines.demo.simulator.people import DEMO, NEVER, Calendar, Market, People, calendar, people
from pipelines.demo.simulator.records import Records, records
from pipelines.demo.simulator.service import campaign_contacts, complaints, consents, service_contacts, surveys
from pipelines.demo.simulator.state import Life
from pipelines.demo.simulator.usage import usage_by_month

START, END = date(2024, 11, 1), date(2026, 11, 1)
RECYCLED_SHARE = 0.008
RECYCLED_AFTER = 90  # days a number rests before it is given to someone else


def simulate(
    folder: Path,
    customers: int = 20_000,
    seed: int = 7,
    start: date = START,
    end: date = END,
    market: Market = DEMO,
) -> None:
    """Write raw files of `customers` numbers for [start, end) to `folder`, and the truth to `<folder>/../truth/`.

    Same arguments, same bytes. Raises ValueError unless both dates are the first of a month, a year or more apart, and
    there are at least 50 customers.

    Parameters
    ----------
    folder
        Where raw files go; the truth goes beside it.
    customers
        How many.
    seed
        The same gives the same files.
    start
        First day.
    end
        Day after the last.
    market
        How this operator differs from the demo's.
    """
    if start.day != 1 or end.day != 1 or (end - start).days < 365 or customers < 50:
        raise ValueError(f"cannot simulate {customers} customers from {start} to {end}")
    when, streams = calendar(start, end), np.random.default_rng(seed).spawn(9)
    planned = max(round(customers * RECYCLED_SHARE), 1)
    who = people(customers + planned, when.days, streams[0])
    life = live(who, when, streams[1], market)
    numbers, former = _hand_out_numbers(who, life, when, (planned, streams[2]))
    out = files.Extract(folder, numbers, when, streams[3])
    folder.mkdir(parents=True, exist_ok=True)
    _write_raw(out, who, life, former, streams[4:8])
    _write_truth(out, who, life, former)
    _save(folder.parent / "truth" / "records.parquet", _records_table(out, who, records(who, life, streams[8])))


def _write_raw(out: files.Extract, who: People, life: Life, former: np.ndarray, streams: list) -> None:
    when = out.when
    files.write_customers(out, who, life, np.flatnonzero(~former))
    files.write_plans(out, life)
    for month, bills in bills_by_month(who, life, when, streams[0]):
        names = files.write_bills(out, month, bills)
        files.write_payments(out, month, payments(bills, who, life, when, streams[1]), bills, names)
    for month, usage in usage_by_month(who, life, when, streams[2]):
        files.write_usage(out, month, usage)
    service = streams[3]
    files.write_complaints(out, complaints(who, life, when, service))
    inbound = service_contacts(who, life, when, service)
    files.write_contacts(out, inbound, campaign_contacts(who, life, when, service))
    files.write_surveys(out, surveys(who, life, when, service))
    files.write_consents(out, consents(who, life, when, service))


def _hand_out_numbers(who: People, life: Life, when: Calendar, chance: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Customer number per life, and which lives are former holders of a number that someone else has today."""
    planned, rng = chance
    n, middle = len(who), when.days // 2
    numbers = np.char.mod("%08d", 10_000 + rng.permutation(n))
    early = np.flatnonzero((life.left < middle) & (life.left > 60))
    later = np.flatnonzero((who.joined > middle + RECYCLED_AFTER) & (life.left > who.joined + 60))
    count = min(planned, len(early), len(later))
    before, after = rng.choice(early, count, replace=False), rng.choice(later, count, replace=False)
    numbers[after] = numbers[before]
    former = np.zeros(n, bool)
    former[before] = True
    return numbers, former


def _records_table(out: files.Extract, who: People, log: Records) -> dict:
    """What was on record when: a row per holder of a number and version, in codes as the customers file has them.

    The customers file of a night holds the newest version of each holder that was known before it.
    """
    log = log.of(np.flatnonzero(log.known < out.when.days))
    columns = {"用户编号": out.ids(log.life), "入网日期": out.compact(who.joined[log.life])}
    columns |= {"离网日期": out.compact(log.left), "客户类型": files.TYPES[log.kind]}
    columns |= {"账户编号": np.char.mod("A%07d", who.account[log.life]), "地市编码": files.CITIES[log.region]}
    return columns | {"套餐编码": np.char.mod("TC%02d", log.plan), "known_on": _dates(out, log.known)}


def _write_truth(out: files.Extract, who: People, life: Life, former: np.ndarray) -> None:
    """truth.parquet: one row per life; records.parquet: what was on record of them when. hazards.parquet: one per life and month. campaigns.parquet: one per campaign."""
    folder = out.folder.parent / "truth"
    folder.mkdir(parents=True, exist_ok=True)
    _save(folder / "truth.parquet", _lives_table(out, who, life, former))
    _save(folder / "hazards.parquet", _hazards_table(out, life))
    held = campaign_months(out.when.months)
    columns = {"campaign_id": [f"HD{month:03d}" for month in held], "name": list(held.values())}
    effects = {"log_hazard_effect": [CAMPAIGN_EFFECTS[name] for name in held.values()]}
    _save(folder / "campaigns.parquet", columns | effects | {"control_share": [CONTROL_SHARE] * len(held)})


def _lives_table(out: files.Extract, who: People, life: Life, former: np.ndarray) -> dict:
    """What the files do not show. Null dates: it never happened. `left_on` may lie after the period."""
    columns = {"customer_id": out.ids(np.arange(len(who))), "former_holder": former, "joined": _dates(out, who.joined)}
    columns |= {"decided_on": _dates(out, life.decided), "left_on": _dates(out, life.left)}
    columns |= {"rise_start": _month_starts(out, life.rise_start), "rise_billed": _month_starts(out, life.rise_billed)}
    columns |= {"rise_by_plan": life.by_plan, "trips": np.sum(np.array(life.months["trip"]) > 0, axis=0)}
    columns |= {"silent_experiences": life.silent, "outspoken": who.outspoken, "fades": who.fades}
    return columns | {"frailty": who.frailty, "growth": who.growth, "price_sensitive": who.price_sensitive}


def _hazards_table(out: files.Extract, life: Life) -> dict:
    """Monthly hazard of deciding to leave, and mood, for every month in which the life is a customer."""
    here = np.array(life.months["here"])
    month, holder = np.nonzero(here)
    columns = {"customer_id": out.ids(holder), "life": holder, "month": out.when.dates(out.when.edges[month])}
    return columns | {name: np.array(life.months[name])[month, holder] for name in ("hazard", "mood", "usage", "move")}


def _month_starts(out: files.Extract, months: np.ndarray) -> pa.Array:
    """First days of month numbers; null for NEVER."""
    edges = out.when.edges
    return _dates(out, np.where(months < NEVER, edges[np.minimum(months, len(edges) - 1)], NEVER))


def _dates(out: files.Extract, days: np.ndarray) -> pa.Array:
    return pa.array(out.when.dates(np.where(days < NEVER, days, 0)), mask=days >= NEVER)


def _save(path: Path, columns: dict) -> None:
    pq.write_table(pa.table(columns), path, compression="zstd")
