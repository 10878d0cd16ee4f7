"""Several sources whose rows are one table: each has columns, clocks and a condition of its own, and is told by its name."""

from copy import deepcopy
from datetime import date, timedelta

import pytest

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.ingest import completeness, freshness, inputs, pinning, trial
from pipelines.wording.errors import sentence
from tests.pipelines.ingest.test_incremental import Deliveries
from tests.raw import Raw

LOOSE = Quality(max_quarantined=1, max_quarantined_keys=1)
SHOP = {
    "name": "shop",
    "source": {"path": "till*.csv"},
    "columns": {
        "bill_id": "till",
        "customer_id": "who",
        "amount": "paid",
        "happened_at": {"from": "day", "parse": "%d.%m.%Y"},
        "known_at": "happened_at + 1d",
    },
    "where": 'void == "n"',
}


@pytest.fixture
def raw(tmp_path):
    """Bills of a first system and the tills of a shop: other columns, dates and money, and sales that do not count."""
    made = Raw(tmp_path)
    rows = [[f"T{n:03d}", f"{n:05d}", "3.02.2026", f"{n}.50", "y" if n % 5 == 0 else "n"] for n in range(1, 101)]
    made.rows["till"] = [["till", "who", "day", "paid", "void"], *rows]
    return several(made)


def several(made: Raw) -> Raw:
    first = made.mapping["tables"]["bills"]
    made.mapping["tables"]["bills"] = {"sources": [{"name": "web", **first}, deepcopy(SHOP)]}
    return made


def parts(raw: Raw) -> list[dict]:
    return raw.mapping["tables"]["bills"]["sources"]


def test_rows_of_both_are_one_table_and_say_where_they_come_from(raw, con):
    found = raw.read(con)
    count = found.counts["bills"]
    assert (count.in_, count.used, count.filtered) == (300, 280, 20)
    bills = found["bills"].to_pandas().set_index("bill_id")
    assert bills.source_name.value_counts().to_dict() == {"web": 200, "shop": 80}
    assert float(bills.amount["T001"]) == 1.5 and float(bills.amount["B001202601"]) == 59.01
    assert bills.known_at["T001"] - bills.happened_at["T001"] == timedelta(days=1)
    assert [(file.path[-8:], file.source) for file in found.fingerprints["bills"]] == [("bill.csv", 0), ("till.csv", 1)]


def test_what_stands_beside_the_list_holds_for_all_that_do_not_say_it(raw, con):
    whole = raw.read(con)["bills"].order_by("bill_id").to_pyarrow()
    raw.rename("till", "who", "用户编号")
    del parts(raw)[1]["columns"]["customer_id"], parts(raw)[0]["columns"]["customer_id"]
    raw.mapping["tables"]["bills"] |= {"columns": {"customer_id": "用户编号"}}
    assert raw.read(con)["bills"].order_by("bill_id").to_pyarrow() == whole


def test_the_same_key_with_other_content_is_no_correction_and_the_fix_works(raw, con):
    """Both systems number from 1: the later row would replace the earlier one of somebody else without a word."""
    raw.column("till", "till", lambda text: f"B{text[1:]}202601")
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    problem = error.value.problem
    assert (problem.code, problem.values["rows"]) == ("E365", 160)
    parts(raw)[1]["columns"]["bill_id"] = {"from": "till", "prefix": "shop-"}
    assert raw.read(con).counts["bills"].used == 280


def test_the_same_row_from_both_counts_once_and_is_told(raw, con):
    raw.rows["extra"] = deepcopy(raw.rows["bill"])
    parts(raw)[1] = {**{k: v for k, v in parts(raw)[0].items() if k != "name"}, "source": {"path": "extra.csv"}}
    found = raw.read(con)
    assert (found.counts["bills"].used, found.counts["bills"].duplicates) == (200, 200)
    assert [warning.code for warning in found.warnings] == ["W303"]
    assert found["bills"].source_name.value_counts().to_pyarrow().to_pylist()[0]["source_name"] == "source_2"


