"""Campaigns as they were registered: read back whole, sealed, found by id and by name, and erased from like lists."""

import dataclasses
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from pipelines.workspace import campaign_records, campaigns, removal
from pipelines.workspace.campaign_records import CONTACTS
from pipelines.workspace.campaigns import MEMBERS, Campaign, Terms
from pipelines.workspace.files import write_parquet
from pipelines.workspace.paths import Workspace
from pipelines.workspace.traces import found_in

TERMS = Terms(
    name="Recovery calls",
    channel="call",
    contact_cost=2.0,
    incentive=10.0,
    start=date(2026, 11, 8),
    end=date(2026, 11, 30),
    outcome="churn",
    window_days=90,
    definition={"churn": {}},
    list_id="churn-2026-11-01-0123456789",
    kind="churn",
    list_as_of=date(2026, 11, 1),
    share=0.3,
    basis={"run_id": "r1"},
    registered_on=date(2026, 11, 2),
    treated=13,
    control=7,
)


def members(n: int = 20) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)],
            "account_id": None,
            "arm": ["control" if i % 3 == 0 else "treated" for i in range(n)],
            "rank": range(1, n + 1),
            "churn_probability": 0.2,
            "value_pred": 100.0,
            "vip_probability": None,
            "region": "north",
        }
    ).reindex(columns=MEMBERS.names)


def campaign(**changes) -> Campaign:
    return Campaign("", dataclasses.replace(TERMS, **changes), members(), "ann", "2026-11-02T09:00:00+08:00")


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def test_a_campaign_is_read_back_as_it_was_registered(workspace):
    kept = campaigns.save(workspace, campaign())
    assert kept.id.startswith("campaign-2026-11-08-")
    for given in (kept.id, kept.id[-10:-4], "Recovery calls", "campaign-2026"):
        found = campaigns.read(workspace, given)
        assert found.terms == TERMS and found.id == kept.id and found.who == "ann" and found.erased == 0
        known = [c for c in MEMBERS.names if members()[c].notna().all()]
        pd.testing.assert_frame_equal(found.members[known], members()[known], check_dtype=False)
        assert found.members.drop(columns=known).isna().all(axis=None) and list(found.members) == MEMBERS.names
    assert campaigns.registered(workspace, TERMS.list_id, "x") == kept.id
    assert campaigns.registered(workspace, "another", TERMS.name) == kept.id
    assert campaigns.registered(workspace, "another", "x") is None
    assert list(campaigns.damaged(workspace)) == []


def test_others_terms_make_another_campaign(workspace):
    ids = {campaigns.save(workspace, campaign(**change)).id for change in ({}, {"incentive": 9.0}, {"share": 0.2}, {})}
    assert len(ids) == 3


@pytest.mark.parametrize("given", ["", "nothing", "../campaign", "campaign"])
def test_one_campaign_has_to_be_meant(workspace, given):
    for name in ("a", "b"):
        campaigns.save(workspace, campaign(name=name))
    with pytest.raises(HeadwaterError, match="E205"):
        campaigns.read(workspace, given)


def test_a_change_of_arms_is_seen(workspace):
    kept = campaigns.save(workspace, campaign())
    path = workspace.campaign(kept.id)
    table = pq.read_table(path)
    arms = table.set_column(table.column_names.index("arm"), table.schema.field("arm"), [["treated"] * table.num_rows])
    write_parquet(path, [arms], arms.schema)
    with pytest.raises(HeadwaterError, match="E371"):
        campaigns.read(workspace, kept.id)
    assert list(campaigns.damaged(workspace)) == [path]
    path.write_bytes(b"PAR1")
    with pytest.raises(HeadwaterError, match="E371"):
        list(campaigns.everything(workspace))


def test_who_is_erased_is_in_no_file_and_the_campaign_stays_one(workspace):
    kept = campaigns.save(workspace, campaign())
    rows = pd.DataFrame([["C00001", date(2026, 11, 9), "call", None, 1.5]], columns=CONTACTS.names)
    told = campaign_records.keep_contacts(workspace, kept.id, rows)
    for path in (workspace.campaign(kept.id), told):
        assert found_in(path, {"C00001"})
        removal.without(path, {"C00001"})
        assert not found_in(path, {"C00001"})
    found = campaigns.read(workspace, kept.id)
    assert found.erased == 1 and len(found.members) == 19 and campaign_records.contacts(workspace, kept.id).empty


def test_what_was_measured_and_contacted_is_none_until_it_is_there(workspace):
    kept = campaigns.save(workspace, campaign())
    assert (
        campaign_records.contacts(workspace, kept.id) is None
        and campaign_records.measurement(workspace, kept.id) is None
    )
    path = campaign_records.keep_measurement(workspace, kept.id, {"status": "open"})
    assert campaign_records.measurement(workspace, kept.id) == {"status": "open"}
    path.write_text("{", encoding="utf-8")
    with pytest.raises(HeadwaterError, match="E371"):
        campaign_records.measurement(workspace, kept.id)


@pytest.mark.parametrize(("registered_on", "late"), [(date(2026, 11, 8), False), (date(2026, 11, 9), True)])
def test_one_that_had_begun_is_late(registered_on, late):
    terms = dataclasses.replace(TERMS, registered_on=registered_on)
    assert terms.late is late and terms.known_on == max(registered_on, terms.start)
    assert terms.matures_on(5) == date(2027, 2, 11)


def test_one_of_before_its_columns_knows_nothing_of_them(workspace, monkeypatch):
    """Its id is that of its own rows; what it did not keep is unknown, and not left out."""
    with monkeypatch.context() as before:
        before.setattr(campaigns, "MEMBERS", pa.schema(list(MEMBERS)[:7]))
        kept = campaigns.save(workspace, campaign())
    found = campaigns.read(workspace, kept.id)
    assert list(found.members) == MEMBERS.names and found.members["region"].isna().all()
    assert found.members["churn_probability"].eq(0.2).all() and not list(campaigns.damaged(workspace))
