"""What a folder holds, what only a person can know about it, and the configuration that follows from both."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

from features.errors import HeadwaterError
from pipelines.ingest import months
from pipelines.recognition import evidence, headers, lines, links, rhythm
from pipelines.recognition.choices import Choices
from pipelines.recognition.columns import Column, quoted
from pipelines.recognition.places import place
from pipelines.recognition.questions import Question
from pipelines.recognition.rhythm import Gaps, Plan
from pipelines.recognition.tables import Recognised

Business = Literal["contracts", "purchases", "folds", "months"]
MONTH_HORIZON = 28
"""Days that hold the middle of one month, whichever, and of no other: a month of a series."""
CONTRACT_HORIZON, DELAY = 90, 5
PURCHASES = "first_purchase"
"""The answer that customers joined on the day of their first purchase."""
BOTH = "both"
"""The answer that both of two files of one kind count."""
FEW_LATER = 0.005
"""Share of customers who join only later up to which a column of theirs can be dated on that day: half of what quality allows."""
SELDOM = 0.05
"""Share of the rows of a file that are in another one too up to which both may count without a person's word."""
NONE = "none"
"""The answer that every row counts."""
UNTOLD = frozenset({"", "raw", "data", "csv", "extract", "extracts", "input", "files", "in"})
"""Names of folders that name no business."""
GO_ON = 0.3
"""Share of customers active well after a day, from which on it is not the day on which they left."""
LARGEST_MEDIAN = 1000
"""Whole-numbered money with a larger median may be in hundredths: the same line as `quality.largest_median`."""


