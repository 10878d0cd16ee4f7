"""A small fixed sample of raw files: every table, awkward cells, and all that can happen to a row.

Two operators: one in Shanghai with CSV in GBK, one in New York with Parquet, UTF-16 and offsets in its times. What is
read of them is pinned in `test_inputs.py`. Do not change a file here: add another operator instead.
"""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.raw import at

SHANGHAI = {
    "cust_1": """用户编号,入网日期,状态,状态日期,类型,规模,账户,地市,年龄
00001,20230401,1,,01,,A-1,浦东,34
00002,20230402,9,20260215,02,large,A-1,"徐汇, 老城",
00003,20230403,9,20220101,01,,,浦东,40
 00004,20230404,1,,01,,,浦东,41
00005,20230405,1,,01,,,浦东,42
00005,20230405,1,,01,,,浦东,42
００006,20230406,1,,01,,,浦东,43
""",
    "cust_2": """用户编号,入网日期,状态,状态日期,类型,规模,账户,地市,年龄
00007,20230407,1,,02,small,A-7,"闵行
新区",44
00008,19700101,1,,01,,,浦东,45
00009,20231301,1,,01,,,浦东,46
00010,20230410,1
00011,20230411,1,,01,,,浦东,47
00011,20230412,1,,01,,,浦东,47
""",
    "plan": """用户编号,生效,套餐,月费_分,到期,受理
00001,20260101,P50,5000,20270101,2026-01-02 09:00:00
00001,20260301,P90,9000,,2026-02-20 09:00:00
00001,20260301,P99,9900,,2026-02-25 09:00:00
00002,20260101,P50,-1,,2026-01-02 09:00:00
00007,20260101,,5000,,2026-01-02 09:00:00
""",
    "bill_1": """账单号,用户编号,账期,应收_分,减免_分,缴费截止日,入库
B1,00001,202601,5900,,2026-02-20,2026-02-05 08:00:00
B2,00002,202601,5950.5,100,2026-02-20,2026-02-05 08:00:00
B3,00007,202601,1e3,,2026-02-20,2026-02-05 08:00:00
B4,00099,202601,5900,,2026-02-20,2026-02-05 08:00:00
B5,13812345678,202601,5900,,2026-02-20,2026-02-05 08:00:00
B6,00005,202601,99999999999999999999,,2026-02-20,2026-02-05 08:00:00
""",
    "bill_2": """账单号,用户编号,账期,应收_分,减免_分,缴费截止日,入库
B1,00001,202601,6100,,2026-02-20,2026-03-05 08:00:00
B2,00002,202601,5950.5,100,2026-02-20,2026-02-05 08:00:00
B7,00005,202602,5900,,2026-03-20,2026-03-05 08:00:00
B7,00005,202602,6000,,2026-03-20,2026-03-05 08:00:00
B8,00007,202602,0.5,,9999-12-31,2026-03-05 08:00:00
B9,00007,202602,1.5,,,2026-09-01 08:00:00
,00007,202602,1.5,,,2026-03-05 08:00:00
""",
    "pay": """流水,用户编号,账单号,缴费时间,金额
Y1,00001,B1,2026-02-10 10:00:00,59.00
Y2,00001,,2026-02-31 10:00:00,59.00
Y3,00002,B2,2026/02/11 10:00:00,59.505
Y4,00005,,2026-02-12T10:00,.5
""",
    "usage": """用户编号,使用时间,入库,流量_KB,通话_秒
00001,2026-01-10 08:00:00,2026-01-11 02:00:00,1024,60
00001,2026-01-10 08:00:00,2026-02-11 02:00:00,2048,60
00001,2026-01-31 23:59:59,2026-02-01 02:00:00,1536,0
00001,2026-02-01 00:00:00,2026-02-01 02:00:00,0,
00002,2026-01-10 08:00:00,2026-01-11 02:00:00,NaN,60
00002,2026-01-11 08:00:00,2026-01-09 02:00:00,1,60
00005,2026-01-12 08:00:00,2026-01-13 02:00:00,-4,60
00005,2026-01-13 08:00:00,2026-01-13 09:00:00,3.25,90
00005,2026-01-13 08:00:00,2026-01-13 09:00:00,3.25,90
00099,2026-01-13 08:00:00,2026-09-01 09:00:00,3.25,90
""",
    "complaint": """工单,用户编号,受理,级别,类别,办结
K1,00001,2026-02-03 10:00:00,2,资费,2026-02-05 10:00:00
K2,00002,2026-02-03 10:00:00,2.0,网络,2026-02-01 10:00:00
K3,00005,2026-02-03 10:00:00,two,网络,
K4,00007,2026-02-03 10:00:00,,其他,
""",
    "contact": """流水,用户编号,时间,方向,组别,成本_分
T1,00001,1769990400,呼出,1,120
T2,00002,1769990400000,呼出,0,120
T3,00005,1769990400,呼入,,
""",
    "survey": """问卷,用户编号,时间,触点,题目,得分
S1,00001,2026-02-03 10:00:00,热线,总体,5
S2,00002,2026-02-03 10:00:00,热线,总体,6
S3,00005,2026-02-03 10:00:00,热线,总体,
""",
    "consent": """用户编号,用途,时间,同意
00001,marketing,2026-01-01 10:00:00,是
00001,marketing,2026-02-01 10:00:00,否
00002,marketing,2026-01-01 10:00:00,是
""",
    "label": """用户编号,截止,流失,价值
00001,2026-01-01,true,59.005
00002,2026-01-01,0,
00005,2026-01-01,maybe,1
""",
}
"""File -> its text; written in GBK."""


