"""A series of monthly files of customers: what each night sees, who left, and what is wrong with a series."""

import random
import re
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from features.errors import HeadwaterError
from features.spine import cutoff
from pipelines.config.mapping_file import load_mapping
from pipelines.config.settings import load
from pipelines.ingest import canonical, months
from tests.demo_project import ROOT

ZONE = "Asia/Shanghai"
MONTHS = [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
HEADER = ["id", "plan", "left"]
Row = tuple[str, str, str]


def written(folder: Path, month: date, rows: list[Row], header: list[str] = HEADER, name: str = "base") -> Path:
    """The file of a month."""
    path = folder / f"{name}-{month:%Y%m}.csv"
    path.write_text("".join(",".join(row) + "\n" for row in [header, *rows]), encoding="utf-8")
    return path


def project(folder: Path, month: dict | str | None = None, quality: dict | None = None, pattern: str = "base-*.csv"):
    """Settings of a project of such files alone."""
    columns = {"customer_id": "id", "churned": "left", "tariff": {"from": "plan", "type": "category"}}
    source = {"path": str(folder / pattern), "encoding": "utf-8", "delimiter": ","}
    customers = {"source": source, "history": "months", "columns": columns}
    customers["month"] = month or {"file": "base-%Y%m.csv"}
    (folder / "mapping.yaml").write_text(yaml.safe_dump({"timezone": ZONE, "tables": {"customers": customers}}))
    settings = {"mapping": "mapping.yaml", "quality": {"smallest_month": 0.25, **(quality or {})}}
    (folder / "headwater.yaml").write_text(yaml.safe_dump(settings))
    return load(folder / "headwater.yaml", environment={})


def read(con, folder: Path, as_of: date = date(2026, 3, 1), **other):
    return canonical.canonical(con, project(folder, **other), folder / "work", as_of)


def seen(tables, day: date) -> dict[str, tuple[date, str, date | None]]:
    """What is on record on a day: customer -> first day, plan, day of leaving."""
    cut = cutoff(day, ZONE)
    rows = [r for r in tables["customers"].to_pyarrow().to_pylist() if r["known_at"] < cut]
    rows = [r for r in rows if r["superseded_at"] is None or r["superseded_at"] >= cut]
    found = {r["customer_id"]: (r["activated_on"], r["tariff"], r["deactivated_on"]) for r in rows}
    assert len(found) == len(rows), "two versions at once"
    return found


def naive(series: dict[date, list[Row]], day: date) -> dict[str, tuple[date, str, date | None]]:
    """The same, month by month in plain Python."""
    record: dict[str, tuple[date, str, date | None]] = {}
    joined: dict[str, date] = {}
    left: dict[str, date | None] = {}
    for month, rows in series.items():
        if months.after(month) > day:
            break
        record = {}
        for customer, plan, answer in rows:
            if answer == "no" and left.get(customer):  # is back: another holder
                joined[customer] = month
                left[customer] = None
            joined.setdefault(customer, month)
            if answer == "yes" and not left.get(customer):
                left[customer] = month + timedelta(days=14)
            record[customer] = (joined[customer], plan, left.get(customer) if answer == "yes" else None)
    return record


def random_series(seed: int, there: float = 0.9) -> dict[date, list[Row]]:
    rng = random.Random(seed)
    people = [f"C{n:02d}" for n in range(30)]
    return {
        month: [(c, rng.choice("ab"), rng.choice(["no", "no", "no", "yes"])) for c in people if rng.random() < there]
        for month in MONTHS
    }


def test_who_left_is_known_up_to_the_newest_month(con, tmp_path):
    """A night in the middle of a month knows nothing of it: nobody of that month is taken to have stayed."""
    steady(tmp_path)
    mapping, tables = project(tmp_path).tables, read(con, tmp_path, date(2026, 3, 20))
    days = [date(2025, 11, 20), date(2025, 12, 1), date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 20)]
    told = [months.told_until(tables, mapping, day) for day in days]
    assert told == [date(2025, 11, 20), date(2025, 12, 1), date(2026, 2, 1), date(2026, 3, 1), date(2026, 3, 1)]


@pytest.mark.parametrize("seed", range(3))
def test_each_night_sees_what_its_months_said(con, tmp_path, seed):
    series = random_series(seed)
    for month, rows in series.items():
        written(tmp_path, month, rows)
    tables = read(con, tmp_path)
    for day in (MONTHS[0], MONTHS[1], date(2025, 12, 31), MONTHS[2], MONTHS[3], date(2026, 3, 1)):
        assert seen(tables, day) == naive(series, day), day


