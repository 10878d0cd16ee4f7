"""Each file is the table that it is, by header, grain and name; keys are held against each other."""

import pytest

from pipelines.recognition import raw_tables, tables, together
from tests.pipelines.recognition import folders
from tests.pipelines.recognition.folders import written


def found_in(folder):
    return {each.raw.title.rpartition("/")[2]: each for each in together.recognised(raw_tables.folder(folder).tables)}


def test_an_operator(tmp_path):
    found = found_in(folders.operator(tmp_path))
    assert {name: each.table for name, each in found.items()} == {
        "cust.csv": "customers",
        "bill.csv": "bills",
        "usage.csv": "usage",
    }
    assert found["usage.csv"].columns["data_mb"] == "流量_KB"
    assert min(each.confidence for each in found.values()) > 0.6
    inner, outer = found["bill.csv"].raw, found["cust.csv"].raw
    assert tables.contained(inner, "用户编号", outer, "用户编号") == 1.0


def test_lines_of_invoices_and_a_table_of_answers(tmp_path):
    assert {each.table for each in found_in(folders.shop(tmp_path / "shop")).values()} == {"lines"}
    (only,) = found_in(folders.answers(tmp_path / "answers")).values()
    assert (only.table, only.columns["left"], only.columns["customer_id"]) == ("customers", "Churn", "customerID")


@pytest.mark.parametrize(("shared", "key"), [(True, "用户号码"), (False, "账户编号")])
def test_the_number_is_the_customer_where_an_account_pays_for_several(tmp_path, shared, key):
    rows = [[f"{n:05d}", f"A{n // 2 if shared else n}", "2026-01-02", "1"] for n in range(20)]
    written(tmp_path / "a.csv", [["用户号码", "账户编号", "开户日期", "用户状态"], *rows])
    (found,) = found_in(tmp_path).values()
    assert (found.table, found.columns["customer_id"]) == ("customers", key)
    assert found.columns.get("account_id") == ("账户编号" if shared else None)


TABLES = {
    "payments": ("Payment ID,Customer ID,Payment Date,Amount Paid", "P{n},{c},2026-01-{d},9.50"),
    "complaints": (
        "ticket_id,customer_id,opened_at,category,priority,closed_at",
        "T{n},{c},2026-01-{d},billing,2,2026-02-01",
    ),
    "contacts": (
        "contact_id,customer_id,contact_date,channel,direction,campaign_id",
        "K{n},{c},2026-01-{d},call,outbound,X",
    ),
    "surveys": (
        "response_id,customer_id,survey_date,touchpoint,question,score",
        "R{n},{c},2026-01-{d},store,overall,4",
    ),
    "consents": ("customer_id,purpose,consent_date,allowed", "{c},marketing,2026-01-{d},Y"),
    "subscriptions": ("customer_id,plan,valid_from,monthly_fee", "{c},gold,2026-01-{d},20.5"),
    "usage": ("customer_id,date,logins,minutes", "{c},2026-01-{d},3,{n}.5"),
}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_known_by_its_header_alone(tmp_path, table):
    head, row = TABLES[table]
    rows = [row.format(n=n, c=n % 20, d=f"{1 + n // 20:02d}").split(",") for n in range(100)]
    if table == "consents":
        rows[0][-1] = "N"
    written(tmp_path / "x.csv", [head.split(","), *rows])
    (found,) = found_in(tmp_path).values()
    assert found.table == table


def test_names_and_telephones_are_never_mapped(tmp_path):
    rows = [[n, f"Ann {n}", f"a{n}@x.org", f"138{n:08d}", "2026-01-01"] for n in range(30)]
    written(tmp_path / "customers.csv", [["customer_id", "Customer Name", "Email", "Phone", "Signup Date"], *rows])
    (found,) = found_in(tmp_path).values()
    assert found.personal == ["Customer Name", "Email", "Phone"]
    assert set(found.columns.values()) <= {"customer_id", "Signup Date", "Phone"}
    assert found.unused == []


