"""What the values of several tables tell together: who has left, what makes a bill one, whether a discount is taken off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import duckdb

from pipelines.recognition import headers
from pipelines.recognition.columns import Column, quoted
from pipelines.recognition.raw_tables import RawTable
from pipelines.recognition.tables import Recognised, contained

LEFT_WORDS = (
    "left", "churn", "cancel", "close", "terminat", "inactive", "deactivat", "disconnect", "lapse", "exited", "ended", "gekündigt", "kuendigt", "beendet", "inaktiv", "ausgetreten",
    "离网", "销户", "拆机", "注销", "退网", "流失", "退订", "销号", "解约", "退保",
)  # fmt: skip
"""Words in codes that say that somebody has left."""
VOID_WORDS = (
    "cancel", "void", "draft", "declin", "reject", "fail", "abandon", "storn", "abgelehnt",
    "作废", "取消", "失败", "无效",
)  # fmt: skip
"""Words in the states of purchases that say that nobody paid."""
BACK_WORDS = ("refund", "return", "chargeback", "revers", "erstattet", "退款", "退货")
"""Words that say that it was given back: where no row of theirs is below zero, that is all that tells it."""
STATES = frozenset({"status", "state", "状态"})
MOST_STATES = 30
OUTBOUND_WORDS, INBOUND_WORDS = ("out", "呼出", "外呼", "主动"), ("in", "呼入", "来电")
NOBODY = ("0", "0.0", "-1", "unknown", "guest", "anonymous", "none", "cash", "walk-in")
"""What stands in the place of a customer where nobody is known."""
YES = frozenset(
    {"y", "yes", "true", "t", "1", "ja", "是", "有", "同意", "agree", "granted", "attrited customer", "churned"}
)
"""What yes is written as, in small letters."""
ENTIRE = 0.9995
"""Share of the rows that a key must tell apart: copies of rows are no different rows."""


def moment(column: Column, shape: str | None = None, *, strict: bool = False) -> str:
    """SQL for a time in a column.

    Parameters
    ----------
    column
        The raw one.
    shape
        Goes first where there are several readings.
    strict
        What is no time is an error instead of null.
    """
    text = f"nullif(trim({quoted(column.name)}::VARCHAR), '')"
    chosen, attempt = shape or next(iter(column.shapes), "iso"), "" if strict else "TRY_"
    if column.type.startswith(("DATE", "TIMESTAMP")):
        return f"{quoted(column.name)}::TIMESTAMP"
    if chosen == "iso":
        return f"{attempt}CAST({text} AS TIMESTAMP)"
    if chosen.startswith("epoch"):
        factor = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}[chosen]
        return f"make_timestamp({attempt}CAST({text} AS BIGINT) * {factor})"
    return f"{attempt.lower()}strptime({text}, '{chosen}')"


def key(name: str) -> str:
    """SQL for a key as text: a whole number that is stored with a point has none."""
    return f"regexp_replace(trim({quoted(name)}::VARCHAR), '\\.0+$', '')"


def span(found: Recognised, shape: str | None = None) -> tuple[date, date] | None:
    """Days of the oldest and the newest event that is not from a far future; None where no time can be read."""
    at = moment(found.raw.columns[found.columns["happened_at"]], shape)
    query = f"SELECT quantile_disc(t, 0.0005)::DATE, quantile_disc(t, 0.9999)::DATE FROM (SELECT {at} AS t FROM {quoted(found.raw.name)}) WHERE t < DATE '2200-01-01'"
    first, last = found.raw.con.sql(query).fetchall()[0]
    return (first, last) if first else None


@dataclass(frozen=True)
class Code:
    """A value of a status: how many have it, and the share of them that went on using or paying after its date."""

    value: str
    customers: int
    active: float | None
    left: bool


def status_codes(customers: Recognised, events: Sequence[Recognised]) -> list[Code]:
    """Which values of the status say that somebody has left: by their words, else because hardly anybody was active later.

    Parameters
    ----------
    customers
        With `status` among its columns.
    events
        Tables of what customers did or paid.
    """
    raw, status = customers.raw, customers.columns["status"]
    values = [value for value in raw.columns[status].texts if value][:30]
    active = _active_later(customers, events) if events and "status_date" in customers.columns else {}
    counts = dict(
        raw.con.sql(f"SELECT trim({quoted(status)}::VARCHAR), count(*) FROM {quoted(raw.name)} GROUP BY 1").fetchall()
    )
    worded = [value for value in values if any(word in value.lower() for word in LEFT_WORDS)]
    quiet = [value for value in values if value in active and active[value] < 0.1 and counts.get(value, 0) >= 5]
    busy = [value for value in values if active.get(value, 0) > 0.5]
    left = worded or (quiet if busy else [])
    return [Code(value, counts.get(value, 0), active.get(value), value in left) for value in values]


def _active_later(customers: Recognised, events: Sequence[Recognised]) -> dict[str, float]:
    """Status -> share of its customers with an event in the last tenth of the data or after the date of their status."""
    raw, names = customers.raw, customers.columns
    event = events[0]
    at = moment(event.raw.columns[event.columns["happened_at"]])
    since = moment(raw.columns[names["status_date"]])
    query = f"""
        WITH newest AS (SELECT {key(event.columns["customer_id"])} AS k, max({at}) AS t FROM {quoted(event.raw.name)} GROUP BY 1),
        ends AS (SELECT max(t) AS latest FROM newest)
        SELECT trim({quoted(names["status"])}::VARCHAR), avg((coalesce(t > since + INTERVAL 35 DAY OR t > latest - INTERVAL 35 DAY, false))::INT)
        FROM (SELECT *, {key(names["customer_id"])} AS k, {since} AS since FROM {quoted(raw.name)}) LEFT JOIN newest USING (k), ends
        WHERE since < latest - INTERVAL 70 DAY OR since IS NULL GROUP BY 1"""
    return {code: float(share) for code, share in raw.con.sql(query).fetchall() if code is not None}


def active_after(customers: Recognised, meaning: str, event: Recognised) -> float:
    """Of the customers whose day of a meaning is long past, the share with an event more than 35 days after it; 0 for none."""
    raw, names = customers.raw, customers.columns
    at, ended = moment(event.raw.columns[event.columns["happened_at"]]), moment(raw.columns[names[meaning]])
    query = f"""
        WITH newest AS (SELECT {key(event.columns["customer_id"])} AS k, max({at}) AS t FROM {quoted(event.raw.name)} GROUP BY 1)
        SELECT avg((coalesce(t > ended + INTERVAL 35 DAY, false))::INT)
        FROM (SELECT {key(names["customer_id"])} AS k, {ended} AS ended FROM {quoted(raw.name)}) LEFT JOIN newest USING (k)
        WHERE ended < (SELECT max(t) FROM newest) - INTERVAL 70 DAY"""
    return float(raw.con.sql(query).fetchall()[0][0] or 0.0)


def void_states(found: Recognised) -> tuple[str, tuple[str, ...]] | None:
    """The column with the state of purchases, and its values that say that nobody paid; None where there is none."""
    for column in _states(found):
        back = [text for text in _worded(column, BACK_WORDS) if not _is_taken_off(found, column.name, text)]
        if void := (*_worded(column, VOID_WORDS), *back):
            return column.name, void
    return None


def failed_states(found: Recognised) -> tuple[str, dict[str, str]] | None:
    """The column with the state of payments, and whether the money did not come by each value, as true or false; None
    where no value says that it did not."""
    for column in _states(found):
        if failed := set(_worded(column, VOID_WORDS)):
            return column.name, {text: str(text in failed).lower() for text in column.texts}
    return None


def _states(found: Recognised) -> Iterator[Column]:
    """The columns of few values, not yet put to use, that are called a state."""
    for name in found.unused:
        if is_state(name) and found.raw.columns[name].distinct <= MOST_STATES:
            yield found.raw.columns[name]


def is_state(name: str) -> bool:
    """Does the name of a column say that it holds a state, which may change later?"""
    return bool(STATES & set(headers.tokens(name))) or name.endswith("状态")


def _worded(column: Column, words: Sequence[str]) -> list[str]:
    return [text for text in column.texts if any(word in text.lower() for word in words)]


def _is_taken_off(found: Recognised, state: str, value: str) -> bool:
    """Has a row in this state an amount, or a quantity, below zero?"""
    amount = quoted(found.columns.get("amount") or found.columns["quantity"])
    query = f"SELECT bool_or(TRY_CAST({amount} AS DOUBLE) < 0) FROM {quoted(found.raw.name)} WHERE trim({quoted(state)}::VARCHAR) = ?"
    return bool(found.raw.con.sql(query, params=[value]).fetchall()[0][0])


def row_key(found: Recognised, own: str) -> tuple[str, ...]:
    """The fewest columns that tell the rows of a table apart; empty where none do.

    Parameters
    ----------
    found
        The table.
    own
        The meaning of its key, which is enough where it is there and unique.
    """
    raw, names = found.raw, found.columns
    rows = _distinct(raw, raw.header)
    single = names.get(own) or names.get("row_id")
    if single and _distinct(raw, (single,)) >= ENTIRE * rows:
        return (single,)
    fixed = tuple(names[name] for name in ("customer_id", "happened_at") if name in names)
    return next((chosen for chosen in _choices(found, fixed) if _distinct(raw, chosen) >= ENTIRE * rows), ())


def collides(found: Recognised, column: str, first: Recognised, own: str) -> bool:
    """Do two systems number alike? Their numbers are the same more often than their rows are."""
    theirs = row_key(first, own)
    return len(theirs) == 1 and contained(found.raw, column, first.raw, theirs[0]) > (found.repeated or 0.0)


def _choices(found: Recognised, fixed: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Customer and time, then with one and with two more columns, those with few values first; amounts last."""
    raw = found.raw
    others = [name for name in raw.header if name not in fixed and raw.columns[name].distinct > 1]
    others.sort(key=lambda name: (raw.columns[name].is_number, raw.columns[name].distinct))
    for size in (0, 1, 2):
        yield from (fixed + extra for extra in combinations(others[:6], size))


