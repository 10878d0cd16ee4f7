"""The whole catalogue: equal to its twin, of the right types and words, unknown where its table is not there.

The laws that a project's own features keep too stand in `features/laws` and are run by laws/test_checks.py.
"""

import inspect
import math
import pkgutil
import re
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import families
from features.blocks.registry import ACROSS
from features.build import build
from features.catalogue import FAMILIES, catalogue, definitions, left_out
from features.definition import KEY
from features.errors import HeadwaterError
from features.settings import FeatureSettings
from features.spine import everyone
from features.values import kind
from tests.features.asking import EVENTS, Asker, by_key, differing, ordered, spine_of
from tests.features.naive import Declared, twins
from tests.world import (
    ATTRIBUTES,
    COMPONENTS,
    COUNTED,
    DATES,
    FLAGS,
    MEASURES,
    NUMBERS,
    PARTS,
    TOPICS,
    WINDOWS,
    ZONE,
    World,
    arrow,
    everything,
    spine_table,
    tables,
    world,
)

FEATURES = {f.column: f for f in everything()}
DECLARED = Declared(MEASURES, ATTRIBUTES, TOPICS, PARTS, NUMBERS, DATES, FLAGS, COMPONENTS, WINDOWS, COUNTED)
REASONS = {
    "bill_level",
    "bill_trend",
    "bill_fluctuation",
    "purchases",
    "purchase_rhythm",
    "returns",
    "usage_level",
    "usage_trend",
    "usage_fluctuation",
    "usage_mix",
    "usage_recency",
    "usage_breadth",
    "payments",
    "complaints",
    "contacts",
    "plan",
    "contract",
    "tenure",
    "lifecycle",
    "satisfaction",
    "profile",
    "household",
    "surroundings",
}
DATES = [date(2023, 6, 1), date(2024, 2, 29), date(2024, 3, 1), date(2025, 3, 7), date(2026, 1, 31)]
ROUNDED = {"order_value_spread", "arpu_year_change_1m", "arpu_year_change_3m", "bill_beyond_fee", "next_fee_change"}
"""Money with a square root or a difference in it: equal to the twin within 1e-9; all other money is exact."""


def dated_spine(ask: Asker, given: World, days: list[date]) -> pa.Table:
    """Every customer with us on each of these days."""
    customers = ibis.memtable(arrow("customers", given.tables["customers"]))
    return ask.con.to_pyarrow(everyone(customers, days, ZONE))


def unequal(ask: Asker, given: World, spine: pa.Table) -> list[tuple]:
    """Where the catalogue and its twin disagree: customer, date, column, both values."""
    rows = {name: given.rows(name) for name in given.tables}
    answer, wrong = by_key(ask(given, spine)), []
    for key, expected in twins(spine.to_pylist(), rows, ask.settings, DECLARED).items():
        got = answer[key]
        assert expected.keys() == got.keys() - set(KEY)
        wrong += [(*key, c, got[c], v) for c, v in expected.items() if not same(c, got[c], v)]
    return wrong


def same(column: str, got: float | str | None, expected: float | str | None) -> bool:
    """Money to the last bit, other numbers within 1e-9, words and nulls as they are."""
    if got is None or expected is None or isinstance(got, str) or isinstance(expected, str):
        return got == expected
    if FEATURES[column].unit in {"currency", "currency/month"} and column not in ROUNDED:
        return got == expected
    return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-10)


@pytest.mark.parametrize(
    ("size", "seed"), [(400, 201), *[pytest.param(2_000, seed, marks=pytest.mark.exhaustive) for seed in (202, 203)]]
)
def test_equals_its_twin_on_random_worlds(ask: Asker, size: int, seed: int):
    given = world(size, seed)
    assert unequal(ask, given, spine_of(given)) == []


@pytest.mark.slow
def test_equals_its_twin_under_other_settings(con: ibis.BaseBackend):
    stages = {"onboarding_days": 30, "dormant_days": 10, "trend": 0.2, "volatile": 0.8, "spike": 4.0}
    settings = {"closing_days": 10, "billed_in_arrears": False, "usage_closing_days": 3, "stages": stages}
    given = world(300, seed=204)
    assert (
        unequal(Asker(con, "otherwise", settings=FeatureSettings.model_validate(settings)), given, spine_of(given))
        == []
    )


