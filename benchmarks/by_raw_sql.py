"""The subset of the features by hand from the raw files: what a nightly statement does that has no store to start from.

Names, types, units and times are mapped, repeats dropped and corrections followed in the same statement. Rows that
break a rule are not looked for, as little as they would be by hand: that favours this rival.
"""

from pathlib import Path

import duckdb

from benchmarks.asked import Asked
from benchmarks.by_sql import statement


def by_raw_sql(asked: Asked, raw: Path, out: Path) -> None:
    """The features asked for from raw files by SQL alone, written to `out`."""
    con = duckdb.connect(config={"threads": asked.threads})
    con.execute("SET preserve_insertion_order = false")
    for name, rows in _canonical(asked, raw).items():
        con.execute(f"CREATE VIEW raw_{name} AS {rows}")
    text = statement(asked)
    for name in _canonical(asked, raw):
        text = text.replace(f"'{asked.file(name)}'", f"raw_{name}")
    con.execute(f"COPY ({text}) TO '{out}' (FORMAT parquet)")


def _canonical(asked: Asked, raw: Path) -> dict[str, str]:
    """Table -> the statement that makes of raw files what the features need; times as in the canonical tables."""
    return {
        "customers": _customers(raw),
        "bills": _bills(raw),
        "usage": _usage(asked, raw),
        "complaints": _complaints(raw),
    }


UTC = "INTERVAL 8 HOUR"
"""The raw files tell the time of Shanghai, which has had no summer time since 1991."""
WHOLE = "NULL::TIMESTAMP AS superseded_at"


def _text_file(path: Path, columns: str) -> str:
    """A Chinese text file: the columns needed are digits, so any encoding of one byte will do."""
    names = ", ".join(f"'{name}'" for name in columns.split())
    return f"read_csv('{path}', header = false, skip = 1, encoding = 'latin-1', all_varchar = true, names = [{names}])"


def _customers(raw: Path) -> str:
    source = _text_file(raw / "cust_main.csv", "customer_id joined status since type size account region")
    return f"""
SELECT customer_id, try_strptime(joined, '%Y%m%d')::DATE AS activated_on,
  CASE WHEN status = '9' THEN try_strptime(since, '%Y%m%d')::DATE END AS deactivated_on
FROM {source}"""


def _bills(raw: Path) -> str:
    return f"""
SELECT customer_id, day::DATE AS happened_on, day - {UTC} AS happened_at, day + INTERVAL 5 DAY - {UTC} AS known_at,
  fen / 100.0::DOUBLE AS amount, {WHOLE}
FROM (SELECT DISTINCT 用户编号 AS customer_id, 账期, 业务类型, 应收_分 - 优惠_分 AS fen,
    strptime(账期, '%Y%m') + INTERVAL 1 MONTH AS day
  FROM '{raw}/bill_*.parquet')"""


def _usage(asked: Asked, raw: Path) -> str:
    """Of several versions the newest that was known; without one there is nothing to follow."""
    values = {"voice_minutes": "通话分钟", "data_mb": "流量_KB / 1024", "night_data_mb": "夜间流量_KB / 1024"}
    values |= {"roaming_mb": "漫游流量_KB / 1024", "sms": "短信条数::DOUBLE"}
    chosen = ", ".join(f"{value} AS {name}" for name, value in values.items())
    return f"""
SELECT 用户编号 AS customer_id, 使用时间::DATE AS happened_on, 使用时间 - {UTC} AS happened_at,
  入库时间 - {UTC} AS known_at, {chosen}, {WHOLE}
FROM '{raw}/usage_*.parquet'
WHERE 使用时间 >= DATE '{asked.since}' AND 入库时间 < DATE '{asked.as_of}'
QUALIFY row_number() OVER (PARTITION BY 用户编号, 使用时间 ORDER BY 入库时间 DESC) = 1"""


def _complaints(raw: Path) -> str:
    source = _text_file(
        raw / "complaint.csv", "complaint_id customer_id opened entered topic channel severity resolved"
    )
    moments = [f"try_strptime({name}, '%Y-%m-%d %H:%M:%S') AS {name}_at" for name in ("opened", "entered")]
    return f"""
SELECT customer_id, opened_at::DATE AS happened_on, opened_at - {UTC} AS happened_at,
  entered_at - {UTC} AS known_at, {WHOLE}
FROM (SELECT DISTINCT complaint_id, customer_id, {", ".join(moments)} FROM {source})"""
