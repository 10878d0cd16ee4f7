"""Tables beside each other: second systems are added up, repeats are not, payments are told from bills, customers by values."""

import random
from datetime import date, timedelta

import ibis
import pytest
import yaml

from features.errors import HeadwaterError
from pipelines.config.mapping_file import load_mapping
from pipelines.ingest import pinning
from pipelines.recognition import raw_tables, together
from pipelines.recognition.mapping_text import mapping_text
from pipelines.recognition.proposal import Proposal
from tests.pipelines.recognition.folders import written
from tests.raw import read_tables

FIRST = date(2025, 1, 1)


def found_in(folder):
    return {each.raw.paths[0].stem: each for each in together.recognised(raw_tables.folder(folder).tables)}


def asked(folder, **answers):
    found = Proposal(folder, together.recognised(raw_tables.folder(folder).tables), "en")
    questions = {}
    for question in found.questions():
        questions[question.key] = question
        found.answers[question.key] = answers.get(question.key) or question.default or question.choices[0]
    return found, questions


def purchases(seed, customers=60, each=12):
    """Customer, day, amount."""
    rng = random.Random(seed)
    return [
        (f"K{1000 + rng.randrange(customers)}", FIRST + timedelta(days=rng.randrange(400)), f"{rng.randrange(500, 9000) / 100:.2f}")
        for _ in range(customers * each)
    ]  # fmt: skip


def web(folder, rows, stem="orders"):
    lines = [[f"W{n}", who, day.isoformat(), amount] for n, (who, day, amount) in enumerate(rows)]
    written(folder / f"{stem}.csv", [["order_id", "customer_id", "created_at", "total"], *lines])


def till(folder, rows, key="Kundenkarte", number="B{}"):
    lines = [[number.format(n), who, day.strftime("%d.%m.%Y"), amount.replace(".", ",")] for n, (who, day, amount) in enumerate(rows)]  # fmt: skip
    written(folder / "kasse.csv", [["Bon-Nr", key, "Datum", "Betrag"], *lines], "cp1252", ";")


def tables_of(found, folder):
    (folder / "mapping.yaml").write_text(mapping_text(found.found, found.choices()), encoding="utf-8")
    read = read_tables(ibis.duckdb.connect(), pinning.settled(load_mapping(folder / "mapping.yaml"), folder))
    return {name: table.to_pandas() for name, table in read.tables.items()}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("key", ["Kundenkarte", "Wer"])
def test_two_systems_are_two_sources_and_nothing_is_lost(tmp_path, key):
    """Also where only the values of a column say that it holds customers; everybody's first purchase is that of either."""
    first, second = purchases(1), purchases(2)
    web(tmp_path, first)
    till(tmp_path, second, key)
    found, questions = asked(tmp_path)
    assert questions["source.kasse"].default == "both"
    bills = tables_of(found, tmp_path)["bills"]
    assert len(bills) == len(first) + len(second)
    assert float(bills.amount.astype(float).sum()) == pytest.approx(sum(float(a) for _, _, a in first + second))
    assert found.spans["bills"] == (min(day for _, day, _ in first + second), max(day for _, day, _ in first + second))
    customers = tables_of(found, tmp_path)["customers"].set_index("customer_id").activated_on
    for who in {who for who, _, _ in first + second}:
        earliest = min(day for name, day, _ in first + second if name == who)
        assert str(customers[who])[:10] == earliest.isoformat()


def test_numbers_that_collide_are_told_apart(tmp_path):
    first, second = purchases(1), purchases(2)
    web(tmp_path, first)
    till(tmp_path, second, number="W{}")
    found, _ = asked(tmp_path)
    bills = tables_of(found, tmp_path)["bills"]
    assert len(bills) == bills.bill_id.nunique() == len(first) + len(second)


@pytest.mark.parametrize(("share", "default"), [(0.02, "both"), (0.3, None), (0.8, "left out")])
def test_rows_that_are_there_twice_decide(tmp_path, share, default):
    """Few are chance, some only a person can judge, most are the same money told twice."""
    rows = purchases(1)
    web(tmp_path, rows)
    till(tmp_path, rows[: int(share * len(rows))] + purchases(2)[int(share * len(rows)) :])
    found, questions = asked(tmp_path)
    if default == "left out":
        assert "source.kasse" not in questions
        assert {each.raw.paths[0].stem: (each.table, each.rival) for each in found.found}["kasse"] == ("", "bills")
    else:
        assert questions["source.kasse"].default == default


