"""Folders of small made-up extracts, as businesses have them."""

import csv
import random
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from tests.raw import Raw

FIRST = date(2025, 1, 1)


def written(path: Path, rows: list[list[object]], encoding: str = "utf-8", mark: str = ",") -> Path:
    """A CSV file of these rows, the header first."""
    text = "".join(mark.join(map(str, row)) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def operator(folder: Path) -> Path:
    """Customers, bills and usage of a Chinese operator, in GBK and fen; status 9 has left."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = Raw(folder)
    for n in range(1, 13):
        raw.rows["cust"][n][2:4] = ["9", "20251115"]
    raw.rows["bill"] = [raw.rows["bill"][0]] + [
        [f"B{n:03d}{m}", f"{n:05d}", m, str(5900 + n)] for n in range(13, 101) for m in ("202601", "202602")
    ]
    raw.rows["usage"] = [raw.rows["usage"][0]] + [row for row in raw.rows["usage"][1:] if int(row[0]) > 12]
    raw.write("gbk")
    (folder / "mapping.yaml").unlink()
    return folder


def in_sqlite(folder: Path, encoding: str = "utf-8") -> Path:
    """The CSV files of a folder as tables of one database of SQLite, in their place."""
    with closing(sqlite3.connect(folder / "客户 crm.db")) as con, con:
        for path in sorted(folder.glob("*.csv")):
            header, *rows = csv.reader(path.read_text(encoding=encoding).splitlines())
            columns = ", ".join(f"'{name}' TEXT" for name in header)
            con.execute(f'CREATE TABLE "{path.stem}" ({columns})')
            con.executemany(f'INSERT INTO "{path.stem}" VALUES ({", ".join("?" * len(header))})', rows)
            path.unlink()
    return folder


def shop(folder: Path, customers: int = 60, days: int = 500) -> Path:
    """Lines of invoices in two files whose columns are called differently and which overlap; some are returned or anonymous."""
    rng = random.Random(7)
    lines = []
    for customer in range(customers):
        day = rng.randrange(30)
        while day < days:
            lines += _invoice(rng, len(lines), FIRST + timedelta(days=day), str(12000 + customer))
            day += rng.randint(5, 60)
    lines += [line for n in range(40) for line in _invoice(rng, 90000 + n, FIRST + timedelta(days=n), "")]
    lines.sort(key=lambda line: line[4])
    half = len(lines) // 2
    heads = (
        ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"],
        ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"],
    )
    written(folder / "lines-2025.csv", [heads[0], *lines[: half + 20]])
    written(folder / "lines-2026.csv", [heads[1], *lines[half:]])
    return folder


def _invoice(rng: random.Random, number: int, day: date, customer: str) -> list[list[object]]:
    """One to three lines; one in twenty is a credit note."""
    back = -1 if rng.random() < 0.05 else 1
    name = f"{'C' if back < 0 else ''}{500000 + number}"
    at = f"{day} {9 + number % 9:02d}:15:00"
    return [
        [
            name,
            f"S{rng.randrange(40)}",
            "mug",
            back * rng.randint(1, 9),
            at,
            f"{rng.randint(100, 900) / 100:.2f}",
            customer,
            "United Kingdom",
        ]
        for _ in range(rng.randint(1, 3))
    ]


def answers(folder: Path, rows: int = 400) -> Path:
    """One table of customers with attributes and a yes or no."""
    rng = random.Random(7)
    body = []
    for n in range(rows):
        tenure = rng.randint(1, 72)
        plan, charge = rng.choice(["Month-to-month", "One year", "Two year"]), rng.uniform(20, 110)
        risk = 0.05 + 0.5 * (plan == "Month-to-month") * (1 - tenure / 90) + 0.25 * (charge > 80)
        answer = "Yes" if rng.random() < risk else "No"
        body.append([f"{n:04d}-A", rng.choice(["Male", "Female"]), tenure, plan, f"{charge:.2f}", answer])
    head = ["customerID", "gender", "tenure", "Contract", "MonthlyCharges", "Churn"]
    written(folder / "telco.csv", [head, *body], mark=";")
    return folder


def series(folder: Path, customers: int = 120, name: str = "base-{:%Y%m}.csv") -> Path:
    """A table of customers for each of six months; those with few logins say yes and are in no later month."""
    rng = random.Random(7)
    people = {f"S{n:04d}": (rng.choice(["basic", "plus"]), rng.randrange(60)) for n in range(customers)}
    for number in range(6):
        rows: list[list[object]] = []
        for customer, (plan, logins) in list(people.items()):
            left = logins < 20 and rng.random() < 0.3
            rows.append([customer, plan, logins + rng.randrange(5), number + 3, "Yes" if left else "No"])
            people |= {customer: (plan, logins)}
            if left:
                del people[customer]
        header = ["Subscriber ID", "Plan", "Logins", "Tenure", "Churned"]
        written(folder / name.format(FIRST.replace(month=number + 1)), [header, *rows])
    return folder


def policies(folder: Path, customers: int = 40, years: int = 6) -> Path:
    """A premium a year for each customer, and the day on which some of them left."""
    rng = random.Random(7)
    people, bills = [], []
    for n in range(customers):
        joined = FIRST + timedelta(days=rng.randrange(300))
        left = joined.replace(year=joined.year + 2) if n % 4 == 0 else None
        people.append([f"P{n:03d}", joined, left or ""])
        renewals = [joined.replace(year=joined.year + year) for year in range(2 if left else years)]
        bills += [[f"B{n:03d}{k}", f"P{n:03d}", day, f"{200 + n}.50"] for k, day in enumerate(renewals)]
    written(folder / "customers.csv", [["customer_id", "activated_on", "deactivated_on"], *people])
    written(folder / "bills.csv", [["bill_id", "customer_id", "bill_date", "amount"], *bills])
    return folder
