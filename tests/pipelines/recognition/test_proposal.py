"""What is proposed reads the files that it was made for, and asks where nobody may guess."""

import csv
from datetime import date
from pathlib import Path

import duckdb
import ibis
import pyarrow.parquet as pq
import pytest
import yaml

from features.errors import HeadwaterError
from pipelines.config.mapping_file import load_mapping
from pipelines.config.settings import load
from pipelines.ingest import extracts
from pipelines.ingest.readers import sources
from pipelines.recognition import evidence, places, raw_tables, tables, together
from pipelines.recognition.configuration_text import configuration_text
from pipelines.recognition.mapping_text import mapping_text
from pipelines.recognition.proposal import Proposal
from tests.pipelines.recognition import folders
from tests.pipelines.recognition.folders import written
from tests.raw import read_tables


def proposed(folder, lang="en", **answers):
    found = Proposal(folder, together.recognised(raw_tables.folder(folder).tables), lang)
    for question in found.questions():
        found.answers[question.key] = answers.get(question.key) or question.default or question.choices[0]
    return found


def project(found, folder):
    """Both files, read again."""
    mapping = mapping_text(found.found, found.choices())
    (folder / "mapping.yaml").write_text(mapping, encoding="utf-8")
    settings = configuration_text(found, load_mapping(folder / "mapping.yaml"))
    (folder / "headwater.yaml").write_text(settings, encoding="utf-8")
    return load(folder / "headwater.yaml", environment={})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_operator_is_read_as_proposed(tmp_path, con, lang):
    found = proposed(folders.operator(tmp_path), lang)
    assert (found.business, found.answers["left_codes"]) == ("contracts", "9")
    assert (found.answers["currency"], found.answers["timezone"]) == ("CNY", "Asia/Shanghai")
    settings = project(found, tmp_path)
    read = read_tables(con, settings.tables)
    assert {name: count.used for name, count in read.counts.items()} == {"customers": 100, "bills": 176, "usage": 176}
    rows = read.tables["customers"].to_pandas()
    assert rows.deactivated_on.notna().sum() == 12
    assert float(read.tables["bills"].amount.max().to_pyarrow().as_py()) == 60.0
    assert settings.targets.churn.rule == "deactivated"
    assert not settings.features.parts


def fetched(mapping, folder):
    """Table -> rows that its database gave."""
    extracts.extract(mapping, folder)
    files = {n: Path(t.source.files).parent for n, t in mapping.tables.items() if t.source.connection}
    return {name: sum(pq.read_metadata(path).num_rows for path in place.iterdir()) for name, place in files.items()}


def test_tables_of_sqlite_are_fetched_as_proposed(tmp_path):
    found = proposed(folders.in_sqlite(folders.operator(tmp_path), "gbk"))
    mapping = project(found, tmp_path).tables
    assert fetched(mapping, tmp_path / "workspace") == {"customers": 100, "bills": 176, "usage": 176}


def test_lines_in_a_database_are_a_query_of_it_or_refused(tmp_path):
    folder = folders.shop(tmp_path, customers=12, days=100)
    (folder / "lines-2026.csv").unlink()
    with duckdb.connect(str(folder / "shop.duckdb")) as shop:
        shop.execute(f"CREATE TABLE sales AS FROM read_csv('{folder}/lines-2025.csv')")
    csv_file = (folder / "lines-2025.csv").rename(tmp_path / "kept")
    mapping = project(proposed(folder), folder).tables
    assert fetched(mapping, tmp_path / "workspace")["customers"] == 12
    (folder / "shop.duckdb").unlink()
    csv_file.rename(folder / "lines-2025.csv")
    with pytest.raises(HeadwaterError, match="E259"):
        project(proposed(folders.in_sqlite(folder)), folder)


def test_every_value_says_where_it_comes_from(tmp_path):
    found = proposed(folders.operator(tmp_path))
    project(found, tmp_path)
    lines = (tmp_path / "headwater.yaml").read_text(encoding="utf-8").splitlines()
    for key in ("rule: deactivated", "horizon_days: 30", "usage_grain", "closing_days", "contact:", "population:"):
        line = next(line for line in lines if key in line)
        assert "  # " in line, line