def test_one_file_may_be_two_sources(raw, con):
    """Two amounts of a row are two bills."""
    raw.rows["bill"][0].append("设备_分")
    for row in raw.rows["bill"][1:]:
        row.append("1000")
    second = deepcopy(parts(raw)[0]) | {"name": "device"}
    second["columns"]["bill_id"] = {"from": "账单号", "prefix": "D"}
    second["columns"]["amount"] = {"expr": "设备_分 / 100", "unit": "CNY"}
    parts(raw)[1] = second
    found = raw.read(con)
    assert found.counts["bills"].used == 400
    assert float(found["bills"].filter(found["bills"].source_name == "device").amount.sum().execute()) == 2000


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda raw: raw.rename("till", "paid", "payed"), "E302"),
        (lambda raw: raw.rows.update(till=raw.rows["till"][:1]), "E303"),
        (lambda raw: raw.column("till", "void", "y"), "E323"),
        (lambda raw: raw.column("till", "paid", "much"), "E308"),
        (lambda raw: raw.column("till", "day", "2026-02-03"), "E307"),
    ],
    ids=["column", "no rows", "condition", "amount", "date"],
)
def test_what_is_wrong_is_told_of_the_source_that_it_is_wrong_with(raw, con, spoil, code):
    spoil(raw)
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    assert error.value.problem.code == code
    assert {problem.file[-8:] for problem in error.value.problems} == {"till.csv"}
    if code not in ("E303", "E323"):
        told = inputs.of_table(error.value, raw.load(), "bills").problem
        assert "tables.bills.sources[shop]" in sentence(told, "fix", "en") + sentence(told, "fix", "zh")


def test_what_stands_beside_the_list_is_mended_there(raw, con):
    """The source that has the problem does not say that column itself."""
    del parts(raw)[1]["columns"]["known_at"]
    del parts(raw)[0]["known_at"]
    raw.mapping["tables"]["bills"]["known_at"] = "day"
    raw.rename("bill", "账期", "day")
    parts(raw)[0]["happened_at"]["from"] = "day"
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    problem = next(problem for problem in error.value.problems if problem.column == "known_at")
    assert "tables.bills > known_at" in sentence(problem, "fix", "en")


def test_fen_of_one_source_are_seen_beside_yuan_of_the_other(raw, con):
    """And sizes of one source say nothing of the other's: a till's are smaller than bills."""
    raw.column("till", "paid", lambda text: str(int(float(text) * 1000 + 100_000)))
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    problem = error.value.problem
    assert (problem.code, problem.file[-8:], problem.values["expr"]) == ("E301", "till.csv", "paid / 100")


def test_quarantined_rows_name_their_file(raw, con):
    raw.column("till", "paid", "much", rows=1)
    (row,) = raw.read(con, LOOSE).quarantine["bills"].to_pylist()
    assert (row["file"][-8:], row["row"], row["rule"]) == ("till.csv", 1, "not_a_number")


def test_the_mapping_is_refused_at_the_line_of_the_source(raw):
    parts(raw)[1]["columns"]["amuont"] = parts(raw)[1]["columns"].pop("amount")
    with pytest.raises(HeadwaterError) as error:
        raw.load()
    keys = [(problem.code, problem.column) for problem in error.value.problems]
    assert keys == [("E245", "tables.bills.sources.1.columns.amuont"), ("E210", "tables.bills.sources.1")]
    assert all(problem.row for problem in error.value.problems[:1])


@pytest.mark.parametrize(
    "table",
    [
        {"source": {"path": "a"}, "sources": [{"source": {"path": "b"}}]},
        {"sources": [{"name": "a", "source": {"path": "a"}}, {"name": "a", "source": {"path": "b"}}]},
        {"sources": []},
    ],
    ids=["both", "one name", "none"],
)
def test_one_source_or_several_with_names_of_their_own(raw, table):
    raw.mapping["tables"]["bills"] = table | {"columns": {"bill_id": "a"}}
    with pytest.raises(HeadwaterError, match="E204"):
        raw.load()


