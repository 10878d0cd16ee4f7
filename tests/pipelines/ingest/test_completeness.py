"""What nobody delivered stops a run; what is quiet, late, growing or shrinking does not.

A source is drawn as two arrays, the local days on which its rows happened and became known, counted from `EPOCH`.
"""

from collections import defaultdict
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from features.spine import cutoff
from pipelines.config.quality import Quality
from pipelines.ingest import completeness, judgement
from pipelines.ingest.arrivals import Arrivals, Thin, arrivals
from pipelines.ingest.completeness import asked, months, week
from pipelines.ingest.tables import Part, Tables
from pipelines.wording import errors
from tests.raw import Raw

EPOCH = date(2024, 1, 1)
SHARE = Quality().smallest_month
LENGTH = 1000
AS_OF = st.integers(560, 990).map(lambda day: EPOCH + timedelta(days=day))
SEED = st.integers(0, 2**32 - 1)


def number(day: date) -> int:
    return (day - EPOCH).days


def daily(rng, mean: float, growth: float = 0.0, late: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """`mean` rows a month in the middle of the time, fewer on Sundays, each known some days after it happened."""
    days = np.arange(LENGTH)
    level = mean / 30.4 * (1 + growth) ** ((days - LENGTH / 2) / 30.4) * np.where(days % 7 == 6, 0.4, 1.1)
    happened = np.repeat(days, rng.poisson(level))
    return happened, happened + 1 + rng.exponential(late, len(happened)).astype(int)


def monthly(rng, mean: int, day: int, late: int, *, weekends: bool) -> tuple[np.ndarray, np.ndarray]:
    """A run on one day of each month (its last where it is shorter); one on a weekend comes on the Monday after."""
    firsts = pd.date_range(EPOCH, periods=34, freq="MS")
    runs = [first + pd.Timedelta(days=min(day, first.days_in_month) - 1) for first in firsts]
    runs = [run + pd.offsets.BDay(0) if weekends else run for run in runs]
    happened = np.repeat([(run - pd.Timestamp(EPOCH)).days for run in runs], rng.poisson(mean, len(runs)))
    return happened, happened + late


def arrived(source, as_of: date) -> Arrivals:
    """The same as `arrivals.arrivals`, from arrays."""
    happened, known = source
    moments = set().union(*[rhythm.moments for rhythm in rhythms(as_of)])
    upto = {m: np.bincount(happened[known < number(m)] + 1, minlength=LENGTH + 90).cumsum() for m in moments}
    return Arrivals(EPOCH, EPOCH + timedelta(days=int(happened.min())), EPOCH + timedelta(days=int(known.min())), upto)


def rhythms(as_of: date) -> list:
    return [months(as_of, as_of.replace(day=1)), months(as_of, as_of)]


def thin(source, as_of: date) -> list[Thin]:
    came = arrived(source, as_of)
    return [found for rhythm in rhythms(as_of) for found in completeness.thin_periods(came, rhythm, SHARE)]


def without(source, first: date, until: date, share: float, rng):
    """The source with only a share of the rows of some days."""
    happened, known = source
    inside = (happened >= number(first)) & (happened < number(until))
    keep = ~inside | (rng.random(len(happened)) < share)
    return happened[keep], known[keep]


def month_before(as_of: date, back: int) -> tuple[date, date]:
    starts = pd.Timestamp(as_of.replace(day=1)) - pd.DateOffset(months=back)
    return starts.date(), (starts + pd.DateOffset(months=1)).date()


@settings(max_examples=60, deadline=None)
@given(SEED, AS_OF, st.sampled_from([60, 300, 3000]), st.floats(-0.2, 0.2), st.floats(0, 6))
def test_lateness_growth_and_shrinkage_are_no_gap(seed, as_of, mean, growth, late):
    assert thin(daily(np.random.default_rng(seed), mean, growth, late), as_of) == []


@settings(max_examples=60, deadline=None)
@given(SEED, AS_OF, st.integers(1, 31), st.integers(0, 12), st.booleans())
def test_a_run_once_a_month_is_no_gap_on_any_day(seed, as_of, day, late, weekends):
    assert thin(monthly(np.random.default_rng(seed), 400, day, late, weekends=weekends), as_of) == []


@settings(max_examples=60, deadline=None)
@given(SEED, AS_OF, st.sampled_from([2, 10, 20]), st.floats(0.5, 3))
def test_small_projects_may_be_quiet(seed, as_of, mean, shape):
    """A handful of rows a month, some months without any: negative binomial, wilder than any Poisson."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(shape, mean / shape, 34)
    happened = np.concatenate([30 * m + rng.integers(0, 30, n) for m, n in enumerate(rng.poisson(level))])
    if len(happened):
        assert thin((happened, happened + 1), as_of) == []


def test_how_often_a_source_that_varies_much_is_stopped():
    """Months that vary by half of their mean without any reason: of 24 months twice over, one date in a hundred."""
    rng, stopped = np.random.default_rng(0), 0
    for _ in range(200):
        level = rng.gamma(4, 100, 34)
        happened = np.concatenate([30 * m + rng.integers(0, 30, n) for m, n in enumerate(rng.poisson(level))])
        stopped += bool(thin((happened, happened + 1), EPOCH + timedelta(days=int(rng.integers(560, 990)))))
    assert stopped <= 2


@settings(max_examples=60, deadline=None)
@given(SEED, AS_OF, st.integers(0, 12), st.sampled_from([0.0, 0.1]), st.floats(-0.05, 0.05))
def test_a_month_that_hardly_came_stops(seed, as_of, back, share, growth):
    """A calendar month, the newest or an older one, on any day of the months after it."""
    rng = np.random.default_rng(seed)
    first, until = month_before(as_of, back + 1)
    found = thin(without(daily(rng, 3000, growth), first, until, share, rng), as_of)
    assert (first, until - timedelta(days=1)) in {(t.first, t.last) for t in found}


@settings(max_examples=60, deadline=None)
@given(SEED, AS_OF, st.integers(1, 28), st.integers(0, 6), st.sampled_from([0.0, 0.1]))
def test_a_run_that_did_not_come_stops_soon_after_it_was_due(seed, day, run, late, share):
    rng = np.random.default_rng(seed)
    first = day.replace(day=run)
    source = without(monthly(rng, 400, run, late, weekends=False), first, first + timedelta(days=1), share, rng)
    assert thin(source, first + timedelta(days=max(late + 5, 8)))
    assert thin(source, first + timedelta(days=late + 50))
    assert not thin(source, first)


def test_the_newest_week_warns_alone():
    as_of, rng = date(2026, 3, 16), np.random.default_rng(1)
    whole = daily(rng, 3000, late=0.5)
    source = without(whole, as_of - timedelta(days=7), as_of, 0.0, rng)
    weekly = [week(as_of, "7d", 8), week(as_of, "1mo", 6)]
    for given_, expected in ((whole, 0), (source, 1)):
        came = arrivals_of(given_, weekly)
        assert [len(completeness.thin_periods(came, rhythm, SHARE)) for rhythm in weekly] == [expected] * 2
        assert thin(given_, as_of) == []


def arrivals_of(source, weekly) -> Arrivals:
    happened, known = source
    moments = set().union(*[rhythm.moments for rhythm in weekly])
    upto = {m: np.bincount(happened[known < number(m)] + 1, minlength=LENGTH + 90).cumsum() for m in moments}
    return Arrivals(EPOCH, EPOCH, EPOCH, upto)


ZONE = "Asia/Shanghai"


def stored(con, folder, name: str, source, superseded=None, hour=12) -> Tables:
    """A table of one part, as a reading leaves it; rows become known at noon, or another hour, of their day."""
    dates = {d: EPOCH + timedelta(days=int(d)) for d in np.unique(np.concatenate(source))}
    noons = {d: cutoff(day, ZONE) + timedelta(hours=hour) for d, day in dates.items()}
    happened, known = (pd.Series(days) for days in source)
    frame = pd.DataFrame({"happened_on": happened.map(dates), "known_at": known.map(noons)})
    frame["superseded_at"] = pd.Series(superseded, dtype="datetime64[us]") if superseded else pd.NaT
    path = folder / f"{name}.parquet"
    frame.astype({"known_at": "datetime64[us]", "superseded_at": "datetime64[us]"}).to_parquet(path)
    tables = Tables({}, parts={name: [Part(path, "", len(frame), dates[happened.min()], dates[happened.max()])]})
    tables.tables[name] = tables.view(con, name, tables.parts[name], f"_{folder.name}")
    return tables


def judged(con, folder, source, as_of: date, **limits):
    tables = stored(con, folder, "usage", source)
    return told(con, tables, Raw(folder).load(), Quality(**limits), as_of)


def told(con, tables: Tables, mapping, quality: Quality, as_of: date):
    return judgement.warnings(completeness.problems(con, tables, mapping, quality, as_of), as_of)


@pytest.mark.parametrize(("as_of", "hour"), [(date(2026, 3, 31), 12), (date(2026, 2, 11), 12), (date(2026, 2, 11), 0)])
def test_rows_are_counted_as_they_were_seen(con, tmp_path, as_of, hour):
    """The statement against a count by hand, corrections included; what is known at a midnight was not before it."""
    rng = np.random.default_rng(5)
    happened, known = daily(rng, 120, late=9)
    later = [cutoff(EPOCH + timedelta(days=int(d) + 20), ZONE) if n % 3 == 0 else None for n, d in enumerate(known)]
    tables = stored(con, tmp_path, "usage", (happened, known), superseded=later, hour=hour)
    came = arrivals(con, tables, ("usage", None), ZONE, asked(rhythms(as_of)))
    gone = np.array([d + 20 if n % 3 == 0 else 10_000 for n, d in enumerate(known)])
    early, late = number(date(2025, 11, 3)), number(date(2026, 1, 20))
    for moment in came.upto:
        day = number(moment)
        by_hand = (happened >= early) & (happened < late) & (known < day) & (gone >= day)
        assert came.between(EPOCH + timedelta(days=early), EPOCH + timedelta(days=late), moment) == by_hand.sum()


def test_a_month_of_which_a_few_rows_arrived_is_told_with_its_figures(con, tmp_path):
    rng = np.random.default_rng(3)
    source = without(daily(rng, 1500), date(2026, 1, 1), date(2026, 2, 1), 26 / 1545, rng)
    with pytest.raises(HeadwaterError) as error:
        judged(con, tmp_path, source, date(2026, 2, 20))
    problem = error.value.problem
    assert (problem.code, error.value.exit_code, problem.values["table"]) == ("E421", 4, "usage")
    assert (problem.values["first"], problem.values["last"]) == ("2026-01-01", "2026-01-31")
    assert problem.values["found"] < 50
    assert problem.values["expected"] > 1200
    for lang in ("en", "zh"):
        told = errors.render_line(problem, lang)
        assert all(word in told for word in ("usage", "2026-01-01", f"{problem.values['expected']:,}"))
        assert 'quality.quiet.usage: ["2026-01"]' in told


@pytest.mark.parametrize("limits", [{"smallest_month": 0}, {"gaps": False}, {"quiet": {"usage": ["2026-01"]}}])
def test_a_month_that_is_right_as_it_is_can_be_accepted(con, tmp_path, limits):
    rng = np.random.default_rng(3)
    source = without(daily(rng, 1500), date(2026, 1, 1), date(2026, 2, 1), 0, rng)
    assert judged(con, tmp_path, source, date(2026, 2, 20), **limits) == ()


def test_another_month_than_the_accepted_one_still_stops(con, tmp_path):
    rng = np.random.default_rng(3)
    source = without(daily(rng, 1500), date(2025, 10, 1), date(2025, 11, 1), 0, rng)
    with pytest.raises(HeadwaterError, match="E421"):
        judged(con, tmp_path, source, date(2026, 2, 20), quiet={"usage": ["2026-01"]})


def test_what_was_loaded_at_once_says_nothing_about_lateness(con, tmp_path):
    """A source that was connected in November, when everything older became known; then January does not come."""
    rng, connected = np.random.default_rng(3), number(date(2025, 11, 1))
    happened, known = daily(rng, 1500)
    assert judged(con, tmp_path, (happened, np.maximum(known, connected)), date(2026, 2, 5)) == ()
    happened, known = without((happened, known), date(2026, 1, 1), date(2026, 2, 1), 0, rng)
    with pytest.raises(HeadwaterError, match="E421"):
        judged(con, tmp_path, (happened, np.maximum(known, connected)), date(2026, 5, 5))


def test_a_day_that_did_not_come_stops_and_is_told_with_its_figures(con, tmp_path):
    rng = np.random.default_rng(3)
    source = without(daily(rng, 30_000), date(2026, 1, 14), date(2026, 1, 15), 0, rng)
    with pytest.raises(HeadwaterError) as error:
        judged(con, tmp_path, source, date(2026, 2, 20))
    problem = error.value.problem
    assert (problem.code, error.value.exit_code, problem.values["found"]) == ("E422", 4, 0)
    for lang in ("en", "zh"):
        told = errors.render_line(problem, lang)
        assert "usage" in told and 'quality.quiet.usage: ["2026-01-14"]' in told
    for limits in ({"quiet": {"usage": ["2026-01-14"]}}, {"quiet": {"usage": ["2026-01"]}}, {"smallest_day": 0}):
        assert judged(con, tmp_path, source, date(2026, 2, 20), **limits) == ()


def test_a_source_that_ends_early_is_told_and_one_that_stopped_stops(con, tmp_path):
    rng, whole = np.random.default_rng(3), daily(np.random.default_rng(3), 30_000, late=0.0)
    as_of = date(2026, 3, 20)
    (problem,) = judged(con, tmp_path, without(whole, date(2026, 3, 16), as_of, 0, rng), as_of)
    assert (problem.code, problem.values["days"]) == ("W423", 2)
    with pytest.raises(HeadwaterError, match="E423"):
        judged(con, tmp_path, without(whole, date(2026, 3, 13), as_of, 0, rng), as_of)


def test_a_third_less_of_a_source_that_hardly_varies_stops(con, tmp_path):
    rng = np.random.default_rng(3)
    source = without(daily(rng, 30_000), date(2026, 1, 1), date(2026, 2, 1), 0.6, rng)
    with pytest.raises(HeadwaterError, match="E421"):
        judged(con, tmp_path, source, date(2026, 2, 20))


def of_regions(con, tables: Tables, folder, regions: list[str]) -> Tables:
    """The rows belong to one customer of each region in turn."""
    path = tables.parts["usage"][0].path
    rows = pd.read_parquet(path)
    rows["customer_id"] = [f"C{number % len(regions)}" for number in range(len(rows))]
    rows.to_parquet(path)
    tables.tables["usage"] = tables.view(con, "usage", tables.parts["usage"], f"_{folder.name}_again")
    people = pd.DataFrame({"customer_id": [f"C{n}" for n in range(len(regions))], "region": regions})
    people.to_parquet(folder / "customers.parquet")
    tables.tables["customers"] = con.read_parquet(folder / "customers.parquet", table_name=f"people_{folder.name}")
    return tables


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("first", "until"), [((2026, 1, 1), (2026, 2, 1)), ((2026, 1, 14), (2026, 1, 15))])
def test_a_region_that_did_not_come_is_told_by_name(con, tmp_path, first, until):
    """North, south, east and west each have a quarter of the rows; of one the month, or the day, is not there."""
    as_of, regions = date(2026, 2, 20), ["north", "south", "east", "west"]
    happened, known = daily(np.random.default_rng(3), 60_000)
    gone = (happened >= number(date(*first))) & (happened < number(date(*until))) & (np.arange(len(happened)) % 4 == 2)
    tables = of_regions(con, stored(con, tmp_path, "usage", (happened, known)), tmp_path, regions)
    mapping = Raw(tmp_path).load()
    assert told(con, tables, mapping, Quality(), as_of) == ()
    kept = pd.read_parquet(tables.parts["usage"][0].path)[~gone]
    kept.to_parquet(tables.parts["usage"][0].path)
    with pytest.raises(HeadwaterError) as error:
        told(con, tables, mapping, Quality(), as_of)
    assert [(p.code, p.values["region"]) for p in error.value.problems] == [("E424", "east")]
    assert told(con, tables, mapping, Quality(regions=False), as_of) == ()


@pytest.mark.parametrize(
    ("abroad", "holiday", "codes"),
    [(2, 0, []), (2, 2, []), (90, 0, []), (90, 90, ["E424"]), (90, 60, ["E424"])],
    ids=["a few, none that day", "a few as ever", "many, none that day", "many as ever", "many, somewhat fewer"],
)
def test_a_region_misses_a_day_only_where_the_others_tell(abroad, holiday, codes):
    """On a bank holiday a shop that sells nearly all at home sells nothing: no delivery is missing."""
    as_of, start = date(2026, 2, 20), date(2025, 1, 1)
    days = (as_of - start).days

    def region(usual: int, that_day: int) -> Arrivals:
        rows = np.full(days, usual)
        rows[-40] = that_day
        upto = np.concatenate([[0], rows.cumsum()])
        return Arrivals(start, start, start, defaultdict(lambda: upto))

    regions = {"home": region(80, 0), "abroad": region(abroad, holiday)}
    counted = SimpleNamespace(by_region=lambda asked: regions)
    found = completeness._of_regions(counted, completeness.Limits(Quality(), "bills", as_of, "UTC"))
    assert [code for code, _, _ in found] == codes
    assert all(told["region"] == "home" for _, _, told in found)


def test_a_quiet_week_is_a_warning(con, tmp_path):
    as_of, rng = date(2026, 3, 16), np.random.default_rng(1)
    source = without(daily(rng, 900, late=0.5), date(2026, 3, 9), as_of, 0.02, rng)
    (problem,) = judged(con, tmp_path, source, as_of)
    assert (problem.code, problem.exit_code, problem.values["first"]) == ("W421", 0, "2026-03-09")


def test_a_table_whose_months_are_unknown_is_refused():
    with pytest.raises(ValueError, match="bils"):
        Quality(quiet={"bils": ["2026-01"]})
    for never in ("2026-13", "2026-01-32"):
        with pytest.raises(ValueError, match="pattern"):
            Quality(quiet={"bills": [never]})


def closing(con, folder, name: str, source, as_of: date, closes: str | None):
    """What is said of a table that closes so long after each month or day."""
    tables, raw = stored(con, folder, name, source), Raw(folder)
    raw.mapping["tables"][name] |= {"closes": closes} if closes else {}
    try:
        return [p.code for p in told(con, tables, raw.load(), Quality(), as_of)]
    except HeadwaterError as error:
        return [p.code for p in error.problems]


@pytest.mark.parametrize(
    ("as_of", "closes", "codes"),
    [
        (date(2026, 2, 8), None, ["E421"]),
        (date(2026, 2, 8), "10d", []),
        (date(2026, 2, 10), "10d", []),
        (date(2026, 2, 15), "10d", ["E427"]),
        (date(2026, 3, 1), "40d", []),
        (date(2026, 3, 17), "40d", ["E427"]),
    ],
)
def test_a_declared_month_is_missing_from_its_closing_on(con, tmp_path, as_of, closes, codes):
    """Bills of January, dated 31 January, always came five days later; once they did not. A run may wander by four days."""
    rng = np.random.default_rng(3)
    source = without(monthly(rng, 800, 31, 5, weekends=False), date(2026, 1, 1), date(2026, 2, 1), 0, rng)
    assert closing(con, tmp_path, "bills", source, as_of, closes) == codes


def test_the_closing_of_a_source_takes_the_place_of_its_own_lateness(con, tmp_path):
    """One that used to be there at once may declare that it now takes three weeks: what is late is not missing."""
    happened, known = monthly(np.random.default_rng(3), 800, 31, 1, weekends=False)
    later = happened, np.where(happened >= number(date(2025, 11, 1)), happened + 20, known)
    assert closing(con, tmp_path, "bills", later, date(2025, 12, 18), None) == ["E421"]
    assert closing(con, tmp_path, "bills", later, date(2025, 12, 18), "21d") == []
    assert closing(con, tmp_path, "bills", later, date(2026, 1, 5), "21d") == []


def test_a_declared_day_is_missing_from_its_closing_on(con, tmp_path):
    rng, whole = np.random.default_rng(3), daily(np.random.default_rng(3), 30_000, late=0.0)
    as_of = date(2026, 3, 20)
    stopped = without(whole, date(2026, 3, 13), as_of, 0, rng)
    codes = {closes: closing(con, tmp_path, "usage", stopped, as_of, closes) for closes in (None, "1d", "5d", "10d")}
    assert codes == {None: ["E423"], "1d": ["E423"], "5d": ["W423"], "10d": []}
