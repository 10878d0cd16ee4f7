"""How the tables of a random world are drawn: each maker takes the spine and a generator, and gives a frame."""

import numpy as np
import pandas as pd

DAY = 86_400_000_000
"""Microseconds, in which all draws of time are made."""
Rng = np.random.Generator


def pick(rng: Rng, shares: dict, size: int) -> np.ndarray:
    """One of the keys per row, by its share."""
    weights = np.array(list(shares.values()), float)
    return rng.choice(np.array(list(shares), object), size, p=weights / weights.sum())


def text(rng: Rng, shares: dict, size: int) -> pd.Series:
    """Words, None among them."""
    return pd.Series(pick(rng, shares, size), dtype=object)


def micros(column: pd.Series) -> np.ndarray:
    return column.to_numpy().astype("datetime64[us]").astype("int64")


def instants(values: np.ndarray) -> pd.Series:
    return pd.Series(values.astype("int64").astype("datetime64[us]"))


def who(spine: pd.DataFrame, rng: Rng, most: int) -> pd.DataFrame:
    """The spine row of each event: a quarter of the customers have none."""
    n = np.where(rng.random(len(spine)) < 0.25, 0, rng.integers(1, most + 1, len(spine)))
    return spine.loc[np.repeat(spine.index, n)].reset_index(drop=True)


def moments(own: pd.DataFrame, rng: Rng) -> pd.Series:
    """When events took place: at the cutoff, a microsecond before it, at local midnights, on the day of joining,
    before it, after the cutoff, lately, and any time within three years."""
    size, cut = len(own), micros(own.cutoff)
    joined = micros(own.activated_on) - micros(own.as_of) + cut
    back = rng.integers(0, 1100 * 86_400, size) * 1_000_000
    days = rng.integers(0, 400, size) * DAY
    choices = [
        (0.06, cut),
        (0.04, cut - 1),
        (0.06, cut + rng.integers(0, 60 * 86_400, size) * 1_000_000),
        (0.04, joined),
        (0.04, joined - 1),
        (0.12, cut - days),
        (0.10, cut - days - 1),
        (0.22, cut - rng.integers(0, 40 * 86_400, size) * 1_000_000),
        (0.32, cut - back),
    ]
    return instants(chosen(rng, choices, size))


def chosen(rng: Rng, choices: list[tuple[float, np.ndarray]], size: int) -> np.ndarray:
    which = rng.choice(len(choices), size, p=[share for share, _ in choices])
    return np.choose(which, [values for _, values in choices])


def knowledge(own: pd.DataFrame, happened: np.ndarray, rng: Rng) -> pd.Series:
    """When rows became known: before they happened (plans are booked ahead), at once, days later, at the cutoff, a
    microsecond before it, or long after it."""
    size, cut = len(own), micros(own.cutoff)
    choices = [
        (0.10, happened - rng.integers(1, 20, size) * DAY),
        (0.30, happened),
        (0.35, happened + rng.integers(0, 10 * 86_400, size) * 1_000_000),
        (0.08, np.maximum(cut, happened)),
        (0.05, np.maximum(cut - 1, happened)),
        (0.12, np.maximum(cut, happened) + rng.integers(0, 30, size) * DAY),
    ]
    return instants(chosen(rng, choices, size))


