"""Labels against a slow twin in plain Python, at the edges of their half-open windows, and before they are mature."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count

import ibis
import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from features.contracts import ALWAYS, CONTRACTS
from features.settings import FeatureSettings
from models.targets import churn, follow_up, outcomes, vip
from models.targets.churn import ChurnTarget
from models.targets.settings import TargetSettings
from models.targets.value import ValueTarget
from models.targets.vip import Becomes, HighValue, VipTarget
from tests.features.families.naive_arpu import newest_known
from tests.features.naive import Who
from tests.models import slow_labels as slow


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


AS_OF = date(2025, 6, 1)
TODAY = midnight(date(2026, 1, 1))
NAMES = count()
FEATURES = FeatureSettings()
RETAIL = TargetSettings(
    churn=ChurnTarget(rule="no_bill", gap_days=2, horizon_days=30),
    value=ValueTarget(gap_days=1, horizon_days=45),
    vip=VipTarget(
        gap_days=3,
        horizon_days=40,
        high_value=HighValue(measure="spend", percentile=70, lookback_days=60, per_as_of=True),
        becomes=Becomes(rule="horizon_total", percentile=80),
    ),
)
OPERATOR = TargetSettings(
    churn=ChurnTarget(gap_days=7, horizon_days=90, horizons=(30, 60, 90)),
    vip=VipTarget(high_value=HighValue(amount=50.0)),
)


REASONED = TargetSettings(
    churn=OPERATOR.churn.model_copy(update={"reasons": ("voluntary", "port-out")}), vip=OPERATOR.vip
)


def bill(customer: str, on: date, amount: str = "10.00", known: datetime | None = None) -> dict:
    at = midnight(on)
    row = {"bill_id": f"B{next(NAMES)}", "customer_id": customer, "happened_at": at, "known_at": known or at}
    return row | {"amount": Decimal(amount), "due_on": None, "happened_on": on}


def person(customer: str, left: date | None = None, joined: date = date(2024, 1, 1), reason: str | None = None) -> dict:
    return {"customer_id": customer, "activated_on": joined, "deactivated_on": left, "left_reason": reason}


def tables(con, people: list[dict], bills: list[dict]) -> dict:
    """Ibis tables of these rows."""
    schema = {c: ibis.dtype(t).to_pyarrow() for c, t in CONTRACTS["bills"].schema().items()}
    stored = {
        "customers": pa.table(
            {
                "customer_id": [p["customer_id"] for p in people],
                "activated_on": pa.array([p["activated_on"] for p in people], pa.date32()),
                "deactivated_on": pa.array([p["deactivated_on"] for p in people], pa.date32()),
                "left_reason": pa.array([p["left_reason"] for p in people], pa.string()),
                "known_at": pa.array([ALWAYS] * len(people), pa.timestamp("us")),
            }
        ),
        "bills": pa.Table.from_pylist(bills, pa.schema(list(schema.items()))),
    }
    return {n: con.create_table(f"targets_{n}_{next(NAMES)}", t, temp=True) for n, t in stored.items()}


def spine(con, people: list[dict], dates: list[date]):
    rows = [
        {
            "customer_id": p["customer_id"],
            "as_of": d,
            "cutoff": midnight(d),
            "activated_on": p["activated_on"],
        }
        for p in people
        for d in dates
        if p["activated_on"] < d and (p["deactivated_on"] is None or p["deactivated_on"] >= d)
    ]
    types = [("customer_id", pa.string()), ("as_of", pa.date32())]
    types += [("cutoff", pa.timestamp("us")), ("activated_on", pa.date32())]
    return con.create_table(f"targets_spine_{next(NAMES)}", pa.Table.from_pylist(rows, pa.schema(types)), temp=True)


def computed(con, settings, people, bills, dates=(AS_OF,), *, until=TODAY, delay=0, features=FEATURES) -> dict:
    """(customer, as_of) to labels."""
    given = (spine(con, people, list(dates)), tables(con, people, bills), settings, until)
    rows = outcomes.labels(*given, features=features, reporting_delay_days=delay)
    return {(r["customer_id"], r["as_of"]): r for r in rows.to_pyarrow().to_pylist()}


def world(seed: int) -> tuple[list[dict], list[dict], list[date]]:
    """Forty customers; events crowd around the edges of windows."""
    rng = np.random.default_rng(seed)
    dates = [AS_OF, AS_OF + timedelta(days=31)]
    edges = [0, 1, 2, 3, 6, 7, 8, 30, 31, 32, 42, 43, 45, 46, 60, 90, 96, 97, -1, -60, -61, -91, -92]
    people, bills = [], []
    for number in range(40):
        name, left = f"C{number:03d}", None
        if rng.random() < 0.5:
            left = AS_OF + timedelta(days=int(rng.choice([e for e in edges if e >= 0])))
        joined = AS_OF - timedelta(days=int(rng.choice([1, 50, 400])))
        people.append(person(name, left, joined, [None, "voluntary", "dunning", "port-out"][number % 4]))
        for _ in range(rng.integers(0, 12)):
            on = AS_OF + timedelta(days=int(rng.choice(edges)))
            late = midnight(on) + timedelta(days=int(rng.choice([0, 5, 300])))
            bills.append(bill(name, on, str(rng.choice(["0.00", "10.00", "55.50", "200.00"])), late))
    return people, bills, dates


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("seed", range(4))
def test_churn_and_value_equal_the_slow_twin(con, seed):
    people, bills, dates = world(seed)
    for settings in (RETAIL, OPERATOR, REASONED):
        found = computed(con, settings, people, bills, dates)
        assert found
        for (name, as_of), row in found.items():
            who = next(p for p in people if p["customer_id"] == name)
            own = slow.seen([b for b in bills if b["customer_id"] == name], TODAY, who["activated_on"])
            money = settings.value
            assert row["value"] == pytest.approx(slow.value(as_of, own, money.gap_days, money.horizon_days), abs=1e-9)
            for horizon in settings.churn.known:
                gap = settings.churn.gap_days
                silent = slow.no_bill(as_of, own, gap, horizon)
                counts = settings is OPERATOR or who["left_reason"] in ("voluntary", "port-out")
                left = slow.deactivated(as_of, who["deactivated_on"], gap, horizon, counts)
                assert row[f"churned_{horizon}"] == (silent if settings is RETAIL else left)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [RETAIL, OPERATOR], ids=["retail", "operator"])
def test_margin_is_a_share_of_what_is_billed_and_changes_value_alone(con, settings):
    people, bills, dates = world(3)
    found = computed(con, settings, people, bills, dates)
    for margin in (1.0, 0.4):
        money = settings.value.model_copy(update={"margin": margin})
        told = computed(con, settings.model_copy(update={"value": money}), people, bills, dates)
        assert {key: row | {"value": None} for key, row in told.items()} == {
            key: row | {"value": None} for key, row in found.items()
        }
        for key, row in found.items():
            assert told[key]["value"] == (None if row["value"] is None else row["value"] * margin)


def test_labels_that_are_brought_have_no_margin():
    with pytest.raises(ValidationError, match="margin is a share of bills"):
        ValueTarget(rule="labels", margin=0.5)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("seed", range(4))
def test_sustained_vip_equals_the_slow_twin(con, seed):
    people, bills, dates = world(seed)
    found = computed(con, OPERATOR, people, bills, dates)
    for as_of in dates:
        names = [n for n, d in found if d == as_of]
        now = {n: history(people, bills, n, midnight(as_of)) for n in names}
        later = {n: history(people, bills, n, TODAY) for n in names}
        past = {n: slow.within(now[n], slow.day(as_of, -91), as_of) for n in names}
        ahead = {n: slow.within(later[n], as_of, slow.day(as_of, 90)) for n in names}
        anybody = {month for own in past.values() for month in slow.by_month(own)}
        months_after = len(slow.by_month([b for window in ahead.values() for b in window]))
        for name in names:
            newest = newest_known(seen_by(people, name, as_of), now[name], FEATURES)
            high = slow.worth_now(past[name], anybody, newest) >= 50
            becomes = slow.sustained(ahead[name], months_after, 50.0, 0.67)
            assert found[name, as_of]["high_value_now"] == high
            assert found[name, as_of]["vip"] == (None if high else becomes)
            early = all(paid < 50 for paid in slow.by_month(now[name]).values())
            assert found[name, as_of]["vip_early"] == (None if high else early)


@pytest.mark.parametrize("seed", range(4))
def test_vip_by_totals_equals_the_slow_twin(con, seed):
    people, bills, dates = world(seed)
    found = computed(con, RETAIL, people, bills, dates)
    for as_of in dates:
        names = [n for n, d in found if d == as_of]
        cutoff = midnight(as_of)
        worth = {n: slow.value(as_of, history(people, bills, n, cutoff), -60, 60) for n in names}
        total = {n: slow.value(as_of, history(people, bills, n, TODAY), 3, 40) for n in names}
        high, line = slow.percentile(list(worth.values()), 70), slow.percentile(list(total.values()), 80)
        for name in names:
            expected = None if worth[name] > high else total[name] > line
            assert found[name, as_of]["vip"] == expected
            months = slow.by_month(history(people, bills, name, cutoff)).values()
            early = all(paid < high for paid in months)
            assert found[name, as_of]["vip_early"] == (None if worth[name] > high else early)


def seen_by(people, name, as_of):
    joined = next(p["activated_on"] for p in people if p["customer_id"] == name)
    return Who(name, as_of, midnight(as_of), joined)


def history(people, bills, name, until):
    who = next(p for p in people if p["customer_id"] == name)
    return slow.seen([b for b in bills if b["customer_id"] == name], until, who["activated_on"])


def test_who_had_one_high_month_long_ago_or_is_not_known_to_is_no_early_case_or_is(con):
    """Once above the line is no early case, however long ago; a high bill that is not known yet hides nobody."""
    people = [person(name) for name in ("once", "never", "unknown", "in parts")]
    bills = [
        *(bill(p["customer_id"], AS_OF - timedelta(days=40), "20.00") for p in people),
        bill("once", date(2024, 3, 1), "50.00"),
        bill("unknown", date(2025, 2, 10), "80.00", known=midnight(AS_OF) + timedelta(days=1)),
        bill("in parts", date(2024, 8, 5), "30.00"),
        bill("in parts", date(2024, 8, 25), "20.00"),
    ]
    found = computed(con, OPERATOR, people, bills)
    early = {name: row["vip_early"] for (name, _), row in found.items()}
    assert early == {"once": False, "never": True, "unknown": True, "in parts": False}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("settings", [RETAIL, OPERATOR], ids=["retail", "operator"])
def test_scoring_some_customers_on_their_day_tells_the_early_cases_of_training(con, settings, seed):
    """What came later is not there yet, and of a part of the customers only the line comes from everybody."""
    people, bills, dates = world(seed)
    found = computed(con, settings, people, bills, dates)
    for as_of in dates:
        known = [b for b in bills if b["happened_at"] < midnight(as_of) and b["known_at"] < midnight(as_of)]
        given, everybody = tables(con, people, known), spine(con, people, [as_of])
        now = vip.high_value(everybody, given, settings.vip.high_value, FEATURES)
        for part in (everybody.customer_id < "C017", everybody.customer_id >= "C017"):
            some = everybody.filter(part)
            rows = vip.early(some, given, now.semi_join(some, "customer_id"), FEATURES).to_pyarrow().to_pylist()
            assert rows
            for row in rows:
                assert row["vip_early"] == found[row["customer_id"], as_of]["vip_early"]


def test_without_bills_nobody_is_known_to_be_an_early_case(con):
    given = tables(con, [person("A")], [])
    del given["bills"]
    everybody = spine(con, [person("A")], [AS_OF])
    now = vip.high_value(everybody, given, OPERATOR.vip.high_value, FEATURES)
    assert vip.early(everybody, given, now, FEATURES).to_pyarrow()["vip_early"].to_pylist() == [None]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("after", "churned"),
    [(6, None), (7, True), (96, True), (97, False)],
    ids=["in the gap", "first day", "last day", "the day after"],
)
def test_the_churn_window_is_half_open(con, after, churned):
    found = computed(con, OPERATOR, [person("A", AS_OF + timedelta(days=after))], [])
    assert found["A", AS_OF]["churned_90"] is churned


@pytest.mark.parametrize(("after", "value"), [(0, 0.0), (1, 10.0), (45, 10.0), (46, 0.0)])
def test_the_value_window_is_half_open(con, after, value):
    found = computed(con, RETAIL, [person("A")], [bill("A", AS_OF + timedelta(days=after))])
    assert found["A", AS_OF]["value"] == value


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    "mutant", [lambda d, g, h: (d >= g) & (d <= g + h), lambda d, g, h: (d >= g + 1) & (d < g + h + 1)]
)
def test_an_off_by_one_window_is_caught(con, monkeypatch, mutant):
    """`<=` for `<`, and a window that begins a day late, change labels of the random worlds."""
    people, bills, dates = world(1)
    right = computed(con, RETAIL, people, bills, dates)
    for module in (follow_up, churn, vip):
        monkeypatch.setattr(module, "inside", mutant)
    assert computed(con, RETAIL, people, bills, dates) != right


def test_only_what_was_known_by_then_counts(con):
    late = bill("A", AS_OF + timedelta(days=5), known=TODAY)
    found = computed(con, RETAIL, [person("A")], [late])
    assert found["A", AS_OF]["value"] == 0.0
    found = computed(con, RETAIL, [person("A")], [late], until=TODAY + timedelta(microseconds=1))
    assert found["A", AS_OF]["value"] == 10.0


@pytest.mark.parametrize(("today", "known"), [(date(2025, 7, 3), False), (date(2025, 7, 8), True)])
def test_a_label_is_null_until_its_window_and_the_delay_are_over(con, today, known):
    """Churn: gap 2 + horizon 30 + delay 5 days after 1 June is 8 July."""
    until = midnight(today)
    row = computed(con, RETAIL, [person("A")], [], until=until, delay=5)["A", AS_OF]
    assert (row["churned_30"] is not None) is known
    assert row["value"] is None and row["vip"] is None


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("days", [41, 42, 71, 72, 101, 102])
def test_the_short_horizons_are_known_first(con, days):
    """Gap 7 + horizon 30, 60 or 90 + delay 5 days after the as-of date."""
    until = midnight(AS_OF + timedelta(days=days))
    row = computed(con, OPERATOR, [person("A", left=AS_OF + timedelta(days=50))], [], until=until, delay=5)["A", AS_OF]
    whole = {30: False, 60: True, 90: True}
    assert {h: row[f"churned_{h}"] for h in whole} == {h: y if days >= 7 + h + 5 else None for h, y in whole.items()}


def test_newer_data_never_changes_a_mature_label(con):
    people, bills, dates = world(2)
    settings = OPERATOR
    before = computed(con, settings, people, bills, dates, until=midnight(date(2025, 11, 1)))
    newer = [*bills, *(bill(p["customer_id"], date(2025, 11, 2)) for p in people)]
    kept = [b for b in bills if b["known_at"] < midnight(date(2025, 11, 1))]
    after = computed(con, settings, people, [*kept, *newer[len(bills) :]], dates)
    known = {key: {c: after[key][c] for c in row if row[c] is not None} for key, row in before.items()}
    assert known == {key: {c: v for c, v in row.items() if v is not None} for key, row in before.items()}


MONTHLY = TargetSettings(
    churn=ChurnTarget(rule="no_bill", horizon_days=90, horizons=(90,)),
    value=ValueTarget(horizon_days=90),
    vip=VipTarget(high_value=HighValue(amount=50.0)),
)


def monthly(customer: str, amount: str, months: list[int], known: dict[int, datetime] | None = None) -> list[dict]:
    """A bill on the first of each month of 2025, known at once or when it is said."""
    return [bill(customer, date(2025, m, 1), amount, (known or {}).get(m)) for m in months]


def test_worth_is_the_mean_of_the_months_that_are_known_of_a_customer(con):
    """On 8 June everybody's bill of 1 June is out but that of the late one, who has paid 60 a month for years."""
    late = midnight(date(2025, 6, 20))
    people = [person(name) for name in ("late", "gone", "poor")]
    bills = monthly("late", "60.00", [1, 2, 3, 4, 5, 6], {6: late}) + monthly("poor", "1.00", [1, 2, 3, 4, 5, 6])
    bills += monthly("gone", "60.00", [1, 3, 4])
    as_of = date(2025, 6, 8)
    features = {"settled": FeatureSettings(settle_days=0), "waiting": FEATURES}
    high = {}
    for name, chosen in features.items():
        found = computed(con, MONTHLY, people, bills, [as_of], features=chosen)
        high[name] = {who: row["high_value_now"] for (who, _), row in found.items()}
    assert high == {
        "settled": {"late": False, "gone": False, "poor": False},
        "waiting": {"late": True, "gone": False, "poor": False},
    }


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("until", "value"), [((9, 8), None), ((10, 1), None), ((10, 2), 120.0)])
def test_a_label_is_unknown_while_a_bill_of_its_window_is_awaited(con, until, value):
    """The window from 1 June to 30 August holds the bills of 1 June, 1 July and 1 August, and that of July is late."""
    people = [person("late"), person("left", date(2025, 7, 10)), person("here")]
    bills = monthly("late", "60.00", [1, 2, 3, 4, 5, 6, 7]) + monthly("here", "60.00", [*range(1, 9)])
    bills += monthly("left", "60.00", [1, 2, 3, 4, 5, 6, 7])
    found = computed(con, MONTHLY, people, bills, until=midnight(date(2025, *until)))
    assert found["late", AS_OF]["value"] == value
    assert [found[who, AS_OF]["value"] for who in ("left", "here")] == [120.0, 180.0]
    early = computed(con, MONTHLY, people, bills, [date(2025, 4, 1)], until=midnight(date(2025, *until)))
    assert early["late", date(2025, 4, 1)]["value"] == 180.0, "its window ends before"