@pytest.mark.parametrize("name", ["base-{:%Y%m}.csv", "{:%Y-%m}_subscribers.csv", "客户{:%Y年%m月}.csv"])
def test_a_series_of_months_is_read_as_proposed(tmp_path, con, name):
    found = proposed(folders.series(tmp_path, name=name))
    assert (found.business, found.as_of) == ("months", date(2025, 7, 1))
    settings = project(found, tmp_path)
    assert settings.predicted == ("churn",)
    assert (settings.targets.churn.rule, settings.targets.churn.window_days) == ("deactivated", 28)
    assert settings.training.candidates.rules.churn.column == "tenure"
    read = read_tables(con, settings.tables)
    people = read.tables["customers"].to_pandas()
    assert read.counts["customers"].quarantined == 0
    assert {day.day for day in people.deactivated_on.dropna()} == {15}
    assert {f"{day:%Y-%m}" for day in people.activated_on} == {"2025-01"}


def test_a_series_in_one_file_has_a_column_that_says_the_month(tmp_path, con):
    rows = []
    for path in sorted(folders.series(tmp_path / "apart").glob("*.csv")):
        rows += [[path.stem[-6:], *line.split(",")] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
        path.unlink()
    written(tmp_path / "all.csv", [["月份", "Subscriber ID", "Plan", "Logins", "Tenure", "Churned"], *rows])
    found = proposed(tmp_path)
    assert (found.business, found.as_of, found.months) == ("months", date(2025, 7, 1), 6)
    settings = project(found, tmp_path)
    read = read_tables(con, settings.tables)
    assert read.counts["customers"].used == len(rows)
    assert read.tables["customers"].known_at.nunique().to_pyarrow().as_py() == 6
    assert not {"month", "attribute_1"} & set(settings.tables.attributes)


def test_two_tables_with_a_yes_or_no_are_no_series(tmp_path):
    """A name without a month, or somebody twice in a month, is no series."""
    folders.series(tmp_path / "a", name="part-{:%m}.csv")
    assert together.recognised(raw_tables.folder(tmp_path / "a").tables)[0].month is None
    written(tmp_path / "b" / "base-202501.csv", [["Subscriber ID", "Churned"], ["A", "Yes"], ["A", "No"], ["B", "No"]])
    written(tmp_path / "b" / "base-202502.csv", [["Subscriber ID", "Churned"], ["A", "Yes"], ["A", "No"]])
    assert together.recognised(raw_tables.folder(tmp_path / "b").tables)[0].month is None


def test_a_policy_that_is_paid_by_the_year_has_windows_of_years(tmp_path):
    """Silence, worth and the rule of today follow the rhythm; each line says so."""
    settings = project(proposed(folders.policies(tmp_path)), tmp_path)
    assert settings.features.windows.spans() == {"bills": (12, 24), "purchases": (730,), "usage": ()}
    assert settings.features.stages.dormant_days == 549  # a leap year lies between some
    assert (settings.targets.vip.high_value.measure, settings.targets.vip.high_value.lookback_days) == ("spend", 365)
    rules = settings.training.candidates.rules
    assert (rules.churn.column, rules.value.column, rules.vip.column) == ("tenure_days", "arpu_12m", "arpu_12m")


def test_a_business_of_months_keeps_the_shipped_windows(tmp_path):
    settings = project(proposed(folders.operator(tmp_path)), tmp_path)
    assert not any(settings.features.windows.spans().values())
    assert settings.features.stages.dormant_days == 45


def test_left_codes_are_those_after_which_nobody_is_active(tmp_path):
    found = proposed(folders.operator(tmp_path))
    assert {code.value: code.left for code in found.codes} == {"1": False, "9": True}


def test_keys_of_several_columns_are_found(tmp_path):
    rows = [[n, m, kind, 10] for n in range(30) for m in ("202601", "202602") for kind in ("A", "B")]
    written(tmp_path / "bill.csv", [["用户编号", "账期", "业务类型", "金额_分"], *rows, rows[0]])
    (bills,) = together.recognised(raw_tables.folder(tmp_path).tables)
    assert evidence.row_key(bills, "bill_id") == ("用户编号", "账期", "业务类型")


@pytest.mark.parametrize(("off", "apart"), [(0, False), (5, True)])
def test_payments_tell_whether_a_discount_is_taken_off(tmp_path, off, apart):
    bills = [[n, "202601", 100 + n, 5] for n in range(40)]
    paid = [[f"P{n}", n, "202601", f"2026-02-{1 + n % 28:02d}", 100 + n - off] for n in range(40)]
    written(tmp_path / "bill.csv", [["用户编号", "账期", "应收_分", "优惠_分"], *bills])
    written(tmp_path / "pay.csv", [["缴费流水", "用户编号", "账期", "缴费时间", "金额_分"], *paid])
    found = {each.table: each for each in together.recognised(raw_tables.folder(tmp_path).tables)}
    assert evidence.discount_is_apart(found["bills"], found["payments"]) is apart
    assert evidence.discount_is_apart(found["bills"], None) is None


def test_a_discount_that_is_nothing_is_not_asked_about(tmp_path):
    folder = folders.operator(tmp_path)
    rows = [line.split(",") for line in (folder / "bill.csv").read_text(encoding="gbk").splitlines()]
    written(folder / "bill.csv", [[*rows[0], "优惠_分"], *([*row, "0"] for row in rows[1:])], "gbk")
    found = Proposal(folder, together.recognised(raw_tables.folder(folder).tables), "en")
    assert "discount" not in _asked(found)


def _asked(found):
    """The keys of all questions, each answered by its default or first choice."""
    for question in found.questions():
        found.answers[question.key] = question.default or question.choices[0]
    return found.answers


def bank(folder):
    """Customers, what they spent on cards (below zero) and got back, and when they were at the counter."""
    people = [[f"{n:03d}", "02.01.2025", "01.03.2026" if n < 5 else ""] for n in range(40)]
    moves = [
        [f"T{n:05d}", f"{n % 40:03d}", f"{1 + n % 28:02d}.{1 + n // 80:02d}.2025", f"{5 if n % 20 == 0 else -20}.50"]
        for n in range(960)
    ]
    visits = [[row[1], row[2]] for row in moves if row[1] > "004" for _ in range(2)]
    written(folder / "customers.csv", [["Customer No", "Customer Since", "Closed On"], *people], "cp1252", ";")
    written(folder / "card.csv", [["Transaction ID", "Customer No", "Booking Date", "Amount"], *moves], "cp1252", ";")
    written(folder / "visits.csv", [["Customer No", "Visit Date"], *visits], "cp1252", ";")
    return folder


def test_what_a_bank_books_below_zero_was_spent_and_visits_are_counted_by_day(tmp_path, con):
    """Two visits of a day are two, although nothing tells them apart."""
    found = proposed(bank(tmp_path))
    settings = project(found, tmp_path)
    assert (evidence.returned(found.table("bills")), settings.tables.measures) == (0.05, ("visits",))
    read = read_tables(con, settings.tables)
    amounts = read.tables["bills"].amount.to_pandas().astype(float)
    assert sorted(amounts.unique()) == [-5.5, 20.5] and (amounts < 0).sum() == 48
    usage = read.tables["usage"].to_pandas()
    assert (usage.visits.sum(), set(usage.visits)) == (2 * 840, {2.0})


@pytest.mark.parametrize("database", [False, True])
def test_accounts_lead_to_customers_by_the_file_that_says_whose_they_are(tmp_path, database):
    folder = bank(tmp_path)
    moves = [line.split(";") for line in (folder / "card.csv").read_text().splitlines()[1:]]
    rows = [[number, f"CH{customer}{int(number[1:]) % 2}", *rest] for number, customer, *rest in moves]
    accounts = [
        [f"CH{n:03d}{k}", f"{n:03d}", "02.01.2025", "01.03.2026" if n < 5 else ""] for n in range(40) for k in (0, 1)
    ]
    written(folder / "card.csv", [["Transaction ID", "Account No", "Booking Date", "Amount"], *rows], "cp1252", ";")
    written(folder / "accounts.csv", [["Account No", "Customer No", "Opened", "Closed"], *accounts], "cp1252", ";")
    if database:
        with duckdb.connect(str(folder / "bank.duckdb")) as con:
            for path in folder.glob("*.csv"):
                con.execute(f"CREATE TABLE {path.stem} AS FROM read_csv('{path}', all_varchar = true)")
                path.rename(path.with_suffix(".kept"))
    found = proposed(folder)
    bills = found.table("bills")
    assert (bills.raw.link.own, bills.columns["customer_id"]) == ("Account No", "Customer No")
    assert tables.contained(bills.raw, "Customer No", found.customers.raw, "Customer No") == 1.0
    mapping = project(found, folder).tables
    if database:
        assert fetched(mapping, folder / "workspace")["bills"] == 960
    else:
        raw = sources.find(mapping.tables["bills"].source)
        people = {row["Customer No"] for row in sources.first_rows(raw, ["Customer No"], 1000).to_pylist()}
        assert people == {row[1] for row in moves}


def test_telephones_lead_to_customers_by_their_own_table(tmp_path):
    people = [[f"K{n:03d}", f"138{n:08d}", "20250101", ""] for n in range(30)]
    bills = [[f"B{n}", f"138{n % 30:08d}", f"20260{1 + n // 30}", "59.00"] for n in range(90)]
    written(tmp_path / "客户.csv", [["客户编号", "手机号码", "入网日期", "离网日期"], *people], "gbk")
    written(tmp_path / "账单.csv", [["账单编号", "手机号码", "账期", "金额"], *bills], "gbk")
    found = Proposal(tmp_path, together.recognised(raw_tables.folder(tmp_path).tables), "zh")
    raw = found.table("bills").raw
    assert (raw.link.own, found.table("bills").columns["customer_id"]) == ("手机号码", "客户编号")
    assert raw.con.sql(f'SELECT count(*) FROM {raw.name} WHERE "客户编号" IS NULL').fetchall() == [(0,)]


def states(folder, back):
    """Orders that were paid, cancelled or refunded; `back`: the sign of what was refunded."""
    said = ["paid"] * 8 + ["cancelled", "refunded"]
    rows = [
        [f"O{n:03d}", f"u{n % 30}", f"2026-01-{1 + n // 30:02d}", f"{back if n % 10 == 9 else ''}9.50", said[n % 10]]
        for n in range(300)
    ]
    written(folder / "orders.csv", [["order_id", "user_id", "created_at", "total", "status"], *rows])
    return folder


@pytest.mark.parametrize(("back", "void"), [("", "cancelled,refunded"), ("-", "cancelled")])
def test_purchases_that_nobody_paid_do_not_count(tmp_path, back, void):
    found = Proposal(tmp_path, together.recognised(raw_tables.folder(states(tmp_path, back)).tables), "en")
    assert _asked(found)["void"] == void
    mapping = project(found, tmp_path).tables
    left_out = ", ".join(f'"{value}"' for value in void.split(","))
    assert mapping.tables["bills"].where == f"status not in ({left_out})"
    assert "NOT IN ('cancelled'" in mapping.tables["customers"].source.sql
    assert found.money.raw.rows == 300 - 30 * len(void.split(","))


@pytest.mark.parametrize(
    ("header", "said"),
    [("Status", {"Succeeded": "false", "Declined": "true"}), ("缴费状态", {"成功": "false", "失败": "true"})],
)
def test_payments_that_failed_are_tries(tmp_path, header, said):
    """The money did not come: counted as paid, nobody would be behind."""
    states = list(said)
    rows = [[f"P{n}", f"c{n % 30:02d}", f"2026-01-{1 + n // 9:02d}", "9.50", states[n % 9 == 0]] for n in range(90)]
    written(tmp_path / "payments.csv", [["Payment ID", "Customer ID", "Payment Date", "Amount Paid", header], *rows])
    people = [[f"c{n:02d}", "2025-01-01", "2026-01-20" if n < 3 else ""] for n in range(30)]
    written(tmp_path / "people.csv", [["Customer ID", "Signup Date", "Cancelled On"], *people])
    written(tmp_path / "bills.csv", [["Bill ID", "Customer ID", "Bill Date", "Amount"], *[row[:4] for row in rows]])
    form = project(proposed(tmp_path), tmp_path).tables.tables["payments"].columns["failed"]
    assert (form.from_, form.map) == (header, said)
    assert "not used" not in (tmp_path / "mapping.yaml").read_text(encoding="utf-8")


def test_every_purchase_counts_where_somebody_says_so(tmp_path):
    found = proposed(states(tmp_path, ""), void="none")
    assert project(found, tmp_path).tables.tables["bills"].where is None


def test_a_day_after_which_customers_go_on_is_no_day_of_leaving(tmp_path):
    folder = bank(tmp_path)
    people = [[f"{n:03d}", "02.01.2025", "01.03.2025" if n < 20 else ""] for n in range(40)]
    written(folder / "customers.csv", [["Customer No", "Customer Since", "End Date"], *people], "cp1252", ";")
    found = proposed(folder)
    assert found.passed == ("End Date", 0.75)
    assert (found.business, found.customers.columns["contract_end"]) == ("purchases", "End Date")


def test_campaigns_tell_which_way_a_contact_went(tmp_path):
    rows = [[f"K{n}", n % 9, f"2026-01-{1 + n % 28:02d}", 1 + n % 2, "X" if n % 2 else ""] for n in range(60)]
    written(tmp_path / "contact.csv", [["接触流水", "用户编号", "接触时间", "方向", "活动编号"], *rows])
    (found,) = together.recognised(raw_tables.folder(tmp_path).tables)
    assert evidence.directions(found) == {"2": "outbound", "1": "inbound"}


def test_what_describes_calls_is_mapped_and_its_values_are_listed(tmp_path, con):
    """Numbers of agents and notes are not: they come hardly twice. What stands for nothing is no value."""
    folders.operator(tmp_path)
    head = ["接触编号", "用户号码", "接触时间", "方向", "来电原因", "备注", "处理结果"]
    said = ["资费", "资费", "network", "-"]
    rows = [
        [
            f"T{n}",
            f"1380000{n % 100:04d}",
            f"2026-0{n % 6 + 1}-12 08:00:00",
            "呼入",
            said[n % 4],
            f"第{n}次来电",
            "ab"[n % 2],
        ]
        for n in range(120)
    ]
    written(tmp_path / "客服接触记录.csv", [head, *rows])
    settings = project(proposed(tmp_path), tmp_path)
    assert settings.tables.described("contacts") == {"reason": "category", "outcome": "category"}
    assert settings.features.counted == {
        "contacts": {"reason": {"value_1": "资费", "network": "network"}, "outcome": {"a": "a", "b": "b"}}
    }
    assert "来电原因" in settings.tables.words["reason"]


def test_what_nobody_may_guess_has_no_default(tmp_path):
    """Large whole numbers may be hundredths; dates may be read in two ways."""
    written(tmp_path / "customers.csv", [["customer_id", "signup_date"], *[[n, "2020-01-01"] for n in range(30)]])
    rows = [[n, n % 30, f"{1 + n % 12:02d}/{1 + n // 12:02d}/2026", 5000 + n] for n in range(90)]
    written(tmp_path / "orders.csv", [["order_id", "customer_id", "order_date", "amount"], *rows])
    questions = {q.key: q for q in _questions(tmp_path)}
    assert questions["shape.order_date"].default is None
    assert set(questions["shape.order_date"].choices) == {"%d/%m/%Y", "%m/%d/%Y"}
    assert questions["money.amount"].default is None
    found = proposed(tmp_path, **{"shape.order_date": "%d/%m/%Y", "money.amount": "hundredths"})
    mapping = yaml.safe_load(mapping_text(found.found, found.choices()))["tables"]["bills"]
    assert mapping["happened_at"] == {"from": "order_date", "parse": "%d/%m/%Y"}
    assert mapping["columns"]["amount"] == {"expr": "amount / 100", "unit": "USD"}


def _questions(folder):
    found = Proposal(folder, together.recognised(raw_tables.folder(folder).tables), "en")
    for question in found.questions():
        found.answers[question.key] = question.default or question.choices[0]
        yield question


def test_a_shop_inherits_nothing_of_an_operator(tmp_path):
    found = proposed(folders.shop(tmp_path))
    assert (found.business, found.answers["currency"], found.answers["timezone"]) == (
        "purchases",
        "GBP",
        "Europe/London",
    )
    settings = project(found, tmp_path)
    assert settings.targets.churn.rule == "no_bill"
    assert settings.population.rule == "billed"
    assert set(settings.tables.measures) == {"lines", "units", "units_returned", "products"}
    assert not settings.features.topics
    text = (tmp_path / "headwater.yaml").read_text(encoding="utf-8")
    assert not {word for word in ("data_mb", "roaming", "Shanghai", "operator") if word in text}


def naive_bills(folder):
    """Invoice and customer -> what the different lines come to, read by hand."""
    lines = set()
    for path in sorted(folder.glob("lines-*.csv")):
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        lines |= {tuple(row) for row in rows[1:]}
    totals = {}
    for invoice, _, _, quantity, _, price, customer, _ in lines:
        if customer:
            totals[invoice, customer] = totals.get((invoice, customer), 0) + int(quantity) * float(price)
    return {key: round(total, 2) for key, total in totals.items()}


@pytest.mark.slow
def test_lines_become_net_bills_of_known_customers(tmp_path, con):
    """Overlapping files count once, returns are taken off, lines without a customer are left out: as the slow twin says."""
    expected = naive_bills(folders.shop(tmp_path))
    read = read_tables(con, project(proposed(tmp_path), tmp_path).tables)
    rows = read.tables["bills"].to_pandas()
    found = {tuple(key.rsplit("-", 1)): float(amount) for key, amount in zip(rows.bill_id, rows.amount, strict=True)}
    assert found == expected
    assert min(found.values()) < 0
    assert read.counts["customers"].used == len({customer for _, customer in expected})
    usage = read.tables["usage"].to_pandas()
    assert usage.units_returned.sum() > 0
    assert (usage[["lines", "units", "products"]] >= 0).all().all()


def test_copies_of_lines_count_as_somebody_says(tmp_path):
    """Files that overlap have copies; in one file the same thing was bought twice, and nothing may be lost."""
    several = {question.key: question for question in _questions(folders.shop(tmp_path / "several"))}
    assert several["copies"].default == "once"
    line = ["I1", "S1", 1, "2026-01-02", "2.50", "C1"]
    rows = [line, line, ["I2", "S1", 1, "2026-02-02", "2.50", "C2"]]
    written(
        tmp_path / "one" / "sales.csv", [["invoice", "sku", "quantity", "invoice date", "price", "customer id"], *rows]
    )
    found = proposed(tmp_path / "one")
    assert found.answers["copies"] == "each"
    assert "DISTINCT regexp" not in mapping_text(found.found, found.choices())
    found.answers["copies"] = "once"
    assert "DISTINCT regexp" in mapping_text(found.found, found.choices())


def test_a_line_that_is_no_number_stops_instead_of_being_nothing(tmp_path, con):
    settings = project(proposed(folders.shop(tmp_path)), tmp_path)
    path = tmp_path / "lines-2026.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace(",United Kingdom", "x,United Kingdom", 1).replace("mug,", "mug,x", 1),
        encoding="utf-8",
    )
    with pytest.raises(HeadwaterError):
        read_tables(con, settings.tables)


