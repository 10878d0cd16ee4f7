"""The mapping of a folder as commented YAML: each line says what was found."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from features.catalogue import catalogue
from features.contracts import CONTRACTS
from features.errors import HeadwaterError
from pipelines.recognition import commented, described, evidence, forms, headers, lines, links
from pipelines.recognition.accompaniments import Accompaniment
from pipelines.recognition.columns import Column
from pipelines.recognition.commented import comment, line
from pipelines.recognition.tables import Recognised
from pipelines.wording.texts import text

DELAYS = {
    "bills": "5d",
    "payments": "1d",
    "usage": "1d",
    "complaints": "1d",
    "contacts": "1d",
    "surveys": "1d",
    "consents": "1d",
    "subscriptions": "0d",
}
"""Assumed time until an event is in the extract, where it has no load time."""
OWN_KEYS = {
    "bills": "bill_id",
    "payments": "payment_id",
    "complaints": "complaint_id",
    "contacts": "contact_id",
    "surveys": "response_id",
}
AT_ONCE = "happened_at + 0d"
"""The clock of what is known when it happens."""
MEASURES = ("voice_minutes", "data_mb", "sms", "roaming_mb", "night_data_mb")


@dataclass
class Choices:
    """What was found or answered, as far as a mapping needs it.

    Attributes
    ----------
    lang
        Of the comments.
    currency, timezone
        ISO 4217, and a name of the IANA.
    left_codes
        Values of the status that say that somebody has left.
    minor
        Column -> is its money in hundredths?
    discount_apart
        Is the discount of a bill still to be taken off?
    shapes
        Column -> the shape of its dates, where a person had to say it.
    folds
        One table with a yes or no and without dates: everything else in it is known of customers.
    derived
        Customers are made of their purchases although there is a table of them: it has no first day.
    at_once
        Purchases are known when they are made.
    once
        Exact copies of lines of invoices are one line.
    month
        Customers are a series of months: which month a row is of.
    permits
        A column of customers says who may be contacted.
    """

    lang: str
    currency: str
    timezone: str
    left_codes: tuple[str, ...] = ()
    minor: dict[str, bool] = field(default_factory=dict)
    discount_apart: bool = False
    shapes: dict[str, str] = field(default_factory=dict)
    folds: bool = False
    derived: bool = False
    at_once: bool = False
    once: bool = True
    month: dict[str, str] | None = None
    permits: bool = False

    def why(self, key: str, **values: Any) -> str:
        """A comment."""
        return text(f"init.why.{key}", self.lang, **values)


def mapping_text(found: Sequence[Recognised], choices: Choices) -> str:
    """The mapping file of these tables, in the order of the contracts."""
    by_table = {f.table: f for f in found if f.table and f.repeated is None}
    further: dict[str, list[Recognised]] = {}
    for each in found:
        if each.repeated is not None:
            further.setdefault(each.table, []).append(each)
    words: dict[str, list[str]] = {}
    body: list[str] = []
    for name in ("customers",) if choices.folds else CONTRACTS:
        if section := _section_of(name, by_table, further, choices, words):
            body += ["", *section]
    head = [comment(0, choices.why("mapping")), line(0, "version", 1)]
    head += [
        line(0, "timezone", choices.timezone, choices.why("timezone")),
        line(0, "currency", choices.currency, choices.why("currency")),
    ]
    if words:
        head += [line(0, "words", None, choices.why("words")), *(line(2, name, said) for name, said in words.items())]
    return "\n".join([*head, "", "tables:", *body[1:]]) + "\n"


def _section_of(
    name: str,
    by_table: dict[str, Recognised],
    further: dict[str, list[Recognised]],
    choices: Choices,
    words: dict[str, list[str]],
) -> list[str]:
    """The section of one canonical table; empty where nothing gives it."""
    purchases = by_table.get("lines") or by_table.get("bills")
    if name == "customers" and purchases and (choices.derived or name not in by_table):
        return _derived_customers([purchases, *further.get(purchases.table, [])], choices)
    if name in further:
        return _sources([by_table[name], *further[name]], by_table, choices, words)
    if name in by_table:
        return SECTIONS[name](by_table[name], by_table, choices, words)
    return _derived_section(name, by_table, choices, words)


def _derived_section(
    name: str, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """A section that another table gives: lines of invoices, or a column of customers; empty where none does."""
    if name == "consents" and choices.permits and not choices.derived:
        return _permitted(by_table["customers"], choices)
    if "lines" in by_table and name == "bills":
        return _derived_bills(by_table["lines"], choices)
    if "lines" in by_table and name == "usage":
        return _derived_usage(by_table["lines"], choices, words)
    return []


def _sources(
    sources: Sequence[Recognised], by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of a table that several systems write, each with columns and clocks of its own."""
    table, taken = sources[0].table, set[str]()
    rows = [f"  {table}:", comment(4, choices.why("sources")), "    sources:"]
    for found in sources:
        stem = found.raw.source.table or found.raw.paths[0].stem
        name = forms.identifier(re.sub(r"[\d\W_]+$", "", stem) or stem, taken, "source")
        section = SECTIONS[table](found, by_table, choices, words)[1:]
        rows += [f"      - name: {name}", *("    " + row if row else row for row in section)]
    return rows


