"""Bad input through the whole command: one clear message, the right exit code, nothing published, the last scores stay."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.workspace import files
from tests.demo_project import NIGHT

RAW = Path("data/operator/raw")
CONFIG = Path("configs/operator.yaml")
MAPPING = Path("configs/mappings/operator.yaml")
NIGHTLY = ["nightly", "--as-of", "2026-10-01"]


def edit_csv(name: str, change: Callable[[list[str]], list[str]]) -> None:
    path = RAW / name
    lines = path.read_bytes().decode("gbk").splitlines(keepends=True)
    path.write_bytes("".join(change(lines)).encode("gbk"))


def edit_bills(change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    for path in RAW.glob("bill_*.parquet"):
        change(pd.read_parquet(path)).to_parquet(path, index=False)


def edit_yaml(path: Path, change: Callable[[dict], object]) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def missing_file() -> None:
    (RAW / "cust_main.csv").unlink()


def renamed_column() -> None:
    edit_csv("cust_main.csv", lambda lines: [lines[0].replace("入网日期", "开户日期"), *lines[1:]])


def fen_for_yuan() -> None:
    edit_yaml(MAPPING, lambda m: m["tables"]["bills"]["columns"].update(amount={"expr": "应收_分", "unit": "CNY"}))


def conflicting_keys() -> None:
    edit_bills(lambda bills: pd.concat([bills, bills.assign(应收_分=bills["应收_分"] + 1)]))


def future_rows() -> None:
    edit_yaml(MAPPING, lambda m: m["tables"]["bills"].update(known_at="happened_at + 9999d"))


def empty_table() -> None:
    edit_csv("cust_main.csv", lambda lines: lines[:1])


def gbk_as_utf8() -> None:
    edit_yaml(MAPPING, lambda m: m["tables"]["customers"]["source"].update(encoding="utf-8"))


def unknown_code() -> None:
    edit_yaml(MAPPING, lambda m: m["tables"]["customers"]["columns"]["customer_type"]["map"].pop("01"))


def unknown_key() -> None:
    edit_yaml(CONFIG, lambda c: c.update(treads=2))


def unknown_measure_table() -> None:
    edit_yaml(MAPPING, lambda m: m["tables"].update(bils=m["tables"].pop("bills")))


def no_clock() -> None:
    edit_yaml(MAPPING, lambda m: m["tables"]["usage"].pop("known_at"))


def not_yaml() -> None:
    CONFIG.write_text("name: [operator", encoding="utf-8")


def torn_parquet() -> None:
    path = next(RAW.glob("bill_*.parquet"))
    path.write_bytes(path.read_bytes()[:-100])


def long_horizon() -> None:
    change = {"horizon_days": 900, "horizons": [30, 900]}
    edit_yaml(CONFIG, lambda c: c["targets"]["churn"].update(change))


def nobody_leaves() -> None:
    edit_yaml(MAPPING, lambda m: m["tables"]["customers"]["columns"].pop("deactivated_on"))


def no_champions() -> None:
    (Path("workspace/operator/models/CURRENT")).unlink()


CASES = [
    (missing_file, NIGHTLY, 4, "cust_main.csv"),
    (renamed_column, NIGHTLY, 3, "入网日期"),
    (fen_for_yuan, NIGHTLY, 3, "amount"),
    (conflicting_keys, NIGHTLY, 3, "bills"),
    (future_rows, NIGHTLY, 3, "known_at"),
    (empty_table, NIGHTLY, 3, "cust_main.csv"),
    (gbk_as_utf8, NIGHTLY, 3, "cust_main.csv"),
    (unknown_code, NIGHTLY, 3, "客户类型"),
    (unknown_key, NIGHTLY, 2, "threads"),
    (unknown_measure_table, NIGHTLY, 2, "bills"),
    (no_clock, NIGHTLY, 2, "known_at"),
    (not_yaml, NIGHTLY, 2, "operator.yaml"),
    (torn_parquet, NIGHTLY, 3, "bill_"),
    (no_champions, NIGHTLY, 5, "headwater retrain"),
    (long_horizon, ["train", "churn"], 4, "2026"),
    (nobody_leaves, ["train", "churn"], 2, "churn"),
]


@pytest.mark.parametrize(("harm", "words", "code", "named"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_bad_night_changes_nothing(own_operator, harm, words, code, named):
    published = Path("workspace/operator/scores") / f"{NIGHT}.parquet"
    before = files.sha256(published)
    harm()
    result = CliRunner().invoke(app, [*words, "--lang", "en", "-q"])
    assert result.exit_code == code, result.stderr
    told = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
    assert len(told) == 1
    assert named in told[0]
    assert f"(exit {code})" in told[0] and "Fix: " in told[0]
    assert files.sha256(published) == before
    assert [path.name for path in published.parent.iterdir()] == [published.name]