def test_a_table_of_answers_gives_nothing_away(tmp_path):
    head = ["客户号", "姓名", "网龄", "状态", "流失原因", "等级", "是否流失"]
    rows = [
        [
            f"C{n:03d}",
            f"张{n}",
            n % 70,
            "停机" if n % 3 == 0 else "正常",
            "价格" if n % 3 == 0 else "",
            "x",
            "是" if n % 3 == 0 else "否",
        ]
        for n in range(120)
    ]
    written(tmp_path / "a.csv", [head, *rows], "gb18030", ";")
    found = proposed(tmp_path, "zh")
    text = mapping_text(found.found, found.choices())
    columns = yaml.safe_load(text)["tables"]["customers"]["columns"]
    assert columns == {"customer_id": "客户号", "churned": "是否流失", "tenure": {"from": "网龄", "type": "number"}}
    for name in ("姓名", "状态", "流失原因", "等级"):
        assert "#" in next(line for line in text.splitlines() if name in line)


def test_rows_without_a_key_are_numbered(tmp_path):
    folder = folders.answers(tmp_path)
    path = folder / "telco.csv"
    path.write_text(
        "\n".join(line.partition(";")[2] for line in path.read_text(encoding="utf-8").splitlines()), encoding="utf-8"
    )
    found = proposed(folder)
    table = yaml.safe_load(mapping_text(found.found, found.choices()))["tables"]["customers"]
    assert table["columns"]["customer_id"] == "row"
    assert "row_number() OVER ()" in table["source"]["sql"]


