"""Proposals for people who bring their own tables: a mapping by names, and a trial of a mapping on the first rows."""

import json
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import pyarrow as pa

from features.contracts import CONTRACTS, Contract
from features.errors import HeadwaterError
from pipelines.config.formats import format_of
from pipelines.config.mapping import Mapping, Source
from pipelines.config.validation import nearest
from pipelines.ingest import columns, extracts, inputs, marks, offsets, sniffing
from pipelines.ingest.columns import Columns
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.reader import reader_of
from pipelines.ingest.rules import contract_problems

FIRST = 1_000
CLOSE = 0.62
KNOWN: dict[str, tuple[str, ...]] = {
    "customer_id": (
        "用户编号",
        "客户编号",
        "用户标识",
        "客户标识",
        "用户id",
        "客户id",
        "服务号码编号",
        "user_id",
        "cust_id",
        "subs_id",
        "msisdn_key",
    ),
    "account_id": ("账户编号", "帐户编号", "账户标识", "acct_id", "account"),
    "activated_on": (
        "入网日期",
        "入网时间",
        "开户日期",
        "开户时间",
        "激活日期",
        "open_date",
        "activation_date",
        "joined",
        "start_date",
    ),
    "deactivated_on": ("离网日期", "销户日期", "拆机日期", "状态日期", "close_date", "churn_date", "deactivation_date"),
    "customer_type": ("客户类型", "用户类型", "客户类别", "cust_type", "segment"),
    "group_size": ("集团规模", "企业规模", "company_size"),
    "region": ("地市", "地市编码", "地区", "区域", "归属地", "city", "area"),
    "valid_from": ("生效时间", "生效日期", "套餐生效时间", "eff_date", "effective_date"),
    "valid_to": ("失效时间", "失效日期", "exp_date", "end_date"),
    "plan": ("套餐", "套餐编码", "套餐名称", "资费", "plan_code", "product", "offer_id"),
    "monthly_fee": ("月费", "月租", "月费_分", "套餐月费", "fee", "monthly_charge"),
    "contract_end": ("合约到期日", "合约到期时间", "合约结束日期", "contract_end_date"),
    "bill_id": ("账单编号", "账单流水", "账单号", "bill_no", "invoice_id"),
    "amount": (
        "应收",
        "应收_分",
        "金额",
        "金额_分",
        "实收",
        "出账金额",
        "账单金额",
        "缴费金额",
        "fee",
        "charge",
        "total",
    ),
    "due_on": ("缴费截止日", "到期日", "due_date"),
    "payment_id": ("缴费流水", "缴费编号", "支付流水", "pay_id"),
    "complaint_id": ("工单编号", "投诉编号", "工单号", "ticket_id"),
    "topic": ("投诉类别", "投诉主题", "投诉类型", "category", "reason"),
    "channel": ("渠道", "投诉渠道", "接触渠道"),
    "severity": ("级别", "严重程度", "priority"),
    "resolved_at": ("办结时间", "解决时间", "处理完成时间", "closed_at"),
    "contact_id": ("接触流水", "接触编号", "外呼编号"),
    "direction": ("方向", "呼叫方向"),
    "campaign_id": ("活动编号", "营销活动", "campaign"),
    "arm": ("组别", "实验组", "对照组标识"),
    "cost": ("成本", "成本_分", "费用"),
    "response_id": ("问卷编号", "回答编号"),
    "touchpoint": ("触点",),
    "item": ("题目", "问题"),
    "score": ("得分", "评分", "满意度"),
    "purpose": ("用途",),
    "allowed": ("是否同意", "同意标志"),
    "happened_at": (
        "账期",
        "使用时间",
        "发生时间",
        "缴费时间",
        "受理时间",
        "接触时间",
        "答卷时间",
        "操作时间",
        "日期",
        "统计日期",
        "billing_cycle",
        "event_time",
        "date",
        "time",
    ),
    "known_at": ("入库时间", "录入时间", "加载时间", "load_time", "etl_time", "inserted_at", "created_at"),
    "as_of": ("截止日期",),
    "churned": ("是否流失", "流失标志"),
    "value": ("价值",),
}

DOUBTFUL = {"状态日期": 0.95, "日期": 0.95, "date": 0.95, "time": 0.95, "fee": 0.95, "total": 0.95}
"""Names that may mean something else: proposed, and marked for checking."""


@dataclass(frozen=True)
class Guess:
    """A canonical column, the source column proposed for it, and how alike they are (0 to 1)."""

    column: str
    source: str
    likeness: float