def _day(name: str) -> dict[str, Any]:
    return {"from": name, "parse": "%Y%m%d"}


def _fen(name: str) -> dict[str, Any]:
    return {"expr": f"{name} / 100", "unit": "CNY"}


SHANGHAI_TABLES: dict[str, Any] = {
    "customers": {
        "source": {"path": "cust*.csv"},
        "columns": {
            "customer_id": "用户编号",
            "activated_on": _day("入网日期"),
            "deactivated_on": _day("状态日期") | {"when": {"状态": ["9"]}},
            "customer_type": {"from": "类型", "map": {"01": "personal", "02": "family"}},
            "group_size": "规模",
            "account_id": "账户",
            "region": {"from": "地市", "clean": ["trim"]},
            "age": "年龄",
        },
    },
    "subscriptions": {
        "source": {"path": "plan.csv"},
        "columns": {
            "customer_id": "用户编号",
            "valid_from": _day("生效"),
            "plan": "套餐",
            "monthly_fee": _fen("月费_分"),
            "contract_end": _day("到期"),
        },
        "known_at": "受理",
    },
    "bills": {
        "source": {"path": "bill*.csv"},
        "columns": {
            "bill_id": "账单号",
            "customer_id": "用户编号",
            "amount": {"expr": "(应收_分 - coalesce(减免_分, 0)) / 100", "unit": "CNY"},
            "due_on": {"from": "缴费截止日", "null_values": ["9999-12-31"]},
        },
        "happened_at": {"from": "账期", "parse": "%Y%m", "add": "1mo"},
        "known_at": "入库",
    },
    "payments": {
        "source": {"path": "pay.csv"},
        "columns": {"payment_id": "流水", "customer_id": "用户编号", "bill_id": "账单号", "amount": "金额"},
        "happened_at": "缴费时间",
        "known_at": "happened_at + 1d",
    },
    "usage": {
        "source": {"path": "usage.csv"},
        "columns": {
            "customer_id": "用户编号",
            "data_mb": {"expr": "流量_KB / 1024", "unit": "MB"},
            "minutes": {"expr": "通话_秒 / 60", "unit": "min"},
        },
        "happened_at": "使用时间",
        "known_at": "入库",
    },
    "complaints": {
        "source": {"path": "complaint.csv"},
        "columns": {
            "complaint_id": "工单",
            "customer_id": "用户编号",
            "severity": "级别",
            "topic": {"from": "类别", "map": {"资费": "billing", "网络": "network"}, "other": "other"},
            "resolved_at": "办结",
        },
        "happened_at": "受理",
        "known_at": "happened_at",
    },
    "contacts": {
        "source": {"path": "contact.csv"},
        "columns": {
            "contact_id": {"concat": ["流水", "用户编号"], "separator": "/"},
            "customer_id": "用户编号",
            "channel": {"value": "call"},
            "direction": {"from": "方向", "map": {"呼出": "outbound", "呼入": "inbound"}},
            "arm": {"from": "组别", "map": {"1": "treated", "0": "control"}},
            "cost": _fen("成本_分"),
        },
        "happened_at": {"from": "时间", "parse": "epoch_s"},
        "known_at": "happened_at + 2h",
    },
    "surveys": {
        "source": {"path": "survey.csv"},
        "columns": {
            "response_id": "问卷",
            "customer_id": "用户编号",
            "touchpoint": "触点",
            "item": "题目",
            "score": "得分",
        },
        "happened_at": "时间",
        "known_at": "happened_at + 1w",
    },
    "consents": {
        "source": {"path": "consent.csv"},
        "columns": {
            "customer_id": "用户编号",
            "purpose": "用途",
            "allowed": {"from": "同意", "map": {"是": "true", "否": "false"}},
        },
        "happened_at": "时间",
        "known_at": "happened_at",
    },
    "labels": {
        "source": {"path": "label.csv"},
        "columns": {"customer_id": "用户编号", "as_of": "截止", "churned": "流失", "value": "价值"},
    },
}

