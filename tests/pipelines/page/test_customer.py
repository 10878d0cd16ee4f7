"""The card of one customer: the waterfall adds up, nothing of the future is in the history, and changes are those of the same person."""

import itertools
import re
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.page import changes, short_names, waterfall
from pipelines.page.histories import DAYS, Histories
from pipelines.page.served import Served
from pipelines.page.timeline import _use
from pipelines.wording.texts import LANGUAGES
from tests.pipelines.page.site import Site, visitor


def named(made: Served, where: str = "true", most: int = 3) -> list[tuple[str, dict]]:
    """Short name and row of some customers."""
    rows = made.nights.current().query(
        f"SELECT s.*, b.digest, b.length FROM scores AS s JOIN beside AS b ON b.row = s.file_row_number WHERE {where} "
        f"ORDER BY customer_id LIMIT {most}"
    )
    return [(short_names.name(row["digest"], row["length"]), row) for row in rows]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_card_shows_the_night_the_reasons_and_no_id(sample_marketer: Site, sample_page: Served, lang):
    for name, row in named(sample_page, "score_status = 'ok'"):
        answer = sample_marketer.get(f"/customers/{name}?lang={lang}")
        assert answer.status_code == 200
        assert name in answer.text and row["customer_id"] not in answer.text
        assert "run-2026-11-01" in answer.text and answer.text.count('class="step ') == 4


def test_a_customer_without_a_score_has_a_card_that_says_so(sample_marketer: Site, sample_page: Served):
    ((name, _),) = named(sample_page, "score_status = 'insufficient_history'", most=1)
    shown = sample_marketer.get(f"/customers/{name}?lang=en").text
    assert "This customer has no score: too little history." in shown and 'class="step ' not in shown


def test_the_id_is_shown_to_a_marketer_who_asks_and_to_no_viewer(sample_marketer: Site, sample_page: Served):
    ((name, row),) = named(sample_page, most=1)
    viewer = visitor(sample_page, "viewer")
    assert viewer.post(f"/customers/{name}/id").status_code == 403
    assert "/id" not in viewer.get(f"/customers/{name}").text
    assert row["customer_id"] in sample_marketer.post(f"/customers/{name}/id").text
    assert f'"customers": ["{name}"]' in sample_page.audit.path.read_text().splitlines()[-1]


@pytest.mark.parametrize("name", ["zzzzzz", "abc", "ABCDEF", "iiiiii", "0", "a" * 13])
def test_nobody_has_no_card(sample_marketer: Site, name):
    assert sample_marketer.get(f"/customers/{name}").status_code == 404
    assert sample_marketer.post(f"/customers/{name}/id").status_code == 404


def test_the_waterfall_begins_at_the_median_and_ends_at_the_published_probability(
    sample_page: Served, sample: pd.DataFrame
):
    night = sample_page.nights.current()
    curve = waterfall.curve(night)
    assert curve
    scored = sample[sample["score_status"] == "ok"]
    assert curve(curve.usual) == pytest.approx(scored["churn_probability"].median(), abs=1e-4)
    for _, row in named(sample_page, "churn_probability IS NOT NULL", most=300):
        steps = waterfall.steps(row, curve)
        assert steps[0].start == pytest.approx(curve(curve.usual)) and steps[-1].end == pytest.approx(
            row["churn_probability"]
        )
        assert all(a.end == b.start for a, b in itertools.pairwise(steps))
        assert sum(step.contribution for step in steps) == pytest.approx(row["churn_score_raw"] - curve.usual, abs=1e-5)
        told = [step for step in steps if step.reason]
        assert all((step.contribution > 0) == (step.end >= step.start) for step in told)
        assert [step.reason["rank"] for step in told if step.reason] == sorted(
            reason["rank"] for reason in row["churn_reasons"]
        )
    assert waterfall.steps({"churn_score_raw": None, "churn_probability": None}, curve) == []


def test_the_curve_of_the_operator_tells_each_probability_closely(operator_page: Served):
    """One reading of raw scores: elsewhere than at its own points it is still right to a hundredth."""
    night = operator_page.nights.current()
    curve = waterfall.curve(night)
    assert curve
    rows = night.query(
        "SELECT churn_score_raw AS raw, churn_probability AS p FROM scores WHERE churn_score_raw IS NOT NULL"
    )
    gaps = np.array([abs(curve(row["raw"]) - row["p"]) for row in rows])
    assert np.quantile(gaps, 0.99) < 0.01


