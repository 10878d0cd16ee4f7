"""`make bench` on few customers: every line is there, says honestly whether it met its bar, and the rivals agree."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks import asked, bars, page, tiles
from benchmarks.bars import Costs, Figure, Line, NotRun, Size
from benchmarks.by_sql import differences
from benchmarks.measure import Cost
from benchmarks.needed import needed
from benchmarks.parts import PARTS
from benchmarks.run import Task, chosen, measured, plan, sized
from features.blocks import usage
from pipelines.demo.simulator import simulate
from pipelines.engine.assembly import Assembly
from pipelines.ingest import store
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from tests.demo_project import NIGHT, ROOT, configure

CUSTOMERS, BASE, TILES = 2_000, 1_000, 3
KEYS = {"name", "customers", "value", "bar", "met", "unit"}


@pytest.mark.exhaustive
def test_a_run_measures_everything_and_is_honest_about_its_bars(tmp_path: Path):
    out = tmp_path / "bench.json"
    options = {"--customers": CUSTOMERS, "--base": BASE, "--repeats": 1, "--out": out}
    command = [sys.executable, "-m", "benchmarks.run", *[str(word) for pair in options.items() for word in pair]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = {line["name"]: line for line in json.loads(out.read_text(encoding="utf-8"))}
    assert all(set(line) == KEYS and line["name"] in done.stdout for line in lines.values())
    missing = {name: line["unit"] for name, line in lines.items() if line["value"] is None}
    expected = ("its environment is not there", "Polars is not installed", "told from a million customers on")
    assert [(name, why) for name, why in missing.items() if not any(told in why for told in expected)] == []
    assert {name for name, line in lines.items() if line["met"] is not None and line["met"] != within(line)} == set()
    same = [
        line
        for name, line in lines.items()
        if "largest difference" in name and line["bar"] and line["value"] is not None
    ]
    assert len(same) >= 4 and all(line["met"] for line in same), same
    assert lines["features of one night / raw scan"]["value"] > 1
    assert out.with_suffix(".svg").read_text(encoding="utf-8").startswith("<svg")


def within(line: dict) -> bool:
    sign, bar = line["bar"].split()
    return line["value"] <= float(bar) if sign == "<=" else line["value"] >= float(bar)


def cost(cpu: float = 1.0, peak: float = 1e9, **facts: object) -> Cost:
    return Cost(cpu=cpu, wall=1.0, peak=int(peak), start=0, process_cpu=2.0, facts=facts)


@pytest.mark.parametrize(
    ("customers", "peak", "met"), [(20_000, 1e9, None), (20_000, 3e9, False), (1_000_000, 1e9, True)]
)
def test_few_customers_can_break_the_bar_of_memory_but_not_meet_it(customers: int, peak: float, met: bool | None):
    costs = Costs({"night": cost(peak=peak, rows=7), "night_tenth": cost(peak=peak), "scan": cost()})
    told = {line.name: line for line in bars.lines(costs, Size(customers // 10, 10))}
    assert told["whole night, peak"].met is met


def test_a_machine_that_slows_down_in_a_long_night_is_seen():
    walls = {"scan": 1.0, "night_tenth": 100.0, "night": 1_500.0, "night_tenth_after": 150.0}
    costs = Costs({part: replace(cost(rows=7), wall=wall) for part, wall in walls.items()})
    told = {line.name: line for line in bars.lines(costs, Size(20_000, 500))}
    assert told["whole night / that of 1,000,000 customers, wall"].value == 12
    assert told["night of 1,000,000 customers, after the whole one / before"].value == 1.5


def test_repeated_parts_take_turns_and_one_that_fails_has_no_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ran: list[str] = []

    def noted(command: list[str], folder: Path) -> Cost:
        part = command[4]
        ran.append(part)
        if part == "sql" and len(ran) > 4:
            raise RuntimeError("failed with 1")
        return cost(cpu=len(ran))

    monkeypatch.setattr("benchmarks.run.once", noted)
    tasks = [Task("read", "read", 1), Task("us", "us", 1, repeats=3), Task("sql", "sql", 1, repeats=3)]
    found = measured(tmp_path, Size(10, 1), [*tasks, Task("pandas", "pandas", 1, left="too many rows")])
    assert ran == ["read", "us", "sql", "us", "sql", "us"]
    assert found["read"].cpu == 1 and found["us"].cpu == 4
    assert found.left == {"sql": "failed with 1", "pandas": "too many rows"}


def test_what_was_not_run_says_why_and_meets_no_bar():
    costs = Costs({"us": cost()}, {"pandas": "too many rows"})
    line = bars.line(Figure("ours / pandas", bars.cpu("us", "pandas"), most=0.6), costs, 7)
    assert line == Line("ours / pandas", 7, None, "<= 0.6", None, "not run: too many rows")
    with pytest.raises(NotRun):
        costs["never heard of"]


def test_bars_hold_in_both_directions():
    assert Figure("a", lambda _: 0.0, most=2).meets(2.1, 1) is False
    assert Figure("a", lambda _: 0.0, least=15).meets(14.9, 1) is False
    assert Figure("a", lambda _: 0.0, least=15).meets(15, 1) is True
    assert Figure("a", lambda _: 0.0).meets(15, 1) is None


@pytest.mark.parametrize(
    ("customers", "base", "count"), [(100_000, 5_000, 20), (10_000_000, 20_000, 500), (1_000, 1_000, 1)]
)
def test_large_sizes_are_tiles_of_a_base(customers: int, base: int, count: int):
    assert sized(customers) == Size(base, count) and sized(customers).customers == customers


def test_a_run_can_leave_parts_out_but_not_what_the_others_need():
    run = {task.key: task.left for task in chosen(Size(10, 100), 1, ["scan", "night"])}
    assert {"simulate", "learn", "tile", "scan", "night"} <= {key for key, left in run.items() if not left}
    assert run["pandas"] == run["tile_raw"] == bars.LEFT_OUT
    with pytest.raises(ValueError, match="nigth"):
        list(chosen(Size(10, 100), 1, ["nigth"]))


def test_every_part_of_a_plan_exists_and_what_is_too_much_for_a_size_says_why():
    few, many = ({task.key: task for task in plan(Size(20_000, tiles), 1)} for tiles in (5, 500))
    assert {task.part for task in few.values()} - {"featuretools"} <= set(PARTS)
    assert not few["pandas"].left and not few["together"].left
    assert all(many[key].left for key in ("pandas", "polars", "raw_sql", "together", "two"))
    assert not any(many[key].left for key in ("scan", "night_features", "us", "sql", "night", "night_tenth"))


def test_other_numbers_nulls_or_customers_are_seen(tmp_path: Path):
    ours = pd.DataFrame({"customer_id": ["a", "b"], "arpu_1m": [50.0, None]})

    def found(other: pd.DataFrame) -> tuple[float, ...]:
        for name, frame in (("ours", ours), ("other", other)):
            frame.to_parquet(tmp_path / f"{name}.parquet")
        return tuple(
            differences(duckdb.connect(), tmp_path / "ours.parquet", tmp_path / "other.parquet", ["arpu_1m"]).values()
        )

    assert found(ours) == (0, 0, 0)
    assert found(ours.assign(arpu_1m=[50.5, None])) == (pytest.approx(0.01), 0, 0)
    assert found(ours.assign(arpu_1m=[50.0, 0.0])) == (0, 1, 0)
    assert found(ours.assign(customer_id=["a", "c"])) == (0, 0, 2)


def test_rivals_look_as_far_back_as_the_catalogue():
    assert timedelta(days=asked.USAGE_LOOKBACK) == timedelta(days=usage.USAGE_LOOKBACK)


def test_a_page_has_one_section_per_size_and_the_newest_figures():
    old, new = ([Line("a / b", 5, value, "<= 2", value <= 2, "x CPU")] for value in (3.0, 1.0))
    text = page.inserted(f"Head\n\n{page.LAST}\n", 5, page.section(old, "p.svg"))
    assert "0 of 1 bars" in text and "**NO**" in text
    text = page.inserted(text, 5, page.section(new, "p.svg"))
    text = page.inserted(text, 50, page.section(new, "q.svg"))
    assert "**NO**" not in text and text.count("1 of 1 bars") == 2
    assert text.index("bench 5 ") < text.index("bench 50 ") < text.index(page.LAST)


def test_a_page_names_what_a_run_left_out_and_shows_no_picture_of_one_way():
    line = Line("a / b", 5, 1.0, "<= 2", True, "x CPU")
    left = [
        Line(name, 5, None, bar, None, f"not run: {bars.LEFT_OUT}") for name, bar in (("c / d", "<= 3"), ("e", None))
    ]
    text = page.section([line, *left], "p.svg")
    assert "1 of 1 bars" in text and "left out: c / d." in text
    assert text.count("c / d") == 1 and "| e |" not in text and "p.svg" not in text
    ways = [Line(f"{name}: CPU", 5, 2.0, None, None, "s") for name in list(page.WAYS)[:2]]
    assert "p.svg" in page.section([line, *ways], "p.svg")


def test_a_picture_is_drawn_of_whatever_was_run():
    lines = [Line(f"{name}: {what}", 5, 2.0, None, None, "s") for name in page.WAYS for what in ("CPU", "peak")]
    assert all(way in page.picture(lines) for way in page.WAYS.values())
    assert page.picture(lines[:4]).startswith("<svg")


# Tiles: many customers made of few


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Very few simulated customers, and tiles of their tables."""
    folder = tmp_path_factory.mktemp("tiles")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        simulate.simulate(Path("data/operator/raw"), 150, 7)
        project = Project.open(configure(folder))
        tiles.tile(project.tables(NIGHT), folder / str(TILES), TILES, 1)
        yield project