def test_types_of_two_sources_must_agree(raw):
    first = raw.mapping["tables"]["customers"]
    first["columns"]["income"] = {"from": "收入", "type": "number"}
    second = deepcopy(first)
    second["columns"]["income"]["type"] = "date"
    raw.mapping["tables"]["customers"] = {"sources": [first, second]}
    with pytest.raises(HeadwaterError) as error:
        raw.load()
    assert (error.value.problem.code, error.value.problem.values["kinds"]) == ("E275", "date, number")


def test_each_source_tells_how_it_is_written_and_what_its_attributes_are(raw, con):
    """A second system of customers in GBK with semicolons, whose incomes are numbers as in the first."""
    raw.rows["cust"][0].append("income")
    for number, row in enumerate(raw.rows["cust"][1:]):
        row.append(str(3000 + number))
    first = raw.mapping["tables"]["customers"] | {"history": "mutable"}
    first["columns"]["income"] = "income"
    second = {"source": {"path": "other.csv"}, "columns": first["columns"] | {"income": "收入"}}
    shared = {"history": first.pop("history")}
    raw.mapping["tables"]["customers"] = {"sources": [first, second], **shared}
    raw.write()
    text = "用户编号;入网日期;状态;状态日期;客户类型;收入\n" + "".join(
        f"N{n:04d};20240101;1;;01;{4000 + n}\n" for n in range(20)
    )
    (raw.folder / "other.csv").write_bytes(text.encode("gbk"))
    mapping = pinning.settled(raw.load(), raw.folder)
    assert [part.source.delimiter for part in mapping.tables["customers"].parts] == [",", ";"]
    assert mapping.typed[0] == ("income",)
    assert sorted(pinning.used(mapping, raw.folder)["attributes"]) == ["source_1.income", "source_2.income"]
    assert [tried.table for tried in trial.trials(mapping)][:2] == ["customers.source_1", "customers.source_2"]


def usage(raw: Raw) -> Raw:
    """Data and messages of the same moments from two systems."""
    first = raw.mapping["tables"]["usage"]
    rows = [[*row[:3], "5"] for row in raw.rows["usage"][1:]]
    raw.rows["sms"] = [[*raw.rows["usage"][0][:3], "短信"], *rows]
    second = deepcopy(first) | {"source": {"path": "sms.csv"}}
    second["columns"] = {"customer_id": "用户编号", "sms": "短信"}
    raw.mapping["tables"]["usage"] = {"sources": [{"name": "data", **first}, {"name": "sms", **second}]}
    return raw


def test_measures_of_two_systems_go_side_by_side(raw, con):
    found = usage(raw).read(con)
    assert found.counts["usage"].used == 400
    assert found["usage"].aggregate(
        sms=found["usage"].sms.sum(), data=found["usage"].data_mb.sum()
    ).to_pyarrow().to_pylist() == [{"sms": 1000.0, "data": 10100.0}]


def test_the_same_measure_of_two_systems_at_one_moment_stops(raw, con):
    """The later known would replace the other; added up, a copy would count twice."""
    both = usage(raw).mapping["tables"]["usage"]["sources"]
    both[1]["columns"]["data_mb"] = "短信"
    with pytest.raises(HeadwaterError, match="E365"):
        raw.read(con)


