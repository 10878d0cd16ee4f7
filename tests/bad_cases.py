"""Ways to spoil the small operator's raw files, mapping and settings, and the code that each must end in."""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tests.raw import Raw


@dataclass(frozen=True)
class Bad:
    """`spoil` changes the raw world; the words must stand in the message."""

    name: str
    code: str
    spoil: Callable[[Raw], object]
    words: tuple[str, ...] = ()


def table(name: str, **changes) -> Callable[[Raw], None]:
    return lambda raw: raw.mapping["tables"][name].update(changes)


def column(name: str, column: str, form: object) -> Callable[[Raw], None]:
    return lambda raw: raw.mapping["tables"][name]["columns"].__setitem__(column, form)


def without(name: str, key: str) -> Callable[[Raw], None]:
    return lambda raw: (
        raw.mapping["tables"][name]["columns"].pop(key, None),
        raw.mapping["tables"][name].pop(key, None),
    )


def cells(name: str, source: str, value, rows: int | None = None) -> Callable[[Raw], None]:
    return lambda raw: raw.column(name, source, value, rows)


def source(name: str, **given) -> Callable[[Raw], None]:
    return lambda raw: raw.mapping["tables"][name].update({"source": given})


def file(name: str, content: bytes) -> Callable[[Raw], None]:
    """The bytes of one file, written after the others."""
    return lambda raw: raw.rows.pop(name) and (raw.folder / f"{name}.csv").write_bytes(content)


def in_parquet(raw: Raw, name: str, **columns) -> None:
    head, *rows = raw.rows.pop(name)
    content = {key: [row[at] for row in rows] for at, key in enumerate(head)} | columns
    pq.write_table(pa.table(content), raw.folder / f"{name}.parquet")
    table = {"cust": "customers", "bill": "bills"}.get(name, name)
    raw.mapping["tables"][table]["source"] = {"path": f"{name}.parquet"}


def in_duckdb(content: bytes = b"", **asked: str) -> Callable[[Raw], None]:
    """The bills as the table `bill` of a DuckDB file, asked for by a connection; or a file of other content."""

    def spoil(raw: Raw) -> None:
        path = raw.folder / "billing.duckdb"
        head, *rows = raw.rows["bill"]
        if content:
            path.write_bytes(content)
        else:
            with duckdb.connect(str(path)) as base:
                base.register("given", pa.table({name: [row[at] for row in rows] for at, name in enumerate(head)}))
                base.execute("CREATE TABLE bill AS FROM given")
        source("bills", connection=f"duckdb://{path}", **asked)(raw)

    return spoil


def damaged(raw: Raw) -> None:
    in_parquet(raw, "usage")
    path = raw.folder / "usage.parquet"
    path.write_bytes(path.read_bytes()[:-20])