@pytest.fixture(scope="module")
def tiled(project: Project) -> Project:
    """The same project with the tiles in place; views of both would have the same names in one connection."""
    assert project.config
    other = Project.open(project.config)
    tiles.placed(other, store.open_tables(other.connection, Path(str(TILES))))
    return other


@pytest.mark.slow
def test_tiles_hold_every_row_so_many_times_sorted_by_customer(project: Project, tiled: Project):
    base, many = project.tables(NIGHT), tiled.tables(NIGHT)
    assert {name: count.used * TILES for name, count in base.counts.items()} == {
        name: count.used for name, count in many.counts.items()
    }
    for name, parts in many.parts.items():
        for part, few in zip(parts, base.parts[name], strict=True):
            rows, once = pq.read_table(part.path), pq.read_table(few.path)
            assert part.rows == rows.num_rows == TILES * once.num_rows
            assert rows.schema == once.schema
            ids = rows["customer_id"].to_pylist()
            assert ids == sorted(ids) and ids == [
                f"{n:04d}{i}" for n in range(TILES) for i in once["customer_id"].to_pylist()
            ]
            others = [column for column in once.column_names if column not in tiles.IDS]
            assert rows.select(others).equals(pa.concat_tables([once.select(others)] * TILES))


def test_bills_are_still_those_that_are_paid(project: Project, tiled: Project):
    assert paid(tiled.tables(NIGHT)) == pytest.approx(paid(project.tables(NIGHT)))
    assert paid(tiled.tables(NIGHT)) > 0.5


