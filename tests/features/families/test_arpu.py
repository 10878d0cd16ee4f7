"""Worked examples: each bill is dated to the first instant after its month (billed in arrears), known five days later."""

import ibis

from features.settings import FeatureSettings
from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on
    rising      | 2020-01-01
    halves      | 2020-01-01
    young       | 2024-05-20
    month old   | 2024-06-10
    never       | 2020-01-01
    new         | 2024-07-03
"""
BILLS = """
    customer_id | happened_at | known_at   | amount
    rising      | 2024-02-01  | 2024-02-06 | 10
    rising      | 2024-03-01  | 2024-03-06 | 20
    rising      | 2024-04-01  | 2024-04-06 | 30
    rising      | 2024-05-01  | 2024-05-06 | 40
    rising      | 2024-06-01  | 2024-06-06 | 50
    rising      | 2024-07-01  | 2024-07-06 | 60
    halves      | 2024-01-20  | 2024-02-06 | 5
    halves      | 2024-02-01  | 2024-02-06 | 5
    halves      | 2024-02-20  | 2024-03-06 | 10
    halves      | 2024-03-01  | 2024-03-06 | 10
    halves      | 2024-03-20  | 2024-04-06 | 15
    halves      | 2024-04-01  | 2024-04-06 | 15
    halves      | 2024-04-20  | 2024-05-06 | 20
    halves      | 2024-05-01  | 2024-05-06 | 20
    halves      | 2024-05-20  | 2024-06-06 | 25
    halves      | 2024-06-01  | 2024-06-06 | 25
    halves      | 2024-06-20  | 2024-07-06 | 30
    halves      | 2024-07-01  | 2024-07-06 | 30
    young       | 2024-06-01  | 2024-06-06 | 20
    young       | 2024-07-01  | 2024-07-06 | 50
    month old   | 2024-07-01  | 2024-07-06 | 30
"""


def test_level_ratio_and_slope(con: ibis.BaseBackend):
    expected = """
        customer_id | seen on    | arpu_3m | arpu_6m | arpu_ratio_3m | arpu_slope_6m | months_known
        rising      | 2024-07-10 | 50      | 35      | 50/20         | 10            | 54
        rising      | 2024-07-06 | 40      | 25      | 40/10         | 10            | 53
        halves      | 2024-07-10 | 50      | 35      | 50/20         | 10            | 54
        young       | 2024-07-10 | 35      | 35      | null          | 30            | 2
        month old   | 2024-07-10 | 30      | 30      | null          | null          | 1
        never       | 2024-07-10 | 0       | 0       | null          | 0             | 54
        new         | 2024-07-15 | null    | null    | null          | null          | 0
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS)


def test_a_month_counts_once_its_bills_must_be_known(con: ibis.BaseBackend):
    """June is closed on 7 July: its bills are dated 1 July and known by the 6th."""
    expected = """
        customer_id | seen on    | arpu_1m | bill_count_3m
        rising      | 2024-07-01 | 50      | 3
        rising      | 2024-07-06 | 50      | 3
        rising      | 2024-07-07 | 60      | 3
        halves      | 2024-07-07 | 60      | 6
        rising      | 2024-08-06 | 60      | 3
        rising      | 2024-08-07 | 0       | 2
    """
    expect(con, expected, FeatureSettings(settle_days=0), customers=CUSTOMERS, bills=BILLS)