def _distinct(raw: RawTable, columns: Sequence[str]) -> int:
    inside = ", ".join(quoted(name) for name in columns)
    return int(raw.con.sql(f"SELECT count(*) FROM (SELECT DISTINCT {inside} FROM {quoted(raw.name)})").fetchall()[0][0])


def discount_is_apart(bills: Recognised, payments: Recognised | None) -> bool | None:
    """Is the discount still to be taken off the amount? As most payments say; None where they say nothing."""
    if payments is None or not {"amount", "discount"} <= bills.columns.keys():
        return None
    shared = [
        n
        for n in bills.raw.header
        if n in payments.raw.header and n not in (bills.columns["amount"], payments.columns["amount"])
    ]
    if bills.columns["customer_id"] not in shared or len(shared) < 2:
        return None
    amount, discount, paid = (
        f"TRY_CAST({quoted(n)} AS DOUBLE)"
        for n in (bills.columns["amount"], bills.columns["discount"], payments.columns["amount"])
    )
    on = ", ".join(quoted(name) for name in shared)
    query = f"""
        SELECT avg((abs(p.paid - b.gross) < 0.005)::INT), avg((abs(p.paid - b.gross + b.off) < 0.005)::INT), count(*)
        FROM (SELECT {on}, {amount} AS gross, {discount} AS off FROM {quoted(bills.raw.name)}) b
        JOIN (SELECT {on}, {paid} AS paid FROM {quoted(payments.raw.name)}) p USING ({on}) WHERE b.off <> 0"""
    gross, net, rows = bills.raw.con.sql(query).fetchall()[0]
    if not rows or max(gross, net) < 0.3:
        return None
    return bool(net > gross)