def suggest(path: Path, table: str | None = None, encoding: str | None = None) -> str:
    """A mapping proposal for one raw file, as YAML text with comments. Nothing is written.

    Parameters
    ----------
    path
        The file.
    table
        The canonical table; without it the one whose columns fit best.
    encoding
        Of a CSV file; found from its bytes when None.

    Raises
    ------
    HeadwaterError
        E211 for a table that is not there, E241 and E242 for a file that does not tell how it is written, E401 for one
        that is not there, and what reading raises.
    """
    if not path.is_file():
        raise HeadwaterError("E401", file=path, table=table or "…", mapping="…")
    source = _source(path, encoding)
    header, sample = _first_rows(path, source)
    if table is not None and table not in CONTRACTS:
        raise HeadwaterError(
            "E211", file=path, column=table, name=table, nearest=nearest(table, list(CONTRACTS)) or "—"
        )
    contract = CONTRACTS[table] if table else _best_contract(header)
    return _yaml(path, source, contract, header, sample)


def _source(path: Path, encoding: str | None) -> Source:
    """The file as a source; what is not said of a CSV file is found."""
    if format_of(path.name) != "csv":
        return Source(path=str(path))
    written = encoding or sniffing.encoding([path])
    return Source(path=str(path), encoding=written, delimiter=sniffing.delimiter([path], written))


def _first_rows(path: Path, source: Source) -> tuple[list[str], dict[str, list[str]]]:
    """Header, and up to a thousand values of each column as text."""
    reader = reader_of(source)
    header = reader.header(str(path), source)
    types = reader.types([str(path)], header, source)
    batch = next(iter(reader.batches(str(path), source, types, [])), None)
    rows = batch.slice(0, FIRST) if batch is not None else None
    return header, {name: _texts(rows, name) for name in header}


def _texts(rows: pa.RecordBatch | None, name: str) -> list[str]:
    values = rows.column(name).to_pylist() if rows is not None else []
    return [str(value) for value in values if value is not None and str(value).strip()]


def _best_contract(header: list[str]) -> Contract:
    """The table whose columns are named best, required ones counting double; labels only when asked for."""

    def fit(contract: Contract) -> float:
        guesses = _guesses(contract, header)
        needed = [column.name for column in contract.columns if not column.nullable]
        return sum(guess.likeness for guess in guesses.values()) + sum(name in guesses for name in needed) / len(needed)

    return max((contract for contract in CONTRACTS.values() if contract.name != "labels"), key=fit)


def _guesses(contract: Contract, header: list[str]) -> dict[str, Guess]:
    """Canonical column -> best source column; each source is used once, the most alike pairs first."""
    pairs = [Guess(c.name, source, _likeness(c.name, c.zh, source)) for c in contract.columns for source in header]
    chosen: dict[str, Guess] = {}
    for guess in sorted(pairs, key=lambda guess: -guess.likeness):
        taken = {other.source for other in chosen.values()}
        if guess.likeness >= CLOSE and guess.column not in chosen and guess.source not in taken:
            chosen[guess.column] = guess
    return chosen


def _likeness(column: str, label: str, source: str) -> float:
    """1 for a known name, else the similarity to the nearest of them."""
    names = (column, label, *KNOWN.get(column, ()))
    plain = _flat(source)
    alike = max(SequenceMatcher(None, _flat(name), plain).ratio() for name in names)
    return min(alike, DOUBTFUL.get(source, 1.0))


def _flat(name: str) -> str:
    return re.sub(r"[\s_\-]+", "", name.lower())


def _yaml(path: Path, source: Source, contract: Contract, header: list[str], sample: dict[str, list[str]]) -> str:
    guesses = _guesses(contract, header)
    lines = [f"  {contract.name}:", f"    source: {{path: {_quoted(str(path))}{_written(source)}}}", "    columns:"]
    clocks: list[str] = []
    for column in contract.columns:
        line = _proposal(column.name, column.dtype, guesses.get(column.name), sample, column.nullable)
        (clocks if column.name in ("happened_at", "known_at") else lines).append(line)
    left = [name for name in header if name not in {guess.source for guess in guesses.values()}]
    if contract.name == "usage":
        measures = [name for name in left if _numeric(sample[name])]
        lines += [
            f"      measure_{n}: {_quoted(name)}    # CHECK: name the measure" for n, name in enumerate(measures, 1)
        ]
        left = [name for name in left if name not in measures]
    notes = [f"    # not used: {', '.join(left)}"] if left else []
    head = ["version: 1", "timezone: Asia/Shanghai", "currency: CNY", "tables:"]
    return "\n".join([*head, *lines, *[clock[2:] for clock in clocks if clock], *notes]) + "\n"


