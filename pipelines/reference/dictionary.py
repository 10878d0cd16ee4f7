"""The pages that are made from the code: `python -m pipelines.reference.dictionary docs` writes features, tables, scores, errors.

Features are those of the operator's measures. A test holds the written pages against this module.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from features.catalogue import catalogue
from features.contracts import CONTACT_DETAILS, CONTRACTS, Column, Contract
from features.definition import Feature
from models.scores.columns import COLUMNS
from models.scores.flags import NAMES as FLAG_NAMES
from models.scores.score_column import CURVE, REASON_FIELDS, REASONS, ScoreColumn
from pipelines.config.settings import Settings, load
from pipelines.reference.error_pages import error_pages
from pipelines.wording.formats import word

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "operator.yaml"
GENERATED = "Made from the code by `make docs`; do not edit. · 由 `make docs` 从代码生成，请勿手改。\n"
FEATURE_HEAD = (
    "column · 列",
    "unit",
    "window",
    "English",
    "中文",
    "null means",
    "空值含义",
    "without events · 无事件时",
)
COLUMN_HEAD = ("column · 列", "type", "unit", "may be null", "English", "中文", "sample · 示例")
SCORE_HEAD = ("column · 列", "type", "unit or values", "may be null", "English", "中文")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes and line ends inside a cell are made harmless."""
    lines = [line(head), "|" + "---|" * len(head), *map(line, rows)]
    return "\n".join(lines) + "\n"