def text_of(rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


def open_quote(raw: Raw) -> None:
    lines = text_of(raw.rows.pop("bill")).splitlines()
    lines[50] = lines[50].replace(",", ',"', 1)
    (raw.folder / "bill.csv").write_text("\n".join(lines), encoding="utf-8")


def left_early(raw: Raw) -> None:
    for name, value in (("状态", "9"), ("状态日期", "20260215"), ("入网日期", "20260401")):
        raw.column("cust", name, value)


def clash(raw: Raw) -> None:
    raw.rows["bill"].append([*raw.rows["bill"][1][:3], "77"])


MAPPING = [
    Bad(
        "unknown table",
        "E211",
        lambda r: r.mapping["tables"].update(invoices=r.mapping["tables"]["bills"]),
        ("invoices",),
    ),
    Bad("unknown column", "E245", column("bills", "ammount", "应收_分"), ("ammount", "amount")),
    Bad("needed table missing", "E208", lambda r: r.mapping["tables"].pop("customers"), ("customers",)),
    Bad("no known_at", "E209", without("bills", "known_at"), ("known_at", "bills")),
    Bad("no happened_at", "E210", without("usage", "happened_at"), ("happened_at",)),
    Bad("required column missing", "E210", without("bills", "amount"), ("amount",)),
    Bad("clock of customers", "E220", table("customers", happened_at="入网日期"), ("customers",)),
    Bad("unknown key in a column", "E203", column("bills", "bill_id", {"form": "账单号"}), ("form", "from")),
    Bad("two forms at once", "E204", column("bills", "bill_id", {"from": "账单号", "concat": ["账期"]}), ("bill_id",)),
    Bad("unquoted codes", "E204", column("customers", "region", {"from": "状态", "map": {"1": 5}}), ("region",)),
    Bad("source of two kinds", "E204", source("bills", path="bill.csv", sql="SELECT 1"), ("source",)),
    Bad(
        "code in an expression",
        "E212",
        column("bills", "amount", {"expr": "__import__('os').system('x')"}),
        ("__import__",),
    ),
    Bad("unfinished expression", "E212", column("bills", "amount", {"expr": "应收_分 / "}), ("应收_分 /",)),
    Bad("time in a sum of money", "E218", column("bills", "amount", {"expr": "应收_分 + 5d"}), ("应收_分",)),
    Bad(
        "bad duration",
        "E212",
        table("bills", happened_at={"from": "账期", "parse": "%Y%m", "add": "one month"}),
        ("one month",),
    ),
    Bad(
        "columns in a circle",
        "E213",
        table("usage", happened_at="known_at + 1d", known_at="happened_at + 1d"),
        ("known_at",),
    ),
    Bad("measure with a bad name", "E214", column("usage", "Data MB; DROP", "流量_KB"), ("Data MB; DROP",)),
    Bad("unknown time zone", "E215", lambda r: r.mapping.update(timezone="Asia/Peking"), ("Asia/Peking",)),
    Bad("unknown version", "E204", lambda r: r.mapping.update(version=2), ("version",)),
    Bad("unknown encoding", "E219", source("bills", path="bill.csv", encoding="gbq"), ("gbq",)),
    Bad("several statements", "E217", source("bills", sql="SELECT 1; DROP TABLE x"), ("bills",)),
    Bad("no query at all", "E217", source("bills", sql="DELETE FROM x"), ("bills",)),
    Bad("query that cannot run", "E217", source("bills", sql="SELECT nothing FROM nowhere"), ("nowhere",)),
    Bad(
        "password in the mapping", "E223", source("bills", connection="postgres://a:hunter2@b/c", table="x"), ("${DB",)
    ),
    Bad(
        "secret that is not set",
        "E224",
        source("bills", connection="postgres://a:${NOT_SET_ANYWHERE}@b/c", table="x"),
        ("NOT_SET_ANYWHERE",),
    ),
    Bad("unknown database", "E226", source("bills", connection="postgers://a@b/c", table="x"), ("postgres",)),
    Bad("connection that is no URL", "E204", source("bills", connection="host=a", table="x"), ("postgres://user",)),
    Bad("connection without table", "E204", source("bills", connection="duckdb://a.db"), ("table or sql",)),
    Bad("table name with SQL in it", "E204", source("bills", connection="duckdb://a", table='x"; DROP'), ("table",)),
    Bad(
        "watermark of a file",
        "E204",
        source("bills", path="bill.csv", watermark="账期"),
        ("watermark needs connection",),
    ),
    Bad(
        "watermark of customers",
        "E227",
        source("customers", connection="duckdb://a", table="x", watermark="状态日期"),
        ("customers",),
    ),
    Bad("query that changes a database", "E217", in_duckdb(sql="DELETE FROM bill"), ("DELETE",)),
    Bad("watermark that is text", "E225", in_duckdb(table="bill", watermark="账期"), ("账期", "string")),
]

DATA = [
    Bad("missing file", "E401", source("bills", path="none_*.csv"), ("none_*.csv",)),
    Bad("table that is not in the database", "E404", in_duckdb(table="bills"), ("'bill'",)),
    Bad(
        "database file that is not there",
        "E401",
        source("bills", connection="duckdb://none.db", table="x"),
        ("none.db",),
    ),
    Bad("database that does not answer", "E712", in_duckdb(table="bill", content=b"no database"), ("billing.duckdb",)),
    Bad("missing file of a query", "E401", source("bills", sql="SELECT * FROM 'none_*.parquet'"), ("bills",)),
    Bad(
        "renamed column",
        "E302",
        lambda r: r.rename("bill", "应收_分", "应收金额_分"),
        ("应收_分", "应收金额_分", "bill.csv"),
    ),
    Bad(
        "column only in one of two files",
        "E302",
        lambda r: (r.folder / "bill_2.csv").write_text("账单号,用户编号\n1,2\n"),
        ("bill_2.csv",),
    ),
    Bad("column twice", "E316", lambda r: [row.append(row[3]) for row in r.rows["bill"]], ("bill.csv",)),
    Bad("fen for yuan", "E301", column("bills", "amount", "应收_分"), ("bill.csv", "amount", "应收_分 / 100")),
    Bad(
        "divided twice",
        "E301",
        lambda r: (column("bills", "amount", "应收_分")(r), cells("bill", "应收_分", "120000")(r)),
        ("120,000",),
    ),
    Bad("empty file", "E303", file("usage", b""), ("usage.csv",)),
    Bad("header only", "E303", lambda r: r.rows.__setitem__("usage", r.rows["usage"][:1]), ("usage.csv",)),
    Bad("no customers", "E303", lambda r: r.rows.__setitem__("cust", r.rows["cust"][:1]), ("cust.csv",)),
    Bad(
        "empty Parquet",
        "E303",
        lambda r: (r.rows.__setitem__("usage", r.rows["usage"][:1]), in_parquet(r, "usage")),
        ("usage.parquet",),
    ),
    Bad(
        "GBK read as UTF-8",
        "E311",
        lambda r: file("cust", text_of(r.rows["cust"]).encode("gbk"))(r),
        ("cust.csv", "gbk"),
    ),
    Bad(
        "UTF-16 read as UTF-8", "E311", lambda r: file("cust", text_of(r.rows["cust"]).encode("utf-16"))(r), ("utf-16",)
    ),
    Bad(
        "not Parquet",
        "E312",
        lambda r: (file("usage", b"PAR1 no")(r), source("usage", path="usage.csv", format="parquet")(r)),
        ("usage.csv",),
    ),
    Bad("cut Parquet", "E312", damaged, ("usage.parquet",)),
    Bad(
        "Parquet read as CSV",
        "E3",
        lambda r: (in_parquet(r, "usage"), source("usage", path="usage.parquet", format="csv")(r)),
        ("usage.parquet",),
    ),
    Bad("open quote", "E313", open_quote, ("bill.csv",)),
    Bad("cell of ten megabytes", "E317", cells("usage", "流量_KB", "1" * 10_000_000, 1), ("usage.csv",)),
    Bad("wrong separator", "E302", source("bills", path="bill.csv", delimiter=";"), ("bill.csv",)),
    Bad("ragged rows", "E318", lambda r: [row.append("x") for row in r.rows["bill"][1:9]], ("bill.csv",)),
    Bad("float ids", "E314", lambda r: in_parquet(r, "cust", 用户编号=[float(n) for n in range(100)]), ("用户编号",)),
    Bad("nested column", "E314", lambda r: in_parquet(r, "cust", 客户类型=[["01"]] * 100), ("客户类型",)),
    Bad("numbers as times", "E314", lambda r: in_parquet(r, "usage", 使用时间=list(range(200))), ("使用时间",)),
    Bad("naive and aware times", "E315", cells("usage", "使用时间", "2026-01-01T00:00:00+08:00", 3), ("使用时间",)),
    Bad("unmapped code", "E321", cells("cust", "客户类型", "07", 1), ("客户类型", "07")),
    Bad("code that lost its zero", "E321", cells("cust", "客户类型", "1"), ("客户类型",)),
    Bad("conflicting keys", "E304", clash, ("bill.csv",)),
    Bad("future rows", "E305", cells("usage", "入库时间", "2099-01-01 00:00:00", 5), ("known_at", "2099")),
    Bad("unknown customers", "E306", cells("bill", "用户编号", "99999", 5), ("customer_id",)),
    Bad("ids without zeros", "E306", cells("usage", "用户编号", lambda text: text.lstrip("0")), ("customer_id",)),
    Bad("dates of another shape", "E307", cells("cust", "入网日期", "01.04.2023"), ("activated_on", "cust.csv")),
    Bad("30 February", "E307", cells("cust", "入网日期", "20230230"), ("activated_on",)),
    Bad("decimal comma", "E308", cells("usage", "流量_KB", '"1,5"'), ("data_mb", "1,5")),
    Bad("thousands mark", "E308", cells("bill", "应收_分", '"5,900"', 5), ("amount",)),
    Bad("exponent", "E308", cells("bill", "应收_分", "1e3", 5), ("amount", "1e3")),
    Bad("NaN", "E308", lambda r: in_parquet(r, "usage", 流量_KB=[float("nan")] * 200), ("data_mb",)),
    Bad("infinity", "E308", lambda r: in_parquet(r, "usage", 流量_KB=[float("inf")] * 200), ("data_mb",)),
    Bad("too large for money", "E310", cells("bill", "应收_分", "9" * 18, 5), ("amount",)),
    Bad("bills of the wrong sign", "E301", cells("bill", "应收_分", "-5900"), ("amount", "-(应收_分 / 100)")),
    Bad("a condition that keeps nothing", "E323", table("bills", where='账期 == "x"'), ("账期", "202601")),
    Bad("empty keys", "E309", cells("bill", "账单号", "", 2), ("bill_id",)),
    Bad("empty known_at", "E309", cells("usage", "入库时间", "", 5), ("known_at",)),
    Bad("null words nobody declared", "E308", cells("usage", "流量_KB", "NULL"), ("data_mb", "NULL")),
    Bad("blanks around keys", "E310", cells("bill", "账单号", lambda text: text + " ", 3), ("bill_id",)),
    Bad("full-width keys", "E310", cells("bill", "账单号", lambda text: text.replace("B", "Ｂ"), 3), ("bill_id",)),
    Bad("known before it happened", "E310", cells("usage", "入库时间", "2026-01-01 00:00:00", 5), ("known_at",)),
    Bad("1970", "E310", cells("usage", "使用时间", "1970-01-01 00:00:00", 5), ("happened_at",)),
    Bad("year 9999 without declaration", "E310", cells("cust", "入网日期", "99991231", 5), ("activated_on",)),
    Bad("left before joining", "E310", left_early, ("deactivated_on",)),
    Bad(
        "milliseconds as seconds",
        "E307",
        lambda r: (
            cells("usage", "使用时间", "1767225600000")(r),
            table("usage", happened_at={"from": "使用时间", "parse": "epoch_s"})(r),
        ),
        ("happened_at",),
    ),
]

CONFIGS = [
    ("no file", None, "E201", "config.yaml"),
    ("unknown key", "name: a\nmapping: mapping.yaml\nlanguge: zh\n", "E203", "language"),
    ("unknown nested key", "mapping: mapping.yaml\ntargets: {churn: {horizon: 90}}\n", "E203", "horizon"),
    ("value that does not fit", "mapping: mapping.yaml\nthreads: several\n", "E204", "threads"),
    ("negative horizon", "mapping: mapping.yaml\ntargets: {churn: {horizon_days: -1}}\n", "E204", "horizon_days"),
    ("part of no measure", "mapping: mapping.yaml\nfeatures: {parts: {fax_pages: sms}}\n", "E204", "features.parts"),
    ("topic that makes no name", "mapping: mapping.yaml\nfeatures: {topics: [Spam SMS]}\n", "E204", "topics"),
    ("broken YAML", "name: [a\nmapping: {\n", "E202", ":2"),
    ("tab in YAML", "name: a\n\tmapping: b\n", "E202", ":2"),
    ("a list", "- a\n- b\n", "E202", "list"),
    ("a key twice", "name: a\nseed: 1\nname: b\n", "E222", ":3"),
    ("python object", "name: !!python/object/apply:os.system ['true']\n", "E206", "python"),
    ("anchor bomb", "a: &a [x, x]\nb: &b [*a, *a]\n", "E206", ":1"),
    ("merge key", "demo: {<<: {seed: 1}}\n", "E206", "<<"),
    ("deep nesting", "a: " + "[" * 100 + "]" * 100, "E206", "levels"),
    ("latin letters", b"name: caf\xe9\n", "E202", "UTF-8"),
    ("path as a name", "name: ../../etc\nmapping: mapping.yaml\n", "E204", "../../etc"),
    ("missing mapping", "mapping: other.yaml\n", "E201", "other.yaml"),
    ("unknown language", "mapping: mapping.yaml\nlanguage: fr\n", "E204", "language"),
    ("date that is none", "mapping: mapping.yaml\nas_of: 2026-02-30\n", "E202", "2026-02-30"),
]
