"""Lines of invoices, orders without a table of customers, or visits that nothing counts, as SQL that gives tables of ours."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipelines.recognition import evidence
from pipelines.recognition.accompaniments import Accompaniment
from pipelines.recognition.columns import quoted
from pipelines.recognition.raw_tables import RawTable, plain
from pipelines.recognition.tables import Recognised


def lines_sql(found: Recognised, shape: str | None = None, *, once: bool = True) -> str:
    """Every line that names a customer, with `customer`, `bought`, and, where they are there, `bill`, `product` and others.

    Parameters
    ----------
    found
        Lines of invoices.
    shape
        Of their dates, where a person had to say it.
    once
        Exact copies, as of files that overlap, are one line; otherwise the same thing was bought twice.
    """
    raw = found.raw
    parts = [_selected(found, path, shape) for path in (raw.paths if raw.aliases else raw.paths[:1])]
    if not once:
        return "\n  UNION ALL\n".join(parts)
    return "\n  UNION\n".join(parts) if len(parts) > 1 else parts[0].replace("SELECT", "SELECT DISTINCT", 1)


def _selected(found: Recognised, path: Path, shape: str | None) -> str:
    """The lines of one file, its columns called as there; of all files where they are called alike."""
    raw, names, at_home = found.raw, found.columns, _names_in(found, path)
    select = [*_who_and_when(found, path, shape)]
    select += [f"trim({quoted(at_home(m))}::VARCHAR) AS {name}" for m, name in TEXTS.items() if m in names]
    select += (
        [f"{_number(at_home('quantity'), raw.marks.get(names['quantity']))} AS quantity"] if "quantity" in names else []
    )
    select += [f"{_amount(found, at_home)} AS amount"]
    columns = ",\n         ".join(select)
    return f"  SELECT {columns}\n  FROM {scanned(raw, path)}\n  WHERE {_somebody(found, path)}"


def _names_in(found: Recognised, path: Path) -> Callable[[str], str]:
    """What a file calls the column of a meaning."""
    own, names = found.raw.aliases.get(path, {}), found.columns
    return lambda meaning: own.get(names[meaning], names[meaning])


def _who_and_when(found: Recognised, path: Path, shape: str | None) -> tuple[str, str]:
    """`customer` and `bought` of the rows of a file."""
    at_home, column = _names_in(found, path), found.raw.columns[found.columns["happened_at"]]
    when = evidence.moment(column, shape, strict=True).replace(quoted(column.name), quoted(at_home("happened_at")))
    return f"{evidence.key(at_home('customer_id'))} AS customer", f"{when} AS bought"


def _somebody(found: Recognised, path: Path) -> str:
    """SQL that is true where a row of a file names a customer and counts."""
    customer = quoted(_names_in(found, path)("customer_id"))
    nobody = evidence.nobody(found.raw.columns[found.columns["customer_id"]])
    known = "".join(f" AND trim({customer}::VARCHAR) <> '{word}'" for word in ("", *nobody))
    return f"{customer} IS NOT NULL{known}{_counting(found, path)}"


def _counting(found: Recognised, path: Path) -> str:
    """SQL that leaves out the rows of a file that do not count."""
    if found.raw.left_out is None:
        return ""
    column, values = found.raw.left_out
    name = quoted(found.raw.aliases.get(path, {}).get(column, column))
    texts = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f" AND ({name} IS NULL OR trim({name}::VARCHAR) NOT IN ({texts}))"


TEXTS = {"bill_id": "bill", "product_id": "product", "region": "region"}


def _number(name: str, mark: str | None = None) -> str:
    """Strict: what is no number stops the reading, where TRY_CAST would make nothing of it in silence."""
    return f"CAST({plain(quoted(name), mark) if mark else quoted(name)} AS DOUBLE)"


def _amount(found: Recognised, at_home: Callable[[str], str]) -> str:
    def number(meaning: str) -> str:
        return _number(at_home(meaning), found.raw.marks.get(found.columns[meaning]))

    return number("amount") if "amount" in found.columns else f"{number('quantity')} * {number('unit_price')}"


LINKS = "links"
"""What a query calls the files that lead to customers."""
NAMED = ("csv", "xlsx")
"""Formats of files that a query reads by a name of its own."""


def scanned(raw: RawTable, path: Path) -> str:
    """The rows in a query: a table of a database, files as DuckDB reads them, or by their name in `reads`; with the customers
    to whom a link leads."""
    return f"({linked(raw, path)})" if raw.link else _plainly(raw, path)


def linked(raw: RawTable, path: Path) -> str:
    """The rows with the column of customers to whom their accounts lead; null where nobody has the account."""
    link = raw.link
    assert link is not None, "asked for where there is a link"
    theirs = LINKS if _is_named(link.raw) else _plainly(link.raw, link.raw.paths[0])
    accounts = f"trim(e.{quoted(link.own)}::VARCHAR) = trim(l.{quoted(link.key)}::VARCHAR)"
    return (
        f"SELECT e.*, l.{quoted(link.customer)} FROM {_plainly(raw, path)} AS e LEFT JOIN {theirs} AS l ON {accounts}"
    )


def _plainly(raw: RawTable, path: Path) -> str:
    if raw.source.table:
        return quoted(raw.source.table)
    where = str(path) if raw.aliases else str(raw.source.path)
    place = where.replace("'", "''")
    if _is_named(raw):
        return name_of(raw, path)
    return (
        f"read_json('{place}', format = 'newline_delimited')"
        if raw.source.format == "jsonl"
        else f"read_parquet('{place}')"
    )


def _is_named(raw: RawTable) -> bool:
    """Has a query to read the files by a name: those that DuckDB cannot read, and those that say when they are whole?"""
    return not raw.source.table and (raw.source.format in NAMED or bool(raw.source.marker or raw.source.manifest))


def name_of(raw: RawTable, path: Path) -> str:
    """What a query calls the files."""
    return f"{raw.called}_{raw.paths.index(path) + 1}" if raw.aliases else raw.called


def reads(raw: RawTable) -> dict[str, dict[str, Any]]:
    """Name in a query -> files that it stands for: those that queries cannot read, or not in every encoding."""
    link = raw.link.raw if raw.link else None
    beside = {LINKS: {"path": str(link.source.path), **_written(link)}} if link and _is_named(link) else {}
    if not _is_named(raw):
        return beside
    paths = {name_of(raw, path): str(path) for path in raw.paths} if raw.aliases else {raw.called: str(raw.source.path)}
    return {name: {"path": path, **_written(raw)} for name, path in paths.items()} | beside


def _written(raw: RawTable) -> dict[str, Any]:
    """How the files are written, and what says that they are whole."""
    how: dict[str, Any] = {"format": raw.source.format}
    if raw.source.format == "csv":
        how |= {"encoding": raw.source.encoding, "delimiter": raw.source.delimiter}
    if raw.source.sheet:
        how["sheet"] = raw.source.sheet
    return how | Accompaniment(raw.source.marker, raw.source.manifest).said()


def bills(found: Recognised, shape: str | None = None, *, once: bool = True) -> str:
    """One row per invoice: what is left when returns are taken off; below zero for a credit note."""
    bill = "bill" if "bill_id" in found.columns else "strftime(bought, '%Y%m%d%H%M%S')"
    return f"""
