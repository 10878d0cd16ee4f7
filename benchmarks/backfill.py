"""A night that is made again from a later delivery is that night: pairs of deliveries of small simulated operators.

`python -m benchmarks.backfill --pairs 50` prints pair by pair which columns differed, of the features and of the published
scores, and for how many customers; 1 where anything did. Records of customers come late, are corrected and move; tariffs
change; bills come late and are corrected. Customers are delivered as changes, as snapshots, or in a table of which only
today is known: of that one nights see one and the same file, and everything else must come back.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from features.errors import HeadwaterError
from pipelines.config.documents import read
from pipelines.demo.simulator.simulate import simulate
from pipelines.flows import dataset, nightly, retrain
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.workspace import bundles
from pipelines.workspace.progress import Steps

START, END = date(2025, 1, 1), date(2026, 1, 1)
FIRST, NIGHTS, AGAIN = date(2025, 7, 1), 4, 3
KINDS = ("changes", "snapshots", "mutable")
BUSINESSES = {
    "money": ("customers", "subscriptions", "bills", "payments"),
    "use": ("customers", "bills", "usage"),
    "service": ("customers", "bills", "complaints", "contacts", "surveys", "consents"),
}
"""What each kind of operator delivers; with few tables a night has few columns, and all of them are looked at."""
CUSTOMERS: dict[str, Any] = {
    "customer_id": "用户编号",
    "activated_on": {"from": "入网日期", "parse": "%Y%m%d"},
    "deactivated_on": {"from": "离网日期", "parse": "%Y%m%d", "null_values": ["00000000"]},
    "customer_type": "客户类型",
    "account_id": "账户编号",
    "region": "地市编码",
    "tariff": "套餐编码",
}
LATE, CORRECTED = 0.04, 0.04
"""Shares of bills that come up to forty days late, and that come twice, the first time with another amount."""
SETTINGS: dict[str, Any] = {
    "features": {"usage_grain": "week"},
    "targets": {
        "churn": {"horizon_days": 30, "horizons": [30]},
        "value": {"horizon_days": 31},
        "vip": {"horizon_days": 31, "high_value": {"percentile": 70}, "becomes": {"share_of_months": 0.5}},
    },
    "protocol": {"count": 5, "history_days": 60},
    "training": {
        "resamples": 20,
        "min_positives": 3,
        "candidates": {
            "churn": ["linear"],
            "value": ["linear"],
            "vip": ["linear"],
            "rules": {"churn": {"column": "tenure_days", "higher": False}},
        },
    },
    "gates": {"drift": 1000, "level": 1000, "money": 1000},
    "quality": {"max_quarantined": 0.2, "max_quarantined_keys": 0.2, "max_vanished": 1},
    "contact": {"consent": "assumed"},
    "threads": 2,
}
"""Small data must be enough to learn from, and weeks between two nights are no drift."""


@dataclass
class Operator:
    """What happened to an operator, and what was delivered of it by now.

    Attributes
    ----------
    folder
        Of its deliveries, its configuration and its workspace.
    business
        Of `BUSINESSES`.
    kind
        How customers are delivered, of `KINDS`.
    rows
        Table -> all its rows, with `delivered`: the night before which each comes.
    newest
        The delivery so far.
    """

    folder: Path
    business: str
    kind: str
    rows: dict[str, pd.DataFrame] = field(default_factory=dict)
    newest: date = date.min

    @classmethod
    def simulated(cls, folder: Path, business: str, kind: str, customers: int, seed: int) -> "Operator":
        """One with a year of history; nothing is delivered yet."""
        simulate(folder / "all" / "raw", customers, seed, START, END)
        operator = cls(folder, business, kind)
        operator.rows = {name: _read(folder / "all", name) for name in BUSINESSES[business]}
        operator.rows["bills"] = _late_and_corrected(operator.rows["bills"], np.random.default_rng(seed))
        _write_configuration(operator)
        return operator

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.folder / "headwater.yaml"

    def deliver(self, day: date) -> None:
        """Everything that was known before a night, beside or in place of what was delivered before."""
        for name, rows in self.rows.items():
            fresh = rows[(rows.delivered < day) & (rows.delivered >= self.newest)]
            if name in APPENDED or (name == "customers" and self.kind == "changes"):
                self._write(name, fresh, f"{name}_{day}")
            elif name == "customers":
                known = rows if self.kind == "mutable" else rows[rows.delivered < day]
                self._write(name, known.groupby(["用户编号", "入网日期"]).tail(1), name)
            else:
                self._write(name, _not_solved_yet(rows[rows.delivered < day], day), name)
        self.newest = day

    def _write(self, name: str, rows: pd.DataFrame, file: str) -> None:
        (self.folder / "raw" / name).mkdir(parents=True, exist_ok=True)
        said = (
            rows if name == "bills" or (name, self.kind) == ("customers", "changes") else rows.drop(columns="delivered")
        )
        said.to_parquet(self.folder / "raw" / name / f"{file}.parquet")

    def night(self, day: date) -> "Outcome":
        """What a night makes of what has been delivered by now."""
        night = Night(Project.open(self.config), day, Steps(quiet=True))
        try:
            nightly.run(night, lists=False)
        except HeadwaterError as error:
            return Outcome(pd.DataFrame(), pd.DataFrame(), stopped=error.problem.code)
        finally:
            night.project.connection.disconnect()
        assert night.scoring is not None
        scores = pq.read_table(night.workspace.score_file(day)).to_pandas()
        told = {problem.code for problem in night.warnings}
        return Outcome(night.scoring.sampled, scores, night.meta["rows_sha256"], frozenset(told))


APPENDED = ("bills", "payments", "usage", "contacts")
"""Tables of which each delivery is a file of its own; the others are delivered whole."""


@dataclass(frozen=True)
class Outcome:
    """What came of a night: its features, its scores and their digest, the codes of its warnings; or what stopped it."""

    features: pd.DataFrame
    scores: pd.DataFrame
    digest: str = ""
    told: frozenset[str] = frozenset()
    stopped: str = ""

    def differing(self, other: "Outcome") -> dict[str, int]:
        """Column -> customers for whom it is another; `customers` and `stopped` where not even these are the same."""
        if self.stopped or other.stopped:
            return {} if self.stopped == other.stopped else {f"stopped: {self.stopped or other.stopped}": 1}
        one, two = ({"": o.features, "scores.": o.scores} for o in (self, other))
        found: dict[str, int] = {}
        for prefix, rows in one.items():
            found |= {prefix + name: count for name, count in differing(rows, two[prefix]).items()}
        return found or ({} if self.digest == other.digest else {"rows_sha256": 1})


def differing(one: pd.DataFrame, other: pd.DataFrame) -> dict[str, int]:
    """Column -> rows in which two tables of the same customers differ, null for null; `customer_id` -> customers that are
    only in one of them."""
    one, other = (rows.set_index("customer_id").sort_index() for rows in (one, other))
    if not one.index.equals(other.index):
        return {"customer_id": len(one.index.symmetric_difference(other.index))}
    lists = [name for name in one.columns if any(isinstance(value, np.ndarray) for value in one[name])]
    one, other = (rows.assign(**{name: rows[name].map(_listed) for name in lists}) for rows in (one, other))
    unequal = {
        name: ~((one[name] == other[name]) | (one[name].isna() & other[name].isna()))
        for name in one.columns
        if not one[name].equals(other[name])
    }
    return {name: int(rows.sum()) for name, rows in unequal.items() if rows.any()}


def _listed(value: Any) -> Any:
    """What can be compared as one: a list cell comes as an array."""
    return tuple(value) if isinstance(value, np.ndarray) else value


def _read(folder: Path, name: str) -> pd.DataFrame:
    """A table as the simulator wrote it, in the order in which its rows were delivered."""
    if name == "customers":
        rows = pd.read_parquet(folder / "truth" / "records.parquet").rename(columns={"known_on": "known"})
        rows["known"] = pd.to_datetime(rows.known)
    else:
        source = read(Path("configs/mappings/operator.yaml")).content["tables"][name]["source"]
        pattern = source["path"].removeprefix("data/operator/")
        rows = pd.concat([_raw(path) for path in sorted(folder.glob(pattern))], ignore_index=True)
        rows["known"] = _known(name, rows)
    rows["delivered"] = rows.pop("known").dt.date
    return rows.sort_values("delivered", kind="stable", ignore_index=True)


def _raw(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, encoding="gbk") if path.suffix == ".csv" else pd.read_parquet(path)


def _known(name: str, rows: pd.DataFrame) -> pd.Series:
    """When each row was known; a row that does not tell came when it happened."""
    day = pd.Timedelta(days=1)
    if name == "bills":
        return pd.to_datetime(rows["账期"], format="%Y%m") + pd.offsets.MonthBegin() + 4 * day
    if name == "usage":
        return rows["入库时间"].fillna(rows["使用时间"])
    columns = {"payments": "缴费时间", "surveys": "答卷时间", "consents": "操作时间"}
    if name in columns:
        return pd.to_datetime(rows[columns[name]]) + day
    return pd.to_datetime(rows[{"subscriptions": "受理时间", "complaints": "录入时间", "contacts": "入库时间"}[name]])


def _late_and_corrected(bills: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Some bills late, and some twice: first with another amount, days later with the right one."""
    days = pd.to_timedelta(rng.integers(1, 41, len(bills)), unit="D").to_numpy()
    drawn = rng.random(len(bills))
    on = pd.to_datetime(bills.delivered)
    moved = (on + days).dt.date
    first = bills[(drawn >= LATE) & (drawn < LATE + CORRECTED)]
    other = first.assign(应收_分=(first["应收_分"] * 1.5).astype("int64"))
    last = bills.assign(delivered=moved.where(drawn < LATE + CORRECTED, bills.delivered))
    return pd.concat([other, last]).sort_values("delivered", kind="stable", ignore_index=True)


