"""Types of attributes are told by the data once and kept: what comes later changes none, and what is declared wins."""

import pytest

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.ingest import pinning
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
