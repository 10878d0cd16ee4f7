"""How problems are told: block, line, JSON, in both languages; foreign errors become ours."""

import errno
import io
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml
from rich.console import Console

from features.errors import HeadwaterError, Problem
from pipelines.reference.error_pages import codes
from pipelines.wording import errors, texts

UNIT = Problem(
    "E301",
    "data/raw/bill_202610.parquet",
    column="amount",
    sample=("bill_id=C0093-202610  amount=5900",),
    values={
        "table": "bills",
        "mapping": "configs/mapping.yaml",
        "found": "@found.cents",
        "median": 5900.0,
        "advice": "@unit.expression",
        "expr": "fee_fen / 100",
        "given": "5,900",
        "made": "59",
        "currency": "CNY",
        "total": 1_204_331,
    },
)
FIELD = Problem(
    "E302",
    "a.parquet",
    column="fee",
    values={"table": "bills", "mapping": "m.yaml", "nearest": "fee_fen"},
)


def block(problem, lang):
    console = Console(file=io.StringIO(), width=400, highlight=False)
    errors.render_block(problem, lang, console)
    return console.file.getvalue()


def test_the_block_in_english():
    assert block(UNIT, "en") == (
        "✗ bills does not meet its contract · E301 · exit 3\n"
        "  file    data/raw/bill_202610.parquet  (1,204,331 rows)\n"
        "  column  amount   expected CNY, decimal; found whole numbers, median 5,900: looks like cents (fen)\n"
        "  sample  bill_id=C0093-202610  amount=5900\n"
        '  fix     configs/mapping.yaml > tables.bills.columns.amount:  expr: "fee_fen / 100"  '
        "(tried: 5,900 becomes 59; or, if the figures are right, quality.largest_median and largest_change)\n"
        "  more    docs/errors.md#e301\n"
    )


def test_the_block_in_chinese():
    assert block(FIELD, "zh") == (
        "✗ 源文件缺少映射所需的列 · E302 · 退出码 3\n"
        "  文件  a.parquet\n"
        "  列    fee   没有 'fee'；是否要用 'fee_fen'？\n"
        "  修复  m.yaml > tables.bills.columns：将 'fee' 改为 'fee_fen'\n"
        "  详见  docs/errors.md#e302\n"
    )


def test_the_line_in_both_languages():
    assert errors.render_line(FIELD, "en", "2026-10-30") == (
        "ERROR E302 (exit 3) a.parquet:fee the source lacks a column that the mapping names, no 'fee'; did you mean 'fee_fen'? "
        "Published scores unchanged (as of 2026-10-30). "
        "Fix: m.yaml > tables.bills.columns: use 'fee_fen' for 'fee'."
    )
    told = errors.render_line(FIELD, "zh")
    assert told.startswith("ERROR E302 (exit 3) a.parquet:fee 源文件缺少映射所需的列，没有 'fee'")
    assert "未发布任何内容。" in told
    assert "修复：" in told


@pytest.mark.parametrize("lang", texts.LANGUAGES)
@pytest.mark.parametrize("code", codes())
def test_every_code_is_told_in_one_line_even_without_values(code, lang):
    """A problem that lacks a value shows a dash; it never breaks the telling."""
    told = errors.render_line(Problem(code), lang)
    assert "\n" not in told
    assert code in told
    assert "{" not in told
    assert block(Problem(code), lang).count(code) >= 1
    assert json.loads(json.dumps(errors.as_dict(Problem(code), lang)))["code"] == code


def test_text_from_outside_cannot_break_the_line():
    evil = "x\nERROR E999\x1b[31m" + "y" * 5000 + "\u202e"
    told = errors.render_line(Problem("E302", evil, column=evil, values={"nearest": evil}), "en")
    assert "\n" not in told
    assert "\x1b" not in told
    assert len(told) < 1500


def test_json_carries_the_other_problems():
    error = HeadwaterError("E302", file="a", column="fee", others=[UNIT], nearest="b")
    told = errors.as_dict(error, "en")
    assert told["code"] == "E302"
    assert [other["code"] for other in told["others"]] == ["E301"]


def test_every_other_problem_has_a_line_of_its_own():
    """Off a terminal they were only counted, and nowhere to be read."""
    error = HeadwaterError("E302", file="a", column="fee", others=[UNIT] * 3, nearest="b")
    told = errors.lines(error, "en", "2026-10-30")
    assert [line.split()[1] for line in told] == ["E302", "E301", "E301", "E301"]
    assert all("Published scores unchanged (as of 2026-10-30)" in line for line in told)
    many = errors.lines(HeadwaterError("E302", file="a", column="fee", others=[UNIT] * 12, nearest="b"), "en")
    assert len(many) == 11 and many[-1] == "3 more; -v and --json show all of them."


def test_all_problems_are_shown_when_asked_for():
    error = HeadwaterError("E302", file="a", column="fee", others=[UNIT] * 12, nearest="b")
    assert len(errors.lines(error, "en", most=None)) == 13
    console = Console(file=io.StringIO(), width=400)
    errors.print_block(error, "en", console, None)
    assert console.file.getvalue().count("✗") == 13
    assert len(errors.as_dict(error, "en")["others"]) == 12


@pytest.mark.parametrize("lang", texts.LANGUAGES)
@pytest.mark.parametrize("code", ["E203", "E211", "E302", "E404"])
def test_no_name_is_proposed_where_none_is_similar(code, lang):
    values = {"key": "x", "name": "x", "nearest": None, "there": "a, b", "mapping": "m.yaml", "table": "bills"}
    told = errors.render_line(Problem(code, "f", column="x", values=values), lang)
    assert "—" not in told and "''" not in told
    assert "did you mean" not in told and "是否要用" not in told


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a"), "E703"),
        (OSError(errno.EDQUOT, "Quota", "a"), "E703"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "E704"),
        (OSError(errno.EROFS, "Read-only file system", "a"), "E704"),
        (OSError(errno.EIO, "I/O error", "a"), "E705"),
        (OSError(errno.EMFILE, "Too many open files", "a"), "E705"),
        (OSError(errno.EXDEV, "Cross-device", "a"), "E705"),
        (MemoryError(), "E707"),
        (duckdb.OutOfMemoryException("of 2 GB"), "E707"),
        (duckdb.IOException("Could not write: No space left on device"), "E703"),
        (duckdb.IOException("Could not read"), "E705"),
        (duckdb.ConversionException("x"), "E319"),
        (pa.ArrowInvalid("x"), "E319"),
        (yaml.YAMLError("x"), "E202"),
        (HeadwaterError("E303"), "E303"),
        (ZeroDivisionError("x"), "E101"),
    ],
)
def test_foreign_errors_become_ours(raised, code):
    assert errors.translate(raised).problem.code == code


def test_the_boundary_lets_bugs_through_and_names_the_place():
    with pytest.raises(ZeroDivisionError), errors.translated(Path("here")):
        raise ZeroDivisionError
    with pytest.raises(HeadwaterError) as error, errors.translated(Path("here")):
        raise pa.ArrowInvalid("what")
    assert error.value.problem.file == "here"