def test_a_customer_whose_bill_is_awaited_is_not_known_to_be_silent(con):
    settings = MONTHLY.model_copy(update={"churn": ChurnTarget(rule="no_bill", horizon_days=31, horizons=(31,))})
    bills = monthly("A", "10.00", [3, 4, 5, 6]) + monthly("B", "10.00", [3, 5, 6])
    until, as_of = midnight(date(2025, 8, 8)), date(2025, 7, 1)
    found = computed(con, settings, [person("A"), person("B")], bills, [as_of], until=until)
    assert [found[who, as_of]["churned_31"] for who in "AB"] == [None, True]


def test_one_spike_is_not_enough(con):
    months = [date(2025, 6, 10), date(2025, 7, 10), date(2025, 8, 10)]
    crowd = [bill("Z", d, "1.00") for d in months]
    spiker = [bill("S", d, a) for d, a in zip(months, ("900.00", "1.00", "1.00"), strict=True)]
    stayer = [bill("V", d, a) for d, a in zip(months, ("60.00", "60.00", "40.00"), strict=True)]
    found = computed(con, OPERATOR, [person("S"), person("V"), person("Z")], [*crowd, *spiker, *stayer])
    assert [found[n, AS_OF]["vip"] for n in ("S", "V", "Z")] == [False, True, False]