@pytest.mark.slow
def test_equals_its_twin_day_after_day_over_leap_day_and_month_ends(ask: Asker):
    given = world(12, seed=205)
    customers = given.tables["customers"]
    joined = customers.activated_on.where(customers.index % 2 == 1, pd.Timestamp("2023-04-30"))
    given = given.of(customers=customers.assign(activated_on=joined, deactivated_on=pd.NaT))
    days = [date(2024, 1, 26) + timedelta(days=n) for n in range(42)]
    spine = dated_spine(ask, given, days)
    assert spine.num_rows > 250
    assert unequal(ask, given, spine) == []


def test_one_row_per_customer_and_date_with_events_or_without(ask: Asker):
    given = world(500, seed=207)
    given = given.of(
        **{name: rows[rows.customer_id > "C000009"] for name, rows in given.tables.items() if name in EVENTS}
    )
    spine = dated_spine(ask, given, DATES)
    answer = ask(given, spine)
    keys = list(zip(*(answer[c].to_pylist() for c in KEY), strict=True))
    assert len(keys) == len(set(keys)) == spine.num_rows
    assert set(keys) == set(zip(*(spine[c].to_pylist() for c in KEY), strict=True))
    assert ask(given, spine.slice(0, 0)).num_rows == 0


def test_every_number_is_float64_and_every_word_a_string(ask: Asker):
    """As the engine itself types them, whoever reads the query."""
    schema = ask(world(5, seed=218)).schema
    assert {c: str(schema.field(c).type) for c in FEATURES} == {
        c: {"string": "string", "float64": "double"}[kind(f)] for c, f in FEATURES.items()
    }


@pytest.mark.slow
def test_split_files_and_a_single_thread_change_nothing(ask: Asker, tmp_path: Path):
    given = world(800, seed=212)
    con = ibis.duckdb.connect(threads=1)
    made = {name: con.read_parquet(split(tmp_path, name, given)) for name in given.tables}
    expression = build(made, spine_table(con, given), list(FEATURES.values()), ask.settings)
    assert differing(ask(given), ordered(con.to_pyarrow(expression))) == set()
    con.disconnect()


def split(folder: Path, name: str, given: World) -> list[str]:
    """The table in three files, the newest rows first."""
    rows = arrow(name, given.tables[name])
    files = [folder / f"{name}{part}.parquet" for part in range(3)]
    for part, file in enumerate(files):
        pq.write_table(rows.take(pa.array(range(len(rows) - 1 - part, -1, -3))), file)
    return [str(file) for file in files]


@pytest.mark.slow
def test_a_customer_of_two_years_without_events_gets_what_is_declared_of_others(ask: Asker):
    """Beside others of the account and of the date; the law of silence sees to everything else."""
    given = world(3, seed=213)
    spine = given.spine.assign(activated_on=given.spine.as_of - pd.Timedelta(days=731))
    none = {name: given.tables[name].iloc[:0] for name in EVENTS}
    alike = {"as_of": spine.as_of[0], "cutoff": spine.cutoff[0], "activated_on": spine.activated_on[0]}
    customers = given.tables["customers"].iloc[:3].assign(region="north", account_id=["A1", "A2", "A3"])
    customers = customers.assign(activated_on=alike["activated_on"])
    answer = ask(World(spine.assign(**alike), given.tables | none | {"customers": customers}))
    declared = {c: f.no_events for c, f in FEATURES.items() if f.source in {"peers", *ACROSS}}
    for row in answer.to_pylist():
        assert {c: row[c] for c in declared} == declared


def test_a_table_that_is_not_there_is_unknown_and_never_zero(ask: Asker):
    given = world(300, seed=214)
    optional = {"payments", "complaints", "contacts", "subscriptions", "surveys"}
    there = tables(ask.con, given, only=("customers", "bills", "usage"))
    answer = ordered(
        ask.con.to_pyarrow(build(there, spine_table(ask.con, given), list(FEATURES.values()), ask.settings))
    )
    full = ask(given)
    gone = {
        c
        for c, f in FEATURES.items()
        if f.source in optional | {"settled", "plan_moves", "plans_ahead"}
        or f.source in ("household_complaints", "surroundings_complaints", "surroundings_payments")
    }
    gone |= {c for c, f in FEATURES.items() if gone & set(f.reads)}
    assert {c for c in FEATURES if answer[c].null_count == 300} == gone
    assert differing(answer, full) == {c for c in gone if full[c].null_count < 300}
    assert answer.schema.types == full.schema.types