def test_customers_without_a_first_day_are_asked_for_it(tmp_path):
    """Another date, or the day of their first purchase; without either nothing can be learnt of them."""
    people = [[n, f"20{n % 9 + 10}-01-05", "x"] for n in range(30)]
    written(tmp_path / "customers.csv", [["customer_id", "blessed", "region"], *people])
    with pytest.raises(HeadwaterError, match="E257"):
        written(tmp_path / "bare" / "customers.csv", [["customer_id", "region"], *[[n, "x"] for n in range(30)]])
        proposed(tmp_path / "bare")
    orders = [[n, n % 30, f"2026-01-{1 + n % 28:02d}", 5.5] for n in range(90)]
    written(tmp_path / "orders.csv", [["order_id", "customer_id", "order_date", "amount"], *orders])
    (tmp_path / "bare" / "customers.csv").unlink()
    by_purchase = proposed(tmp_path)
    assert by_purchase.answers["activated_on"] == "first_purchase"
    tables = yaml.safe_load(mapping_text(by_purchase.found, by_purchase.choices()))["tables"]
    assert tables["customers"]["columns"]["activated_on"] == "first_purchase"
    assert tables["bills"]["known_at"] == "happened_at + 0d"
    by_column = proposed(tmp_path, activated_on="blessed")
    tables = yaml.safe_load(mapping_text(by_column.found, by_column.choices()))["tables"]
    assert tables["customers"]["columns"]["activated_on"] == "blessed"