SELECT {bill} || '-' || customer AS bill_id, customer, min(bought) AS bought_at, round(sum(amount), 2) AS amount
FROM (
{lines_sql(found, shape, once=once)}
)
GROUP BY ALL"""


def usage(found: Recognised, shape: str | None = None, *, once: bool = True) -> str:
    """One row per customer and day with a purchase: how much was bought, how much came back."""
    counted = ["count(*) FILTER (amount > 0) AS lines"]
    if "quantity" in found.columns:
        counted += [
            "coalesce(sum(quantity) FILTER (quantity > 0), 0) AS units",
            "coalesce(-sum(quantity) FILTER (quantity < 0), 0) AS units_returned",
        ]
    if "product_id" in found.columns:
        counted += ["count(DISTINCT product) FILTER (amount > 0) AS products"]
    separator = ",\n       "
    return f"""
SELECT customer, bought::DATE AS day,
       {separator.join(counted)}
FROM (
{lines_sql(found, shape, once=once)}
)
GROUP BY ALL"""


def customers(sources: Sequence[Recognised], shapes: Sequence[str | None], *, once: bool = True) -> str:
    """One row per customer: the day of their first purchase, whichever source has it, and where most of their lines of the
    first source are from.

    Parameters
    ----------
    sources
        Purchases, or lines of invoices.
    shapes
        Of their dates, where a person had to say it.
    once
        Exact copies are one line.
    """
    region = ", mode(region) AS region" if "region" in sources[0].columns else ""
    parts = [lines_sql(found, shape, once=once) for found, shape in zip(sources, shapes, strict=True)]
    rows = parts[0] if len(parts) == 1 else "\n  UNION ALL BY NAME\n".join(f"  ({part.strip()})" for part in parts)
    return f"""
SELECT customer, min(bought)::DATE AS first_purchase{region}
FROM (
{rows}
)
GROUP BY ALL"""


def times(found: Recognised, shape: str | None = None) -> str:
    """One row per customer and day with a row: how many there are."""
    raw = found.raw
    parts = [
        f"  SELECT {', '.join(_who_and_when(found, path, shape))}\n  FROM {scanned(raw, path)}\n  WHERE {_somebody(found, path)}"
        for path in (raw.paths if raw.aliases else raw.paths[:1])
    ]
    rows = "\n  UNION ALL\n".join(parts)
    return f"""
SELECT customer, bought::DATE AS day, count(*) AS times
FROM (
{rows}
)
GROUP BY ALL"""


MEASURES = ("lines", "units", "units_returned", "products")


def measures(found: Recognised) -> tuple[str, ...]:
    """The columns of `usage` that are counted here."""
    return tuple(
        m for m in MEASURES if m == "lines" or ("product_id" if m == "products" else "quantity") in found.columns
    )
