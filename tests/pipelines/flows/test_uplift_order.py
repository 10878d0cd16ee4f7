"""A list in the order of a model of uplift: of the campaigns that it was judged on, and only where it was adopted."""

import dataclasses
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmarks.uplift import pair
from features.errors import HeadwaterError
from pipelines.flows import uplift_order
from pipelines.workspace import campaign_records, campaigns
from pipelines.workspace.campaign_records import FACTS, TOGETHER
from pipelines.workspace.campaigns import MEMBERS, Campaign
from pipelines.workspace.paths import Workspace
from tests.pipelines.workspace.test_campaigns import TERMS
from tests.scores_sample import sample_scores


@pytest.fixture
def project(tmp_path):
    """Two campaigns that have helped in the north, and what was measured of them."""
    workspace, ids = Workspace.open(tmp_path, "shop"), []
    for number, rows in enumerate(pair("north", 2, 600)):
        terms = dataclasses.replace(
            TERMS, name=f"C{number}", start=date(2026, 11, 8 + number), list_id=f"churn-{number}"
        )
        members = rows.reindex(columns=MEMBERS.names)
        kept = campaigns.save(workspace, Campaign("", terms, members, "ann", "2026-11-02T09:00:00+08:00"))
        campaign_records.keep_facts(workspace, kept.id, rows.reindex(columns=FACTS.names).assign(first_contact=None))
        ids.append(kept.id)
    one = {"outcome": "churn", "channel": "call", "adopted": "t_learner", "ids": ids}
    others = [one | {"channel": "sms", "adopted": None}, one | {"channel": "app", "ids": ids[:1]}]
    campaign_records.keep_measurement(
        workspace, TOGETHER, {"as_of": "2027-03-01", "together": {}, "uplift": [one, *others]}
    )
    return SimpleNamespace(workspace=workspace)


def test_it_is_fitted_on_what_was_measured(project):
    order = uplift_order.adopted(project, "churn", " Call ")
    assert order.label.startswith("call · t_learner · campaign-2026-11-08-") and order.label.count("campaign-") == 2
    scores = sample_scores(400)
    told, region = order.of(scores), np.array(scores["region"].to_pylist())
    known = ~np.isnan(told)
    assert known.any() and told[known & (region == "north")].mean() > told[known & (region == "south")].mean() + 0.05
    risk = pd.Series(scores["churn_probability"].to_pylist(), dtype=float)
    assert not known[risk.isna() | (risk < 0.2)].any(), "no list has reached them"


@pytest.mark.parametrize("action", [("churn", "sms"), ("churn", "letter"), ("vip", "call"), ("churn", "app")])
def test_what_is_not_adopted_orders_nothing(project, action):
    with pytest.raises(HeadwaterError, match=r"E537.*'known': '(call, app|—)'"):
        uplift_order.adopted(project, *action)


def test_facts_that_are_gone_are_not_guessed(project):
    for path in (project.workspace.campaigns / "members").glob("*"):
        path.unlink()
    with pytest.raises(HeadwaterError, match="E371"):
        uplift_order.adopted(project, "churn", "call")


def test_before_anything_was_measured_there_is_none(tmp_path):
    project = SimpleNamespace(workspace=Workspace.open(tmp_path, "shop"))
    with pytest.raises(HeadwaterError, match="E537"):
        uplift_order.adopted(project, "churn", "call")
