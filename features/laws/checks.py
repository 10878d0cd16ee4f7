"""What every feature obeys, ours or a project's own: each law alters the histories and says what must follow.

A case has one as-of date per customer, so that thousands of them go through one query.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.blocks.registry import ACROSS, EVERYBODY
from features.build import build, with_tables
from features.contracts import CONTRACTS
from features.definition import KEY, ROW, Feature
from features.laws.cases import Case, Rng, moved, moved_spine, otherwise, past, together
from features.laws.steady import USAGE_LAG, earlier, late, steady
from features.settings import FeatureSettings

AGAIN = 10_227
"""Days of 28 years: every date falls on its weekday, its day of the month and its leap year again."""
CLOSE = 1e-9


Ask = Callable[[Case], pa.Table]
"""Features of a case, one row per row of its spine, ordered by the key."""
Answers = tuple[pa.Table, pa.Table]
"""What is expected, and what was found."""


@dataclass(frozen=True)
class Judged:
    """What a law is tried on: features, the settings that their expressions depend on, and what is drawn from."""

    features: Sequence[Feature]
    settings: FeatureSettings
    rng: Rng


def _everything(feature: Feature) -> bool:
    return True


def _alone(feature: Feature) -> bool:
    """Not those that compare a customer with everybody, nor those that tell of everybody."""
    return feature.source not in {"peers", *EVERYBODY}


def _of_everybody(feature: Feature) -> bool:
    """Those that tell of everybody: a customer's past is only whole with what others had done by the same date."""
    return feature.source in EVERYBODY


def _of_few(feature: Feature) -> bool:
    return not _of_everybody(feature)


LEVELS = ("currency/month", "measure/4 weeks")
"""Units of what is paid and used by the month."""


def _levels(feature: Feature) -> bool:
    return feature.unit in LEVELS


def _purchases(feature: Feature) -> bool:
    return feature.source == "purchases"


@dataclass(frozen=True)
class Law:
    """`holds` asks twice and gives both answers; `exact` compares bits, otherwise numbers agree within 1e-9; `binds`
    says for which features."""

    name: str
    holds: Callable[[Ask, Case, Judged], Answers]
    exact: bool = False
    binds: Callable[[Feature], bool] = _everything


@dataclass(frozen=True)
class Breach:
    """A feature that breaks a law, with one row of the case that shows it; `rows` is how many do."""

    law: str
    feature: str
    customer_id: str
    as_of: date
    expected: Any
    found: Any
    rows: int


def asking(con: ibis.BaseBackend, features: Sequence[Feature], settings: FeatureSettings, name: str = "law") -> Ask:
    """Questions to one connection, compiled once.

    Parameters
    ----------
    con : DuckDB; temporary tables are made in it
    features : the columns of the answers
    settings : what expressions depend on
    name : keeps its tables apart from others
    """
    queries: list[str] = []

    def ask(case: Case) -> pa.Table:
        spine = case.spine
        if USAGE_LAG not in spine.column_names:
            spine = spine.append_column(USAGE_LAG, pa.array([0] * len(spine), pa.int64()))
        rows = spine.append_column(ROW, pa.array(range(len(spine)), pa.int64()))
        spine = con.create_table(f"{name}_spine", rows, temp=True, overwrite=True)
        tables = {
            t: con.create_table(f"{name}_{t}", rows, temp=True, overwrite=True)
            for t, rows in case.tables.items()
            if not queries or f'"{name}_{t}"' in queries[0]  # what no feature reads need not be stored again
        }
        if not queries:
            queries.append(con.compile(build(tables, spine, features, settings)))
        # By way of a table: what is read as it is, is planned twice, and planning takes longer than a small answer.
        con.raw_sql(f"CREATE OR REPLACE TEMPORARY TABLE {name}_answer AS {queries[0]}")
        return ordered(con.to_pyarrow(con.table(f"{name}_answer")))

    return ask


def breaches(
    ask: Ask, case: Case, features: Sequence[Feature], settings: FeatureSettings, seed: int = 7
) -> Iterator[Breach]:
    """Every feature that breaks a law on this case, law by law.

    Parameters
    ----------
    ask : what `asking` gives for the same features
    case : the histories that are altered
    features : what is judged
    settings : the same as there
    seed : of what the laws draw

    Raises
    ------
    ValueError
        Where an answer has other rows than its spine
    """
    known = ask(case)

    def answer(other: Case) -> pa.Table:
        return known if other is case else ask(other)

    for number, law in enumerate(LAWS):
        judged = Judged(features, settings, np.random.default_rng([seed, number]))
        bound = [f.column for f in features if law.binds(f)]
        if features and not bound:
            continue
        yield from _differing(law, bound, *law.holds(answer, case, judged))