@pytest.mark.parametrize(("beside", "measure"), [("pages", "minutes"), ("data_mb", "voice_minutes")])
def test_minutes_are_those_of_calls_only_beside_data_or_texts(tmp_path, beside, measure):
    """The minutes of sessions are no calls, and customers must not read that they are."""
    rows = [[f"a{n % 20}", f"2026-01-{1 + n // 20:02d}", n + 0.5, n * 2.5] for n in range(100)]
    written(tmp_path / "usage.csv", [["account_id", "date", "minutes", beside], *rows])
    written(tmp_path / "customers.csv", [["account_id", "signup_date"], *[[f"a{n}", "2025-01-01"] for n in range(20)]])
    found = proposed(tmp_path)
    mapping = mapping_text(found.found, found.choices())
    assert f" {measure}: minutes" in mapping and ("voice_minutes" in mapping) is (measure == "voice_minutes")


@pytest.mark.slow
def test_lines_with_decimal_commas_are_worth_the_same(tmp_path, con):
    """The query that makes bills of them reads text: 12,50 is no number there until it is made one."""
    worth = []
    for folder, mark in ((folders.shop(tmp_path / "dots"), None), (folders.shop(tmp_path / "commas"), ",")):
        for path in folder.glob("*.csv") if mark else ():
            with path.open(newline="", encoding="utf-8") as file:
                head, *rows = csv.reader(file)
            price = next(n for n, name in enumerate(head) if name.endswith("Price"))
            written(path, [head, *[[*r[:price], r[price].replace(".", ","), *r[price + 1 :]] for r in rows]], mark=";")
        read = read_tables(con, project(proposed(folder), folder).tables)
        worth.append((read.counts["bills"].used, float(read["bills"].amount.sum().execute())))
    assert worth[0] == worth[1] and worth[0][1] > 0