def test_a_source_that_stopped_is_told_by_its_pattern_however_much_the_others_bring(raw, con):
    """Ten times as many web sales hide that the shop has been silent for three weeks."""
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(120)]
    bills = [[f"B{day}{n}", f"{n % 99 + 1:05d}", str(day), "5900"] for day in days for n in range(150)]
    tills = [
        [f"T{day}{n}", f"{n % 99 + 1:05d}", f"{day:%d.%m.%Y}", "7.50", "n"] for day in days[:99] for n in range(60)
    ]
    raw.rows |= {"bill": [raw.rows["bill"][0], *bills], "till": [raw.rows["till"][0], *tills]}
    parts(raw)[0]["happened_at"] = {"from": "账期"}
    parts(raw)[0]["known_at"] = "happened_at + 1d"
    found = raw.read(con, before=None)
    found.parts |= {name: [] for name in found.tables}
    found.parts["bills"] = [FullPart()]
    found.opened = lambda con, since: found  # the tables lie in memory here
    mapping = raw.load()
    stopped = [p for p in completeness.problems(con, found, mapping, Quality(), date(2026, 5, 1)) if p.exit_code]
    assert {(problem.code, problem.file[-9:]) for problem in stopped} == {("E423", "till*.csv")}
    limits = mapping.tables["bills"].model_copy(update={"freshness": {"warn_after": timedelta(days=5)}})
    limited = mapping.model_copy(update={"tables": {"bills": with_limits(limits)}})
    late = freshness.problems(found, limited, Quality(), date(2026, 5, 1))
    assert [(problem.code, problem.file[-8:]) for problem in late] == [("W402", "till.csv")]

    def told(ended: date) -> set[str]:
        """What is said of it where it was replaced on a day."""
        shop = replaced(mapping, ended)
        asked = (found, shop, Quality(), date(2026, 5, 1))
        problems = (*completeness.problems(con, *asked), *freshness.problems(*asked))
        return {p.code for p in problems if p.exit_code and p.values["source"] == "shop"}

    assert told(date(2026, 4, 11)) == set()
    assert told(date(2026, 5, 2)) == {"E423", "E405"}


def replaced(mapping, ended):
    """The same, with the second source of bills replaced on a day."""
    bills = mapping.tables["bills"]
    first, second = bills.sources
    sources = (first, second.model_copy(update={"ended": ended}))
    return mapping.model_copy(
        update={"tables": mapping.tables | {"bills": bills.model_copy(update={"sources": sources})}}
    )


class FullPart:
    first_day = last_day = None
    rows = 20_000


def with_limits(table):
    from pipelines.config.mapping import Freshness

    return table.model_copy(update={"freshness": Freshness(warn_after="5d")})


@pytest.mark.slow
def test_deliveries_one_by_one_are_one_reading(tmp_path):
    """A copy and a contradiction from the other source, in either order, a correction in one, and a file that is gone."""
    world = Deliveries(tmp_path)
    bills = world.raw.mapping["tables"]["bills"]
    second = deepcopy(bills) | {"source": {"path": "other*.csv"}, "name": "a_other"}  # before the first by its name
    world.raw.mapping["tables"]["bills"] = {"sources": [bills | {"name": "own"}, second]}
    world.raw.write_mapping()
    head = ["账单号", "用户编号", "账期", "应收_分", "入库时间"]
    other = lambda name, *rows: (world.raw.folder / f"other_{name}.csv").write_text(  # noqa: E731
        "".join(",".join(row) + "\n" for row in (head, *rows))
    )
    row = lambda key, amount="5900", known="2026-02-03": (key, "00001", "202601", amount, known)  # noqa: E731
    world.customers(["00001", "00002"]).bring("usage_1", ("00001", "2026-01-10 08:00:00", "2026-01-11 02:00:00", "1"))
    world.bring("bill_1", row("B1"), row("B2"))
    other("1", row("B3"))
    assert world.agree().counts["bills"].used == 3
    world.bring("bill_2", row("B3"), row("B1", "7000", "2026-02-20"))
    found = world.agree()
    assert (found.counts["bills"].used, found.counts["bills"].duplicates) == (4, 1)
    other("2", row("B2", "100", "2026-03-01"))
    assert world.agree().counts["bills"].quarantined == 2
    (world.raw.folder / "other_1.csv").unlink()
    assert world.agree().counts["bills"].used == 3 + 0