def test_the_high_value_line_is_an_amount_of_money_fixed_once(con):
    people = [person(f"C{i}") for i in range(11)]
    bills = [bill(f"C{i}", date(2025, 5, 10), f"{10 * i}.00") for i in range(11)]
    given = TargetSettings()
    rows, stored = spine(con, people, [AS_OF]), tables(con, people, bills)
    with pytest.raises(ValueError, match="fix the high-value amount"):
        outcomes.labels(rows, stored, given, TODAY, features=FEATURES)
    fixed = outcomes.fixed(rows, stored, given, FEATURES)
    assert fixed.vip.high_value.amount == 80.0
    dearer = [b | {"amount": b["amount"] * Decimal("1.10")} for b in bills]
    assert outcomes.fixed(rows, tables(con, people, dearer), fixed, FEATURES) == fixed
    assert outcomes.fixed(rows, stored, RETAIL, FEATURES) == RETAIL


def test_brought_labels_are_taken_as_they_are(con):
    settings = TargetSettings(churn=ChurnTarget(rule="labels"), value=ValueTarget(rule="labels"), vip=OPERATOR.vip)
    people = [person("A"), person("B")]
    stored = tables(con, people, [])
    given = pa.table(
        {
            "customer_id": ["A"],
            "as_of": pa.array([AS_OF], pa.date32()),
            "churned": [True],
            "value": pa.array([Decimal("7.50")], pa.decimal128(12, 2)),
        }
    )
    stored["labels"] = con.create_table(f"targets_labels_{next(NAMES)}", given, temp=True)
    rows = outcomes.labels(spine(con, people, [AS_OF]), stored, settings, TODAY, features=FEATURES)
    rows = rows.to_pyarrow().to_pylist()
    found = {r["customer_id"]: (r["churned_90"], r["value"]) for r in rows}
    assert found == {"A": (True, 7.5), "B": (None, None)}


def test_one_row_per_row_of_the_spine_and_the_declared_columns(con):
    people, bills, dates = world(3)
    rows = spine(con, people, dates)
    for settings in (RETAIL, OPERATOR):
        made = outcomes.labels(rows, tables(con, people, bills), settings, TODAY, features=FEATURES)
        assert made.columns == ("customer_id", "as_of", *outcomes.columns(settings))
        assert made.count().to_pyarrow().as_py() == rows.count().to_pyarrow().as_py()


def test_settings_refuse_what_makes_no_sense():
    with pytest.raises(ValidationError, match="longest"):
        ChurnTarget(horizon_days=60, horizons=(30, 90))
    with pytest.raises(ValidationError, match="rise"):
        ChurnTarget(horizon_days=30, horizons=(60, 30))
    with pytest.raises(ValidationError, match="horizon_total"):
        VipTarget(high_value=HighValue(measure="spend"))
    with pytest.raises(ValidationError):
        TargetSettings.model_validate({"churn": {"horizont": 30}})
    assert ChurnTarget(horizon_days=60).horizons == (20, 40, 60)
    assert ChurnTarget(rule="no_bill", horizon_days=91).known == (91,)
    assert OPERATOR.of("churn").window_days == 97 and OPERATOR.longest == 97