def test_a_new_month_changes_no_earlier_night(con, tmp_path):
    series = random_series(5, 1.0)
    for month in MONTHS[:3]:
        written(tmp_path, month, series[month])
    before = read(con, tmp_path, MONTHS[3])
    told = {day: seen(before, day) for day in MONTHS}
    written(tmp_path, MONTHS[3], series[MONTHS[3]])
    after = read(con, tmp_path)
    assert {day: seen(after, day) for day in MONTHS} == told
    assert seen(after, date(2026, 3, 1)) == naive(series, date(2026, 3, 1))
    again = read(con, tmp_path)
    assert again.read == {"customers": 0} or not any(again.read.values())
    assert seen(again, date(2026, 3, 1)) == naive(series, date(2026, 3, 1))


def test_a_column_may_say_the_month(con, tmp_path):
    series = random_series(6)
    rows = [(*row, f"{month:%Y-%m}") for month, told in series.items() for row in told]
    written(tmp_path, MONTHS[0], rows, [*HEADER, "month"], "all")
    tables = read(con, tmp_path, month={"from": "month", "parse": "%Y-%m"}, pattern="all-*.csv")
    assert seen(tables, MONTHS[3]) == naive(series, MONTHS[3])


def steady(folder: Path, *left_out: int) -> None:
    for n, month in enumerate(MONTHS):
        if n not in left_out:
            written(folder, month, [(f"C{c}", "a", "yes" if c == n else "no") for c in range(n, 20)])


@pytest.mark.parametrize("month", [1, 2])
def test_a_month_missing_in_the_middle_stops(con, tmp_path, month):
    steady(tmp_path, month)
    with pytest.raises(HeadwaterError, match="E425") as error:
        read(con, tmp_path)
    assert error.value.exit_code == 4
    assert error.value.problem.values["month"] == f"{MONTHS[month]:%Y-%m}"
    quiet = {"quiet": {"customers": [f"{MONTHS[month]:%Y-%m}"]}}
    assert read(con, tmp_path, quality=quiet).counts["customers"].used == 20 + 19 + 18 + 17 - (20 - month)


def test_half_a_month_stops_too(con, tmp_path):
    steady(tmp_path)
    written(tmp_path, MONTHS[2], [("C5", "a", "no"), ("C6", "a", "no")])
    with pytest.raises(HeadwaterError, match="E425") as error:
        read(con, tmp_path)
    assert error.value.problem.values == {"month": "2026-01", "found": 2, "expected": 4} | {
        key: value for key, value in error.value.problem.values.items() if key in ("table", "mapping")
    }


def test_a_month_twice_stops_and_names_both_files(con, tmp_path):
    steady(tmp_path)
    (tmp_path / "again").mkdir()
    other = written(tmp_path / "again", MONTHS[1], [("C1", "b", "no")])
    with pytest.raises(HeadwaterError, match="E367") as error:
        read(con, tmp_path, pattern="**/base-*.csv")
    values = error.value.problem.values
    assert values["month"] == "2025-12"
    assert {Path(str(error.value.problem.file)), Path(values["other"])} == {other, tmp_path / "base-202512.csv"}


def test_two_months_with_the_same_contents_are_told_as_that(con, tmp_path):
    """The copy was put aside and its month then missing; a second copy of one month is still only repeated."""
    steady(tmp_path)
    (tmp_path / "again").mkdir()
    copy = shutil.copy(tmp_path / "base-202601.csv", tmp_path / "again")
    read(con, tmp_path, pattern="**/base-*.csv")
    Path(copy).unlink()
    shutil.copy(tmp_path / "base-202601.csv", tmp_path / "base-202602.csv")
    with pytest.raises(HeadwaterError, match="E369") as error:
        read(con, tmp_path)
    problem = error.value.problem
    assert (str(problem.file), problem.values["other"]) == (
        f"{tmp_path}/base-202602.csv",
        f"{tmp_path}/base-202601.csv",
    )
    assert (problem.values["month"], problem.values["before"]) == ("2026-02", "2026-01")


def test_other_columns_in_one_month_are_told_as_that(con, tmp_path):
    steady(tmp_path)
    path = written(tmp_path, MONTHS[1], [("C1", "b", "no")], ["id", "tariff", "left"])
    with pytest.raises(HeadwaterError, match="E368") as error:
        read(con, tmp_path)
    assert (error.value.problem.file, error.value.problem.column) == (path.as_posix(), "plan")
    assert error.value.problem.values["months"] == 3


