"""Who left since an earlier publication, held against what was promised, on the small operator."""

from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import ibis
import pandas as pd
import pytest

from pipelines.flows import nightly, outbreaks
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.workspace.journal import Journal
from pipelines.workspace.progress import Steps
from tests.demo_project import NIGHT

SINCE = date(2026, 10, 1)
DAYS = (NIGHT - SINCE).days - 5
"""Days of which all that happened is reported."""


@pytest.fixture
def project(own_operator) -> Project:
    """With a publication of the month before."""
    project = Project.open("configs/operator.yaml")
    with closing(Night(project, SINCE, Steps(quiet=True))) as night:
        nightly.run(night, lists=False)
    return project


def attacked(tables, region):
    """The same tables, half of a region having left in the days that followed."""
    people = tables.tables["customers"]
    there = people.deactivated_on.isnull() & (people.region == region) & (people.customer_id.hash() % 2 == 0)
    day = there.ifelse(ibis.date(SINCE + timedelta(days=10)), people.deactivated_on)
    return replace(tables, tables=tables.tables | {"customers": people.mutate(deactivated_on=day)})


def test_who_left_since_is_counted_and_an_attacked_region_is_named(project):
    tables = project.tables(NIGHT)
    quiet = outbreaks.followed(project, tables, NIGHT)
    scored = pd.read_parquet(project.workspace.score_file(SINCE)).query("score_status == 'ok'")
    gone = tables.tables["customers"].to_pandas().set_index("customer_id")["deactivated_on"]
    gone = pd.to_datetime(gone[~gone.index.duplicated(keep="last")].reindex(scored["customer_id"]))
    by_hand = ((gone >= pd.Timestamp(SINCE)) & (gone < pd.Timestamp(SINCE) + pd.Timedelta(days=DAYS))).sum()
    assert (quiet.since, quiet.left, quiet.outbreaks) == (SINCE, by_hand, [])
    assert 0.99 * len(scored) <= quiet.customers <= len(scored)

    region = scored["region"].mode()[0]
    found = outbreaks.followed(project, attacked(tables, region), NIGHT)
    (problem,) = found.problems
    assert (problem.code, problem.column, problem.values["group"]) == ("W571", "region", region)
    assert problem.values["observed"] > 3 * problem.values["expected"] > 0
    for lang in ("en", "zh"):
        assert all(word in errors.render_line(problem, lang) for word in (region, "2026-10-01", "headwater retrain"))
        assert "2026-10-01" in found.sentence(lang)


def test_of_very_many_customers_each_so_many_th_is_looked_at(project, monkeypatch):
    tables = project.tables(NIGHT)
    everybody = outbreaks.followed(project, tables, NIGHT)
    monkeypatch.setattr(outbreaks, "MOST", 700)
    some = outbreaks.followed(project, tables, NIGHT)
    assert everybody.customers / 5 < some.customers < everybody.customers / 2 and some.left < everybody.left


def test_nothing_is_said_where_nothing_can_be_followed(project):
    tables = project.tables(NIGHT)
    for day in (SINCE + timedelta(days=18), SINCE + timedelta(days=200)):
        assert outbreaks.followed(project, tables, day) is None
    silence = {"targets": {"churn": {"rule": "no_bill", "horizon_days": 90, "horizons": (90,)}}}
    silent = Project.open("configs/operator.yaml", **silence)
    assert outbreaks.followed(silent, tables, NIGHT) is None
    steps = Steps(quiet=True)
    steps.journal = Journal.open(project.workspace, "silent")
    assert outbreaks.follow(silent, tables, NIGHT, steps) == []
    assert not (steps.journal.folder / "steps.jsonl").exists(), "no step where leaving has no day"