def test_a_usual_bill_that_has_not_come_is_unknown_until_its_month_settles(con: ibis.BaseBackend):
    """July ends on 1 August, and 62 days later, on 2 October, what has not come is none. Never billed is nothing."""
    expected = """
        customer_id | seen on    | arpu_1m | arpu_3m | bills_awaited | months_known | arpu_slope_6m
        rising      | 2024-08-06 | 60      | 50      | 0             | 54           | 10
        rising      | 2024-08-07 | 60      | 50      | 1             | 54           | 10
        rising      | 2024-10-01 | 60      | 50      | 2             | 54           | 10
        rising      | 2024-10-02 | 0       | 20      | 0             | 56           | -52/7
        month old   | 2024-08-07 | 30      | 30      | 1             | 1            | null
        never       | 2024-08-07 | 0       | 0       | 0             | 55           | 0
        new         | 2024-08-15 | 0       | 0       | 0             | 1            | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS)


def test_bills_by_the_year_and_the_quarter_are_awaited_in_their_month(con: ibis.BaseBackend):
    """The bill for June comes on 1 July: that of the policy is late, and so is that of the quarter; nobody else waits."""
    rows = ["yearly | 2023-07-01 | 120", "stopped | 2023-06-01 | 120"]
    rows += [f"quarterly | {day} | 30" for day in ("2023-10-01", "2024-01-01", "2024-04-01")]
    rows += [f"wild | {day} | 30" for day in ("2023-10-01", "2024-01-01", "2024-03-01", "2024-04-01")]
    customers = "customer_id | activated_on\n" + "\n".join(
        f"{c} | 2020-01-01" for c in ("yearly", "stopped", "quarterly", "wild")
    )
    expected = """
        customer_id | seen on    | arpu_12m | bills_awaited
        yearly      | 2024-07-10 | 10       | 1
        yearly      | 2024-08-31 | 10       | 2
        yearly      | 2024-09-01 | 0        | 0
        stopped     | 2024-07-10 | 10       | 2
        stopped     | 2024-08-01 | 10       | 2
        quarterly   | 2024-07-10 | 30/4     | 1
        wild        | 2024-07-10 | 10       | 0
    """
    bills = "customer_id | happened_at | amount\n" + "\n".join(rows)
    expect(con, expected, customers=customers, bills=bills)


def test_what_is_known_ends_before_a_bill_that_is_late(con: ibis.BaseBackend):
    """Of a gap, the month after it is left out too; a customer who skips months is not waited for; a credit is no bill;
    and a bill that is withdrawn until its correction comes is awaited as a late one is."""
    rows = [
        *[f"gap | 2024-{m:02d}-01 | 2024-{m:02d}-05 | 50 | null" for m in (1, 2, 3, 4, 5, 7)],
        *[f"skips | 2024-{m:02d}-01 | 2024-{m:02d}-05 | 50 | null" for m in (1, 3, 5)],
        *[f"credited | 2024-{m:02d}-01 | 2024-{m:02d}-05 | 50 | null" for m in (3, 4, 5, 6)],
        "credited | 2024-07-01 | 2024-07-05 | -5 | null",
        *[f"corrected | 2024-{m:02d}-01 | 2024-{m:02d}-05 | 50 | null" for m in (3, 4, 5, 6)],
        "corrected | 2024-07-01 | 2024-07-05 | 90 | 2024-07-06",
        "corrected | 2024-07-01 | 2024-07-20 | 40 | null",
    ]
    customers = "customer_id | activated_on\n" + "\n".join(
        f"{c} | 2020-01-01" for c in ("gap", "skips", "credited", "corrected")
    )
    expected = """
        customer_id | seen on    | arpu_1m | arpu_3m | bills_awaited | unbilled_share_3m
        gap         | 2024-07-10 | 50      | 50      | 2             | 0
        gap         | 2024-08-01 | 50      | 50      | 2             | 0
        gap         | 2024-08-02 | 50      | 100/3   | 0             | 1/3
        skips       | 2024-07-10 | 0       | 50/3    | 0             | 2/3
        credited    | 2024-07-10 | 50      | 50      | 1             | 0
        corrected   | 2024-07-10 | 50      | 50      | 1             | 0
        corrected   | 2024-07-21 | 40      | 140/3   | 0             | 0
    """
    bills = "customer_id | happened_at | known_at | amount | superseded_at\n" + "\n".join(rows)
    expect(con, expected, customers=customers, bills=bills)


def test_bills_of_the_month_that_they_are_dated_in(con: ibis.BaseBackend):
    """Not billed in arrears: a bill of 1 July is July's, and ten days of closing keep June open until 11 July."""
    settings = FeatureSettings(billed_in_arrears=False, closing_days=10)
    expected = """
        customer_id | seen on    | arpu_1m
        rising      | 2024-07-10 | 40
        rising      | 2024-07-11 | 50
        rising      | 2024-08-11 | 60
    """
    expect(con, expected, settings, customers=CUSTOMERS, bills=BILLS)


STEADY = "customer_id | activated_on\n" + "\n".join(
    f"{c} | 2020-01-01" for c in ("spike", "once", "swing", "fall", "never")
)


def monthly(customer: str, *amounts: str) -> str:
    """One bill a month, the last for June 2024."""
    first = 7 - len(amounts)
    months = [f"2024-{first + n + 1:02d}-01" for n in range(len(amounts))]
    return "\n".join(f"{customer} | {day} | {amount}" for day, amount in zip(months, amounts, strict=True))