@dataclass
class Proposal:
    """What was found, and what was answered.

    Attributes
    ----------
    folder
        Where the files are and the configuration will be.
    found
        Every raw table and what it is.
    lang
        `zh` or `en`.
    answers
        Question -> answer; filled while asking.
    passed
        A column that is called like the day of leaving and is not: its name, and the share of customers who went on after it.
    """

    folder: Path
    found: list[Recognised]
    lang: str
    answers: dict[str, str] = field(default_factory=dict)
    passed: tuple[str, float] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Accounts lead to customers, and a day after which they go on is the end of a contract, whatever it is called."""
        links.follow(self.found)
        customers, events = self.customers, self.events
        if customers and events and "deactivated_on" in customers.columns:
            share = evidence.active_after(customers, "deactivated_on", events[0])
            if share > GO_ON:
                self.passed = (customers.columns["deactivated_on"], share)
                customers.columns["contract_end"] = customers.columns.pop("deactivated_on")

    @property
    def name(self) -> str:
        """Of the project: the folder's, in letters that a path may have."""
        folder = self.folder.resolve()
        named = next((part for part in (folder, *folder.parents) if part.name.lower() not in UNTOLD), folder)
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", named.name).strip("-.")[:64]
        return plain or "project"

    def table(self, name: str) -> Recognised | None:
        """The raw table that is a canonical table, or `lines`, the first of its sources; None where there is none."""
        return next(iter(self.sources(name)), None)

    def sources(self, name: str) -> list[Recognised]:
        """Every raw table that is a canonical table, the longest and most certain first."""
        return sorted((f for f in self.found if f.table == name), key=lambda f: f.repeated is not None)

    @property
    def customers(self) -> Recognised | None:
        return self.table("customers")

    @property
    def permits(self) -> bool:
        """Does a column of customers say who may be contacted? Only where the table itself is used and dates them, and they
        have joined already: what they said is dated on that day."""
        found = self.customers
        if found is None or self.series or self.as_of is None or "activated_on" not in found.columns:
            return False
        return bool(evidence.permissions(found)) and evidence.later(found, "activated_on", self.as_of) < FEW_LATER

    @property
    def money(self) -> Recognised | None:
        """Bills, or the lines that become bills."""
        return self.table("bills") or self.table("lines")

    @property
    def events(self) -> list[Recognised]:
        """Tables of what customers did or paid, the liveliest first."""
        order = ("usage", "bills", "lines", "payments", "complaints", "contacts")
        return [found for name in order if (found := self.table(name))]

    @cached_property
    def guessed_business(self) -> Business:
        """Contracts where somebody's end is dated, purchases where they only pay, folds for one table with a yes or no,
        months for a series of such tables."""
        names = set(self.customers.columns) if self.customers else set()
        if self.series:
            return "contracts" if self.events else "months"
        if "left" in names and not self.events and "deactivated_on" not in names:
            return "folds"
        dated_end = "deactivated_on" in names or (
            {"status", "status_date"} <= names and any(c.left for c in self.codes)
        )
        return "contracts" if dated_end else "purchases"

    @property
    def series(self) -> dict[str, str] | None:
        """Where customers are a series of months with a yes or no: which month a row is of."""
        return self.customers.month if self.customers else None

    @property
    def business(self) -> str:
        return self.answers.get("business", self.guessed_business)

    @cached_property
    def codes(self) -> list[evidence.Code]:
        """Values of the status of customers, with what they did afterwards."""
        if (
            self.customers is None
            or "status" not in self.customers.columns
            or "deactivated_on" in self.customers.columns
        ):
            return []
        return evidence.status_codes(self.customers, self.events)

    @cached_property
    def purchases(self) -> str:
        """SQL that gives `customer` and `day` of everything paid."""
        assert self.money is not None, "asked for where money was found"
        return " UNION ALL ".join(self._purchases_of(found) for found in self.sources(self.money.table))

    def _purchases_of(self, found: Recognised) -> str:
        raw, names = found.raw, found.columns
        at = evidence.moment(raw.columns[names["happened_at"]], self.shape(names["happened_at"]))
        amount = "amount" if "amount" in names else "quantity"
        paid = f"TRY_CAST({quoted(names[amount])} AS DOUBLE) > 0"
        return f"SELECT {evidence.key(names['customer_id'])} AS customer, ({at})::DATE AS day FROM {quoted(raw.name)} WHERE {paid} AND {_somebody(found)}"

    @cached_property
    def gaps(self) -> Gaps:
        """Days between purchases."""
        assert self.money is not None, "asked for where money was found"
        return rhythm.gaps(self.money.raw.con, self.purchases)

    def shape(self, column: str) -> str | None:
        """The shape of dates that was answered for a column."""
        return self.answers.get(f"shape.{column}")

    @cached_property
    def spans(self) -> dict[str, tuple[date, date]]:
        """Table -> days of its oldest and newest event, whichever source has it."""
        known = {
            found.table: [
                days
                for each in self.sources(found.table)
                if (days := evidence.span(each, self.shape(each.columns["happened_at"])))
            ]
            for found in self.events
        }
        return {name: (min(d[0] for d in days), max(d[1] for d in days)) for name, days in known.items() if days}

    @property
    def as_of(self) -> date | None:
        """The day after the newest event of the liveliest table with days, of all of them where that one has one a month; or
        after the newest month of a series. None without any event."""
        if self.business == "months":
            return self._after_newest_month
        dated = [f for f in self.events if f.table in self.spans]
        daily = [f for f in dated if not f.raw.columns[f.columns["happened_at"]].is_month]
        if not dated:
            return None
        liveliest = (daily or dated)[0]
        newest = self.spans[liveliest.table][1]
        if not daily:
            return months.after(newest)
        if evidence.grain(liveliest.raw.con, liveliest) == "month":
            newest = max(self.spans[f.table][1] for f in daily if f.table != "contacts")
        return rhythm.day_after(newest)

    @property
    def _after_newest_month(self) -> date | None:
        """The first day after the newest month of a series."""
        if self.customers is None or not self.series:
            return None
        if "file" in self.series:
            return max(months.after(months.of_file(str(p), self.series["file"])) for p in self.customers.raw.paths)
        raw = self.customers.raw
        at = evidence.moment(raw.columns[self.series["from"]])
        ((newest,),) = raw.con.sql(f"SELECT max({at})::DATE FROM {quoted(raw.name)}").fetchall()
        return months.after(newest)

    @property
    def months(self) -> int:
        """How many months a series has."""
        if self.customers is None or not self.series:
            return 0
        raw = self.customers.raw
        return len(raw.paths) if "file" in self.series else raw.columns[self.series["from"]].distinct

    @property
    def first(self) -> date | None:
        """Day of the oldest bill, or event where there are no bills."""
        known = self.money or (self.events[0] if self.events else None)
        return self.spans[known.table][0] if known and known.table in self.spans else None

    @property
    def delay(self) -> int:
        """Days until what happened is surely known."""
        return 0 if self.business == "purchases" else DELAY

    @property
    def every(self) -> str:
        """Step between the dates that are learnt from: contracts are billed by the month."""
        return "30d" if self.business == "purchases" else "1mo"

    @property
    def proposed(self) -> Plan | None:
        """The horizon that the data propose, and what history allows; None where nothing is dated."""
        if self.as_of is None or self.first is None:
            return None
        wanted = self.gaps.enough if self.business == "purchases" and self.money else CONTRACT_HORIZON
        return rhythm.plan(self.first, self.as_of, wanted, self.delay, self.every)

    @property
    def horizon(self) -> int:
        """Days, as answered or proposed."""
        if self.business == "months":
            return MONTH_HORIZON
        plan = self.proposed
        return int(self.answers.get("horizon") or (plan.horizon if plan else CONTRACT_HORIZON))

    @property
    def plan(self) -> Plan | None:
        """The same with the horizon that was answered."""
        if self.as_of is None or self.first is None:
            return None
        return rhythm.plan(self.first, self.as_of, self.horizon, self.delay, self.every)

    @property
    def bills_are_months(self) -> bool:
        """Is a bill that of a month, or of a day?"""
        bills = self.table("bills")
        return bills is not None and bills.raw.columns[bills.columns["happened_at"]].is_month

    @property
    def bills_seldom(self) -> bool:
        """Do customers pay less often than every other month?"""
        return self.table("bills") is not None and self.gaps.rare

    def choices(self) -> Choices:
        """What a mapping needs of the answers."""
        codes = self.answers.get("left_codes", "")
        minor = {
            key.removeprefix("money."): said == "hundredths"
            for key, said in self.answers.items()
            if key.startswith("money.")
        }
        shapes = {key.removeprefix("shape."): said for key, said in self.answers.items() if key.startswith("shape.")}
        return Choices(
            self.lang, self.answers["currency"], self.answers["timezone"], tuple(c.strip() for c in codes.split(",") if c.strip()), minor,
            self.answers.get("discount") == "apart", shapes, self.business == "folds",
            self.answers.get("activated_on") == PURCHASES, self.business == "purchases",
            self.answers.get("copies") != "each", self.series, self.permits,
        )  # fmt: skip

    def questions(self) -> Iterator[Question]:
        """One after the other: a later one may depend on what was answered."""
        yield from self._of_readings()
        yield from self._of_sources()
        yield from self._of_states()
        yield Question("business", self.guessed_business, self.businesses())
        yield from self._of_joining()
        if self.business == "contracts" and self.codes:
            default = ",".join(code.value for code in self.codes if code.left)
            values = {"codes": self._codes_in_words(), "column": self._status}
            yield Question("left_codes", default or None, (), values, tuple(code.value for code in self.codes))
        if self.proposed and self.business != "folds":
            yield Question("horizon", str(self.proposed.horizon), (), {"has": str(self.proposed.has)})
        yield from self._of_copies()
        yield from self._of_money()
        zone, currency = place(self.found)
        yield Question("currency", currency)
        yield Question("timezone", zone)
        yield self._of_consent()

    def _of_joining(self) -> Iterator[Question]:
        """Customers without a first day: another column that is a date, or the day of their first purchase."""
        found = self.customers
        if found is None or self.business == "folds" or self.series or "activated_on" in found.columns:
            return
        dates = tuple(name for name in found.unused if found.raw.columns[name].is_time)
        purchases = (PURCHASES,) if self.money else ()
        if not dates and not purchases:
            raise HeadwaterError("E257", file=found.raw.title)
        yield Question(
            "activated_on", PURCHASES if purchases else None, (*purchases, *dates), {"file": found.raw.title}
        )
        if self.answers["activated_on"] != PURCHASES:
            found.columns["activated_on"] = self.answers["activated_on"]

    def businesses(self) -> tuple[str, ...]:
        """Those that the tables allow."""
        names = set(self.customers.columns) if self.customers else set()
        able = {
            "contracts": "deactivated_on" in names or {"status", "status_date"} <= names or self.series is not None,
            "purchases": self.money is not None,
            "folds": "left" in names and self.series is None,
            "months": self.series is not None and not self.events,
        }
        return tuple(name for name, is_able in able.items() if is_able)

    @property
    def _status(self) -> str:
        return self.customers.columns["status"] if self.customers else ""

    def _codes_in_words(self) -> str:
        parts = [
            f"{c.value} ({c.customers:,}" + ("" if c.active is None else f", {c.active:.0%}") + ")" for c in self.codes
        ]
        return ", ".join(parts)

    def _of_readings(self) -> Iterator[Question]:
        """Dates with two readings: nobody may guess them."""
        for found in self.found:
            for name, match in found.matches.items():
                column = found.raw.columns[name]
                if match.meaning.kind in ("date", "time") and len(column.shapes) > 1:
                    values = {"column": name, "file": found.raw.title, "example": column.texts[0]}
                    yield Question(f"shape.{name}", None, column.shapes, values)

    def _of_sources(self) -> Iterator[Question]:
        """Two files of one kind: two systems that both count, or one that repeats the other?"""
        for found in [each for each in self.found if each.repeated is not None]:
            first = self.sources(found.table)[0]
            default = BOTH if (found.repeated or 0.0) <= SELDOM else None
            values = {"file": found.raw.title, "first": first.raw.title, "share": f"{found.repeated:.1%}"}
            key = f"source.{Path(found.raw.title).stem}"
            yield Question(key, default, (BOTH, "first"), values)
            if self.answers[key] != BOTH:
                found.table, found.rival, found.repeated = "", found.table, None

    def _of_states(self) -> Iterator[Question]:
        """Purchases that were cancelled, or of which the payment failed: they do not count."""
        for found in self.sources(self.money.table) if self.money else []:
            if state := evidence.void_states(found):
                yield from self._of_state(found, *state)

    def _of_state(self, found: Recognised, name: str, void: Sequence[str]) -> Iterator[Question]:
        texts = found.raw.columns[name].texts
        values = {"column": name, "file": found.raw.title, "values": ", ".join(texts)}
        key = "void" if found is self.money else f"void.{name}"
        yield Question(key, ",".join(void), (), values, (*texts, NONE))
        answer = [said.strip() for said in self.answers[key].split(",")]
        if answer != [NONE]:
            found.raw.leave_out(name, answer)

    def _of_copies(self) -> Iterator[Question]:
        """Lines that are the same in every column: files that overlap, or the same thing bought twice?"""
        found = self.table("lines")
        rows = evidence.copies(found) if found else 0
        if found and rows:
            default = "once" if len(found.raw.paths) > 1 else "each"
            values = {"rows": f"{rows:,}", "share": f"{rows / found.raw.rows:.1%}"}
            yield Question("copies", default, ("once", "each"), values)

    def _of_money(self) -> Iterator[Question]:
        """Whole numbers without a unit, and discounts of which nothing says whether they are taken off."""
        bills, payments = self.table("bills"), self.table("payments")
        for found in self.found:
            for name in (found.columns[m] for m in ("amount", "monthly_fee", "unit_price") if m in found.columns):
                column = found.raw.columns[name]
                if column.whole and (column.middle or 0) > LARGEST_MEDIAN and not headers.unit(name):
                    values = {"column": name, "file": found.raw.title, "example": f"{column.middle:,.0f}"}
                    yield Question(f"money.{name}", None, ("hundredths", "whole"), values)
        if bills and "discount" in bills.columns and not _is_zero(bills.raw.columns[bills.columns["discount"]]):
            said = evidence.discount_is_apart(bills, payments)
            default = None if said is None else "apart" if said else "included"
            values = {"amount": bills.columns["amount"], "discount": bills.columns["discount"]}
            yield Question("discount", default, ("apart", "included"), values)

    def _of_consent(self) -> Question:
        if self.table("consents") or self.permits:
            return Question("consent", "recorded", ("recorded", "nobody", "elsewhere", "not_needed"))
        return Question("consent", "nobody", ("nobody", "elsewhere", "not_needed"))


def _is_zero(column: Column) -> bool:
    """Is it nothing in every row?"""
    return column.distinct < 2 and not column.middle


def _somebody(found: Recognised) -> str:
    """SQL that is true where a row names a customer."""
    name = found.columns["customer_id"]
    words = "".join(
        f" AND lower(trim({quoted(name)}::VARCHAR)) <> '{w.lower()}'" for w in evidence.nobody(found.raw.columns[name])
    )
    return f"{quoted(name)} IS NOT NULL{words}"


def anonymous(found: Recognised) -> float:
    """The share of rows that name no customer."""
    query = f"SELECT 1 - avg(({_somebody(found)})::INT) FROM {quoted(found.raw.name)}"
    return float(found.raw.con.sql(query).fetchall()[0][0] or 0.0)


def measures(proposal: Proposal) -> tuple[str, ...]:
    """Usage measures that the mapping will have when lines of invoices give them."""
    found = proposal.table("lines")
    return lines.measures(found) if found else ()