def test_a_file_without_a_month_in_its_name_stops(con, tmp_path):
    steady(tmp_path)
    (tmp_path / "base-old.csv").write_text("id,plan,left\nC1,a,no\n")
    with pytest.raises(HeadwaterError, match="E366"):
        read(con, tmp_path)


@pytest.mark.parametrize(
    ("as_of", "code"), [(date(2026, 4, 9), None), (date(2026, 4, 11), "W425"), (date(2026, 5, 2), "E426")]
)
def test_a_series_that_goes_no_further_is_told_and_then_stops(con, tmp_path, as_of, code):
    steady(tmp_path)
    if code == "E426":
        with pytest.raises(HeadwaterError, match="E426"):
            read(con, tmp_path, as_of)
        return
    assert [w.code for w in read(con, tmp_path, as_of).warnings if w.code == "W425"] == [code] * bool(code)


def test_who_is_gone_without_a_yes_is_told(con, tmp_path):
    steady(tmp_path)
    assert not [w for w in read(con, tmp_path).warnings if w.code == "W367"]
    written(tmp_path, MONTHS[3], [(f"C{c}", "a", "no") for c in range(6, 20)])
    (told,) = [w for w in read(con, tmp_path, quality={"max_vanished": 1.0}).warnings if w.code == "W367"]
    assert told.values["rows"] == 3  # C3, C4 and C5


def test_ids_that_change_their_spelling_stop(con, tmp_path):
    steady(tmp_path)
    written(tmp_path, MONTHS[3], [(f"0{c:03d}", "a", "no") for c in range(3, 20)])
    with pytest.raises(HeadwaterError, match="E322"):
        read(con, tmp_path)


@pytest.mark.parametrize("history", ["months", "snapshots", None])
def test_a_month_goes_with_history_months(tmp_path, history):
    columns = {"customer_id": "id", "churned": "left"}
    table = {"source": {"path": "x.csv"}, "columns": columns}
    table |= {"history": history} if history else {}
    table |= {} if history == "months" else {"month": {"file": "base-%Y%m.csv"}}
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump({"tables": {"customers": table}}))
    with pytest.raises(HeadwaterError, match="E273"):
        load_mapping(tmp_path / "mapping.yaml")


def test_the_series_of_the_guide_is_read_as_it_says(con, tmp_path):
    """The mapping and the settings of docs/guides/own-data.md, on files of that shape; and what it says is wrong."""
    text = (ROOT / "docs" / "guides" / "own-data.md").read_text(encoding="utf-8")
    section = text.partition("### A table for each month")[2].partition("\n## ")[0]
    mapping = yaml.safe_load(re.search(r"By hand:\n\n((?: {4}.*\n)+)", section)[1])
    said = {
        name: yaml.safe_load(f"{name}: {value}")
        for name, value in re.findall(r"`(targets|protocol): (\{.*?\})`", section)
    }
    customers = mapping["tables"]["customers"]
    folder = tmp_path / Path(customers["source"]["path"]).parent
    folder.mkdir()
    customers["source"]["path"] = str(tmp_path / customers["source"]["path"])
    for month in MONTHS:
        rows = [["Subscriber ID", "Churned", "Logins"], *[[f"S{n}", "No", f"{n + month.month}"] for n in range(60)]]
        name = customers["month"]["file"].replace("%Y-%m", f"{month:%Y-%m}")
        (folder / name).write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump({"timezone": ZONE, **mapping}))
    (tmp_path / "headwater.yaml").write_text(
        yaml.safe_dump({"mapping": "mapping.yaml"} | said["targets"] | said["protocol"])
    )
    settings = load(tmp_path / "headwater.yaml", environment={})
    assert (settings.targets.churn.horizon_days, settings.protocol.history_days) == (28, 0)
    tables = canonical.canonical(con, settings, tmp_path / "work", date(2026, 3, 1))
    assert tables.counts["customers"].used == 60 * len(MONTHS)
    next(iter(sorted(folder.glob("*2025-12*")))).unlink()
    with pytest.raises(HeadwaterError) as error:
        canonical.canonical(con, settings, tmp_path / "work", date(2026, 3, 1))
    assert error.value.problem.code in re.findall(r"a month in the middle is missing.*\| (E\d+)", section)