def _source(found: Recognised, choices: Choices) -> list[str]:
    """Where the rows are, and how sure it is that they are these."""
    source = found.raw.source
    if found.raw.link:
        return [comment(4, choices.why("link")), *_query(found, lines.linked(found.raw, found.raw.paths[0]))]
    if source.table:
        place = {"connection": source.connection} if source.connection else {"database": source.database}
        return [line(4, "source", {**place, "table": source.table})]
    value: dict[str, Any] = {"path": source.path}
    if source.format != "parquet" or not str(source.path).endswith(".parquet"):
        value["format"] = source.format
    if source.sheet:
        value["sheet"] = source.sheet
    if source.format == "csv":
        value["encoding"] = source.encoding
    if source.format == "csv" and source.delimiter != ",":
        value["delimiter"] = source.delimiter
    value |= Accompaniment(source.marker, source.manifest).said()
    return [line(4, "source", value)]


def _columns(found: Recognised, names: Sequence[str], choices: Choices, forms_of: dict[str, Any]) -> list[str]:
    """A line for each canonical column that was found."""
    rows = []
    for name in names:
        if name in forms_of:
            rows.append(line(6, name, *_with_reason(forms_of[name])))
        elif name in found.columns:
            rows.append(line(6, name, found.columns[name], _doubt(found, found.columns[name], choices)))
    return rows


def _with_reason(value: Any) -> tuple[Any, str]:
    return value if isinstance(value, tuple) else (value, "")


def _doubt(found: Recognised, column: str, choices: Choices) -> str:
    """A word of warning beside a column whose name is not quite known."""
    match = found.matches.get(column)
    return choices.why("check") if match and match.certainty <= headers.MAYBE else ""


def _time(found: Recognised, meaning: str, choices: Choices, *, period_end: bool = False) -> Any:
    column = found.raw.columns[found.columns[meaning]]
    return forms.time(column, choices.shapes.get(column.name), period_end=period_end)


def _clocks(found: Recognised, choices: Choices) -> list[str]:
    """`happened_at` and `known_at` of an event."""
    rows = []
    column = found.raw.columns.get(found.columns.get("happened_at", ""))
    if column is not None:
        why = choices.why("period_end") if column.is_month else ""
        rows.append(line(4, "happened_at", _time(found, "happened_at", choices, period_end=True), why))
    if "known_at" in found.columns:
        rows.append(line(4, "known_at", _time(found, "known_at", choices)))
    elif CONTRACTS[found.table].event:
        start = "happened_at" if column is not None else "valid_from"
        delay = _delay(found, choices)
        rows.append(line(4, "known_at", f"{start} + {delay}", choices.why("known_at", delay=delay)))
    return rows