def test_a_column_that_is_known_and_goes_nowhere_is_told(tmp_path):
    """The fee in a table of customers that has no table of plans beside it."""
    rows = [[f"{n}", "2025-01-01", "2026-01-05" if n % 3 else "", f"{n}.5"] for n in range(40)]
    written(tmp_path / "c.csv", [["Customer No", "Signup Date", "Cancelled On", "Monthly Fee"], *rows])
    found = proposed(tmp_path)
    assert "# not used: Monthly Fee" in mapping_text(found.found, found.choices())


def test_what_customers_are_in_few_words_is_known_of_them(tmp_path):
    """The tariff where no table has it over time; a state tells who has left, and a name of the street is no word."""
    head = ["Customer No", "Signup Date", "Cancelled On", "Tariff", "Trade", "Account Status", "Street"]
    rows = [
        [n, "2025-01-01", "2026-01-05" if n % 3 else "", f"T{n % 2}", f"X{n % 4}", f"S{n % 2}", f"R{n}"]
        for n in range(40)
    ]
    written(tmp_path / "c.csv", [head, *rows])
    found = proposed(tmp_path)
    text = mapping_text(found.found, found.choices())
    assert "tariff: {from: Tariff, type: category}" in text and "trade: {from: Trade, type: category}" in text
    assert "S0" not in text and "{from: Account Status" not in text and "{from: Street" not in text
    plans = [[n, f"T{n % 2}", "2025-01-01", "9.5"] for n in range(40)]
    written(tmp_path / "plans.csv", [["customer_no", "plan", "valid_from", "monthly_fee"], *plans])
    found = proposed(tmp_path)
    assert "{from: Tariff" not in mapping_text(found.found, found.choices())


