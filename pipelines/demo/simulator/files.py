"""Raw files in the manner of a Chinese operator's nightly extract: GBK text with codes, Parquet with fen and KB.

A few rows are damaged or written twice on purpose, so that quarantine has something to find.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.demo.simulator.people import NEVER, Calendar

DUPLICATED = 0.0005  # share of rows of bills and usage that are written twice
DAMAGED = 0.0003  # share of rows that break a rule; of customers a third of it, because a lost customer costs more
TYPES = np.array(["01", "02", "03"])
SIZES = np.array(["A", "B", "C", "D"])
SERVICE_FEN, CONTACT_FEN = 300, np.array([800, 10, 1])  # cost of a service contact; of a call, a text, a push
CITIES = np.array(["0571", "0572", "0573", "0574", "0575", "0576"])


@dataclass(frozen=True)
class Extract:
    """Where raw files go, what a life's number is, and the stream of chance that damages rows."""

    folder: Path
    numbers: np.ndarray  # customer number per life, text
    when: Calendar
    rng: np.random.Generator

    def ids(self, life: np.ndarray) -> pa.Array:
        """The numbers of lives, by position."""
        return pa.array(self.numbers, pa.string()).take(pa.array(life))

    def times(self, second: np.ndarray) -> np.ndarray:
        """Local wall-clock times without a zone."""
        return self.when.start.astype("datetime64[us]") + second.astype("timedelta64[s]")

    def parquet(self, name: str, columns: dict) -> None:
        """Write a Parquet file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path, compression="zstd")

    def csv(self, name: str, columns: dict) -> None:
        """Write a CSV file in GBK, as older systems do."""
        frame = pd.DataFrame({key: np.asarray(values) for key, values in columns.items()})
        frame.to_csv(self.folder / name, index=False, encoding="gbk", lineterminator="\n")

    def compact(self, days: np.ndarray) -> np.ndarray:
        """Days as 20261101; 00000000 where there is none."""
        known = np.abs(days) < NEVER
        text = np.char.replace(self.when.dates(np.where(known, days, 0)).astype(str), "-", "")
        return np.where(known, text, "00000000")

    def clock(self, second: np.ndarray) -> np.ndarray:
        """Times as text, `2026-11-01 08:30:00`; empty where negative."""
        text = np.char.replace(self.times(np.maximum(second, 0)).astype("datetime64[s]").astype(str), "T", " ")
        return np.where(second < 0, "", text)

    def damaged(self, size: int, share: float = DAMAGED) -> np.ndarray:
        """Rows to damage; none in tables too small for one."""
        return np.sort(self.rng.choice(size, round(size * share), replace=False))

    def doubled(self, columns: dict) -> dict:
        """The rows and, at the end, a few exact copies."""
        size = len(columns["life"])
        rows = np.concatenate([np.arange(size), self.rng.choice(size, int(size * DUPLICATED), replace=False)])
        return {name: values[rows] for name, values in columns.items()}


def write_customers(out: Extract, who, life, master: np.ndarray) -> None:
    """One row per number: its holder of today. A number given anew no longer shows who had it before.

    Parameters
    ----------
    out
        Writes the files, and damages a few rows.
    who
        The people simulated.
    life
        What happened to them month by month.
    master
        Positions of those who hold their number today.
    """
    left = np.where(life.left[master] < out.when.days, life.left[master], NEVER)
    suspended = (left == NEVER) & life.months["strain"][-1][master]
    status = np.where(left < NEVER, "9", np.where(suspended, "2", "1"))
    joined = out.compact(who.joined[master])
    since = np.where(left < NEVER, left, np.where(suspended, out.when.days - 20, who.joined[master]))
    joined[out.damaged(len(master), DAMAGED / 3)] = "20261341"
    columns = {"用户编号": out.numbers[master], "入网日期": joined, "状态": status, "状态日期": out.compact(since)}
    kind = who.kind[master]
    columns |= {"客户类型": TYPES[kind], "集团规模": np.where(kind == 2, SIZES[who.size[master]], "")}
    columns |= {"账户编号": np.char.mod("A%07d", who.account[master]), "地市编码": CITIES[who.region[master]]}
    out.csv("cust_main.csv", columns)


def write_plans(out: Extract, life) -> None:
    """Every plan signed: first day, end of the commitment and the time of signing. The old row is not closed."""
    holder, start, signed, plan, fee, end = life.events_of("plans", 6)
    second = signed * 86400 + out.rng.integers(9 * 3600, 20 * 3600, len(signed))
    keep = (start < life.left[holder]) & (second < out.when.days * 86400)
    holder, start, second, plan, fee, end = (a[keep] for a in (holder, start, second, plan, fee, end))
    end = np.where(end > start, end, NEVER)
    columns = {
        "用户编号": out.numbers[holder],
        "套餐编码": np.char.mod("TC%02d", plan),
        "月费_分": np.rint(fee * 100).astype(int),
    }
    columns |= {"生效时间": out.compact(start), "合约到期日": out.compact(end)}
    out.csv("plan_history.csv", columns | {"受理时间": _stamps(out, second)})


def _stamps(out: Extract, second: np.ndarray) -> np.ndarray:
    """Times as text, also before the first day."""
    return np.char.replace(out.times(second).astype("datetime64[s]").astype(str), "T", " ")


def write_bills(out: Extract, month: int, bills: dict) -> np.ndarray:
    """One file per billed month; the returned bill numbers belong to the rows of `bills`.

    Parameters
    ----------
    out
        Writes the files, and damages a few rows.
    month
        Number of the month from 0.
    bills
        Columns of that month.
    """
    period = _period_of(out, month)
    rows = out.doubled(bills)
    gross = rows["gross"].copy()
    gross[out.damaged(len(gross))] = -100
    columns = {"用户编号": out.ids(rows["life"]), "账期": np.full(len(gross), period)}
    columns |= {"业务类型": np.where(rows["service"] == 0, "YD", "KD"), "应收_分": gross, "优惠_分": rows["discount"]}
    out.parquet(f"bill_{period}.parquet", columns | {"缴费截止日": out.compact(rows["due"])})
    service = np.where(bills["service"] == 0, "YD", "KD")
    return np.char.add(np.char.add(out.numbers[bills["life"]], period), service)


def _period_of(out: Extract, month: int) -> str:
    return str(out.when.start.astype("datetime64[M]") + month).replace("-", "")


def write_payments(out: Extract, month: int, paid: dict, bills: dict, numbers: np.ndarray) -> None:
    """Payments of a month, in fen.

    Parameters
    ----------
    out
        Writes the files, and damages a few rows.
    month
        Number of the month from 0.
    paid
        Columns of the payments.
    bills
        Columns of the bills that they pay.
    numbers
        Numbers of these bills.
    """
    row = paid["bill"]
    period, service = _period_of(out, month), np.where(bills["service"][row] == 0, "YD", "KD")
    columns = {"缴费流水": np.char.add("P", numbers[row]), "用户编号": out.ids(bills["life"][row])}
    columns |= {"账期": np.full(len(row), period), "业务类型": service}
    columns |= {"缴费时间": out.times(paid["paid"]), "金额_分": paid["amount"]}
    out.parquet(f"payment_{period}.parquet", columns)


def write_usage(out: Extract, month: int, usage: dict) -> None:
    """Usage of a month, its newest rows late and some damaged.

    Parameters
    ----------
    out
        Writes the files, and damages a few rows.
    month
        Number of the month from 0.
    usage
        Columns of that month.
    """
    period = _period_of(out, month)
    rows = out.doubled(usage)
    size = len(rows["life"])
    loaded = pa.array(out.times(rows["loaded"]), mask=np.isin(np.arange(size), out.damaged(size)))
    data = rows["data_kb"].astype("int64")
    data[out.damaged(size)] = -1
    columns = {"用户编号": out.ids(rows["life"]), "使用时间": out.times(rows["used"]), "入库时间": loaded}
    columns |= {"通话分钟": rows["voice"] / 10, "流量_KB": data, "夜间流量_KB": rows["night_kb"].astype("int64")}
    columns |= {"漫游流量_KB": rows["away_kb"].astype("int64"), "短信条数": rows["sms"].astype("int64")}
    out.parquet(f"usage/usage_{period}.parquet", columns)


def write_complaints(out: Extract, rows: dict) -> None:
    """Complaints, a few of them solved before they were opened."""
    solved = rows["solved"].copy()
    bad = out.damaged(len(solved), 0.0015)
    solved[bad] = rows["opened"][bad] - 86400
    columns = {"工单编号": _numbered("G", len(solved)), "用户编号": out.numbers[rows["life"]]}
    columns |= {"受理时间": out.clock(rows["opened"]), "录入时间": out.clock(rows["entered"])}
    columns |= {"投诉类别": np.char.mod("T%02d", rows["topic"] + 1), "投诉渠道": np.char.mod("%d", rows["channel"] + 1)}
    out.csv("complaint.csv", columns | {"级别": rows["severity"], "办结时间": out.clock(solved)})


def write_contacts(out: Extract, inbound: dict, listed: dict) -> None:
    """Service contacts and campaign lists in one table; a listed customer who was left alone has channel 0.

    Parameters
    ----------
    out
        Writes the files, and damages a few rows.
    inbound
        Columns of calls by customers.
    listed
        Columns of contacts by campaigns.
    """
    first, second = len(inbound["life"]), len(listed["life"])
    life = np.concatenate([inbound["life"], listed["life"]])
    at = np.concatenate([inbound["at"], listed["at"]])
    control = np.concatenate([np.zeros(first, bool), listed["control"]])
    channel = np.where(control, 0, np.concatenate([inbound["channel"] + 1, listed["channel"] + 6]))
    cost = np.where(control, 0, np.concatenate([np.full(first, SERVICE_FEN), CONTACT_FEN[listed["channel"]]]))
    campaign = np.char.mod("HD%03d", np.concatenate([np.zeros(first, int), listed["month"]]))
    called = np.arange(first + second) < first
    columns = {"接触流水": _numbered("J", first + second), "用户编号": out.ids(life), "接触时间": out.times(at)}
    columns |= {
        "入库时间": out.times(at + 3600),
        "渠道": np.char.mod("%d", channel),
        "方向": np.where(called, "1", "2"),
    }
    arm = pa.array(np.where(control, "C", "T"), mask=called)
    columns |= {"活动编号": pa.array(campaign, mask=called), "组别": arm, "成本_分": cost}
    out.parquet("contact.parquet", columns)


def write_surveys(out: Extract, rows: dict) -> None:
    """Survey answers, one item per response."""
    places = np.array(["network", "hotline", "store", "bill"])
    columns = {"问卷编号": _numbered("S", len(rows["life"])), "用户编号": out.numbers[rows["life"]]}
    columns |= {"答卷时间": out.clock(rows["at"]), "触点": places[rows["touchpoint"]]}
    out.csv("survey.csv", columns | {"题目": np.full(len(rows["at"]), "overall"), "得分": rows["score"]})


def write_consents(out: Extract, rows: dict) -> None:
    """Consents to marketing, and their withdrawal."""
    columns = {"用户编号": out.numbers[rows["life"]], "用途": np.full(len(rows["at"]), "marketing")}
    out.csv(
        "consent.csv", columns | {"操作时间": _stamps(out, rows["at"]), "是否同意": np.where(rows["allowed"], "Y", "N")}
    )


def _numbered(letter: str, size: int) -> np.ndarray:
    return np.char.mod(letter + "%08d", np.arange(1, size + 1))
