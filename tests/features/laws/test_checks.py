"""The laws that projects run on their own features: ours keep them, and each law catches the feature that breaks it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.build import build
from features.definition import Feature, block, columns, feature
from features.laws.cases import Case, crowded, past
from features.laws.checks import LAWS, asking, breaches, ordered, unequal
from features.series import number
from features.settings import FeatureSettings
from features.visible import visible
from tests.world import ROW, World, arrow, everything, spine_of, world

SETTINGS = FeatureSettings()


def case_of(given: World) -> Case:
    tables = {name: arrow(name, rows) for name, rows in given.tables.items()}
    return Case(spine_of(given).drop_columns([ROW]), tables)


@pytest.fixture(scope="module")
def case() -> Case:
    return case_of(world(300, seed=301))


@pytest.mark.exhaustive
def test_the_whole_catalogue_keeps_every_law_on_random_worlds_and_on_re_dated_ones(con: ibis.BaseBackend):
    case = case_of(world(3_000, seed=303))
    ask = asking(con, everything(), SETTINGS, "laws_many")
    assert list(breaches(ask, case, everything(), SETTINGS)) == []
    assert list(breaches(ask, crowded(case, np.random.default_rng(1)), everything(), SETTINGS)) == []


@pytest.mark.slow
def test_row_groups_files_and_threads_change_nothing(con: ibis.BaseBackend, case: Case, tmp_path: Path):
    """Twenty rows to a group, in files of a thousand, read by one thread and by four."""
    alone, answers = asking(con, everything(), SETTINGS, "laws_layout")(case), []
    for name, rows in case.tables.items():
        for part, start in enumerate(range(0, len(rows), 1_000)):
            pq.write_table(rows.slice(start, 1_000), tmp_path / f"{name}_{part}.parquet", row_group_size=20)
    for threads in (1, 4):
        other = ibis.duckdb.connect(threads=threads)
        tables = {n: other.read_parquet(str(tmp_path / f"{n}_*.parquet")) for n in case.tables}
        rows = case.spine.append_column(ROW, pa.array(range(len(case.spine)), pa.int64()))
        spine = other.create_table("spine", rows, temp=True)
        answers.append(ordered(other.to_pyarrow(build(tables, spine, everything(), SETTINGS))))
        other.disconnect()
    assert [column for answer in answers for column in alone.column_names if answer[column] != alone[column]] == []


def declared(source: str | Callable, unit: str = "count", **given) -> Callable:
    """The declaration of a feature under test."""
    words = {"label": ("planted", "植入"), "zh": "植入的特征", "reason": "complaints"}
    return feature(source, unit=unit, **(words | given))


@block("complaints")
def uncut(spine: ir.Table, tables, settings) -> ir.Table:
    """The slip of reading a table as it is: later complaints are in it."""
    return spine.left_join(tables["complaints"], "customer_id")


@block("customers")
def leavers(spine: ir.Table, tables, settings) -> ir.Table:
    """The slip of a snapshot that knows who has left by now: the label itself."""
    return spine.left_join(tables["customers"].select("customer_id", "deactivated_on"), "customer_id")


@block("bills")
def billed(spine: ir.Table, tables, settings) -> ir.Table:
    """The slip of a bill that has not come for one that is none."""
    return visible(spine, tables["bills"])


@block("usage")
def used(spine: ir.Table, tables, settings) -> ir.Table:
    """The slip of counting days that have not come for anybody."""
    return visible(spine, tables["usage"])


@block("complaints")
def ranked(spine: ir.Table, tables, settings) -> ir.Table:
    """The slip of a window over everybody."""
    rows = visible(spine, tables["complaints"])
    return rows.mutate(place=ibis.row_number().over(order_by=[rows.known_at, rows.complaint_id]))


@block("complaints")
def forgetful(spine: ir.Table, tables, settings) -> ir.Table:
    """The slip of joining by customer where a row of the spine was meant: other dates are mixed in."""
    rows = visible(spine, tables["complaints"])
    everyday = rows.group_by("customer_id").aggregate(ever=rows.complaint_id.nunique())
    return spine.left_join(everyday, "customer_id")


def complaints_ever(rows):
    """Planted."""
    return number(rows.complaint_id.count())


def leaves(rows):
    """Planted."""
    return number((rows.deactivated_on >= rows.as_of).sum())


def first_topic(rows):
    """Planted."""
    return rows.topic.first()


def noise(rows):
    """Planted."""
    return number(rows.count()) + ibis.random()


def place(rows):
    """Planted."""
    return number(rows.place.max())


def ever(rows):
    """Planted."""
    return number(rows.ever.max())


def digits(rows):
    """Planted."""
    return number(rows.complaint_id.count()) + rows.customer_id.max().substr(0, 1).ascii_str().cast("float64")


def paid(rows):
    """Planted."""
    return rows.amount.sum().cast("float64")


def year(rows):
    """Planted."""
    return rows.as_of.max().year().cast("float64")


def billed_lately(rows):
    """Planted."""
    return (rows.amount.sum(where=rows.days_ago < 91).cast("float64") / 3.0).fill_null(0.0)


def used_lately(rows):
    """Planted."""
    return rows.data_mb.sum(where=rows.days_ago < 28).fill_null(0.0)


def fraction(rows):
    """Planted."""
    return (rows.cost.cast("float64") / 3.0 + 0.1).sum().fill_null(0.0)


PLANTED = {
    "future": (complaints_ever, uncut, {}),
    "other_future": (complaints_ever, uncut, {}),
    "label": (leaves, leavers, {}),
    "order": (first_topic, "complaints", {"unit": "text", "no_events": None}),
    "sum of fractions": (fraction, "contacts", {"unit": "currency"}),
    "twice": (noise, "complaints", {}),
    "strangers": (place, ranked, {}),
    "dates": (ever, forgetful, {}),
    "names": (digits, "complaints", {}),
    "currency": (paid, "payments", {"unit": "ratio", "no_events": None}),
    "calendar": (year, "customers", {}),
    "silence": (paid, "payments", {"unit": "currency", "no_events": 0.0}),
    "late": (billed_lately, billed, {"unit": "currency/month", "no_events": 0.0}),
    "late usage": (used_lately, used, {"unit": "measure/4 weeks", "no_events": 0.0}),
}
CAUGHT_BY = {"label": "future", "sum of fractions": "order", "late usage": "late"}


def planted(name: str) -> tuple[Feature, ...]:
    function, source, given = PLANTED[name]
    return tuple(columns(declared(source, **given)(function).definition, ()))


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("name", PLANTED)
def test_each_law_catches_the_feature_that_breaks_it(con: ibis.BaseBackend, case: Case, name: str):
    features = planted(name)
    ask = asking(con, features, SETTINGS, f"laws_{name.replace(' ', '_')}")
    found = list(breaches(ask, case, features, SETTINGS))
    law = CAUGHT_BY.get(name, name)
    assert law in {breach.law for breach in found}
    shown = next(breach for breach in found if breach.law == law)
    assert shown.rows > 0 and shown.customer_id and shown.expected != shown.found


@pytest.mark.parametrize("name", ["future", "label"])
def test_no_future_at_all_is_no_excuse(con: ibis.BaseBackend, case: Case, name: str):
    """Data that end at the as-of date hold nothing to leak; another future made from the past finds the slip anyway."""
    features = planted(name)
    ask = asking(con, features, SETTINGS, f"laws_ending_{name}")
    found = {b.law for b in breaches(ask, past(case), features, SETTINGS)}
    assert "other_future" in found and "future" not in found


def test_every_law_has_a_feature_that_breaks_it():
    """But for the one of purchases, whose block counts days: test_mutants.py breaks that."""
    assert {law.name for law in LAWS} - {"late_days"} == {CAUGHT_BY.get(name, name) for name in PLANTED}


def slip(events: str, rule: str) -> Callable:
    """A feature on a block that cuts time by itself, and wrongly."""

    def rows(spine: ir.Table, tables, settings) -> ir.Table:
        table = tables[events]
        happened = table.happened_at <= spine.cutoff if rule == "happened" else table.happened_at < spine.cutoff
        seen = {"known": table.known_at <= spine.cutoff, "forgotten": True}.get(rule, table.known_at < spine.cutoff)
        return spine.left_join(table, [spine.customer_id == table.customer_id, happened, seen])

    def counted(rows):
        """Planted."""
        return number(rows.happened_at.count())

    return declared(block(events)(rows))(counted)


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("rule", ["happened", "known", "forgotten"])
@pytest.mark.parametrize("events", ["bills", "usage"])
def test_re_dated_rows_of_tame_data_catch_the_slips_at_the_cutoff(con: ibis.BaseBackend, events: str, rule: str):
    """Real data seldom have an event at midnight sharp: the case keeps its rows and is re-dated to where it hurts."""
    tame = case_of(world(300, seed=302))
    noon = pa.scalar(timedelta(hours=1))
    moved = {
        n: t.filter(pc.less(t["happened_at"], pc.subtract(tame.own(t, "cutoff"), noon)))
        for n, t in tame.tables.items()
        if "happened_at" in t.column_names
    }
    tame = Case(tame.spine, dict(tame.tables) | moved)
    features = tuple(columns(slip(events, rule).definition, ()))
    ask = asking(con, features, SETTINGS, f"laws_{events}_{rule}")
    found = {b.law for b in breaches(ask, crowded(tame, np.random.default_rng(2)), features, SETTINGS)}
    assert {"future", "other_future"} <= found


def test_numbers_agree_within_1e_9_or_to_the_bit_and_null_with_null():
    one, other = (pa.chunked_array([pa.array([1.0, 2.0, None, None, v])]) for v in (0.1 + 0.2, 0.3))
    assert unequal(one, other, exact=False).tolist() == []
    assert unequal(one, other, exact=True).tolist() == [4]
    words = pa.chunked_array([["a", None, "b"]]), pa.chunked_array([["a", None, None]])
    assert unequal(*words, exact=True).tolist() == [2]
    nulls = pa.chunked_array([pa.array([None, 1.0])]), pa.chunked_array([pa.array([1.0, None])])
    assert unequal(*nulls, exact=False).tolist() == [0, 1]


def test_an_answer_with_other_rows_than_the_spine_is_refused(case: Case):
    answer = case.spine.select(["customer_id", "as_of"])
    with pytest.raises(ValueError, match="other rows"):
        list(breaches(lambda given: answer.slice(0, len(given.spine) - 1 - (given is case)), case, [], SETTINGS))