@pytest.mark.parametrize(
    ("header", "yes", "no"), [("Accepts Marketing", "yes", "no"), ("Werbesperre", "nein", "ja"), ("免打扰", "否", "是")]
)
def test_a_column_of_customers_says_who_may_be_contacted(tmp_path, header, yes, no):
    rows = [[n, "2025-01-01", "2026-01-05" if n % 3 else "", yes if n % 4 else no] for n in range(40)]
    written(tmp_path / "c.csv", [["Customer No", "Signup Date", "Cancelled On", header], *rows])
    bills = [[f"B{n}", n % 40, f"2025-{1 + n // 40:02d}-01", "9.50"] for n in range(400)]
    written(tmp_path / "bills.csv", [["Invoice No", "Customer No", "Invoice Date", "Amount"], *bills])
    found = proposed(tmp_path)
    text = mapping_text(found.found, found.choices())
    assert found.answers["consent"] == "recorded"
    assert yaml.safe_load(text)["tables"]["consents"]["columns"]["allowed"] == {
        "from": header,
        "map": {yes: "true", no: "false"},
    }
    assert f"not used: {header}" not in text
    (tmp_path / "mapping.yaml").write_text(text, encoding="utf-8")
    consents = (
        read_tables(ibis.duckdb.connect(), load_mapping(tmp_path / "mapping.yaml")).tables["consents"].to_pandas()
    )
    assert consents.allowed.sum() == 30 and len(consents) == 40
    assert yaml.safe_load(text)["tables"]["consents"]["freshness"] == {"warn_after": None, "error_after": None}