def _differing(law: Law, columns: Sequence[str], expected: pa.Table, answer: pa.Table) -> Iterator[Breach]:
    """One breach per column that is not as expected."""
    keys = [expected[c].to_pylist() for c in KEY]
    if keys != [answer[c].to_pylist() for c in KEY]:
        raise ValueError(f"{law.name}: the answer has other rows than the spine")
    for column in columns:
        apart = unequal(expected[column], answer[column], law.exact)
        if len(apart):
            row = int(apart[0])
            both = (expected[column][row].as_py(), answer[column][row].as_py())
            yield Breach(law.name, column, keys[0][row], keys[1][row], *both, rows=len(apart))


def unequal(one: pa.ChunkedArray, other: pa.ChunkedArray, exact: bool) -> np.ndarray:
    """Row numbers at which two columns differ; null equals null."""
    if not pa.types.is_floating(one.type):
        same = pc.or_kleene(pc.equal(one, other), pc.and_(pc.is_null(one), pc.is_null(other)))
        return np.flatnonzero(~pc.fill_null(same, False).to_numpy())
    a, b = (column.to_numpy() for column in (one, other))
    nulls = pc.not_equal(pc.is_null(one), pc.is_null(other)).to_numpy()
    with np.errstate(invalid="ignore"):
        near = (a == b) if exact else np.abs(a - b) <= CLOSE * np.maximum(1.0, np.abs(a))
    return np.flatnonzero(nulls | ~(near | (np.isnan(a) & np.isnan(b))))


def _future_gone(ask: Ask, case: Case, judged: Judged) -> Answers:
    return ask(past(case)), ask(case)


def _future_otherwise(ask: Ask, case: Case, judged: Judged) -> Answers:
    return ask(past(case)), ask(otherwise(case, judged.rng))


def _future_gone_together(ask: Ask, case: Case, judged: Judged) -> Answers:
    return _future_gone(ask, together(case), judged)


def _future_otherwise_together(ask: Ask, case: Case, judged: Judged) -> Answers:
    return _future_otherwise(ask, together(case), judged)


def _twice(ask: Ask, case: Case, judged: Judged) -> Answers:
    return ask(case), ask(replace(case))


def _order(ask: Ask, case: Case, judged: Judged) -> Answers:
    mixed = case.altered(lambda name, rows: rows.take(judged.rng.permutation(len(rows))))
    return ask(case), ask(replace(mixed, spine=case.spine.take(judged.rng.permutation(len(case.spine)))))


def _dates(ask: Ask, case: Case, judged: Judged) -> Answers:
    """Everybody also half a year earlier, where they were with us: together, and even and odd days by themselves."""
    earlier = moved_spine(case.spine, -183)
    earlier = earlier.filter(pc.less(earlier["activated_on"], earlier["as_of"]))
    both = pa.concat_tables([case.spine, earlier])
    odd = pc.equal(pc.bit_wise_and(both["as_of"].cast(pa.int32()), 1), 1)
    apart = [ask(replace(case, spine=both.filter(half))) for half in (odd, pc.invert(odd))]
    return ordered(pa.concat_tables(apart)), ask(replace(case, spine=both))


def _strangers(ask: Ask, case: Case, judged: Judged) -> Answers:
    """Every second customer alone, with those who share their account."""
    some = case.spine["customer_id"].take(pa.array(range(0, len(case.spine), 2)))
    people = case.tables["customers"]
    accounts = people.filter(pc.is_in(people["customer_id"], some.combine_chunks()))["account_id"].drop_null()
    mates = people.filter(pc.is_in(people["account_id"], accounts.combine_chunks()))["customer_id"]
    some = pa.concat_arrays([*some.chunks, *mates.chunks])

    def few(rows: pa.Table) -> pa.Table:
        return rows.filter(pc.is_in(rows["customer_id"], some))

    return few(ask(case)), ask(Case(few(case.spine), {name: few(rows) for name, rows in case.tables.items()}))