def _not_solved_yet(rows: pd.DataFrame, day: date) -> pd.DataFrame:
    """What is solved later is not solved in a file of today."""
    if "办结时间" not in rows:
        return rows
    return rows.assign(办结时间=rows["办结时间"].where(pd.to_datetime(rows["办结时间"]) < pd.Timestamp(day)))


def _write_configuration(operator: Operator) -> None:
    """The shipped mapping over what this operator delivers, and settings under which few customers are enough."""
    mapping = read(Path("configs/mappings/operator.yaml")).content
    tables = {name: mapping["tables"][name] for name in BUSINESSES[operator.business]}
    clock = {"known_at": "delivered"} if operator.kind == "changes" else {}
    tables["customers"] = {"columns": CUSTOMERS, "history": operator.kind, **clock}
    tables["bills"]["known_at"] = "delivered"
    for name, table in tables.items():
        table["source"] = {"path": f"{operator.folder}/raw/{name}/*.parquet"}
        table.pop("freshness", None)
    path = operator.folder / "mapping.yaml"
    path.write_text(json.dumps(mapping | {"tables": tables}, ensure_ascii=False), encoding="utf-8")
    paths = {"name": "operator", "mapping": str(path), "workspace": str(operator.folder / "workspace")}
    operator.config.write_text(json.dumps(SETTINGS | paths), encoding="utf-8")