def test_keys_with_and_without_a_point_are_the_same(tmp_path):
    written(tmp_path / "customers.csv", [["customer_id", "signup_date"], *[[n, "2026-01-01"] for n in range(30)]])
    written(
        tmp_path / "orders.csv",
        [
            ["order_id", "customer_id", "order_date", "amount"],
            *[[n, f"{n % 30}.0", "2026-01-01", 5] for n in range(60)],
        ],
    )
    found = found_in(tmp_path)
    inner, outer = found["orders.csv"], found["customers.csv"]
    assert tables.contained(inner.raw, inner.columns["customer_id"], outer.raw, "customer_id") == 1.0


DATED = {
    "bills": ("Invoice,Account,Becoming effective,Amount", "I{n},{c},2026-01-{d},9.50"),
    "usage": ("who,account,when_it_began,pages", "x,{c},2026-01-{d}T08:00:00,{n}.5"),
    "complaints": ("Ticket,Account,Filed,Topic,Closed on", "T{n},{c},2026-01-{d},bug,2026-02-01"),
}


@pytest.mark.parametrize("table", DATED)
def test_the_only_column_of_dates_says_when_it_happened_whatever_it_is_called(tmp_path, table):
    head, row = DATED[table]
    rows = [row.format(n=n, c=f"a{n % 20}", d=f"{1 + n // 20:02d}").split(",") for n in range(100)]
    written(tmp_path / "x.csv", [head.split(","), *rows])
    (found,) = found_in(tmp_path).values()
    assert (found.table, found.columns["happened_at"]) == (table, head.split(",")[2])


def test_of_two_unknown_dates_neither_is_taken_and_what_is_missing_is_told(tmp_path):
    rows = [[f"I{n}", f"a{n % 20}", f"2026-01-{1 + n // 20:02d}", "2026-02-01", "9.50"] for n in range(100)]
    written(tmp_path / "x.csv", [["Invoice No", "Account ID", "One day", "Another", "Amount"], *rows])
    (found,) = found_in(tmp_path).values()
    assert (found.table, found.lacks) == ("", ("bills", ("happened_at",)))


def test_who_and_when_alone_may_be_anything_unless_the_file_says_it_is_use(tmp_path):
    rows = [[f"a{n % 20}", f"2026-01-{1 + n // 20:02d}"] for n in range(100)]
    written(tmp_path / "x.csv", [["account_id", "stamped"], *rows])
    (found,) = found_in(tmp_path).values()
    assert (found.table, found.lacks) == ("", ("usage", ("voice_minutes",)))
    (tmp_path / "x.csv").rename(tmp_path / "usage.csv")
    assert found_in(tmp_path)["usage.csv"].table == "usage"


def test_a_date_that_everybody_has_is_not_the_day_on_which_they_left(tmp_path):
    rows = [[n, "2024-01-02", "2027-01-02"] for n in range(30)]
    written(tmp_path / "customers.csv", [["customer_id", "signup_date", "end_date"], *rows])
    assert "deactivated_on" not in found_in(tmp_path)["customers.csv"].columns


def test_opened_and_closed_alone_are_no_complaint(tmp_path):
    rows = [[f"A{n}", n % 20, "2026-01-02", "2026-02-01"] for n in range(60)]
    written(tmp_path / "accounts.csv", [["Account No", "Customer No", "Opened", "Closed"], *rows])
    (found,) = found_in(tmp_path).values()
    assert (found.table, found.lacks) == ("", ("complaints", ("complaint_id",)))


def test_of_two_lists_of_orders_one_is_taken_and_the_other_named(tmp_path):
    for name, count in (("orders", 80), ("invoices", 40)):
        rows = [[f"{name}{n}", n % 20, f"2026-01-{1 + n // 20:02d}", "9.50"] for n in range(count)]
        written(tmp_path / f"{name}.csv", [["invoice_id", "customer_id", "invoice_date", "amount"], *rows])
    found = found_in(tmp_path)
    assert (found["orders.csv"].table, found["invoices.csv"].table, found["invoices.csv"].rival) == (
        "bills",
        "",
        "bills",
    )


def test_what_is_nothing_of_ours_lacks_everything(tmp_path):
    written(tmp_path / "x.csv", [["planet", "colour"], *[[f"p{n}", "red"] for n in range(50)]])
    (found,) = found_in(tmp_path).values()
    assert (found.table, found.lacks) == ("", None)