CALENDAR = {"bills", "household_bills", "purchases", "peers", "wide"}
"""Sources of features that look at calendar months, or are made from those that do."""


def moved(given: World, days: int) -> World:
    """Everything that many days later."""
    return World(later(given.spine, days), {name: later(rows, days) for name, rows in given.tables.items()})


def later(rows: pd.DataFrame, days: int) -> pd.DataFrame:
    dates = [c for c in rows if pd.api.types.is_datetime64_dtype(rows[c])]
    return rows.assign(**{c: rows[c] + pd.Timedelta(days=days) for c in dates})


@pytest.mark.slow
def test_some_days_later_only_calendar_months_and_weekends_differ(ask: Asker):
    given = world(500, seed=216)
    monthly = {
        c for c, f in FEATURES.items() if f.source in CALENDAR or "_weekend_" in c or f.unit == "month of the year"
    } | {"months_known", "as_of"}
    assert differing(ask(given), ask(moved(given, 17))) <= monthly


@pytest.mark.parametrize("column", FEATURES)
def test_says_what_it_is_in_both_languages(column: str):
    feature = FEATURES[column]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", column)
    assert feature.unit
    assert feature.reason in REASONS
    for words in (feature.label, feature.meaning, feature.null_meaning):
        en, zh = words("en"), words("zh")
        assert en and zh and en != zh
        assert not set("{}") & set(en + zh)
        assert re.search(r"[\u4e00-\u9fff]", zh) and not re.search(r"[\u4e00-\u9fff]", en)
    if feature.window:
        assert column.endswith(f"_{feature.window.suffix}")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_two_columns_share_a_label(lang: str):
    labels = [f.label(lang) for f in FEATURES.values()]
    assert sorted({label for label in labels if labels.count(label) > 1}) == []


def test_there_are_enough_columns_and_no_name_twice():
    columns = [f.column for f in everything()]
    assert len(columns) == len(set(columns)) >= 200
    assert len(catalogue(())) >= 150
    assert len(catalogue(("a", "b", "c"))) - len(catalogue(("a", "b"))) >= 16
    assert len(catalogue((), ("a",), topics=("b", "c"), parts={"d": "e"})) - len(catalogue(())) == (1 + 4) + 2 + 2


@pytest.mark.parametrize("family", sorted({f.family for f in FEATURES.values()}))
def test_a_family_that_is_left_out_leaves_what_others_are_made_from(family: str):
    left = left_out([*FEATURES.values()], [family])
    names = {f.column for f in left}
    assert all({*f.reads} <= names for f in left)
    assert {f.column for f in FEATURES.values() if f.family != family} <= names
    gone = {*FEATURES} - names
    assert gone == {f.column for f in FEATURES.values() if f.family == family} - _read_by_others(family)


def _read_by_others(family: str) -> set[str]:
    """By those of other families, and by what these read in turn."""
    read = {column for f in FEATURES.values() if f.family != family for column in f.reads}
    while more := {column for name in read for column in FEATURES[name].reads} - read:
        read |= more
    return read


def test_a_family_that_is_not_there_cannot_be_left_out():
    with pytest.raises(HeadwaterError, match="E235"):
        left_out([*FEATURES.values()], ["purchase"])


def test_the_catalogue_and_the_families_on_disk_are_the_same():
    modules = [import_module(f"features.families.{m.name}") for m in pkgutil.iter_modules(families.__path__)]
    assert {m for m in modules if definitions(m)} == set(FAMILIES)
    for family in FAMILIES:
        own = {n for n, f in inspect.getmembers(family, inspect.isfunction) if hasattr(f, "definition")}
        used = {
            f.definition.function.__name__ for f in FEATURES.values() if f.family == family.__name__.rpartition(".")[2]
        }
        assert used == own & {d.function.__name__ for d in definitions(family)}
        assert used


@pytest.mark.parametrize("column", [c for c, f in FEATURES.items() if f.source in {"peers", "wide"}])
def test_what_is_made_from_other_columns_says_from_which(column: str, ask: Asker):
    """A night computes peers from the columns that they declare and no others."""
    feature = FEATURES[column]
    there = {c: kind(FEATURES[c]) for c in feature.reads} | {"as_of": "date", "row": "int64"}
    context = (ask.settings.stages,) if feature.source == "wide" else ()
    made = feature.value(ibis.table(there, name="narrow"), *context)
    used = {field.name for field in made.op().find(ibis.expr.operations.Field)}
    assert set(feature.reads) <= used <= there.keys()