def learn(operator: Operator) -> Path:
    """The folder of champions that an operator's whole year taught; every other of the same business can use them."""
    operator.deliver(END)
    project = Project.open(operator.config)
    targets = project.targets()
    data = dataset.dataset(project, END, targets, Steps(quiet=True))
    for target in targets:
        trained = retrain.learn(project, data, target, Steps(quiet=True))
        bundles.install(project.workspace, target, f"{target}/1", trained.model.to_files())
    project.connection.disconnect()
    return project.workspace.models


@dataclass(frozen=True)
class Pair:
    """A night, the delivery from which it was made again, what differed, whether the later night had run by then, how many
    were scored, and the code of what stopped it."""

    business: str
    kind: str
    night: date
    again: date
    differing: dict[str, int]
    after: bool
    customers: int
    stopped: str = ""

    def __str__(self) -> str:
        worst = sorted(self.differing.items(), key=lambda item: -item[1])
        said = ", ".join(f"{name} ({count})" for name, count in worst[:8]) or "the same"
        more = f" and {len(worst) - 8} more" if len(worst) > 8 else ""
        order = "after" if self.after else "before"
        return (
            f"{self.business:8} {self.kind:9} {self.night} from the delivery of {self.again}, {order} its night, "
            f"{self.stopped or f'{self.customers} customers'}: {said}{more}"
        )


