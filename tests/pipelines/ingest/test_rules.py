"""Rows in = used + quarantined + duplicates, whatever the dirt; duplicates, conflicts and corrections; guards."""

import os
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.ingest import freshness
from pipelines.ingest.tables import RowCount
from tests.raw import Raw, at, read_tables

LOOSE = Quality(max_quarantined=1, max_quarantined_keys=1, gaps=False)
CELLS = {
    "账单号": ["B1", "B2", "B3", "", " B4", "\u3000B5", "B\u200b6", "x" * 300],
    "用户编号": ["00001", "00002", "", "nobody", "1", "０0001"],
    "账期": ["202601", "202602", "", "202613", "20260101", "1970", "000101", "999912"],
    "应收_分": [
        "5900",
        "5901",
        "",
        "-300",
        "1e3",
        "1.000",
        "NaN",
        "inf",
        "1 000",
        "99999999999999999999",
        "0x1F",
        "1_000",
    ],
}
ROW = st.tuples(*[st.sampled_from(values) for values in CELLS.values()])


@pytest.fixture
def raw(tmp_path):
    return Raw(tmp_path)


@settings(max_examples=6, deadline=None)
@given(dirt=st.lists(ROW, min_size=1, max_size=60), ragged=st.integers(0, 2))
def test_rows_add_up_and_only_clean_ones_are_used(con, tmp_path_factory, dirt, ragged):
    raw = Raw(tmp_path_factory.mktemp("dirt"))
    raw.rows["bill"] = [raw.rows["bill"][0], *[list(row) for row in dirt], *[["B9"]] * ragged]
    raw.rows["bill"].append(["B0", "00001", "202601", "5900"])
    found = raw.read(con, LOOSE)
    count = found.counts["bills"]
    assert count.in_ == len(dirt) + ragged + 1 == count.used + count.quarantined + count.duplicates
    assert count.used == found["bills"].count().execute()
    clean = [row for row in [*dirt, ("B0", "00001", "202601", "5900")] if is_clean(row)]
    versions = {}
    for row in set(clean):
        versions.setdefault((row[0], row[2]), set()).add((row[1], amount(row[3])))
    sound = sorted((key[0], *next(iter(rows))) for key, rows in versions.items() if len(rows) == 1)
    used = found["bills"].order_by("bill_id", "customer_id", "amount").to_pyarrow().to_pylist()
    assert sorted((row["bill_id"], row["customer_id"], float(row["amount"])) for row in used) == sound


def is_clean(row):
    good = (("B1", "B2", "B3", "B0"), ("00001", "00002"), ("202601", "202602"), ("5900", "5901", "1.000"))
    return all(cell in allowed for cell, allowed in zip(row, good, strict=True))


def amount(text):
    return round(float(text) / 100, 2)


def put_aside(found, table="bills"):
    return found.quarantine[table].to_pylist()


def test_quarantine_says_file_row_column_and_rule(raw, con):
    raw.rows["bill"][5] = ["B00000", "13812345678", "202601", "5900"]
    raw.rows["bill"][7][3] = "1,5".replace(",", ".5.")
    raw.rows["bill"][9] = ["B00001", "00001"]
    found = raw.read(con, Quality(max_quarantined=0.5))
    assert [(row["row"], row["column"], row["rule"]) for row in put_aside(found)] == [
        (5, "customer_id", "unknown_customer"),
        (7, "amount", "not_a_number"),
        (9, None, "ragged_row"),
    ]
    values = [row["value"] for row in put_aside(found)]
    assert values[1] == "1.5.5"
    assert "13812345678" not in values[0]
    assert {row["file"] for row in put_aside(found)} == {str(raw.folder / "bill.csv")}
    assert [(p.code, p.values["rows"]) for p in found.warnings] == [("W302", 3)]


def usage(raw, *rows):
    raw.rows["usage"] = [raw.rows["usage"][0], *[list(row) for row in rows]]
    return raw


FIRST = ("00001", "2026-01-10 08:00:00", "2026-01-11 00:00:00", "1024")