def _names(ask: Ask, case: Case, judged: Judged) -> Answers:
    """Customers under the names of others: the rows are the same, in another order."""
    old = case.spine["customer_id"].combine_chunks()
    new = pc.binary_join_element_wise("n", old.take(judged.rng.permutation(len(old))), "")

    def renamed(rows: pa.Table, before: pa.Array, after: pa.Array) -> pa.Table:
        new_ids = after.take(pc.index_in(rows["customer_id"], before))
        at = rows.column_names.index("customer_id")
        return rows.set_column(at, "customer_id", pc.coalesce(new_ids, rows["customer_id"]))

    other = case.altered(lambda name, rows: renamed(rows, old, new))
    return ask(case), ordered(renamed(ask(replace(other, spine=renamed(case.spine, old, new))), new, old))


def _currency(ask: Ask, case: Case, judged: Judged) -> Answers:
    """Three times the money: three times every feature in currency, and nothing else."""

    def richer(name: str, rows: pa.Table) -> pa.Table:
        money = [c for c in rows.column_names if pa.types.is_decimal(rows.schema.field(c).type)]
        for c in money:
            amount = pc.multiply(rows[c], pa.scalar(3, pa.int32())).cast(rows.schema.field(c).type)
            rows = rows.set_column(rows.column_names.index(c), c, amount)
        return rows

    plain = ask(case)
    for feature in judged.features:
        if feature.unit.startswith("currency"):
            at = plain.column_names.index(feature.column)
            plain = plain.set_column(at, feature.column, pc.multiply(plain[feature.column], 3.0))
    return plain, ask(case.altered(richer))


def _calendar(ask: Ask, case: Case, judged: Judged) -> Answers:
    """Everything 28 years later."""
    later = case.altered(lambda name, rows: moved(rows, AGAIN))
    return moved(ask(case), AGAIN), ask(replace(later, spine=moved(case.spine, AGAIN)))


STANDING = 1_827
"""Days with us: two of the longest windows that a project may sensibly declare, one before the other, lie in them."""


def _silence(ask: Ask, case: Case, judged: Judged) -> Answers:
    """A customer of five years without one event has exactly what is declared; who they are, and others, are as they are."""
    joined = moved(case.spine.select(["as_of"]), -STANDING)["as_of"]
    at = case.spine.column_names.index("activated_on")
    spine = case.spine.set_column(at, "activated_on", joined)
    answer = ask(Case(spine, {n: rows.slice(0, 0) if CONTRACTS[n].event else rows for n, rows in case.tables.items()}))
    declared = answer
    for f in with_tables(judged.features, case.tables):  # what is made of a table that is not there is unknown
        if f.source not in {"customers", "attributes", "peers", *ACROSS}:
            at, kind = answer.column_names.index(f.column), answer.schema.field(f.column).type
            declared = declared.set_column(at, f.column, pa.array([f.no_events] * len(answer), kind))
    return declared, answer


def _late(ask: Ask, case: Case, judged: Judged) -> Answers:
    """Who pays and uses the same all the time does so too while the newest of it has not come, or it is unknown."""
    same = steady(case, judged.settings)
    expected, found = ask(same), ask(late(same, judged.settings, judged.rng))
    for feature in filter(_levels, judged.features):
        at, column = expected.column_names.index(feature.column), expected[feature.column]
        known = pc.if_else(pc.is_null(found[feature.column]), pa.scalar(None, column.type), column)
        expected = expected.set_column(at, feature.column, known)
    return expected, found


def _late_days(ask: Ask, case: Case, judged: Judged) -> Answers:
    """Of who pays the same every month what they bought, while bills are late, is as it was before those were due."""
    same = steady(case, judged.settings)
    delayed = late(same, judged.settings, judged.rng)
    expected, found = ask(earlier(same, delayed, judged.settings)), ask(delayed)
    at = expected.column_names.index("as_of")
    return expected.set_column(at, "as_of", found["as_of"]), found


def ordered(rows: pa.Table) -> pa.Table:
    """The rows by customer and date."""
    return rows.sort_by([(c, "ascending") for c in KEY]).combine_chunks()


LAWS = (
    Law("future", _future_gone, binds=_of_few),
    Law("other_future", _future_otherwise, binds=_of_few),
    Law("future", _future_gone_together, binds=_of_everybody),
    Law("other_future", _future_otherwise_together, binds=_of_everybody),
    Law("twice", _twice, exact=True),
    Law("order", _order, exact=True),
    Law("dates", _dates),
    Law("strangers", _strangers, binds=_alone),
    Law("names", _names),
    Law("currency", _currency, binds=_alone),  # equal to the cent is a tie, and three times as much may be none
    Law("calendar", _calendar),
    Law("silence", _silence),
    Law("late", _late, binds=_levels),
    Law("late_days", _late_days, binds=_purchases),
)
