"""Which of two models is better: named, of one definition, and on dates that neither has learnt from."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from features.errors import HeadwaterError
from models.splits import Protocol
from pipelines.config.settings import Settings
from pipelines.flows import comparison, retrain
from pipelines.flows.comparison import Contestant
from pipelines.project import Project
from pipelines.workspace import evaluations
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from tests.models.evaluation.test_comparing import pair
from tests.pipelines.flows import test_clockless as clockless

DAYS = 90


def project(folder, **settings) -> Project:
    return Project(Settings(**settings), Workspace.open(folder, "operator"))


def learnt(*days: str, **facts) -> SimpleNamespace:
    return SimpleNamespace(facts_={"learnt": days, "targets": {"churn": {"horizon_days": 90}}} | facts)


def contestant(shipped: str, judged: str | None = None, name: str = "churn/1") -> Contestant:
    return Contestant(name, learnt("2025-01-01", shipped), judged and learnt("2025-01-01", judged))


def windows(folder, until: str, *both: Contestant):
    opened = project(folder, protocol=Protocol(every="1mo"))
    return comparison._windows(opened, date.fromisoformat(until), both, DAYS)


@pytest.mark.parametrize("name", ["churn", "churn/", "churn/0", "churn@best", "loyalty/1", "churn/1/2", "CHURN/1"])
def test_what_names_no_version_is_refused(tmp_path, name):
    with pytest.raises(HeadwaterError, match="E285"):
        comparison.named(project(tmp_path), name)


def test_two_targets_are_not_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "named", lambda _, name: SimpleNamespace(target=name.partition("/")[0], name=name))
    with pytest.raises(HeadwaterError, match="E285"):
        comparison.compare(project(tmp_path), date(2026, 1, 1), ("churn/1", "vip/1"), Steps(quiet=True))


def test_what_is_shipped_is_compared_once_outcomes_of_later_dates_are_in(tmp_path):
    both = contestant("2025-06-01", "2025-03-01"), contestant("2025-07-01", "2025-04-01")
    form, days = windows(tmp_path, "2026-02-15", *both)
    assert form == "shipped" and days == (date(2025, 10, 1), date(2025, 11, 1))


def test_who_learns_the_time_to_an_event_has_seen_outcomes_up_to_the_day_that_was_judged():
    """1 March and 90 days are 30 May; of 1 May what was known by 1 July was learnt, too."""
    facts = {"final": "2025-07-01"}
    plain, timed = (learnt("2025-01-01", "2025-03-01", **facts, **more) for more in ({}, {"partial": ["2025-05-01"]}))
    days = [
        Contestant("churn/1", learnt("2025-07-01"), judged).unseen_from("judged", DAYS) for judged in (plain, timed)
    ]
    assert days == [date(2025, 5, 30), date(2025, 7, 1)]


def test_before_that_both_are_compared_as_they_were_judged(tmp_path):
    both = contestant("2025-06-01", "2025-03-01"), contestant("2025-07-01", "2025-04-01")
    form, days = windows(tmp_path, "2025-10-15", *both)
    assert form == "judged" and days == (date(2025, 7, 1),)


def test_a_date_that_either_has_learnt_from_is_never_compared(tmp_path):
    """Whatever the day: every date is a label window later than all that the compared models have learnt."""
    both = contestant("2025-06-01", "2025-03-01"), contestant("2025-07-01", None)
    for until in ("2025-10-15", "2025-11-15", "2026-01-15", "2026-08-15"):
        try:
            form, days = windows(tmp_path, until, *both)
        except HeadwaterError as error:
            assert error.problem.code == "E455" and error.exit_code == 4
            continue
        for one in both:
            assert days[0] >= one.unseen_from(form, DAYS)
        assert len(days) <= comparison.WINDOWS and days == tuple(sorted(days))


def test_without_what_was_judged_there_may_be_no_date(tmp_path):
    with pytest.raises(HeadwaterError) as caught:
        windows(tmp_path, "2025-10-15", contestant("2025-07-01"), contestant("2025-07-01"))
    values = caught.value.problem.values
    assert (values["final"], values["first"], values["ready"]) == ("2025-07-01", "2025-09-29", "2025-12-28")


def test_models_of_other_definitions_are_not_compared():
    one, other = contestant("2025-06-01"), contestant("2025-06-01", name="churn/2")
    comparison._check_same_definition("churn", [one, other])
    other.shipped.facts_["targets"] = {"churn": {"horizon_days": 60}}
    with pytest.raises(HeadwaterError, match=r"churn/1 · churn/2"):
        comparison._check_same_definition("churn", [one, other])


def test_the_line_of_high_value_may_have_moved():
    one, other = (
        Contestant(name, learnt(targets={"vip": {"high_value": amount, "gap_days": 0}}), None)
        for name, amount in (("vip/1", 100.0), ("vip/2", 101.0))
    )
    comparison._check_same_definition("vip", [one, other])


def test_a_model_from_before_there_were_margins_is_one_of_revenue():
    def trained(**definition):
        return Contestant("value/1", learnt(targets={"value": {"gap_days": 0} | definition}), None)

    comparison._check_same_definition("value", [trained(), trained(margin=1.0)])
    with pytest.raises(HeadwaterError, match="E536"):
        comparison._check_same_definition("value", [trained(), trained(margin=0.4)])


def test_who_is_better_is_said_where_it_is_beyond_chance(tmp_path):
    found = comparison._compared(
        project(tmp_path), "churn", ("churn/1", "churn/2"), "judged", (date(2025, 7, 1),), [pair(("N", "S"))]
    )
    told = comparison.as_dict(found)
    assert told["better"] == told["better_in_money"] == "churn/1" and told["rows"] == 800
    assert told["figures"][-1]["metric"] == "level" and told["figures"][-1]["value"] is None
    assert {row["level"] for row in told["slices"]} == {"N", "S"}


@pytest.mark.slow
def test_versions_and_families_of_a_table_without_dates(tmp_path):
    """What is compared is what was judged: the same figures; and without its attributes less is known."""
    opened = clockless.written(tmp_path)
    retrain.run(opened, clockless.DAY, ["churn"], Steps(quiet=True), promote=True)
    found = comparison.compare(opened, clockless.DAY, ("churn@champion", "churn/1"), Steps(quiet=True))
    facts, final = evaluations.load(opened.workspace, "churn/1")
    auc = next(r["value"] for r in facts["metrics"] if (r["model"], r["metric"]) == (facts["winner"], "auc"))
    figures = found.figures.set_index("metric")
    assert figures.loc["auc", "ours"] == pytest.approx(auc) and found.rows == len(final) and found.better is None
    fewer = comparison.without(opened, clockless.DAY, "churn", ["profile"], Steps(quiet=True))
    row = fewer.figures.set_index("metric").loc["auc"]
    assert fewer.names == ("every family (4 columns)", "without profile (2 columns)"), "the rule of today keeps its own"
    assert row.ours > row.theirs and np.isfinite(row.low) and fewer.form == "trained"
    with pytest.raises(HeadwaterError, match="E235"):
        comparison.without(opened, clockless.DAY, "churn", ["rumours"], Steps(quiet=True))