def test_fluctuation(con: ibis.BaseBackend):
    """Peak, fall from it, and a spike against a lasting change. Swing: mean 20, all 10 from it: variation 1/2."""
    rows = [
        monthly("spike", "10", "10", "10", "70", "10", "10"),
        monthly("once", "0", "0", "30", "0", "0", "0"),
        monthly("swing", "10", "30", "10", "30", "10", "30"),
        monthly("fall", "40", "40", "40", "20", "20", "20"),
    ]
    expected = """
        customer_id | seen on    | arpu_peak_6m | arpu_drop_6m | arpu_peak_ago_12m | arpu_spike_6m | unbilled_share_3m
        spike       | 2024-07-07 | 70           | 60/70        | 2                 | 7             | 0
        once        | 2024-07-07 | 30           | 1            | 3                 | null          | 1
        swing       | 2024-07-07 | 30           | 0            | 0                 | 30/18         | 0
        fall        | 2024-07-07 | 40           | 1/2          | 3                 | 40/28         | 0
    """
    bills = "customer_id | happened_at | amount\n" + "\n".join(rows)
    expect(con, expected, customers=STEADY, bills=bills)
    expected = """
        customer_id | seen on    | arpu_variation_6m | arpu_before_3m | arpu_ratio_3m | arpu_ratio_1m | unbilled_share_12m
        swing       | 2024-07-07 | 1/2               | 50/3           | 70/50         | 3             | 1/2
        fall        | 2024-07-07 | 1/3               | 40             | 1/2           | 1             | 1/2
        never       | 2024-07-07 | null              | 0              | null          | null          | 1
    """
    expect(con, expected, customers=STEADY, bills=bills)


def test_trend_before_and_acceleration(con: ibis.BaseBackend):
    """Up by 10 a month in the first quarter, down by 10 in the second: 0, 10, 20, then 20, 10, 0.

    In October the half year before is 0, 0, 0, 0, 10, 20: slope (1.5*10 + 2.5*20) / 17.5 = 26/7, mean 5.
    """
    expected = """
        customer_id | seen on    | arpu_slope_3m | arpu_acceleration_3m | arpu_trend_3m | arpu_trend_before_6m
        turn        | 2024-07-07 | -10           | -20                  | -1            | null
        turn        | 2024-10-07 | 0             | 10                   | null          | 26/35
        turn        | 2025-01-07 | 0             | 0                    | null          | 0
    """
    bills = "customer_id | happened_at | amount\n" + monthly("turn", "0", "10", "20", "20", "10", "0")
    expect(con, expected, customers="customer_id | activated_on\nturn | 2020-01-01", bills=bills)


def test_a_lasting_change_and_a_passing_one(con: ibis.BaseBackend):
    """The three months before hold 50, 50, 50. A lasting fall puts all three newest below them, a dip one of them."""
    bills = year_of(
        lasting=[50, 50, 50, 30, 30, 30], dip=[50, 50, 50, 50, 10, 50], spike=[50, 50, 50, 90, 50, 50], flat=[50] * 6
    )
    customers = """
        customer_id | activated_on
        lasting     | 2020-01-01
        dip         | 2020-01-01
        spike       | 2020-01-01
        flat        | 2020-01-01
        young       | 2024-04-02
        four months | 2024-03-02
    """
    expected = """
        customer_id | seen on    | arpu_below_3m | arpu_above_3m
        lasting     | 2024-07-10 | 1             | 0
        dip         | 2024-07-10 | 1/3           | 0
        spike       | 2024-07-10 | 0             | 1/3
        flat        | 2024-07-10 | 0             | 0
        young       | 2024-07-10 | null          | null
        four months | 2024-07-10 | 0             | 0
    """
    expect(con, expected, customers=customers, bills=bills)


def test_the_trend_as_it_stood_before(con: ibis.BaseBackend):
    """Half a year of 50, then 80: one month earlier there was no trend yet. Slope now 2.5 * 30 / 17.5 = 30/7 of 55."""
    expected = """
        customer_id | seen on    | arpu_trend_6m | arpu_trend_then_6m_1m_ago | arpu_trend_then_6m_5m_ago
        late        | 2024-07-10 | 30/385        | 0                         | 0
    """
    bills = year_of(late=[50] * 11 + [80])
    expect(con, expected, customers="customer_id | activated_on\nlate | 2020-01-01", bills=bills)


def year_of(**amounts: list[int]) -> str:
    """Bills of the newest closed months up to June 2024, each dated to the first of the month after."""
    days = [f"2023-{m:02d}-01" for m in range(8, 13)] + [f"2024-{m:02d}-01" for m in range(1, 8)]
    rows = [
        f"{who} | {day} | {a}" for who, row in amounts.items() for day, a in zip(days[-len(row) :], row, strict=True)
    ]
    return "\n".join(["customer_id | happened_at | amount", *rows])
