"""Types of attributes are told by the data once and kept: what comes later changes none, and what is declared wins."""

import json

import duckdb
import ibis
import pytest

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.ingest import cells, pinning
from tests.raw import Raw, read_tables

HEAD = ["收入", "生日", "电子账单", "邮编", "星级"]


@pytest.fixture
def raw(tmp_path):
    """Income, birthday, paperless (是/否), postcode and grade of a hundred customers."""
    made = Raw(tmp_path)
    head, *rows = made.rows["cust"]
    cells = [
        [f"{3000 + 7.5 * n}", f"19{50 + n % 40}0{1 + n % 9}15", "是" if n % 3 else "否", f"0{10000 + n}", "ABC"[n % 3]]
        for n in range(100)
    ]
    made.rows["cust"] = [[*head, *HEAD], *[[*row, *more] for row, more in zip(rows, cells, strict=True)]]
    names = ["income", "born_on", "paperless", "postcode", "grade"]
    made.mapping["tables"]["customers"]["columns"] |= dict(zip(names, HEAD, strict=True))
    made.write()
    return made


def settled(raw):
    return pinning.settled(raw.load(), raw.folder)


def test_what_the_data_say(raw, con):
    mapping = settled(raw)
    assert mapping.attributes == ("postcode", "grade")
    assert mapping.typed == (("income",), ("born_on",), ("paperless",))
    rows = read_tables(con, mapping)["customers"].order_by("customer_id").to_pyarrow().to_pylist()
    first = {name: rows[0][name] for name in ("income", "paperless", "postcode", "grade")}
    assert first == {"income": 3000.0, "paperless": False, "postcode": "010000", "grade": "A"}
    assert rows[0]["born_on"].isoformat() == "1950-01-15", "a birthday may be older than any customer"


def test_a_later_file_changes_no_type(raw, con):
    """Postcodes that lost their zeros, and an income in words: the one stays a code, the other is a row to be put aside."""
    before = settled(raw)
    raw.column("cust", "邮编", lambda text: text.lstrip("0"))
    raw.column("cust", "收入", "high", rows=1)
    raw.write()
    assert settled(raw) == before
    found = read_tables(con, settled(raw), Quality(max_quarantined=1))
    assert [(row["column"], row["rule"]) for row in found.quarantine["customers"].to_pylist()] == [
        ("income", "not_a_number")
    ]


def test_what_is_declared_wins_and_what_is_made_otherwise_is_looked_at_anew(raw):
    settled(raw)
    columns = raw.mapping["tables"]["customers"]["columns"]
    columns["income"] = {"from": "收入", "type": "category"}
    columns["grade"] = "收入"
    assert settled(raw).attributes == ("income", "postcode")
    assert "grade" in settled(raw).typed[0]


def test_files_that_are_not_there_tell_nothing_and_nothing_is_kept(raw):
    for path in raw.folder.glob("*.csv"):
        path.unlink()
    assert set(settled(raw).attributes) == {"income", "born_on", "paperless", "postcode", "grade"}
    assert not (raw.folder / pinning.FILE).exists()


def test_a_form_that_makes_words_or_numbers_is_not_asked(raw):
    columns = raw.mapping["tables"]["customers"]["columns"]
    columns["grade"] = {"from": "星级", "map": {"A": "1", "B": "2", "C": "3"}}
    columns["income"] = {"expr": "收入 / 12", "unit": "CNY"}
    mapping = settled(raw)
    assert "grade" in mapping.attributes and "income" in mapping.typed[0]
    assert set(pinning.found(raw.folder)["attributes"]) == {
        "born_on",
        "paperless",
        "postcode",
    }


def test_dates_of_two_readings_are_asked_and_the_fix_works(raw):
    raw.column("cust", "生日", "03/04/1990")
    raw.write()
    with pytest.raises(HeadwaterError) as error:
        settled(raw)
    problem = error.value.problem
    assert (problem.code, problem.values["readings"]) == ("E243", "1990-04-03 (%d/%m/%Y) / 1990-03-04 (%m/%d/%Y)")
    assert problem.values["form"] == '{from: "生日", parse: "%d/%m/%Y", type: date}'
    raw.mapping["tables"]["customers"]["columns"]["born_on"] = {"from": "生日", "parse": "%d/%m/%Y", "type": "date"}
    assert settled(raw).typed[1] == ("born_on",)