def test_what_changed_is_what_differs_from_the_publication_of_a_month_ago(sample_page: Served):
    night, workspace = sample_page.nights.current(), sample_page.project.workspace
    before = {row["customer_id"]: row for row in night.query("SELECT * FROM before")}
    same, missing, others = 0, 0, 0
    for _, row in named(sample_page, most=120):
        found, then = changes.changes(night, workspace, row), before.get(row["customer_id"])
        if then is None:
            missing += found is None
        elif row["tenure_months"] < then["tenure_months"]:
            others += found is None  # somebody else held the number
        else:
            assert found and found.since == date(2026, 10, 1)
            assert set(found.before) == {name for name in changes.COLUMNS if then[name] != row[name]}
            same += 1
    assert same and missing == 10 and others


def test_the_month_before_is_the_nearest_that_is_old_enough():
    today = date(2026, 11, 1)

    def age(*ages: int) -> int | None:
        found = changes.day_before(sorted(today - timedelta(days=age) for age in ages), today)
        return (today - found).days if found else None

    assert [age(1, 29, 33, 400), age(1, 7), age(), age(60, 90), age(1, 19, 21, 45)] == [29, 1, None, 60, 21]


@pytest.fixture(scope="module")
def histories(operator_page: Served) -> Histories:
    return Histories(operator_page.project, date(2026, 11, 1))


def parts(made: Served, name: str) -> pd.DataFrame:
    tables = made.project.workspace.tables
    folder = tables / (tables / "CURRENT").read_text().strip() / name
    return pd.concat([pq.read_table(path).to_pandas() for path in sorted(folder.glob("*.parquet"))])


@pytest.mark.slow
def test_a_history_is_what_had_happened_and_was_known_and_is_theirs(operator_page: Served, histories: Histories):
    """Each table beside a plain look at its files, for customers of whom something was known late."""
    cutoff, first = pd.Timestamp("2026-10-31 16:00"), date(2026, 11, 1) - timedelta(days=DAYS)
    customers = parts(operator_page, "customers").set_index("customer_id")
    here = customers[customers["deactivated_on"].isna()].index
    compared = 0
    for name in ("bills", "complaints", "contacts", "usage"):
        rows = parts(operator_page, name)
        late = rows[(rows["known_at"] >= cutoff) | rows["superseded_at"].notna()]["customer_id"].unique()
        for who in [who for who in [*late[:8], *here[:4]] if who in here]:
            own = rows[rows["customer_id"] == who]
            known = (own["happened_at"] < cutoff) & (own["known_at"] < cutoff)
            known &= own["superseded_at"].isna() | (own["superseded_at"] >= cutoff)
            known &= (own["happened_on"] >= first) & (own["happened_on"] >= customers.loc[who, "activated_on"])
            shown = [row["happened_on"] for row in histories.of(who)[name]]
            assert shown == sorted(own[known]["happened_on"]), (name, who)
            compared += len(shown)
    assert compared > 500


def test_nobody_has_no_history(histories: Histories):
    assert histories.known >= {"bills", "usage", "complaints"}
    for who in ("nobody", "' OR 1=1 --", ""):
        assert not any(histories.of(who).values())


def test_use_is_summed_over_four_weeks_and_what_is_unknown_is_a_gap(operator_page: Served, marketer: Site):
    from starlette.requests import Request

    from pipelines.page.visit import Visit

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"lang=en"}
    visit = Visit.of(Request(scope | {"state": {"served": operator_page, "session": None, "form": {}}}))
    first = date(2026, 11, 1) - timedelta(days=DAYS)
    rows = [{"happened_on": date(2026, 10, 31) - timedelta(days=7 * n), "data_mb": 100.0} for n in range(4)]
    rows += [{"happened_on": date(2026, 10, 31) - timedelta(days=60), "data_mb": 200.0}]
    rows += [{"happened_on": date(2026, 10, 1), "data_mb": None}]
    ((strip),) = _use(visit, rows, "data_mb", first)
    assert strip.note == "last four weeks: 400 MB" and strip.name == "data volume"
    assert [(bar.x, bar.height) for bar in strip.bars] == [(DAYS - 28, 100), (DAYS - 84, 50)]
    assert _use(visit, [], "data_mb", first) == []


@pytest.mark.slow
def test_the_card_of_the_operator_has_its_history(marketer: Site, operator_page: Served):
    ((name, row),) = named(operator_page, "complaints_90d > 0", most=1)
    shown = marketer.get(f"/customers/{name}?lang=en").text
    assert len(re.findall('class="strip-chart', shown)) >= 7
    assert shown.count("Complaint: ") >= row["complaints_90d"]