def paid(tables: Tables) -> float:
    """Share of the payments whose bill is there."""
    bills, payments = (tables[name].to_pyarrow()["bill_id"] for name in ("bills", "payments"))
    return pc.mean(pc.is_in(payments, bills).cast("int8")).as_py()


@pytest.mark.slow
def test_the_features_of_tiles_are_those_of_the_base_where_others_are_not_looked_at(project: Project, tiled: Project):
    few, many = features(project), features(tiled)
    compared = [f.column for f in project.features if f.source == "peers" or f.source.startswith("surroundings")]
    own = [few.assign(customer_id=f"{n:04d}" + few.customer_id) for n in range(TILES)]
    expected = pd.concat(own, ignore_index=True)
    assert not many[compared].equals(expected[compared])
    pd.testing.assert_frame_equal(many.drop(columns=compared), expected.drop(columns=compared))


def features(project: Project) -> pd.DataFrame:
    """In chunks that end inside tiles."""
    with Assembly(project, project.tables(NIGHT), [NIGHT]) as assembly:
        assembly._size = 64
        return pd.concat(assembly.snapshots(), ignore_index=True)


@pytest.mark.slow
def test_the_columns_that_are_scanned_are_those_that_the_catalogue_reads(project: Project):
    found = needed(project, project.tables(NIGHT), NIGHT)
    assert {"amount", "due_on", "superseded_at", "known_at"} <= set(found["bills"])
    assert set(project.mapping.measures) <= set(found["usage"])
    assert "channel" not in found["complaints"] and "cost" not in found["contacts"] and "consents" not in found
    project.features = tuple(f for f in project.features if f.source == "surveys")
    used = set(needed(project, project.tables(NIGHT), NIGHT)["usage"])  # which days have come is always asked
    assert "happened_on" in used and used.isdisjoint(project.mapping.measures)
    del project.features


@pytest.mark.parametrize("count", [0, 10_001])
def test_tiles_must_be_numbered_by_four_digits(project: Project, tmp_path: Path, count: int):
    with pytest.raises(ValueError, match="tiles"):
        tiles.tile(project.tables(NIGHT), tmp_path, count, 1)