def line(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def _code(word: str) -> str:
    return f"`{word}`" if word else ""


def _feature_page(features: Sequence[Feature]) -> str:
    """Every feature, one section per family, in the order of the catalogue."""
    families = [(name, list(members)) for name, members in groupby(features, key=lambda f: f.family)]
    head = (
        "# Features · 特征字典\n\n"
        + GENERATED
        + f"\n{len(features)} columns for the measures, parts and topics of `configs/operator.yaml` and its mapping."
        " `headwater features list` shows those of your own.\nWindows count back from the as-of date: `3m` closed calendar"
        " months, `12w` weeks (in periods of four), `90d` days; `6m_2m_ago` is a window that ends two months earlier.\nNull"
        " is unknown, zero is none: every feature is also null where its source table is not there.\nThe source `wide` means"
        " the other features of the same row, `peers` those of all customers of the same as-of date.\n\n"
        "窗口自截止日向前计：`3m` 为已出账自然月，`12w` 为周（四周一期），`90d` 为天，`6m_2m_ago` 为早两个月结束的窗口。空值表示未知，零表示没有；来源表缺失时特征一律为空。"
        "来源 `wide` 指同一行的其他特征，`peers` 指同一截止日全部客户的特征。\n\n"
    )
    contents = "\n".join(f"- [{name}](#{name}) ({len(members)})" for name, members in families)
    return "\n".join([head + contents + "\n", *(_feature_section(name, members) for name, members in families)])


def _feature_section(family: str, members: Sequence[Feature]) -> str:
    sources = ", ".join(_code(source) for source in sorted({f.source for f in members}))
    return f"## {family}\n\nsource · 来源: {sources}\n\n" + table(FEATURE_HEAD, map(_feature_row, members))


def _feature_row(feature: Feature) -> tuple[str, ...]:
    none = "null" if feature.no_events is None else str(feature.no_events).removesuffix(".0")
    return (
        _code(feature.column),
        feature.unit,
        feature.window.suffix if feature.window else "",
        f"**{feature.label('en')}**: {feature.meaning('en')}",
        f"**{feature.label('zh')}**：{feature.meaning('zh')}",
        feature.null_meaning("en"),
        feature.null_meaning("zh"),
        none,
    )


def _table_page(contracts: Iterable[Contract]) -> str:
    """Every canonical table: key, columns, rules and a sample row."""
    head = (
        "# Tables · 规范表\n\n"
        + GENERATED
        + "\nYour mapping turns raw files into these. Timestamps are UTC without a zone; money is in the major unit (yuan, not"
        " fen).\nA row that breaks a rule goes to quarantine with file, row, column and rule.\n\n"
        "映射文件把原始文件转成下列表。时间为不带时区的 UTC；金额以主币种单位（元）计。违反规则的行连同文件、行号、列和规则进入隔离区。\n"
    )
    return "\n".join([head, *map(_table_section, contracts)])


def _table_section(contract: Contract) -> str:
    needed = "needed · 必需" if contract.needed else "optional · 可选"
    versioned = "known since · 知晓时间" if contract.versioned else "no clocks · 无时钟"
    clocks = "two clocks · 双时钟" if contract.event else versioned
    key = ", ".join(map(_code, contract.key))
    parts = [
        f"## {contract.name}\n",
        f"{contract.en} · {contract.zh}\n",
        f"{needed} · {clocks} · key · 主键: {key}\n",
        table(COLUMN_HEAD, map(_column_row, contract.columns)),
        *_rules(contract),
    ]
    return "\n".join(parts)


def _column_row(column: Column) -> tuple[str, ...]:
    nullable = "yes" if column.nullable else "no"
    return _code(column.name), column.dtype, column.unit, nullable, column.en, column.zh, _code(column.sample)


def _rules(contract: Contract) -> list[str]:
    if not contract.rules:
        return []
    rows = [(_code(rule.name), _code(rule.column), rule.en, rule.zh) for rule in contract.rules]
    return [table(("rule · 规则", "column · 列", "English", "中文"), rows)]


def _score_page(columns: Iterable[ScoreColumn]) -> str:
    """The published score table, column by column."""
    head = (
        "# Scores · 评分表\n\n"
        + GENERATED
        + "\nOne row per customer in `workspace/<name>/scores/YYYY-MM-DD.parquet`; `latest.parquet` names the newest date.\n"
        "Model outputs are null unless `score_status` is `ok`. The file's metadata (`headwater.*`) holds run id, model versions,"
        " feature set, schema version, input fingerprints, gate results and the high-value amount.\n\n"
        "每个客户一行；`score_status` 不是 `ok` 时模型输出一律为空。文件元数据记录运行编号、模型版本、特征集、输入指纹、质量门结果和高价值线。\n\n"
    )
    fields = table(
        ("field of a reason · 原因字段", "type"), ((_code(n), _type_name(t)) for n, t in REASON_FIELDS.items())
    )
    flags = table(
        ("flag · 标记", "English", "中文"),
        ((_code(name), *(word("data_quality_flags", name, lang) for lang in ("en", "zh"))) for name in FLAG_NAMES),
    )
    return head + table(SCORE_HEAD, map(_score_row, columns)) + "\n" + fields + "\n" + flags


def _score_row(column: ScoreColumn) -> tuple[str, ...]:
    unit = ", ".join(map(_code, column.values)) or column.unit
    nullable = "no" if column.needed else "yes"
    return _code(column.name), _type_name(column.dtype), unit, nullable, column.en, column.zh


def _type_name(dtype: pa.DataType) -> str:
    """An Arrow type in short."""
    if dtype in (REASONS, CURVE):
        return "list of reasons" if dtype == REASONS else "list of (days, probability)"
    return "enum" if pa.types.is_dictionary(dtype) else str(dtype)


@cache
def _operator() -> Settings:
    """The shipped operator: its measures, attributes, parts and topics have columns of their own."""
    return load(CONFIG, environment={})


def _measures() -> tuple[str, ...]:
    """The usage measures of the shipped operator."""
    return _operator().tables.measures


def _features() -> tuple[Feature, ...]:
    """The catalogue of the shipped operator."""
    declared, named = _operator().tables, _operator().features
    return catalogue(
        declared.measures,
        declared.attributes,
        topics=named.topics,
        parts=named.parts,
        words=declared.words,
        values=named.counted_values(),
    )


def pages() -> dict[str, Callable[[], str]]:
    """File name to what makes its content."""
    return {
        "features.md": lambda: _feature_page(_features()),
        "tables.md": lambda: _table_page(
            c.with_measures(_measures()) if c.name == "usage" else c for c in (*CONTRACTS.values(), CONTACT_DETAILS)
        ),
        "scores.md": lambda: _score_page(COLUMNS),
        "errors.md": error_pages,
    }


def main(folder: str) -> None:
    """Write every page into a folder."""
    for name, render in pages().items():
        (Path(folder) / name).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