def directions(contacts: Recognised) -> dict[str, str]:
    """Value -> inbound or outbound, by its words, or because campaigns go out; empty where neither tells."""
    if "direction" not in contacts.columns:
        return {}
    column = contacts.raw.columns[contacts.columns["direction"]]
    if len(column.texts) > 4:
        return {}
    worded = {text: _direction(text) for text in column.texts}
    if all(worded.values()):
        return {text: str(word) for text, word in worded.items()}
    return _directions_of_campaigns(contacts, column)


def _direction(text: str) -> str | None:
    low = text.lower()
    return (
        "outbound"
        if any(word in low for word in OUTBOUND_WORDS)
        else "inbound"
        if any(low.startswith(w) for w in INBOUND_WORDS)
        else None
    )


def _directions_of_campaigns(contacts: Recognised, column: Column) -> dict[str, str]:
    if "campaign_id" not in contacts.columns or len(column.texts) != 2:
        return {}
    campaign = quoted(contacts.columns["campaign_id"])
    query = f"SELECT trim({quoted(column.name)}::VARCHAR), count({campaign}) FROM {quoted(contacts.raw.name)} GROUP BY 1 ORDER BY 2 DESC"
    counts = [(value, n) for value, n in contacts.raw.con.sql(query).fetchall() if value in column.texts]
    if len(counts) != 2 or counts[1][1] > 0.01 * counts[0][1]:
        return {}
    return {counts[0][0]: "outbound", counts[1][0]: "inbound"}