def _written(source: Source) -> str:
    """How a CSV file is written, as keys of its source."""
    if source.reader != "csv_files":
        return ""
    delimiter = "" if source.delimiter == "," else f", delimiter: {json.dumps(source.delimiter)}"
    return f", encoding: {source.encoding}{delimiter}"


def _proposal(column: str, dtype: str, guess: Guess | None, sample: dict[str, list[str]], nullable: bool) -> str:
    """One line of the proposal, with a comment where a person has to look."""
    if guess is None:
        if column == "known_at":
            return '      known_at: "happened_at + 1d"    # CHECK: no load time found; declare the delay of your source'
        return f"      # {column}: " + ("not found" if nullable else "REQUIRED, not found")
    name, values = guess.source, sample[guess.source]
    check = "" if guess.likeness == 1 else "    # CHECK"
    if dtype == "decimal(12, 2)" and ("分" in name or "fen" in name.lower() or "cent" in name.lower()):
        return f"      {column}: {{expr: {_quoted(_expression(name) + ' / 100')}, unit: CNY}}{check}"
    shape = _time_shape(values) if dtype == "date" or dtype.startswith("timestamp") else None
    if shape:
        add = ", add: 1mo" if shape == "%Y%m" and column == "happened_at" else ""
        return f"      {column}: {{from: {_quoted(name)}, parse: {_quoted(shape)}{add}}}{check}"
    return f"      {column}: {_quoted(name)}{check}"


def _expression(name: str) -> str:
    return name if re.fullmatch(r"[^\W\d]\w*", name) else f"`{name}`"


def _quoted(name: str) -> str:
    plain = re.fullmatch(r"[^\W\d]\w*", name) and name.lower() not in (
        "yes",
        "no",
        "true",
        "false",
        "null",
        "on",
        "off",
    )
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _time_shape(values: list[str]) -> str | None:
    """The strptime shape of these texts; None for ISO times, for typed columns and where they do not tell."""
    shapes = sniffing.time_shapes(values)
    return shapes[0] if len(shapes) == 1 and shapes != (sniffing.ISO,) else None


def _numeric(values: list[str]) -> bool:
    return bool(values) and all(re.fullmatch(r"[+-]?\d+(\.\d*)?", value) for value in values)


@dataclass(frozen=True)
class Trial:
    """What a mapping makes of the first rows of a table: rows looked at, rule -> rows that break it, three examples."""

    table: str
    rows: int
    broken: dict[str, int]
    example: list[dict]


def test(mapping: Mapping, rows: int = FIRST) -> list[Trial]:
    """Try every table of a mapping on its first rows; raises what a whole reading would raise for columns and codes."""
    con, own = ibis.duckdb.connect(), mapping.model_copy(deep=True)
    with TemporaryDirectory() as folder:
        extracts.extract(own, Path(folder), first=rows)
        return [_trial(con, own, name, rows) for name in inputs.ordered(own)]


def _trial(con, mapping: Mapping, name: str, rows: int) -> Trial:
    try:
        return _outcome(con, mapping, name, rows)
    except HeadwaterError as error:
        raise inputs.of_table(error, mapping, name) from error


def _outcome(con, mapping: Mapping, name: str, rows: int) -> Trial:
    table, contract = mapping.tables[name], inputs.extended(name, mapping)
    raw = sources.find(table.source)
    needed = sorted(columns.needed(table))
    sources.require(raw, set(needed))
    first = pa.Table.from_batches([b for b in [next(iter(sources.stream(raw, needed)), None)] if b is not None])
    trial = con.create_table(f"trial_{name}", first.slice(0, rows), overwrite=True, temp=True)
    canonical = Columns(contract, table, mapping, trial, offsets.aware_columns(trial, table, contract, raw.shown))
    mapped = canonical.projection()
    columns.check_maps(canonical, raw.shown)
    judged = marks.marked(mapped, contract_problems(mapped, contract))
    bad, good = judged.filter(judged[marks.BROKEN].notnull()), judged.filter(judged[marks.BROKEN].isnull())
    counts = bad.group_by(marks.BROKEN).aggregate(n=bad.count()).to_pyarrow().to_pylist()
    broken = {row[marks.BROKEN].replace("|", "."): row["n"] for row in counts}
    good = good.select(*contract.schema()).limit(3)
    return Trial(name, min(first.num_rows, rows), broken, good.to_pyarrow().to_pylist())