def test_files_tell_how_they_are_written_once(raw, con):
    """GBK with semicolons, of which the mapping says nothing; a later file that says otherwise changes nothing."""
    for path in raw.folder.glob("*.csv"):
        path.write_bytes(path.read_text(encoding="utf-8").replace(",", ";").encode("gbk"))
    mapping = settled(raw)
    sources = {(table.source.encoding, table.source.delimiter) for table in mapping.tables.values()}
    assert sources == {("gb18030", ";")}
    assert read_tables(con, mapping).counts["customers"].used == 100
    (raw.folder / "cust.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert settled(raw) == mapping


def test_a_declared_encoding_wins_and_the_separator_is_still_found(raw):
    raw.mapping["tables"]["bills"]["source"]["encoding"] = "latin-1"
    bills = settled(raw).tables["bills"].source
    assert (bills.encoding, bills.delimiter) == ("latin-1", ",")


def test_files_that_do_not_tell_are_asked_about_with_their_table(raw):
    (raw.folder / "bill.csv").write_text("a,b;c\n1,2;3\n")
    with pytest.raises(HeadwaterError) as error:
        settled(raw)
    assert (error.value.problem.code, error.value.problem.values["table"]) == ("E242", "bills")


def test_decimal_commas_are_found_and_read(raw, con):
    """Fen as 5.901,50 in files with semicolons: what is computed from them too, and what is asked of them by `where`."""
    raw.column("bill", "应收_分", lambda text: f"{text[0]}.{text[1:]}!50")
    raw.mapping["tables"]["bills"]["where"] = "应收_分 > 5950"
    raw.write()
    for path in raw.folder.glob("*.csv"):
        path.write_text(path.read_text().replace(",", ";").replace("!", ","))
    mapping = settled(raw)
    assert mapping.tables["bills"].columns["amount"].decimal == ","
    assert pinning.used(mapping, raw.folder)["columns"]["bills.amount"]["decimal"] == ","
    found = read_tables(con, mapping)
    assert (found.counts["bills"].filtered, found.counts["bills"].quarantined) == (98, 0)
    assert str(found["bills"].amount.min().execute()) == "59.51"


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("1.234,56", ",", 1234.56),
        ("12,5", ",", 12.5),
        ("-1.234", ",", -1234.0),
        ("1,234.56", ".", 1234.56),
        ("1234.56", ".", 1234.56),
        ("1.5", ",", None),
        ("1,5", ".", None),
        ("12.34,5", ",", None),
        ("1.5", None, 1.5),
        ("1,5", None, None),
    ],
)
def test_numbers_with_a_mark_are_that_number_or_none(con, text, mark, value):
    cell = cells.measure(cells.plain(ibis.literal(text), mark), "amount")
    assert con.to_pyarrow(cell.value.name("v")).as_py() == value
    assert con.to_pyarrow(cell.problems[0].broken.name("v")).as_py() is (value is None)


def test_numbers_of_two_readings_are_asked_and_the_fix_works(raw):
    raw.rows["cust"][0].append("额度")
    for row in raw.rows["cust"][1:]:
        row.append('"1,234"')
    columns = raw.mapping["tables"]["customers"]["columns"]
    columns["limit"] = {"from": "额度", "type": "number"}
    raw.write()
    with pytest.raises(HeadwaterError) as error:
        settled(raw)
    problem = error.value.problem
    assert (problem.code, problem.column) == ("E244", "limit")
    columns["limit"] = json.loads(problem.values["form"])
    assert settled(raw).tables["customers"].columns["limit"].decimal == ","


