"""A small operator's raw files in a folder, to be spoilt by tests, and the mapping that reads them."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis

from pipelines.config.mapping import Mapping
from pipelines.config.mapping_file import load_mapping
from pipelines.config.quality import Quality
from pipelines.ingest import extracts, ingestion
from pipelines.ingest.inputs import located
from pipelines.ingest.reading import Keep, Reading
from pipelines.ingest.tables import Tables

CUSTOMERS = [
    ["用户编号", "入网日期", "状态", "状态日期", "客户类型"],
    *[[f"{n:05d}", "20230401", "9" if n == 3 else "1", "20260215" if n == 3 else "", "01"] for n in range(1, 101)],
]
BILLS = [
    ["账单号", "用户编号", "账期", "应收_分"],
    *[[f"B{n:03d}{m}", f"{n:05d}", m, str(5900 + n)] for n in range(1, 101) for m in ("202601", "202602")],
]
USAGE = [
    ["用户编号", "使用时间", "入库时间", "流量_KB"],
    *[
        [f"{n:05d}", f"2026-0{m}-10 08:00:00", f"2026-0{m}-11 02:00:00", str(1024 * n)]
        for n in range(1, 101)
        for m in (1, 2)
    ],
]
TABLES: dict[str, Any] = {
    "customers": {
        "source": {"path": "cust*.csv"},
        "columns": {
            "customer_id": "用户编号",
            "activated_on": {"from": "入网日期", "parse": "%Y%m%d"},
            "deactivated_on": {"from": "状态日期", "parse": "%Y%m%d", "when": {"状态": ["9"]}},
            "customer_type": {"from": "客户类型", "map": {"01": "personal", "02": "family"}},
        },
    },
    "bills": {
        "source": {"path": "bill*.csv"},
        "columns": {"bill_id": "账单号", "customer_id": "用户编号", "amount": {"expr": "应收_分 / 100", "unit": "CNY"}},
        "happened_at": {"from": "账期", "parse": "%Y%m", "add": "1mo"},
        "known_at": "happened_at + 5d",
    },
    "usage": {
        "source": {"path": "usage*.csv"},
        "columns": {"customer_id": "用户编号", "data_mb": {"expr": "流量_KB / 1024", "unit": "MB"}},
        "happened_at": "使用时间",
        "known_at": "入库时间",
    },
}


def at(text: str) -> datetime:
    """A UTC moment as tables hold it, without a zone."""
    return datetime.fromisoformat(text)


def read_tables(
    con: ibis.BaseBackend,
    mapping: Mapping,
    quality: Quality | None = None,
    as_of: date | None = None,
    *,
    before: dict[str, float] | None = None,
    keep: Keep | None = None,
) -> Tables:
    """Every table of a mapping read whole, without a workspace, as tables of `con`.

    `as_of`: the newest date that is asked for; without it nothing is from the future. `before`: medians of last time.
    """
    inputs, quality = located(mapping), quality or Quality()
    limit = None if as_of is None else inputs.delivered(as_of, quality)
    with TemporaryDirectory() as folder:
        read = ingestion.read(Reading(con, inputs, quality, Path(folder), limit, keep=keep), before or {})
        for name, parts in read.parts.items():
            rows = con.read_parquet([part.path for part in parts], table_name=f"read_{name}")
            read.tables[name] = con.create_table(name, rows, overwrite=True)
            con.drop_view(f"read_{name}")
    return replace(read, parts={})


class Raw:
    """The folder: change `rows` and `mapping`, then `read()`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.rows = {"cust": deepcopy(CUSTOMERS), "bill": deepcopy(BILLS), "usage": deepcopy(USAGE)}
        self.mapping: dict[str, Any] = {"version": 1, "timezone": "Asia/Shanghai", "tables": deepcopy(TABLES)}

    def column(self, name: str, column: str, value: Any, rows: int | None = None) -> None:
        """Set a column of the first `rows` data rows (all by default)."""
        place = self.rows[name][0].index(column)
        for row in self.rows[name][1 : None if rows is None else rows + 1]:
            row[place] = value(row[place]) if callable(value) else value

    def rename(self, name: str, column: str, new: str) -> None:
        head = self.rows[name][0]
        head[head.index(column)] = new

    def write(self, encoding: str = "utf-8") -> Path:
        """Write the CSV files and the mapping (JSON is YAML); the mapping's path."""
        for name, rows in self.rows.items():
            text = "".join(",".join(row) + "\n" for row in rows)
            (self.folder / f"{name}.csv").write_bytes(text.encode(encoding))
        return self.write_mapping()

    def write_mapping(self) -> Path:
        tables = deepcopy(self.mapping)
        for table in tables.get("tables", {}).values():
            for part in (table, *table.get("sources", ())):
                source = part.get("source", {})
                for key in ("path", "database"):
                    if key in source:
                        source[key] = str(self.folder / source[key])
        path = self.folder / "mapping.yaml"
        path.write_text(json.dumps(tables, ensure_ascii=False, indent=1), encoding="utf-8")
        return path

    def load(self) -> Mapping:
        return load_mapping(self.write_mapping())

    def read(self, con: ibis.BaseBackend, quality: Quality | None = None, **options: Any) -> Tables:
        """Write everything and read it, tables of databases by way of their extracts."""
        mapping = load_mapping(self.write())
        extracts.extract(mapping, self.folder / "extracts")
        return read_tables(con, mapping, quality or Quality(), **options)


MONTHS = [f"2025{month:02d}" for month in range(6, 13)]


class Monthly(Raw):
    """Bills and usage of seven months, a file a month."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.mapping["tables"]["usage"]["columns"]["sms"] = "短信"
        people = [row[0] for row in self.rows["cust"][1:]]
        self.rows = {"cust": self.rows["cust"]}
        for month in MONTHS:
            head = ["账单号", "用户编号", "账期", "应收_分"]
            bills = [[f"B{p}{month}", p, month, str(4000 + 37 * int(p))] for p in people]
            day = f"{month[:4]}-{month[4:]}"
            usage = [
                [p, f"{day}-10 08:00:00", f"{day}-11 02:00:00", str(1024 * int(p)), str(3 + int(p) % 40)]
                for p in people
            ]
            self.rows |= {f"bill_{month}": [head, *bills]}
            self.rows |= {f"usage_{month}": [["用户编号", "使用时间", "入库时间", "流量_KB", "短信"], *usage]}

    def times(self, name: str, column: str, factor: float, rows: int | None = None) -> "Monthly":
        """The first rows of a column (all by default) by a factor."""
        self.column(name, column, lambda text: f"{int(text) * factor:.4f}".rstrip("0").rstrip("."), rows)
        return self