def test_whoever_joins_only_later_has_said_nothing_yet(tmp_path):
    """What a column of customers says is dated on the day they join: where many join in the future, nothing is made of it."""
    rows = [[n, "2025-01-01" if n % 5 else "2027-01-01", "2025-08-05" if n % 3 == 1 else "", "yes"] for n in range(40)]
    rows[1][3] = "no"
    written(tmp_path / "c.csv", [["Customer No", "Signup Date", "Cancelled On", "Newsletter"], *rows])
    bills = [[f"B{n}", n % 40, f"2025-{1 + n // 40:02d}-01", "9.50"] for n in range(400)]
    written(tmp_path / "bills.csv", [["Invoice No", "Customer No", "Invoice Date", "Amount"], *bills])
    found = proposed(tmp_path)
    assert found.answers["consent"] == "nobody" and "consents:" not in mapping_text(found.found, found.choices())


@pytest.mark.parametrize(("codes", "currency"), [(["EUR"], "EUR"), (["EUR", "CHF"], "USD"), (["euros"], "USD")])
def test_a_column_that_says_the_currency_is_believed(tmp_path, codes, currency):
    rows = [[f"I{n}", f"{n % 5}", f"2025-0{1 + n % 9}-01", "9.50", codes[n % len(codes)]] for n in range(60)]
    written(tmp_path / "b.csv", [["invoice", "customer id", "invoice date", "amount", "Currency"], *rows])
    found = proposed(tmp_path)
    assert found.answers["currency"] == currency
    assert set(places.currencies(found.found[0].raw)) == (set() if codes == ["euros"] else set(codes))