def test_shapes_of_dates_of_every_table_are_found(raw, con):
    """Days of a plan by year, of activation with slashes, clocks with dots; ISO needs none, and what is declared wins."""
    raw.column("cust", "入网日期", "2023/04/01")
    raw.column("usage", "入库时间", lambda text: f"{text[8:10]}.{text[5:7]}.{text[:4]} 02:00:00")
    raw.rows["plan"] = [
        ["用户编号", "套餐", "生效", "合约到期"],
        *[[f"{n:05d}", "P", "20260113", "20270113"] for n in range(1, 31)],
    ]
    tables = raw.mapping["tables"]
    tables["customers"]["columns"]["activated_on"] = "入网日期"
    tables["subscriptions"] = {
        "source": {"path": "plan.csv"},
        "columns": {"customer_id": "用户编号", "plan": "套餐", "valid_from": "生效", "contract_end": "合约到期"},
        "known_at": "valid_from",
    }
    raw.write()
    mapping = settled(raw)
    shapes = {key: told["parse"] for key, told in pinning.used(mapping, raw.folder)["columns"].items()}
    assert shapes == {
        "customers.activated_on": "%Y/%m/%d",
        "usage.known_at": "%d.%m.%Y %H:%M:%S",
        "subscriptions.valid_from": "%Y%m%d",
        "subscriptions.contract_end": "%Y%m%d",
    }
    found = read_tables(con, mapping)
    assert {f"{day:%F}" for day in found["subscriptions"].contract_end.execute()} == {"2027-01-13"}
    assert sum(count.quarantined for count in found.counts.values()) == 0
    raw.column("usage", "入库时间", "03/02/2026 01:00:00")
    raw.write()
    assert settled(raw) == mapping, "what was found is kept"


def test_an_empty_column_is_asked_again_when_it_says_something(raw):
    """Nobody has left yet; the shape of the first day of leaving is found when it comes."""
    raw.mapping["tables"]["customers"]["columns"]["deactivated_on"] = "状态日期"
    raw.column("cust", "状态日期", "")
    raw.write()
    settled(raw)
    assert "customers.deactivated_on" not in pinning.found(raw.folder)["columns"]
    raw.column("cust", "状态日期", "15/02/2026", rows=3)
    raw.write()
    assert settled(raw).tables["customers"].columns["deactivated_on"].parse == "%d/%m/%Y"


def test_days_of_an_event_with_two_readings_are_asked_with_their_table(raw):
    raw.column("usage", "使用时间", "03/02/2026 01:00:00")
    raw.write()
    with pytest.raises(HeadwaterError) as error:
        settled(raw)
    problem = error.value.problem
    assert (problem.code, problem.values["table"]) == ("E243", "usage")
    assert problem.values["form"] == '{from: "使用时间", parse: "%d/%m/%Y %H:%M:%S"}'


def test_days_and_numbers_of_a_database_are_asked_once(raw):
    """A database without dates holds them as numbers or text; a column with a type of its own needs no shape."""
    path = raw.folder / "crm.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE bill (id TEXT, who TEXT, fee TEXT, day INTEGER, seen TEXT, due DATE)")
        con.execute("INSERT INTO bill VALUES ('B1', '00001', '1.059,50', 20260131, '13.02.2026', '2026-02-20')")
    columns = {"bill_id": "id", "customer_id": "who", "amount": "fee", "due_on": "due"}
    source = {"connection": f"duckdb://{path}", "table": "bill"}
    raw.mapping["tables"]["bills"] = {"source": source, "columns": columns, "happened_at": "day", "known_at": "seen"}
    raw.write()
    table = settled(raw).tables["bills"]
    assert table.parts[0].source.files is None, "what was looked at is no extract to read from"
    forms = table.forms()
    assert {name: forms[name].parse for name in ("happened_at", "known_at", "due_on")} == {
        "happened_at": "%Y%m%d",
        "known_at": "%d.%m.%Y",
        "due_on": None,
    }
    assert forms["amount"].decimal == ","
    path.unlink()
    assert settled(raw).tables["bills"].forms() == forms
