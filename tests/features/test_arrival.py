"""Days of usage that have not come, for anybody, are unknown: what is known ends before them, for everybody alike."""

from datetime import date, timedelta

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from features.build import build
from features.catalogue import catalogue
from features.contracts import ALWAYS
from features.settings import FeatureSettings
from features.spine import Population, cutoff, population

PEOPLE = 80
AS_OF = date(2024, 7, 1)
FEATURES = [f for f in catalogue(("sms",)) if f.source == "usage"]
SETTINGS = FeatureSettings()


def usage(lost: set[date] = frozenset(), late: dict[date, int] | None = None, every: int = 1) -> pd.DataFrame:
    """Everybody sends as many messages a day as their number says, known the day after at noon, or days later."""
    days = [AS_OF + timedelta(days=n) for n in range(-200, 5) if n % every == 0]
    rows = [
        (f"C{who:02d}", day, cutoff(day, "UTC") + timedelta(days=1 + (late or {}).get(day, 0), hours=-12), 1.0 + who)
        for day in days
        if day not in lost
        for who in range(PEOPLE)
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "happened_on", "known_at", "sms"])
    return frame.assign(happened_at=pd.to_datetime(frame.happened_on), superseded_at=pd.NaT)


def tables(rows: pd.DataFrame) -> dict[str, ibis.Table]:
    kinds = {
        "happened_on": "date",
        "known_at": "timestamp(6)",
        "happened_at": "timestamp(6)",
        "superseded_at": "timestamp(6)",
    }
    ids = [f"C{who:02d}" for who in range(PEOPLE)]
    people = pa.table(
        {
            "customer_id": ids,
            "activated_on": [date(2023, 1, 1)] * PEOPLE,
            "deactivated_on": pa.nulls(PEOPLE, pa.date32()),
            "known_at": pa.array([ALWAYS] * PEOPLE, pa.timestamp("us")),
            "superseded_at": pa.nulls(PEOPLE, pa.timestamp("us")),
        }
    )
    return {"customers": ibis.memtable(people), "usage": ibis.memtable(rows).cast(kinds)}


def lags(con: ibis.BaseBackend, rows: pd.DataFrame, *dates: date) -> list[int]:
    spine = con.to_pyarrow(population(tables(rows), dates, "UTC", Population())).to_pandas()
    assert (spine.groupby("as_of").usage_lag.nunique() == 1).all()
    return spine.groupby("as_of").usage_lag.first().tolist()


def before(*days: int) -> set[date]:
    return {AS_OF - timedelta(days=n) for n in days}


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("lost", "lag"),
    [((), 0), ((1,), 1), ((1, 2, 3), 3), ((2, 3), 0), ((5,), 0)],
    ids=["all there", "yesterday", "three days", "one came after them", "in the middle"],
)
def test_only_newest_days_that_did_not_come_are_unknown(con: ibis.BaseBackend, lost: tuple[int, ...], lag: int):
    assert lags(con, usage(before(*lost)), AS_OF) == [lag]


@pytest.mark.slow
def test_many_dates_at_once_say_what_each_says_alone_by_what_was_known_then(con: ibis.BaseBackend):
    """Rows of 27 and 28 June came days late: 29 June misses both, 30 June none, for what came after them is known."""
    dates = [date(2024, 6, 28), date(2024, 6, 29), date(2024, 6, 30), AS_OF]
    late = usage(late={date(2024, 6, 27): 2, date(2024, 6, 28): 6})
    assert lags(con, late, *dates) == [1, 2, 0, 0]
    assert [lag for day in dates for lag in lags(con, late, day)] == [1, 2, 0, 0]


def test_weekly_rows_are_asked_for_on_their_day(con: ibis.BaseBackend):
    """Weeks end on 1 July and the Mondays before; on 28 June that of the 24th has been known for days, or is missing."""
    dates = [date(2024, 6, 24), date(2024, 6, 25), date(2024, 6, 28)]
    assert lags(con, usage(every=7), *dates) == [0, 0, 0]
    assert lags(con, usage({date(2024, 6, 24)}, every=7), *dates) == [0, 1, 4]


@pytest.mark.slow
def test_features_of_use_end_where_the_source_ends(con: ibis.BaseBackend):
    """Two days missing: levels, trends and recency are those of two days before, but for the age of the customer."""
    answers = []
    for rows, as_of in ((usage(before(1, 2)), AS_OF), (usage(), AS_OF - timedelta(days=2))):
        there = tables(rows)
        wide = build(there, population(there, [as_of], "UTC", Population()), FEATURES, SETTINGS)
        answers.append(con.to_pyarrow(wide).to_pandas().sort_values("customer_id").drop(columns="as_of"))
    pd.testing.assert_frame_equal(*[answer.reset_index(drop=True) for answer in answers])
    assert (answers[0]["days_since_usage"] == 1).all()
    assert answers[0]["sms_mean_4w"].tolist() == [28.0 * (1 + who) for who in range(PEOPLE)]


def test_of_two_sources_the_later_one_decides(con: ibis.BaseBackend):
    """Messages of every day have come, but of the newest two days nobody's data: what they measure is unknown."""
    voice = usage().assign(source_name="voice")
    data = usage(before(1, 2)).assign(source_name="data")
    assert lags(con, pd.concat([voice, data], ignore_index=True), AS_OF) == [2]
    assert lags(con, voice, AS_OF) == [0]
