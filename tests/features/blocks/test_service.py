"""Complaints, contacts and survey answers as they stood before the as-of date."""

from datetime import datetime

import ibis

from features.blocks import service
from tests.features.blocks.rows import rows_of


def test_a_solution_is_hidden_until_it_has_come(con: ibis.BaseBackend):
    complaints = """
        customer_id | happened_at | resolved_at
        busy        | 2024-06-28  | 2024-06-30
        busy        | 2024-06-30  | 2024-07-01
        busy        | 2024-07-01  | null
    """
    found = rows_of(con, service.complaints, "days_ago", "resolved_at", complaints=complaints)
    assert found == {"busy": [(0, None), (2, datetime(2024, 6, 30))], "idle": [(None, None)]}  # noqa: DTZ001


def test_a_control_of_a_campaign_was_left_alone(con: ibis.BaseBackend):
    contacts = """
        customer_id | happened_at | arm
        busy        | 2024-06-30  | treated
        busy        | 2024-06-29  | control
        busy        | 2024-06-28  | null
        idle        | 2024-06-28  | control
    """
    found = rows_of(con, service.contacts, "days_ago", "arm", contacts=contacts)
    assert found == {"busy": [(0, "treated"), (2, None)], "idle": [(None, None)]}


def test_every_question_answered_is_a_row(con: ibis.BaseBackend):
    surveys = "customer_id | happened_at | item | score\nbusy | 2024-06-30 | a | 5\nbusy | 2024-06-30 | b | 2"
    assert rows_of(con, service.surveys, "score", surveys=surveys) == {"busy": [(2,), (5,)], "idle": [(None,)]}