def test_exact_repeats_are_duplicates(raw, con):
    found = usage(raw, FIRST, FIRST, FIRST).read(con, LOOSE)
    assert found.counts["usage"] == RowCount(3, 1, 0, 2)
    assert {p.code for p in found.warnings} == {"W303"}


def test_a_later_known_row_is_a_correction(raw, con):
    second = (*FIRST[:2], "2026-02-01 00:00:00", "2048")
    third = (*FIRST[:2], "2026-03-01 00:00:00", "4096")
    found = usage(raw, third, FIRST, second, ("00002", *FIRST[1:])).read(con, LOOSE)
    rows = (
        found["usage"].order_by("customer_id", "known_at").select("data_mb", "superseded_at").to_pyarrow().to_pylist()
    )
    assert rows == [
        {"data_mb": 1.0, "superseded_at": at("2026-01-31 16:00:00")},
        {"data_mb": 2.0, "superseded_at": at("2026-02-28 16:00:00")},
        {"data_mb": 4.0, "superseded_at": None},
        {"data_mb": 1.0, "superseded_at": None},
    ]


def test_the_same_key_known_at_once_with_other_content_goes(raw, con):
    found = usage(raw, FIRST, FIRST, (*FIRST[:3], "2048"), ("00002", *FIRST[1:])).read(con, LOOSE)
    assert found.counts["usage"] == RowCount(4, 1, 2, 1)
    assert Counter(row["rule"] for row in put_aside(found, "usage")) == {"conflicting_key": 2}


@settings(max_examples=3, deadline=None)
@given(st.data())
def test_row_order_is_irrelevant(con, tmp_path_factory, data):
    cells = st.tuples(
        st.sampled_from(["00001", "00002"]),
        st.just(FIRST[1]),
        st.sampled_from([FIRST[2], "2026-02-01 00:00:00"]),
        st.sampled_from(["1024", "2048"]),
    )
    rows = [*data.draw(st.lists(cells, min_size=2, max_size=8)), ("00003", *FIRST[1:])]
    seen = []
    for order in (rows, data.draw(st.permutations(rows))):
        found = usage(Raw(tmp_path_factory.mktemp("order")), *order).read(con, LOOSE)
        table = found["usage"].order_by(*found["usage"].columns).to_pyarrow().to_pylist()
        seen.append((found.counts["usage"], table))
    assert seen[0] == seen[1]


def test_a_duplicated_file_changes_no_table(raw, con):
    plain = raw.read(con, LOOSE)["usage"].order_by("customer_id", "happened_at").to_pyarrow()
    raw.rows["usage"] += [list(row) for row in raw.rows["usage"][1:60:7]]
    again = raw.read(con, LOOSE)
    assert again["usage"].order_by("customer_id", "happened_at").to_pyarrow().equals(plain)
    assert again.counts["usage"].duplicates == 9


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        ("2026-01-09 08:00:00", None),
        ("2026-01-09 07:59:59", "known_before_happened"),
        ("2026-03-02 23:59:59", None),
        ("2026-03-03 00:00:00", "from_the_future"),
        ("", "empty"),
    ],
)
def test_clocks_that_cannot_be(raw, con, known, rule):
    usage(raw, (*FIRST[:2], known, "1"), ("00001", "2026-01-12 08:00:00", "2026-01-12 09:00:00", "1")).write()
    raw.rows["bill"] = raw.rows["bill"][:2]
    raw.write()
    for path in raw.folder.glob("*.csv"):
        os.utime(path, (0, 0))
    quality = LOOSE.model_copy(update={"early_hours": 24})
    found = read_tables(con, raw.load(), quality, date(2026, 3, 1))
    aside = [row["rule"] for row in put_aside(found, "usage")] if "usage" in found.quarantine else []
    assert aside == ([rule] if rule else [])
    assert found.future == (rule == "from_the_future")


def test_a_backfill_reads_rows_that_were_delivered_since(raw, con):
    """Files written long after an old as-of date hold no future."""
    found = usage(raw, (*FIRST[:2], "2026-06-01 00:00:00", "1")).read(con, LOOSE, as_of=date(2026, 2, 1))
    assert found.future == 0


