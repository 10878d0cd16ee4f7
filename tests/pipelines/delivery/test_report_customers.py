"""The customers' part of the report: sums that agree with the scores, the right few customers, and nothing for unknown."""

import dataclasses

import numpy as np
import pytest

from models.scores import score_table
from pipelines.delivery import report_customers, report_pyramid
from pipelines.delivery.report_customers import TOP_ROWS, highest_rows
from pipelines.delivery.report_data import Page
from tests.scores_sample import sample_frame, sample_report

DATA = sample_report(400)
PAGE = Page(DATA, "en")


@pytest.mark.parametrize("alike", [1, 7, 400])
def test_the_customers_shown_are_the_first_of_everybody(alike: int):
    """As a sort of everybody would have them, equals by id; `alike` so many share a value."""
    rows = sample_frame(400).sort_values("value_at_risk")
    rows["value_at_risk"] = (np.arange(400) // alike).astype(float)
    rows = rows.sample(frac=1, random_state=5).reset_index(drop=True)
    free = ~rows["is_holdout"].astype(bool)
    first = rows[free].sort_values(["value_at_risk", "customer_id"], ascending=[False, True]).head(TOP_ROWS)
    shown = highest_rows(rows, free, "value_at_risk")
    assert list(shown["customer_id"]) == list(first["customer_id"])


def test_cards_count_what_the_scores_hold():
    cards = {card["kind"]: card["value"] for card in report_customers.cards(PAGE)}
    assert cards["active"] == "400"
    assert cards["high_risk"] == str(DATA.ok["churn_risk_band"].isin(["high", "critical"]).sum())
    assert cards["potential"] == str(DATA.ok["is_potential_vip"].eq(True).sum())


def test_cells_of_the_matrix_add_up_to_everybody_who_was_scored():
    cells = [cell for row in report_customers.matrix(PAGE) for cell in row["cells"]]
    counts = [int("".join(filter(str.isdigit, cell["count"]))) for cell in cells]
    assert len(cells) == 9 and sum(counts) == len(DATA.ok)
    darkest = min(cells, key=lambda cell: int(cell["lightness"].rstrip("%")))
    assert darkest["lightness"] == "56%"


def test_stages_hold_everybody_once():
    stages = report_customers.stages(PAGE)
    assert sum(int(stage["count"].replace(",", "")) for stage in stages) == len(DATA.ok)


def test_reasons_weigh_one_together():
    weights = report_customers.reason_weights(PAGE)
    assert weights and sum(weights.values()) == pytest.approx(1.0)


def test_rows_name_no_customer_and_nobody_who_is_held_out():
    ids = set(DATA.frame["customer_id"])
    rows = report_customers.risk_rows(PAGE) + report_customers.vip_rows(PAGE)
    assert len(rows) > TOP_ROWS and not ids & {row["customer"] for row in rows}


@pytest.mark.parametrize(
    ("bill", "gap", "threshold", "width"),
    [(60.0, 60.0, 120.0, "50%"), (90.0, 30.0, None, "75%"), (np.nan, np.nan, 120.0, "0%")],
)
def test_the_way_to_the_line_is_a_width(bill, gap, threshold, width):
    assert report_customers._progress_width(bill, gap, threshold) == width


def test_a_section_without_any_score_has_nothing_to_show():
    assert all(report_customers.has_scores(PAGE).values())
    frame = sample_frame(50).drop(columns=["vip_probability"])
    page = Page(dataclasses.replace(DATA, scores=score_table.conform(frame)), "en")
    assert report_customers.has_scores(page) == {"matrix": True, "risk": True, "vip": False}


def test_the_pyramid_and_the_actions_count_everybody():
    data = DATA
    for lang in ("zh", "en"):
        page = Page(data, lang)
        told = report_pyramid.tiers(page)
        assert sum(int(row["count"].replace(",", "")) for row in told["rows"]) == len(data.frame)
        assert sum(int(row["count"].replace(",", "")) for row in report_pyramid.actions(page)) == len(data.frame)
        assert "tiers." not in told["said"]
    bare = dataclasses.replace(data, scores=data.scores.drop_columns(["tier_review", "tier_reason"]))
    assert report_pyramid.tiers(Page(bare, "en"))["rows"]