def pairs(operator: Operator, rng: np.random.Generator) -> Iterator[Pair]:
    """Nights one after the other; after each, random ones of those before are made again, from the newest delivery.

    A third of the time the delivery is there, and its own night has not run.
    """
    drawn = sorted(rng.choice((END - FIRST).days, NIGHTS, replace=False))
    ran: dict[date, Outcome] = {}
    for day in [FIRST + timedelta(days=int(n)) for n in drawn]:
        operator.deliver(day)
        earlier, after = list(ran), bool(rng.random() < 2 / 3)
        if after:
            ran[day] = operator.night(day)
        elif operator.kind == "snapshots":  # a second file for the newest night replaces the first, and W370 says so
            earlier = earlier[:-1]
        for place in sorted(rng.permutation(len(earlier))[:AGAIN]):
            yield _pair(operator, earlier[place], day, ran[earlier[place]], after)
        if not after:
            ran[day] = operator.night(day)


def _pair(operator: Operator, night: date, delivery: date, before: Outcome, after: bool) -> Pair:
    """Make a night again; one of which only today is known must also say so."""
    again = operator.night(night)
    found = before.differing(again)
    if operator.kind == "mutable" and not again.stopped and "W363" not in again.told:
        found["not told that the past is as of today"] = 1
    return Pair(operator.business, operator.kind, night, delivery, found, after, len(again.scores), again.stopped)


def everything(folder: Path, count: int, customers: int, kinds: Sequence[str] = KINDS) -> Iterator[Pair]:
    """So many pairs, of each business and each kind in turn; champions are learnt once per business."""
    made, number, champions = 0, 0, dict[str, Path]()
    plans = [(business, kind) for business in BUSINESSES for kind in kinds]
    while made < count:
        business, kind = plans[number % len(plans)]
        if business not in champions:
            teacher = Operator.simulated(folder / f"teacher_{business}", business, "mutable", 3 * customers, 1000)
            champions[business] = learn(teacher)
        operator = Operator.simulated(folder / str(number), business, kind, customers, number)
        shutil.copytree(champions[business], operator.folder / "workspace" / "operator" / "models")
        for pair in pairs(operator, np.random.default_rng(number)):
            yield pair
            made += 1
            if made == count:
                break
        shutil.rmtree(operator.folder)
        number += 1


def main(arguments: list[str] | None = None) -> int:
    """Print every pair; 1 where a night did not come back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=50, help="how many nights are made again (50)")
    parser.add_argument("--customers", type=int, default=200, help="of each operator (200)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="how customers are delivered (all)")
    asked = parser.parse_args(arguments)
    differed, stopped, total = 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        for total, pair in enumerate(everything(Path(name), asked.pairs, asked.customers, asked.kinds), start=1):  # noqa: B007
            print(pair, flush=True)
            differed += bool(pair.differing)
            stopped += bool(pair.stopped)
    print(f"{total} pairs: {differed} differed, {stopped} were of nights that stopped")
    return int(bool(differed or stopped))


if __name__ == "__main__":
    sys.exit(main())