def drawn(spine: pd.DataFrame, rng: Rng, most: int, key: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spine rows, and events with their customer, a key of their own and both clocks."""
    own = who(spine, rng, most)
    happened = moments(own, rng)
    number = own.groupby("customer_id").cumcount().astype(str)
    return own, pd.DataFrame(
        {
            "customer_id": own.customer_id,
            key: key[0].upper() + own.customer_id + "-" + number,
            "happened_at": happened,
            "known_at": knowledge(own, micros(happened), rng),
        }
    )


def versions(rows: pd.DataFrame, rng: Rng, column: str, values: np.ndarray) -> pd.DataFrame:
    """A tenth of the rows is corrected later: the first version is superseded when the second becomes known."""
    again = rng.random(len(rows)) < 0.1
    delay = rng.integers(0, 60 * 86_400, len(rows)) * 1_000_000 + 1
    second = instants(micros(rows.known_at) + delay)
    first = rows.assign(superseded_at=second.where(again, pd.NaT))
    later = rows[again].assign(superseded_at=pd.NaT, known_at=second[again], **{column: values[again]})
    return pd.concat([first, later.astype({"superseded_at": "datetime64[us]"})], ignore_index=True)


def cents(rng: Rng, size: int) -> np.ndarray:
    """Money in hundredths: nothing, always the same, or anything."""
    return chosen(
        rng, [(0.15, np.zeros(size, int)), (0.35, np.full(size, 5900)), (0.5, rng.integers(1, 30000, size))], size
    )


def signed(rng: Rng, cents: np.ndarray) -> np.ndarray:
    """The same money, of which some was given back; for a few, more of it than was ever billed."""
    return np.where(rng.random(len(cents)) < 0.12, -cents * rng.integers(1, 4, len(cents)), cents)


def on(days: np.ndarray, share_null: float, rng: Rng) -> pd.Series:
    """Dates (microseconds since 1970 in, whole days out), some of them unknown."""
    dates = pd.Series((days // DAY).astype("datetime64[D]").astype("datetime64[us]"))
    return dates.mask(rng.random(len(days)) < share_null)


def customers(spine: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """With us on their as-of date; some leave on it or later. Up to three who see the same day share an account."""
    size = len(spine)
    first = np.arange(size) // 3 * 3
    beside = spine.as_of.to_numpy() == spine.as_of.to_numpy()[first]
    account = pd.Series(np.where(beside & (rng.random(size) < 0.8), first, np.arange(size)))
    return pd.DataFrame(
        {
            "customer_id": spine.customer_id,
            "activated_on": spine.activated_on,
            "deactivated_on": on(micros(spine.as_of) + rng.integers(0, 90, size) * DAY, 0.6, rng),
            "left_reason": text(rng, {"voluntary": 3, "dunning": 1, None: 1}, size),
            "customer_type": text(rng, {"personal": 6, "group": 3, None: 1}, size),
            "group_size": text(rng, {"large": 1, "small": 2, None: 7}, size),
            "account_id": ("A" + account.astype(str)).mask(rng.random(size) < 0.15),
            "region": text(rng, {"north": 4, "south": 4, None: 2}, size),
            "kids": text(rng, {"none": 2, "some": 1, None: 1}, size),
            "age": pd.to_numeric(text(rng, {"35": 2, "70.5": 1, None: 1}, size)),
            "born_on": on(micros(spine.as_of) - rng.integers(18 * 365, 90 * 365, size) * DAY, 0.3, rng),
            "promised_on": on(micros(spine.as_of) + rng.integers(-400, 400, size) * DAY, 0.3, rng),
            "paperless": text(rng, {True: 2, False: 2, None: 1}, size),
        }
    )


def former(customers: pd.DataFrame, spine: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """More members of the accounts: most left before the date that the others see, the rest never use anything."""
    mates = customers[customers.account_id.notna()].sample(frac=0.3, replace=True, random_state=int(rng.integers(99)))
    size, as_of = len(mates), micros(spine.as_of.loc[mates.index])
    ago = pick(rng, {1: 1, 2: 1, 90: 1, 91: 1, 180: 1, 181: 1, 400: 1}, size).astype(int)
    columns = {
        "customer_id": [f"F{number:06d}" for number in range(size)],
        "activated_on": on(as_of - (ago + rng.integers(0, 900, size)) * DAY, 0.0, rng).to_numpy(),
        "deactivated_on": on(as_of - ago * DAY, 0.15, rng).to_numpy(),
    }
    return mates.assign(**columns)


def bills(spine: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Any number a month; half are dated to the first instant of a month and known five days later."""
    own, rows = drawn(spine, rng, 14, "bill_id")
    ahead = micros(own.as_of) - micros(own.cutoff)
    local = instants(micros(rows.happened_at) + ahead).to_numpy()
    closed = local.astype("datetime64[M]").astype("datetime64[us]").astype("int64") - ahead
    monthly = pd.Series(rng.random(len(rows)) < 0.5)
    rows["happened_at"] = rows.happened_at.mask(monthly, instants(closed))
    rows["known_at"] = rows.known_at.mask(monthly, instants(closed + 5 * DAY))
    rows["amount"] = signed(rng, cents(rng, len(rows)))
    rows["rent"] = pd.Series(signed(rng, cents(rng, len(rows))), dtype="Int64").mask(rng.random(len(rows)) < 0.2)
    never = own.customer_id.str[-1].isin(["3", "7"])  # whole customers without due dates, and single bills
    due = on(micros(rows.happened_at) + ahead + rng.integers(-2, 40, len(rows)) * DAY, 0.15, rng)
    rows["due_on"] = due.mask(never)
    return versions(rows, rng, "amount", cents(rng, len(rows)))


def payments(spine: pd.DataFrame, rng: Rng, bills: pd.DataFrame) -> pd.DataFrame:
    """All of a bill, half of it, too much, or for no bill that we know."""
    own, rows = drawn(spine, rng, 12, "payment_id")
    number = rng.integers(0, 8, len(rows)).astype(str)
    bill = "B" + own.customer_id + "-" + number
    rows["bill_id"] = bill.mask(rng.random(len(rows)) < 0.15)
    owed = bill.map(bills.drop_duplicates("bill_id").set_index("bill_id").amount).fillna(5900).astype(int)
    rows["amount"] = (owed * pick(rng, {2: 6, 1: 2, 3: 1, -1: 1}, len(rows)).astype(int)) // 2
    silent = own.customer_id.str[-1].isin(["4", "8"])  # whole customers whose payments never say whether they failed
    rows["failed"] = text(rng, {False: 6, True: 2, None: 1}, len(rows)).mask(silent, None)
    return versions(rows, rng, "amount", cents(rng, len(rows)))


def usage(spine: pd.DataFrame, rng: Rng, measures: tuple[str, ...]) -> pd.DataFrame:
    """One row per customer and instant; a measure may be nothing, or not recorded."""
    _, rows = drawn(spine, rng, 20, "usage_id")
    for measure in measures:
        amount = chosen(rng, [(0.25, np.zeros(len(rows))), (0.75, rng.integers(1, 99999, len(rows)) / 100)], len(rows))
        rows[measure] = pd.Series(amount).mask(rng.random(len(rows)) < 0.05)
    return rows.drop(columns="usage_id").drop_duplicates(["customer_id", "happened_at"], ignore_index=True)


def complaints(spine: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Solved at once, later, at the cutoff, after it, or never."""
    own, rows = drawn(spine, rng, 6, "complaint_id")
    size, happened, cut = len(rows), micros(rows.happened_at), micros(own.cutoff)
    solved = [
        (0.5, happened + rng.integers(0, 30 * 86_400, size) * 1_000_000),
        (0.2, np.maximum(cut, happened)),
        (0.1, np.maximum(cut - 1, happened)),
        (0.2, np.maximum(cut, happened) + rng.integers(0, 20, size) * DAY),
    ]
    rows["resolved_at"] = instants(chosen(rng, solved, size)).mask(rng.random(size) < 0.3)
    rows["topic"] = text(rng, {"billing": 3, "network": 2, "service": 1, None: 1}, size)
    rows["channel"] = text(rng, {"hotline": 3, "shop": 1, None: 1}, size)
    rows["severity"] = pd.array(pick(rng, {1: 2, 2: 2, 3: 1, pd.NA: 1}, size), "Int64")
    return versions(rows, rng, "topic", text(rng, {"billing": 1, "network": 1}, size).to_numpy())


def described(rows: pd.DataFrame, said: tuple) -> pd.Series:
    """Words that are told in turn, None among them, and never of one customer in five."""
    turns = pd.Series(np.array(said, object)[np.arange(len(rows)) % len(said)], dtype=object)
    return turns.mask(rows.customer_id.str[-1].isin(["2", "6"]), None)


def contacts(spine: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    _, rows = drawn(spine, rng, 6, "contact_id")
    size = len(rows)
    return rows.assign(
        channel=text(rng, {"call": 3, "sms": 2, None: 1}, size),
        direction=text(rng, {"inbound": 2, "outbound": 2, None: 1}, size),
        campaign_id=text(rng, {"M1": 1, None: 2}, size),
        arm=text(rng, {"treated": 2, "control": 1, None: 2}, size),
        cost=cents(rng, size),
        reason=described(rows, ("price", "bad network", "moving", None, "price")),
    )


def surveys(spine: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    _, rows = drawn(spine, rng, 4, "response_id")
    size = len(rows)
    rows["touchpoint"] = text(rng, {"hotline": 1, "app": 1}, size)
    rows["item"] = text(rng, {"overall": 1, "speed": 1}, size)
    rows["score"] = rng.integers(1, 6, size)
    return versions(rows, rng, "score", rng.integers(1, 6, size))


def subscriptions(spine: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Plans without a fee or a contract, plans that ended on the as-of date, around it or long ago."""
    own, rows = drawn(spine, rng, 4, "subscription_id")
    size, as_of = len(rows), micros(own.as_of)
    starts = micros(rows.happened_at) + as_of - micros(own.cutoff)
    rows["valid_from"] = on(starts, 0.0, rng)
    ends = chosen(rng, [(0.7, starts + rng.integers(1, 500, size) * DAY), (0.3, as_of)], size)
    rows["valid_to"] = on(np.maximum(ends, starts), 0.6, rng)
    rows["plan"] = text(rng, {"P10": 1, "P50": 2, "P90": 1}, size)
    rows["monthly_fee"] = pd.Series(cents(rng, size)).astype("Int64").mask(rng.random(size) < 0.2)
    rows["contract_end"] = on(starts + rng.integers(0, 800, size) * DAY, 0.4, rng)
    rows = rows.drop(columns=["happened_at", "subscription_id"]).drop_duplicates(["customer_id", "valid_from"])
    rows = rows.reset_index(drop=True)
    rows["sold_by"] = described(rows, ("shop", "web", None))
    return versions(rows, rng, "plan", text(rng, {"P10": 1, "P90": 1}, len(rows)).to_numpy())