def _delay(found: Recognised, choices: Choices) -> str:
    """Assumed days until an event is known: none for purchases, a few for bills of a month."""
    column = found.raw.columns.get(found.columns.get("happened_at", ""))
    if found.table in ("bills", "usage") and choices.at_once:
        return "0d"
    is_daily_bill = found.table == "bills" and column is not None and not column.is_month
    return "1d" if is_daily_bill else DELAYS[found.table]


def _unused(found: Recognised, choices: Choices, written: Sequence[str], kept: Sequence[str] = ()) -> list[str]:
    """Columns that nothing is made of, those among them whose name is known: nothing is left out in silence."""
    rows, said = [], "\n".join(written)
    left = [name for name in found.unused if name not in kept]
    left += [
        name for name in found.columns.values() if name not in said and name not in (*left, *kept, *found.personal)
    ]
    left = [name for name in left if found.raw.left_out is None or name != found.raw.left_out[0]]
    if left:
        rows.append(comment(4, choices.why("unused", columns=", ".join(left))))
    if found.personal:
        rows.append(comment(4, choices.why("personal", columns=", ".join(found.personal))))
    return rows


def _section(name: str, found: Recognised, choices: Choices, rows: list[str], kept: Sequence[str] = ()) -> list[str]:
    clocks = _clocks(found, choices) if CONTRACTS[name].event else []
    rows = [*rows, *_required(name, rows, choices)]
    return [
        f"  {name}:",
        *_source(found, choices),
        "    columns:",
        *rows,
        *clocks,
        *_where(found, choices),
        *_unused(found, choices, [*rows, *clocks], kept),
    ]


def _where(found: Recognised, choices: Choices) -> list[str]:
    """Which rows count, where some do not."""
    if found.raw.left_out is None:
        return []
    column, values = found.raw.left_out
    texts = ", ".join(json.dumps(value, ensure_ascii=False) for value in values)
    return [line(4, "where", f"{forms.name_in_expression(column)} not in ({texts})", choices.why("void"))]


def _described(
    name: str, found: Recognised, choices: Choices, rows: list[str], words: dict[str, list[str]]
) -> list[str]:
    """A section with the columns beyond the contract that describe the event."""
    own = described.columns(found, words)
    rows = [*rows, *(line(6, column, form, choices.why("described")) for column, form in own.items())]
    return _section(name, found, choices, rows, [form["from"] for form in own.values()])


def _required(name: str, rows: list[str], choices: Choices) -> list[str]:
    """What the contract cannot be without and was not found; clocks are looked for elsewhere."""
    mapped = {row.strip().partition(":")[0] for row in rows}
    needed = [
        column.name
        for column in CONTRACTS[name].columns
        if not column.nullable and column.name not in ("happened_at", "known_at")
    ]
    return [comment(6, f"{column}: {choices.why('required')}") for column in needed if column not in mapped]


def _money(found: Recognised, meaning: str, choices: Choices, less: str | None = None) -> tuple[Any, str]:
    column = found.columns[meaning]
    minor = choices.minor.get(column, evidence.is_minor(column))
    turned = column in found.raw.turned
    whys = [choices.why(key) for key, said in (("fen", minor), ("turned", turned)) if said]
    return forms.money(column, choices.currency, minor, less, turned=turned), "; ".join(whys)