def arms(contacts: Recognised) -> dict[str, str]:
    """Value -> treated or control, by its words or first letters; empty where they do not tell."""
    column = contacts.raw.columns.get(contacts.columns.get("arm", ""))
    if column is None or len(column.texts) != 2:
        return {}
    known = {"t": "treated", "c": "control", "实": "treated", "对": "control", "处": "treated"}
    told = {text: known.get(text[:1].lower()) for text in column.texts}
    return {text: str(arm) for text, arm in told.items()} if None not in told.values() else {}


def nobody(column: Column) -> tuple[str, ...]:
    """Values that stand for no customer at all: frequent, and such as people write for that."""
    return tuple(text for text in column.texts[:3] if text.lower() in NOBODY)


def grain(con: duckdb.DuckDBPyConnection, found: Recognised) -> str:
    """`day`, `week` or `month`: what lies most often between two rows of a customer."""
    at = moment(found.raw.columns[found.columns["happened_at"]])
    query = f"""
        SELECT median(gap) FROM (SELECT day - lag(day) OVER (PARTITION BY k ORDER BY day) AS gap
        FROM (SELECT DISTINCT {key(found.columns["customer_id"])} AS k, ({at})::DATE AS day FROM {quoted(found.raw.name)})) WHERE gap > 0"""
    gap = float(con.sql(query).fetchall()[0][0] or 1)
    days = con.sql(f"SELECT count(DISTINCT ({at})::DATE) FROM {quoted(found.raw.name)}").fetchall()[0][0]
    first_last = span(found)
    rhythm = (first_last[1] - first_last[0]).days / max(1, days - 1) if first_last else 1
    steady = min(gap, rhythm)
    return "month" if steady >= 25 else "week" if steady >= 5 else "day"


def is_minor(column: str) -> bool:
    """Does its name say that money is in hundredths?"""
    return headers.unit(column) == "fen"


def returned(found: Recognised) -> float:
    """The share of rows with an amount, or a quantity, below zero."""
    column = found.columns.get("amount") or found.columns["quantity"]
    query = f"SELECT avg((TRY_CAST({quoted(column)} AS DOUBLE) < 0)::INT) FROM {quoted(found.raw.name)}"
    return float(found.raw.con.sql(query).fetchall()[0][0] or 0.0)


def permissions(customers: Recognised) -> dict[str, str]:
    """Value -> may they be contacted, as true or false, of the column of customers that says so; empty where none does."""
    said = next((meaning for meaning in ("allowed", "refused") if meaning in customers.columns), None)
    if said is None:
        return {}
    texts = customers.raw.columns[customers.columns[said]].texts
    return {text: str((text.lower() in YES) == (said == "allowed")).lower() for text in texts}


def later(found: Recognised, meaning: str, day: date) -> float:
    """The share of rows whose date of a meaning is after a day."""
    at = moment(found.raw.columns[found.columns[meaning]])
    query = f"SELECT avg((coalesce({at} > DATE '{day}', false))::INT) FROM {quoted(found.raw.name)}"
    return float(found.raw.con.sql(query).fetchall()[0][0] or 0.0)


def yes_share(customers: Recognised) -> float:
    """The share of customers whose answer is yes."""
    column = quoted(customers.columns["left"])
    words = ", ".join(f"'{word}'" for word in sorted(YES))
    query = f"SELECT avg((lower(trim({column}::VARCHAR)) IN ({words}))::INT) FROM {quoted(customers.raw.name)}"
    return float(customers.raw.con.sql(query).fetchall()[0][0] or 0.0)


def copies(found: Recognised) -> int:
    """Rows that are exact copies of another row."""
    return found.raw.rows - _distinct(found.raw, found.raw.header)
