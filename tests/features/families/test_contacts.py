"""Worked examples of contacts, seen on 1 July."""

import ibis

from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on
    busy        | 2020-01-01
    quiet       | 2020-01-01
"""
CONTACTS = """
    customer_id | happened_at | direction | channel | arm
    busy        | 2024-06-28  | inbound   | call    | null
    busy        | 2024-06-01  | inbound   | null    | null
    busy        | 2024-05-31  | inbound   | app     | null
    busy        | 2024-05-10  | outbound  | sms     | treated
    busy        | 2024-04-20  | outbound  | call    | control
    busy        | 2023-09-01  | outbound  | shop    | treated
    busy        | 2024-07-01  | inbound   | call    | null
"""


def test_who_called_whom(con: ibis.BaseBackend):
    expected = """
        customer_id | seen on    | inbound_contacts_30d | inbound_contacts_90d | outbound_contacts_90d | outbound_contacts_365d
        busy        | 2024-07-01 | 2                    | 3                    | 1                     | 2
        quiet       | 2024-07-01 | 0                    | 0                    | 0                     | 0
    """
    expect(con, expected, customers=CUSTOMERS, contacts=CONTACTS)


def test_campaigns_channels_and_recency(con: ibis.BaseBackend):
    """A customer of the control arm was not contacted at all; an unknown channel is none."""
    expected = """
        customer_id | seen on    | campaign_contacts_180d | contact_channels_180d | days_since_contact
        busy        | 2024-07-01 | 1                      | 3                     | 3
        quiet       | 2024-07-01 | 0                      | 0                     | null
    """
    expect(con, expected, customers=CUSTOMERS, contacts=CONTACTS)


def test_who_begins(con: ibis.BaseBackend):
    """Three calls of theirs in ninety days and none in those before; ours: 10 May and, 304 days ago, 1 September."""
    expected = """
        customer_id | seen on    | days_since_inbound | days_since_outbound | inbound_change_90d | inbound_share_365d
        busy        | 2024-07-01 | 3                  | 52                  | 3                  | 3/5
        busy        | 2024-09-29 | 90                 | 142                 | -2                 | 4/5
        quiet       | 2024-07-01 | null               | null                | 0                  | null
    """
    expect(con, expected, customers=CUSTOMERS, contacts=CONTACTS)