def _customers(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    if choices.folds:
        return _answers(found, choices, words)
    if choices.month:
        return _series(found, choices, words)
    own: dict[str, Any] = {}
    if "activated_on" in found.columns:
        own["activated_on"] = _time(found, "activated_on", choices)
    if "deactivated_on" in found.columns:
        own["deactivated_on"] = _time(found, "deactivated_on", choices)
    elif choices.left_codes and {"status", "status_date"} <= found.columns.keys():
        form = _time(found, "status_date", choices)
        form = form if isinstance(form, dict) else {"from": form}
        codes = ", ".join(choices.left_codes)
        own["deactivated_on"] = (
            form | {"when": {found.columns["status"]: list(choices.left_codes)}},
            choices.why("left_codes", codes=codes),
        )
    names = [column.name for column in CONTRACTS["customers"].columns if column.name != "known_at"]
    rows = _columns(found, names, choices, own)
    if "deactivated_on" not in own and {"status", "status_date"} <= found.columns.keys():
        status = found.raw.columns[found.columns["status"]]
        rows.append(
            comment(
                6,
                choices.why(
                    "which_left",
                    date=found.columns["status_date"],
                    status=status.name,
                    codes=", ".join(status.texts[:12]),
                ),
            )
        )
    about = _about(found, rows, has_plans="subscriptions" in by_table)
    if about:
        rows += [comment(6, choices.why("about")), *_attributes(found, about, choices, words)]
    permits = [found.columns[m] for m in ("allowed", "refused") if m in found.columns and choices.permits]
    return _section("customers", found, choices, rows, [*about, *permits])


def _about(found: Recognised, written: Sequence[str], *, has_plans: bool) -> list[str]:
    """Columns in few words of what customers are, in order: their trade, and their plan where no table has it over time.
    States change, and tell who has left."""
    said = "\n".join(written)
    named = {*found.unused, *([found.columns["plan"]] if "plan" in found.columns and not has_plans else [])}
    return [
        name
        for name in found.raw.header
        if name in named
        and name not in said
        and not evidence.is_state(name)
        and described.describes(found.raw.columns[name])
    ]


TELLING = ("left_reason", "status", "status_date", "deactivated_on")
"""What gives the answer away, or is it once more."""


def _series(found: Recognised, choices: Choices, words: dict[str, list[str]]) -> list[str]:
    """Customers month by month: who left in it, and everything that was known of them at its end."""
    section = _answers(found, choices, words)
    at = section.index("    columns:")
    how = [
        line(4, "history", "months", choices.why("months")),
        line(4, "month", choices.month, choices.why("month" if "file" in (choices.month or {}) else "month_column")),
    ]
    return [*section[:at], *how, *section[at:]]


def _answers(found: Recognised, choices: Choices, words: dict[str, list[str]]) -> list[str]:
    """Customers whose answer has no date: the answer, and everything else that is known of them."""
    key, left = _customer(found), found.columns["left"]
    why = choices.why(
        "month_answer" if choices.month else "answer", share=evidence.yes_share(found), rows=found.raw.rows
    )
    doubt = _doubt(found, key, choices) if "customer_id" in found.columns else choices.why("number_rows")
    telling = [found.columns[meaning] for meaning in TELLING if meaning in found.columns]
    month = (choices.month or {}).get("from")
    others = [name for name in found.raw.header if name not in (key, left, month, *telling, *found.personal)]
    silent = [name for name in others if _says_nothing(found.raw.columns[name])]
    rows = [line(6, "customer_id", key, doubt), line(6, "churned", left, why)]
    rows += _attributes(found, [name for name in others if name not in silent], choices, words)
    left_out = {"telling": telling, "constant": silent, "personal": found.personal}
    notes = [comment(4, choices.why(why, columns=", ".join(names))) for why, names in left_out.items() if names]
    source = _source(found, choices) if key != ROW else _numbered(found)
    return ["  customers:", *source, "    columns:", *rows, *notes]


def _customer(found: Recognised) -> str:
    """The column that tells customers apart, else that numbers rows, else one that is made."""
    numbered = found.columns.get("row_number")
    is_whole = numbered is not None and found.raw.columns[numbered].unique
    return found.columns.get("customer_id") or (numbered if numbered and is_whole else ROW)


def _attributes(found: Recognised, names: Sequence[str], choices: Choices, words: dict[str, list[str]]) -> list[str]:
    """A line for each thing that is known of customers: our own name for it, and numbers as numbers."""
    known = {column.name for column in CONTRACTS["customers"].columns}
    canonical = {name: meaning for meaning, name in found.columns.items() if meaning in known}
    features = {feature.column for feature in catalogue(())}
    taken, rows = {"customer_id", "churned", *known, *features}, []
    for column in names:
        name = canonical.get(column) or forms.identifier(column, taken, "attribute")
        numbered = name[-2:] == "_2"  # the name of the column is that of a feature, or was taken
        words |= (
            {name: [column, column] if numbered else [name.replace("_", " "), column]}
            if numbered or not column.isascii()
            else {}
        )
        rows.append(line(6, name, _attribute(found.raw.columns[column], canonical.get(column), choices)))
    return rows


ROW = "row"
"""The column that numbers rows where no other tells customers apart."""


def _numbered(found: Recognised) -> list[str]:
    """A source of the rows with their number; the order of one file does not change."""
    sql = f"SELECT 'row-' || row_number() OVER () AS {ROW}, * FROM {lines.scanned(found.raw, found.raw.paths[0])}"
    return _query(found, sql)


def _query(found: Recognised, sql: str, *further: Recognised) -> list[str]:
    """A source that is a query, with the files that it reads by name. Raises E259 for SQLite, which does not know its words,
    and for tables that no query can read together."""
    source = found.raw.source
    if source.connection or not all(links.is_beside(found.raw, each.raw) for each in further):
        raise HeadwaterError("E259", file=found.raw.title)
    place = [line(6, "connection", f"duckdb://{source.database}")] if source.database else []
    files = {name: written for each in (found, *further) for name, written in lines.reads(each.raw).items()}
    named = [line(6, "reads", None), *(line(8, name, source) for name, source in files.items())] if files else []
    return ["    source:", *place, *commented.block(6, "sql", sql), *named]


def _attribute(column: Column, canonical: str | None, choices: Choices) -> Any:
    if canonical in ("activated_on", "deactivated_on"):
        return forms.time(column, choices.shapes.get(column.name))
    return column.name if canonical else {"from": column.name, "type": column.kind}


def _says_nothing(column: Column) -> bool:
    """The same everywhere, or words of which nearly all are different."""
    return column.distinct < 2 or (not column.is_number and column.distinct > 0.5 * column.rows)


def _subscriptions(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    own: dict[str, Any] = {
        m: _time(found, m, choices) for m in ("valid_from", "valid_to", "contract_end") if m in found.columns
    }
    own |= {"monthly_fee": _money(found, "monthly_fee", choices)} if "monthly_fee" in found.columns else {}
    names = ("customer_id", "valid_from", "plan", "monthly_fee", "valid_to", "contract_end")
    return _described("subscriptions", found, choices, _columns(found, names, choices, own), words)


def _row_key(found: Recognised, by_table: dict[str, Recognised], choices: Choices) -> tuple[Any, str]:
    """The column, or the columns together, that tell the rows of a table apart, and those of one source from another's."""
    own = OWN_KEYS[found.table]
    columns = evidence.row_key(found, own)
    first = by_table[found.table]
    if len(columns) == 1 and found is not first and evidence.collides(found, columns[0], first, own):
        return {"from": columns[0], "prefix": f"{found.raw.called}-"}, choices.why("prefix")
    if len(columns) == 1:
        return columns[0], ""
    return ({"concat": list(columns or found.raw.header)}, choices.why("key" if columns else "no_key"))


def _bills(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    less = found.columns.get("discount") if choices.discount_apart else None
    own: dict[str, Any] = {
        "bill_id": _row_key(found, by_table, choices),
        "amount": _money(found, "amount", choices, less),
    }
    own |= {"due_on": _time(found, "due_on", choices)} if "due_on" in found.columns else {}
    names = ("bill_id", "customer_id", "amount", "due_on")
    kept = () if less is None else (less,)
    kept = (*kept, *evidence.row_key(found, "bill_id"))
    return _section("bills", found, choices, _columns(found, names, choices, own), kept)


def _payments(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    own: dict[str, Any] = {"payment_id": _row_key(found, by_table, choices), "amount": _money(found, "amount", choices)}
    kept: Sequence[str] = ()
    bills = by_table.get("bills")
    key = evidence.row_key(bills, "bill_id") if bills else ()
    if len(key) > 1 and set(key) <= set(found.raw.header):
        own["bill_id"] = ({"concat": list(key)}, choices.why("paid_bill"))
        kept = key
    if state := evidence.failed_states(found):
        own["failed"] = ({"from": state[0], "map": state[1]}, choices.why("failed"))
        kept = (*kept, state[0])
    names = ("payment_id", "customer_id", "bill_id", "amount", "failed")
    return _section("payments", found, choices, _columns(found, names, choices, own), kept)


def _usage(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    known = [m for m in MEASURES if m in found.columns and (m != "voice_minutes" or _are_calls(found))]
    own = {m: forms.measure(m, found.columns[m]) for m in known}
    taken = {"customer_id", "happened_at", "known_at", *own}
    counted = [
        name for name in found.unused if found.raw.columns[name].is_number and not _is_code(found.raw.columns[name])
    ]
    counted += [found.columns[m] for m in MEASURES if m in found.columns and m not in own]
    if not own and not counted:
        return _counted_rows(found, choices, words)
    for column in counted:
        name = forms.identifier(column, taken, "measure")
        own[name] = (column, choices.why("measure"))
        words |= {} if column.isascii() else {name: [name.replace("_", " "), column]}
    return _section("usage", found, choices, _columns(found, ("customer_id", *own), choices, own), counted)


def _counted_rows(found: Recognised, choices: Choices, words: dict[str, list[str]]) -> list[str]:
    """Usage of which nothing is counted but how often: visits, logins and the like."""
    clock = f"happened_at + {_delay(found, choices)}"
    name = forms.identifier(found.raw.source.table or found.raw.paths[0].stem, set(), "times")
    name = name if name in headers.catalogue().tables["usage"] else "times"
    words |= {} if name != "times" else {name: [text("init.measure.times", lang) for lang in ("en", "zh")]}
    columns = {"customer_id": "customer", name: "times"}
    sql = lines.times(found, choices.shapes.get(found.columns["happened_at"]))
    return _derived("usage", found, sql, columns, ("day", clock), choices.why("counted_rows"))


def _are_calls(found: Recognised) -> bool:
    """Are minutes those of calls? Plain ones, beside neither data nor texts, may be of anything."""
    words = set(headers.tokens(found.columns["voice_minutes"]))
    return not words <= {"total", "minutes"} or any(m in found.columns for m in MEASURES[1:])


def _is_code(column: Column) -> bool:
    """Whole numbers that are all different, as of rows, are no measure."""
    return (column.unique and column.whole) or column.kind == "category"


def _complaints(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    own: dict[str, Any] = {"complaint_id": _row_key(found, by_table, choices)}
    own |= {"resolved_at": _time(found, "resolved_at", choices)} if "resolved_at" in found.columns else {}
    if not found.raw.columns.get(found.columns.get("severity", ""), _NO_COLUMN).whole:
        found.columns.pop("severity", None)
    names = ("complaint_id", "customer_id", "topic", "channel", "severity", "resolved_at")
    return _described("complaints", found, choices, _columns(found, names, choices, own), words)


def _contacts(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    own: dict[str, Any] = {"contact_id": _row_key(found, by_table, choices)}
    own |= {"cost": _money(found, "cost", choices)} if "cost" in found.columns else {}
    ways = evidence.directions(found)
    if ways:
        own["direction"] = ({"from": found.columns["direction"], "map": ways}, choices.why("direction"))
    else:
        found.columns.pop("direction", None)
    names = ("contact_id", "customer_id", "channel", "direction", "campaign_id", "arm", "cost")
    arms = evidence.arms(found)
    own |= {"arm": ({"from": found.columns["arm"], "map": arms}, choices.why("arm"))} if arms else {}
    return _described("contacts", found, choices, _columns(found, names, choices, own), words)


def _surveys(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    names = ("response_id", "customer_id", "touchpoint", "item", "score")
    return _section(
        "surveys", found, choices, _columns(found, names, choices, {"response_id": _row_key(found, by_table, choices)})
    )


def _consents(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    column = found.raw.columns[found.columns["allowed"]]
    codes = {value: str(value.lower() in evidence.YES).lower() for value in column.texts}
    own: dict[str, Any] = {"allowed": {"from": column.name, "map": codes}}
    own |= {} if "purpose" in found.columns else {"purpose": ({"value": "marketing"}, choices.why("purpose"))}
    return _section("consents", found, choices, _columns(found, ("customer_id", "purpose", "allowed"), choices, own))


def _permitted(found: Recognised, choices: Choices) -> list[str]:
    """Consents out of a column of customers: no other day is known than that on which they joined."""
    column = found.raw.columns[found.columns.get("allowed") or found.columns["refused"]]
    rows = [
        line(6, "customer_id", found.columns["customer_id"]),
        line(6, "purpose", {"value": "marketing"}, choices.why("purpose")),
        line(6, "allowed", {"from": column.name, "map": evidence.permissions(found)}),
        line(4, "happened_at", _time(found, "activated_on", choices), choices.why("permitted")),
        line(4, "known_at", AT_ONCE),
        line(4, "freshness", {"warn_after": None, "error_after": None}, choices.why("never_stale")),
    ]
    return ["  consents:", *_source(found, choices), "    columns:", *rows]


_NO_COLUMN = Column("", "", 0, 0, 0, ())
Section = Callable[[Recognised, dict[str, Recognised], Choices, dict[str, list[str]]], list[str]]
SECTIONS: dict[str, Section] = {
    "customers": _customers,
    "subscriptions": _subscriptions,
    "bills": _bills,
    "payments": _payments,
    "usage": _usage,
    "complaints": _complaints,
    "contacts": _contacts,
    "surveys": _surveys,
    "consents": _consents,
}


def _derived(
    name: str, found: Recognised, sql: str, columns: dict[str, Any], clocks: tuple[str, str], why: str
) -> list[str]:
    """A table of events that a query gives; `clocks`: happened_at and known_at."""
    rows = [f"  {name}:", comment(4, why), *_query(found, sql), "    columns:"]
    rows += [line(6, key, value) for key, value in columns.items()]
    return rows + [line(4, clock, said) for clock, said in zip(("happened_at", "known_at"), clocks, strict=True)]


def _shape(found: Recognised, choices: Choices) -> str | None:
    return choices.shapes.get(found.columns["happened_at"])


def _derived_customers(sources: Sequence[Recognised], choices: Choices) -> list[str]:
    columns = {"customer_id": "customer", "activated_on": "first_purchase"}
    columns |= {"region": "region"} if "region" in sources[0].columns else {}
    sql = lines.customers(sources, [_shape(found, choices) for found in sources], once=choices.once)
    return [
        "  customers:",
        comment(4, choices.why("derived_customers")),
        *_query(sources[0], sql, *sources[1:]),
        "    columns:",
        *(line(6, key, value) for key, value in columns.items()),
    ]


def _derived_bills(found: Recognised, choices: Choices) -> list[str]:
    columns = {"bill_id": "bill_id", "customer_id": "customer", "amount": "amount"}
    return _derived(
        "bills",
        found,
        lines.bills(found, _shape(found, choices), once=choices.once),
        columns,
        ("bought_at", AT_ONCE),
        choices.why("derived_bills" if choices.once else "derived_bills_each"),
    )


def _derived_usage(found: Recognised, choices: Choices, words: dict[str, list[str]]) -> list[str]:
    measures = lines.measures(found)
    words |= {name: [text(f"init.measure.{name}", lang) for lang in ("en", "zh")] for name in measures}
    columns = {"customer_id": "customer", **{name: name for name in measures}}
    return _derived(
        "usage",
        found,
        lines.usage(found, _shape(found, choices), once=choices.once),
        columns,
        ("day", AT_ONCE),
        choices.why("derived_usage"),
    )
