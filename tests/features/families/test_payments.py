"""Worked examples of payments, seen on 1 July: what is due, late and open."""

import ibis

from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on
    early       | 2020-01-01
    late        | 2020-01-01
    partly      | 2020-01-01
    owing       | 2020-01-01
    undated     | 2020-01-01
    mixed       | 2020-01-01
    nothing     | 2020-01-01
"""
BILLS = """
    customer_id | bill_id | happened_at | amount | due_on
    early       | E1      | 2024-05-01  | 50     | 2024-05-20
    late        | L1      | 2024-05-01  | 50     | 2024-05-20
    late        | L2      | 2024-06-15  | 50     | 2024-07-01
    partly      | P1      | 2024-05-01  | 50     | 2024-06-30
    owing       | O1      | 2024-03-01  | 50     | 2024-03-20
    owing       | O2      | 2024-06-01  | 30.10  | 2024-06-20
    undated     | U1      | 2024-05-01  | 50     | null
    mixed       | M1      | 2024-05-01  | 50     | 2024-05-20
    mixed       | M2      | 2024-06-01  | 50     | null
"""
PAYMENTS = """
    customer_id | payment_id | bill_id | happened_at | known_at   | amount
    early       | 1          | E1      | 2024-05-15  | 2024-05-15 | 50
    late        | 2          | L1      | 2024-05-25  | 2024-05-25 | 50
    partly      | 3          | P1      | 2024-06-10  | 2024-06-10 | 19.99
    owing       | 4          | O2      | 2024-06-10  | 2024-07-01 | 30.10
    mixed       | 5          | M1      | 2024-05-10  | 2024-05-10 | 20
    mixed       | 6          | M1      | 2024-05-20  | 2024-05-20 | 30
    undated     | 7          | null    | 2024-06-30  | 2024-06-30 | 50
"""


def test_due_and_late(con: ibis.BaseBackend):
    """L2 is due on 1 July itself: not yet. The payment of O2 is known too late. M2 has no due date.
    Owing: 103 days since 20 March, 11 since 20 June."""
    expected = """
        customer_id | seen on    | bills_due_91d | bills_due_365d | bills_late_91d | bills_late_365d | days_late_182d | days_late_max_365d
        early       | 2024-07-01 | 1             | 1              | 0              | 0               | -5             | -5
        late        | 2024-07-01 | 1             | 1              | 1              | 1               | 5              | 5
        partly      | 2024-07-01 | 1             | 1              | 1              | 1               | 1              | 1
        owing       | 2024-07-01 | 1             | 2              | 1              | 2               | 114/2          | 103
        mixed       | 2024-07-01 | 1             | 1              | 0              | 0               | 0              | 0
        undated     | 2024-07-01 | null          | null           | null           | null            | null           | null
        nothing     | 2024-07-01 | 0             | 0              | 0              | 0               | null           | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS, payments=PAYMENTS)


def test_overdue_now(con: ibis.BaseBackend):
    """A day later L2 has been due for a day, and the payment of O2 is known."""
    expected = """
        customer_id | seen on    | overdue_amount | overdue_bills | overdue_days
        early       | 2024-07-01 | 0              | 0             | 0
        late        | 2024-07-01 | 0              | 0             | 0
        late        | 2024-07-02 | 50             | 1             | 1
        partly      | 2024-06-30 | 0              | 0             | 0
        partly      | 2024-07-01 | 30.01          | 1             | 1
        owing       | 2024-07-01 | 80.10          | 2             | 103
        owing       | 2024-07-02 | 50             | 1             | 104
        mixed       | 2024-07-01 | 0              | 0             | 0
        undated     | 2024-07-01 | null           | null          | null
        nothing     | 2024-07-01 | 0              | 0             | 0
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS, payments=PAYMENTS)


def test_payments_themselves(con: ibis.BaseBackend):
    expected = """
        customer_id | seen on    | payment_count_91d | days_since_payment | paid_amount_91d
        mixed       | 2024-07-01 | 2                 | 42                 | 50
        mixed       | 2024-08-12 | 1                 | 84                 | 30
        undated     | 2024-07-01 | 1                 | 1                  | 50
        nothing     | 2024-07-01 | 0                 | null               | 0
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS, payments=PAYMENTS)


def test_paid_in_parts(con: ibis.BaseBackend):
    """P1 is paid in part, M1 in two payments; O2 was paid at once, known on 2 July."""
    expected = """
        customer_id | seen on    | bills_split_365d | bills_split_share_365d | bills_late_share_365d
        early       | 2024-07-01 | 0                | 0                      | 0
        partly      | 2024-07-01 | 1                | 1                      | 1
        mixed       | 2024-07-01 | 1                | 1                      | 0
        owing       | 2024-07-02 | 0                | 0                      | 1/2
        undated     | 2024-07-01 | null             | null                   | null
        nothing     | 2024-07-01 | 0                | null                   | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS, payments=PAYMENTS)


def test_regularity(con: ibis.BaseBackend):
    """Owing: 103 and 11 days late lie 46 from their mean. Mixed paid on 10 and 20 May, 42 days ago: 4.2 usual gaps."""
    expected = """
        customer_id | seen on    | days_late_spread_365d | payment_gap_365d | payment_overdue
        owing       | 2024-07-01 | 46                    | null             | null
        mixed       | 2024-07-01 | null                  | 10               | 4.2
        early       | 2024-07-01 | null                  | null             | null
        nothing     | 2024-07-01 | null                  | null             | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS, payments=PAYMENTS)


def test_refunds_and_credit_notes(con: ibis.BaseBackend):
    """A refund is no payment and does not make its bill unpaid again; a credit note is no bill that falls due."""
    bills = """
        customer_id | bill_id | happened_at | amount | due_on
        early       | E1      | 2024-05-01  | 50     | 2024-05-20
        early       | E2      | 2024-06-01  | -50    | 2024-06-20
    """
    payments = """
        customer_id | payment_id | bill_id | happened_at | known_at   | amount
        early       | Y1         | E1      | 2024-05-18  | 2024-05-18 | 50
        early       | Y2         | E1      | 2024-06-02  | 2024-06-02 | -50
    """
    expected = """
        customer_id | seen on    | bills_due_91d | overdue_amount | payment_count_91d | days_since_payment | paid_amount_91d | refund_count_365d | refund_amount_365d | days_since_refund
        early       | 2024-07-01 | 1             | 0              | 1                 | 44                 | 50              | 1                 | 50                 | 29
        nothing     | 2024-07-01 | 0             | 0              | 0                 | null               | 0               | 0                 | 0                  | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=bills, payments=payments)


def test_payments_that_failed(con: ibis.BaseBackend):
    """An attempt is no payment; who pays without a word on it, nobody knows; who never paid has none that failed."""
    payments = """
        customer_id | payment_id | bill_id | happened_at | known_at   | amount | failed
        early       | Y1         | E1      | 2024-06-18  | 2024-06-18 | 50     | true
        early       | Y2         | E1      | 2024-06-20  | 2024-06-20 | 50     | false
        late        | Y3         | L1      | 2024-06-20  | 2024-06-20 | 50     | null
    """
    expected = """
        customer_id | seen on    | failed_payments_91d | days_since_failed_payment | payment_count_91d | days_since_payment
        early       | 2024-07-01 | 1                   | 13                        | 1                 | 11
        late        | 2024-07-01 | null                | null                      | 1                 | 11
        nothing     | 2024-07-01 | 0                   | null                      | 0                 | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS, payments=payments)