def test_plans_may_be_known_before_their_first_day(raw, con):
    raw.rows["plan"] = [["用户编号", "生效", "套餐", "受理"], ["00001", "20260301", "P50", "2026-01-05 09:00:00"]]
    raw.mapping["tables"]["subscriptions"] = {
        "source": {"path": "plan*.csv"},
        "columns": {"customer_id": "用户编号", "valid_from": {"from": "生效", "parse": "%Y%m%d"}, "plan": "套餐"},
        "known_at": "受理",
    }
    found = raw.read(con)
    row = found["subscriptions"].to_pyarrow().to_pylist()[0]
    assert (row["happened_on"], row["known_at"], row["monthly_fee"]) == (
        date(2026, 3, 1),
        at("2026-01-05 01:00:00"),
        None,
    )


def test_the_threshold_itself_is_allowed(raw, con):
    raw.rows["bill"][1][3] = "x"
    raw.rows["bill"][2][3] = "x"
    assert raw.read(con, Quality(max_quarantined=0.01)).counts["bills"].quarantined == 2
    raw.rows["bill"][3][3] = "x"
    with pytest.raises(HeadwaterError, match="E308"):
        raw.read(con, Quality(max_quarantined=0.01))


def test_problems_of_all_tables_are_told_together(raw, con):
    raw.rename("bill", "应收_分", "应收金额_分")
    raw.column("usage", "流量_KB", "1e3")
    kept = {}
    with pytest.raises(HeadwaterError) as error:
        raw.read(con, keep=lambda name, rows: kept.update({name: rows.num_rows}))
    assert [error.value.problem.code, *[p.code for p in error.value.others]] == ["E302", "E308"]
    assert kept == {"usage": 200}


@pytest.mark.parametrize(("factor", "code"), [(1, None), (4.9, None), (5.1, "E301"), (60, "E301"), (1 / 1024, "E301")])
def test_a_measure_that_changed_its_unit(raw, con, factor, code):
    before = {"usage.data_mb": 50.5 / factor}
    if code is None:
        assert raw.read(con, before=before).medians["usage.data_mb"] == 50.5
        return
    with pytest.raises(HeadwaterError) as error:
        raw.read(con, before=before)
    assert (error.value.problem.code, error.value.problem.column) == (code, "data_mb")


def test_fen_in_a_currency_without_cents_is_plain_money(raw, con):
    raw.mapping["tables"]["bills"]["columns"]["amount"] = "应收_分"
    raw.mapping["currency"] = "JPY"
    assert raw.read(con).medians["bills.amount"] > 5900


@pytest.mark.parametrize(("as_of", "outcome"), [("2026-02-13", ""), ("2026-02-20", "W402"), ("2026-03-20", "E402")])
def test_freshness(raw, con, as_of, outcome):
    raw.mapping["tables"]["usage"]["freshness"] = {"warn_after": "7d", "error_after": "20d"}
    found, mapping = raw.read(con), raw.load()
    if outcome == "E402":
        with pytest.raises(HeadwaterError) as error:
            freshness.check(found, mapping, date.fromisoformat(as_of))
        assert (error.value.problem.code, error.value.exit_code) == ("E402", 4)
    else:
        told = freshness.check(found, mapping, date.fromisoformat(as_of))
        assert "".join(problem.code for problem in told) == outcome


def test_freshness_of_an_old_date_looks_at_what_was_known_then(raw, con):
    raw.mapping["tables"]["usage"]["freshness"] = {"error_after": "20d"}
    found, mapping = raw.read(con), raw.load()
    assert freshness.check(found, mapping, date(2026, 1, 20)) == ()
    with pytest.raises(HeadwaterError, match="E402"):
        freshness.check(found, mapping, date(2026, 2, 5))


def test_rows_that_do_not_add_up_stop():
    with pytest.raises(HeadwaterError, match="E320"):
        RowCount(3, 1, 1, 0).check("bills")