NEW_YORK = {
    "members": pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int32()),
            "joined": pa.array([at("2024-03-09 00:00:00"), at("2024-03-10 06:59:00"), at("2024-03-10 07:00:00")]),
            "left": pa.array([None, at("2026-03-08 00:00:00"), None], pa.timestamp("ns")),
            "vip": [True, False, None],
        }
    ),
    "orders": pa.table(
        {
            "id": pa.array([1, 2, 3, 3], pa.int64()).dictionary_encode(),
            "number": pa.array([10, 11, 12, 13], pa.uint64()),
            "at": pa.array([at(f"2026-03-08 0{hour}:00:00") for hour in (6, 7, 8, 9)], pa.timestamp("ms", "UTC")),
            "paid": pa.array([Decimal("12.345"), Decimal("0"), None, Decimal("7")], pa.decimal128(10, 3)),
        }
    ),
    "refunds": pa.table(
        {
            "id": [3],
            "number": ["10"],
            "at": pa.array([at("2026-11-01 06:00:00")], pa.timestamp("us", "America/New_York")),
            "paid": [1e-9],
        }
    ),
}
"""File -> its rows; written as Parquet."""

VISITS = """id|at|loaded|n
1|2026-03-08T01:59:59-05:00|2026-03-08 12:00:00|1
1|2026-03-08T03:00:00-04:00|2026-03-08 12:00:00|2.5
2|2026-11-01T01:30:00-04:00|2026-11-01 12:00:00|3
2|2026-11-01T01:30:00-05:00|2026-11-01 12:00:00|4
3|2026-11-01T05:30:00Z|2026-11-01 12:00:00|x
"""
"""Written in UTF-16: both sides of the two nights on which clocks are moved."""

NEW_YORK_TABLES: dict[str, Any] = {
    "customers": {
        "source": {"path": "members.parquet"},
        "columns": {"customer_id": "id", "activated_on": "joined", "deactivated_on": "left", "vip": "vip"},
    },
    "bills": {
        "source": {"path": "*[drs].pq", "format": "parquet"},
        "columns": {
            "bill_id": {"concat": ["number", "id"]},
            "customer_id": "id",
            "amount": {"from": "paid"},
        },
        "happened_at": "at",
        "known_at": "happened_at + 1d + 1h",
    },
    "usage": {
        "source": {"path": "visits.txt", "encoding": "utf-16", "delimiter": "|"},
        "columns": {"customer_id": "id", "visits": "n"},
        "happened_at": "at",
        "known_at": "loaded",
    },
}


def shanghai(folder: Path) -> Path:
    """Write the files in GBK; the mapping's path."""
    for name, text in SHANGHAI.items():
        (folder / f"{name}.csv").write_bytes(text.encode("gb18030"))
    tables = {
        name: table | {"source": table["source"] | {"encoding": "gb18030"}} for name, table in SHANGHAI_TABLES.items()
    }
    return _mapping(folder, {"version": 1, "timezone": "Asia/Shanghai", "tables": tables})


def new_york(folder: Path) -> Path:
    """Write the files as Parquet and UTF-16; the mapping's path."""
    for name, rows in NEW_YORK.items():
        pq.write_table(rows, folder / f"{name}.{'parquet' if name == 'members' else 'pq'}")
    (folder / "visits.txt").write_bytes(VISITS.encode("utf-16"))
    return _mapping(
        folder, {"version": 1, "timezone": "America/New_York", "currency": "USD", "tables": NEW_YORK_TABLES}
    )


def _mapping(folder: Path, mapping: dict[str, Any]) -> Path:
    for table in mapping["tables"].values():
        table["source"] = table["source"] | {"path": str(folder / table["source"]["path"])}
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    path = folder / "mapping.yaml"
    path.write_text(json.dumps(mapping, ensure_ascii=False), encoding="utf-8")
    return path