def test_a_person_may_say_that_a_file_repeats_another(tmp_path):
    web(tmp_path, purchases(1))
    till(tmp_path, purchases(2))
    found, _ = asked(tmp_path, **{"source.kasse": "first"})
    assert "sources:" not in mapping_text(found.found, found.choices())
    assert len(tables_of(found, tmp_path)["bills"]) == len(purchases(1))


@pytest.mark.parametrize(("days", "line"), [(0, None), (20, None), (60, "ended: 2025-12-08")])
def test_a_system_that_another_one_replaced_is_not_awaited(tmp_path, days, line):
    web(tmp_path, purchases(1))
    till(
        tmp_path, [(who, day, amount) for who, day, amount in purchases(2) if day < FIRST + timedelta(days=400 - days)]
    )
    found, _ = asked(tmp_path)
    said = [row.partition("#")[0].strip() for row in mapping_text(found.found, found.choices()).splitlines()]
    assert [row for row in said if row.startswith("ended:")] == ([line] if line else [])


def test_a_query_reads_no_two_databases(tmp_path):
    """Customers who are made of purchases in two places: told, and not half of them left out."""
    con_folder = tmp_path / "db"
    web(con_folder, purchases(1))
    con = raw_tables.folder(con_folder).tables[0].con
    con.execute(f"ATTACH '{tmp_path / 'shop.duckdb'}' AS shop")
    con.execute(f"CREATE TABLE shop.orders AS SELECT * FROM read_csv('{con_folder / 'orders.csv'}')")
    con.execute("DETACH shop")
    (con_folder / "orders.csv").unlink()
    till(tmp_path, purchases(2))
    found, _ = asked(tmp_path)
    with pytest.raises(HeadwaterError, match="E259"):
        mapping_text(found.found, found.choices())


def test_what_was_paid_of_bills_is_no_second_table_of_bills(tmp_path):
    """Charges name invoices, several times where one was declined, and are not yet called payments."""
    bills = [[f"I{n}", f"C{n % 40}", f"2025-{1 + n // 40:02d}-01", "20.00"] for n in range(240)]
    paid = [[n, f"I{n % 240}", f"C{n % 40}", f"2025-{1 + n % 240 // 40:02d}-05", "24.00", "declined" if n >= 240 else "ok"] for n in range(260)]  # fmt: skip
    written(tmp_path / "invoices.csv", [["invoice_no", "customer_id", "invoice_date", "net_amount"], *bills])
    written(tmp_path / "charges.csv", [["id", "invoice_no", "customer_id", "charged_at", "amount", "status"], *paid])
    found = found_in(tmp_path)
    assert {name: each.table for name, each in found.items()} == {"invoices": "bills", "charges": "payments"}
    text = yaml.safe_load(mapping_text([*found.values()], asked(tmp_path)[0].choices()))
    assert text["tables"]["payments"]["columns"]["failed"] == {
        "from": "status",
        "map": {"ok": "false", "declined": "true"},
    }


def test_few_numbers_that_happen_to_be_customers_are_none(tmp_path):
    """Quantities 1 to 9 are all among customers 1 to 60, and name nobody."""
    people = [[n, "2025-01-01", "2025-06-01" if n % 3 else ""] for n in range(1, 61)]
    stock = [[f"P{n}", n % 9 + 1, "2025-02-01", "5.00"] for n in range(200)]
    written(tmp_path / "customers.csv", [["customer_id", "signup_date", "cancelled_on"], *people])
    written(tmp_path / "stock.csv", [["product", "units", "order_date", "amount"], *stock])
    assert found_in(tmp_path)["stock"].table == ""


def test_usage_that_counts_other_things_goes_side_by_side(tmp_path):
    people = [[n, "2025-01-01", "2025-06-01" if n % 3 else ""] for n in range(1, 61)]
    days = [[n % 60 + 1, (FIRST + timedelta(days=n // 60)).isoformat(), n % 7] for n in range(1200)]
    written(tmp_path / "customers.csv", [["customer_id", "signup_date", "cancelled_on"], *people])
    written(tmp_path / "logins.csv", [["customer_id", "date", "logins"], *days])
    written(tmp_path / "visits.csv", [["customer_id", "date", "pages"], *days])
    assert [each.repeated for each in found_in(tmp_path).values() if each.table == "usage"] == [None, 0.0]
    (tmp_path / "visits.csv").unlink()
    written(tmp_path / "sessions.csv", [["customer_id", "date", "logins"], *days])
    assert [each.table for each in found_in(tmp_path).values()].count("usage") == 1
