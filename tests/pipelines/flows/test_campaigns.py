"""A campaign from its list to its figures: on a hand-made business whose outcomes are known, in both languages."""

from datetime import date, timedelta
from functools import cache
from types import SimpleNamespace

import ibis
import pandas as pd
import pytest

from features.errors import HeadwaterError
from features.settings import FeatureSettings
from features.spine import Population, cutoff, everyone
from models.splits import Protocol
from models.targets.campaigns import WEIGHT, campaign_weights
from models.targets.follow_up import FollowUp
from models.targets.settings import TargetSettings
from pipelines.delivery import campaign_words
from pipelines.flows import campaign_contacts, campaign_registration, campaigns, campaigns_together, treated
from pipelines.flows.campaign_registration import Order
from pipelines.flows.dataset import inputs_of, labels_to_learn
from pipelines.ingest.tables import Tables
from pipelines.wording.texts import LANGUAGES
from pipelines.workspace import campaign_records, frozen_lists, removal
from pipelines.workspace import campaigns as kept_campaigns
from pipelines.workspace.frozen_lists import FrozenList
from pipelines.workspace.paths import Workspace
from targeting.list_settings import ListSettings
from targeting.ranking import churn_list
from tests.scores_sample import sample_scores
from tests.tables import table

TODAY, START, LATER = date(2026, 11, 2), date(2026, 11, 8), date(2027, 3, 1)
ORDER = Order("Recovery", "call", 2.0, 10.0, START, date(2026, 11, 30), "churn")
SETTINGS = ListSettings(top=100, holdout=0.4)
EVERYBODY = ListSettings(top=40, holdout=0.0)
TARGETS = TargetSettings.model_validate({"vip": {"high_value": {"amount": 200.0}}})


@cache
def drawn(settings: ListSettings) -> FrozenList:
    basis = {"run_id": "r1", "models": {"churn": "churn/4"}, "holdout": {"salt": "s", "always": 0.02}}
    result = frozen_lists.identified(churn_list(sample_scores(400), settings), basis)
    return FrozenList(result, basis, "ann", "2026-11-01T08:00:00+08:00")


def frozen(workspace: Workspace, settings: ListSettings = SETTINGS) -> FrozenList:
    found = drawn(settings)
    frozen_lists.save(workspace, found)
    return found


def leaves(customer: str, arm: str) -> bool:
    """Half of the control leaves, of those to contact one in ten."""
    return int(customer[-3:]) % 10 < (5 if arm == "control" else 1)


def customers(found: FrozenList) -> pd.DataFrame:
    return pd.concat([found.result.rows, found.result.control])[["customer_id", "arm"]].reset_index(drop=True)


@cache
def tables_of(settings: ListSettings) -> dict:
    rows = customers(drawn(settings))
    people = ["customer_id | activated_on | deactivated_on | known_at"]
    for one in rows.itertuples():
        left = "2026-12-20" if leaves(one.customer_id, one.arm) else "null"
        people.append(f"{one.customer_id} | 2020-01-01 | {left} | 2020-01-01")
    bills = ["customer_id | happened_at | amount"]
    for one in rows.itertuples():
        until = 12 if leaves(one.customer_id, one.arm) else 14
        bills += [f"{one.customer_id} | {date(2026 + m // 12, m % 12 + 1, 1)} | 50" for m in range(9, until)]
    return {"customers": table("customers", "\n".join(people)), "bills": table("bills", "\n".join(bills))}


@pytest.fixture
def business(tmp_path, monkeypatch, con):
    """A project with a frozen list, no champions, and no tables yet."""
    monkeypatch.setattr(campaign_registration.bundles, "champions", lambda workspace: {})
    monkeypatch.setattr(campaign_registration.scoring, "targets_of", lambda champions, settings: TARGETS)
    settings = SimpleNamespace(
        population=Population(), protocol=Protocol(reporting_delay_days=5), features=FeatureSettings()
    )
    mapping = SimpleNamespace(timezone="UTC", currency="CNY", tables={"customers": SimpleNamespace(monthly=False)})
    project = SimpleNamespace(workspace=Workspace.open(tmp_path, "shop"), settings=settings, mapping=mapping)
    project.connection, project.targets = con, lambda *names: list(names)
    project.cutoff = lambda day: cutoff(day, "UTC")
    project.list = frozen(project.workspace)
    project.read = dict(tables_of(SETTINGS))
    project.tables = lambda as_of: Tables(project.read)
    return project


def came(rows: pd.DataFrame) -> pd.DataFrame:
    """What became of them, from the rules of this business alone."""
    left = pd.Series([leaves(one.customer_id, one.arm) for one in rows.itertuples()], dtype=float)
    bills = left.map({0.0: 3.0, 1.0: 1.0})  # of 1 December, January and February; that of November was before
    return pd.DataFrame({"customer_id": rows["customer_id"], "came": left, "money": 50 * bills, "left": left})


@pytest.fixture
def known(business, monkeypatch):
    """The same business; outcomes are told by its rules and not read from tables, which takes long."""
    told = lambda project, *_: came(customers(project.list))  # noqa: E731
    monkeypatch.setattr(campaigns, "outcomes", told)
    return business


def registered(business, order: Order = ORDER, today: date = TODAY):
    return campaign_registration.register(business, business.list.result.list_id, order, today)


def changed(**fields) -> Order:
    return Order(**(vars(ORDER) | fields))


def test_a_list_becomes_a_campaign_once_and_outlives_it(known):
    found = registered(known)
    assert found.treated == len(known.list.result.rows) and found.control == len(known.list.result.control)
    assert found.matures_on == START + timedelta(days=95) and 0 < found.expected < 1 and found.running == 0
    assert not found.campaign.terms.late
    with pytest.raises(HeadwaterError, match="E207"):
        registered(known, changed(name="Another"))
    frozen_lists_path = known.workspace.frozen_list(known.list.result.list_id)
    frozen_lists_path.unlink()
    again = kept_campaigns.read(known.workspace, "Recovery")
    assert set(again.members["customer_id"]) == set(customers(known.list)["customer_id"])
    assert campaigns.look(known, again, LATER).status == "works"


@pytest.mark.parametrize(
    "days",
    [
        {"start": date(2026, 11, 1)},
        {"start": date(2026, 10, 31), "late": True},
        {"end": date(2026, 11, 7)},
        {"end": START + timedelta(days=90)},
    ],
)
def test_days_that_do_not_fit_are_refused(business, days):
    with pytest.raises(HeadwaterError, match="E200"):
        registered(business, changed(**days))


def test_one_that_has_begun_is_weak_evidence_for_good(known):
    found = registered(known, changed(start=date(2026, 11, 1), late=True), today=date(2026, 11, 20))
    one = campaigns.look(known, found.campaign, LATER)
    told = campaigns.as_dict(one)
    assert told["late"] and told["weak"] and campaigns_together.together([one, one]) == {}
    assert any("weak evidence" in remark for remark in campaign_words.remarks(told, "CNY", "en"))


def test_nothing_is_looked_at_before_it_is_mature(business):
    found = registered(business)
    business.tables = None  # whoever reads them fails
    for day in (START, found.matures_on - timedelta(days=1)):
        told = campaigns.as_dict(campaigns.look(business, found.campaign, day))
        assert told["status"] == "waiting" and "treated" not in told and "effect" not in told


def test_outcomes_are_those_of_the_business(business):
    campaign = registered(business).campaign
    found = campaigns.outcomes(business, campaign, business.tables(LATER), LATER).sort_values("customer_id")
    expected = came(customers(business.list)).sort_values("customer_id")
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected.reset_index(drop=True), check_dtype=False)


def test_the_effect_is_that_of_the_business(known):
    found = campaigns.look(known, registered(known).campaign, LATER).found
    rows = came(customers(known.list)).merge(customers(known.list))
    means = rows.groupby("arm")[["left", "money"]].mean()
    treated = rows[rows["arm"] == "treated"]
    assert (found.treated.mean, found.control.mean) == pytest.approx(
        (means["left"]["treated"], means["left"]["control"])
    )
    assert found.unadjusted.estimate == pytest.approx(means["left"]["treated"] - means["left"]["control"])
    assert found.status == "works" and found.treated.contacted is None
    assert found.cost == 2 * len(treated) + 10 * (treated["left"] == 0).sum()
    assert found.revenue.value == pytest.approx(100 * -found.effect.estimate * len(treated), rel=0.2)


@pytest.mark.slow
def test_who_had_left_before_and_who_has_the_id_now_are_not_measured(business):
    rows = customers(business.list)
    gone, reused = rows["customer_id"][:2]
    people = business.read["customers"]
    early = ibis.ifelse(people.customer_id == gone, ibis.date("2026-11-05"), people.deactivated_on)
    late = ibis.ifelse(people.customer_id == reused, ibis.date("2026-11-03"), people.activated_on)
    business.read["customers"] = people.mutate(deactivated_on=early, activated_on=late)
    one = campaigns.look(business, registered(business).campaign, LATER)
    assert one.absent == 2 and one.undefined == 0
    assert one.found.treated.followed + one.found.control.followed == len(rows) - 2


def test_contacts_of_the_table_are_those_of_this_campaign(known):
    rows = customers(known.list)
    control, (first, second) = (
        rows[rows["arm"] == "control"]["customer_id"].iloc[0],
        rows[rows["arm"] == "treated"]["customer_id"].iloc[:2],
    )
    known.read |= {
        "contacts": table(
            "contacts",
            f"""customer_id | happened_at | direction | campaign_id | arm | cost
            {first} | 2026-11-09 | outbound | Recovery | treated | 3
            {first} | 2026-11-10 | outbound | Recovery | null | 4
            {second} | 2026-11-01 | outbound | Recovery | treated | null
            {second} | 2026-11-09 | inbound | Recovery | null | null
            {control} | 2026-11-09 | outbound | Recovery | control | null
            {control} | 2026-11-09 | outbound | another | treated | null
            stranger | 2026-11-09 | outbound | Recovery | treated | null""",
        )
    }
    campaign = registered(known).campaign
    one = campaigns.look(known, campaign, LATER)
    assert (one.contacts.strangers, one.contacts.outside, len(one.contacts.rows)) == (1, 1, 3)
    assert one.found.treated.contacted == 2 and one.found.control.contacted == 0
    stayed = [not leaves(c, "treated") for c in (first, second)]
    assert one.found.cost == 7 + 2 + 10 * sum(stayed)
    assert "not_reached" in one.found.doubts
    campaigns.measured(known, [campaign], LATER)
    path = known.workspace.campaigns / "members" / f"{campaign.id}.parquet"
    facts = pd.read_parquet(path).set_index("customer_id")
    assert list(facts.loc[first, ["contacts", "contact_cost", "arm"]]) == [2, 7, "treated"]
    assert facts.loc[first, "first_contact"] == date(2026, 11, 9) and facts["contacts"].sum() == 3
    assert facts["came"].to_dict() == came(rows).set_index("customer_id")["came"].to_dict()
    assert path.stat().st_mode & 0o077 == 0o040, "others may not read it"


def test_contacts_of_a_file_stand_in_for_the_table(known, tmp_path):
    campaign = registered(known).campaign
    people = customers(known.list)
    own = people[people["arm"] == "treated"]["customer_id"]
    file = tmp_path / "calls.csv"
    lines = [f"{customer},2026-11-10,call,reached,1.5" for customer in own] + ["stranger,2026-11-10,call,,"]
    file.write_text("\n".join(["customer_id,happened_on,channel,result,cost", *lines]), encoding="utf-8-sig")
    found = campaign_contacts.of_list(campaign, campaign_contacts.read_file(file))
    campaign_records.keep_contacts(known.workspace, campaign.id, found.rows)
    assert found.strangers == 1 and len(found.rows) == len(own)
    one = campaigns.look(known, campaign, LATER)
    assert one.found.treated.contacted == len(own) and one.found.doubts == ()
    assert one.found.cost == pytest.approx(1.5 * len(own) + 10 * sum(not leaves(c, "treated") for c in own))


@pytest.mark.parametrize(
    "line", ["C1,10.11.2026,,,", "C1,2026-11-10,,,abc", "C1,2026-11-10,,,-1", "C1,2026-11-10,,,nan", ",2026-11-10,,,"]
)
def test_half_a_file_is_not_read(tmp_path, line):
    file = tmp_path / "calls.csv"
    file.write_text(f"customer_id,happened_on,channel,result,cost\nC0,2026-11-10,,,\n{line}\n", encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"E372.*'line': 3"):
        campaign_contacts.read_file(file)
    file.write_text("id,day\n", encoding="utf-8")
    with pytest.raises(HeadwaterError, match="E372"):
        campaign_contacts.read_file(file)


def test_a_list_without_a_holdout_cannot_be_measured_and_says_what_to_do(known):
    known.list = frozen(known.workspace, EVERYBODY)
    found = registered(known)
    assert found.control == 0 and found.detectable is None
    known.read = tables_of(EVERYBODY)
    told = campaigns.as_dict(campaigns.look(known, found.campaign, LATER))
    assert told["status"] == "no_control" and told["weak"] and told["effect"] is None
    for lang, words in (("en", "--holdout 10%"), ("zh", "--holdout 10%")):
        assert words in campaign_words.verdict(told, "CNY", lang)
    assert any("before and after" in remark for remark in campaign_words.remarks(told, "CNY", "en"))


def test_every_state_has_its_words(known):
    campaign = registered(known).campaign
    told = campaigns.as_dict(campaigns.look(known, campaign, LATER))
    doubts = ["not_as_drawn", "lost_unevenly", "control_contacted", "not_reached"]
    for lang in LANGUAGES:
        for outcome in ("churn", "value", "vip"):
            for status in ("waiting", "no_control", "too_few", "open", "works", "harms"):
                one = told | {
                    "outcome": outcome,
                    "status": status,
                    "doubts": doubts,
                    "late": True,
                    "absent": 3,
                    "erased": 1,
                }
                assert campaign_words.verdict(one, "CNY", lang) and campaign_words.status(one, lang)
                assert len(list(campaign_words.remarks(one, "CNY", lang))) >= 7
                assert len(campaign_words.figures(one, "CNY", lang)) == (6 if outcome == "value" else 7)
                assert len(campaign_words.arms(one, "CNY", lang)[0]) == len(campaign_words.arm_titles(outcome, lang))


def test_two_campaigns_at_a_time_are_told_and_pooled(known):
    first = registered(known)
    known.list = frozen(known.workspace, ListSettings(top=90, holdout=0.4))
    second = registered(known, changed(name="Again", start=START + timedelta(days=3)))
    assert first.running == 0 and second.running > 50
    looks = campaigns.measured(known, [first.campaign, second.campaign], LATER)
    found = campaigns_together.together(looks)["churn"]
    assert found.campaigns == 2 and found.found.fixed.half_width < looks[0].found.effect.half_width
    told = campaigns_together.measured_together(known, looks, LATER)
    assert told == campaign_records.measurement(known.workspace, campaign_records.TOGETHER)
    assert told["together"]["churn"]["campaigns"] == 2 and told["as_of"] == LATER.isoformat()
    (one,) = told["uplift"]
    assert (one["outcome"], one["channel"], one["campaigns"]) == ("churn", "call", 2)
    segments = campaigns.as_dict(looks[0])["segments"]
    assert {part["by"] for part in segments} <= {"region", "tier", "type", "stage"} and segments
    assert all(
        (part["effect"]["low"] <= 0 <= part["effect"]["high"]) == (part["status"] == "open") for part in segments
    )
    rows = campaigns.overview(known)
    assert [row["status"] for row in rows] == ["works", "works"] and rows[0]["name"] == "Again"
    assert rows[0]["figures"]["effect"]["value"] < 0 and rows[0]["measured"]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("with_table", [True, False])
def test_whom_a_registered_campaign_treated_counts_as_treated(business, with_table):
    campaign = registered(business).campaign
    rows = customers(business.list)
    other, left_alone = rows["customer_id"].iloc[0], rows[rows["arm"] == "control"]["customer_id"].iloc[0]
    if with_table:  # the campaign's own rows are replaced by what was registered, others' stay
        told = f"""customer_id | happened_at | campaign_id | arm
        {other} | 2026-11-09 | Recovery | control
        {left_alone} | 2026-11-09 | Recovery | treated
        {other} | 2026-11-09 | Spring | treated
        stranger | 2026-11-09 | Spring | control"""
        business.read["contacts"] = table("contacts", told)
        rows.loc[0, "arm"] = "treated"
    found = weights(business, LATER).merge(rows, on="customer_id")
    factor = len(campaign.members) / (campaign.members["arm"] == "control").sum()
    assert found.loc[found["arm"] == "treated", WEIGHT].eq(0).all()
    assert found.loc[found["arm"] == "control", WEIGHT].to_numpy() == pytest.approx(factor)
    assert weights(business, START)[WEIGHT].isna().all(), "nobody knew of it then"


def weights(business, until: date) -> pd.DataFrame:
    """How often the customers of 5 November count in learning."""
    spine = everyone(business.read["customers"], [date(2026, 11, 5)], "UTC")
    tables = treated.with_registered(business, business.read)
    return campaign_weights(FollowUp(spine, tables, cutoff(until, "UTC"), FeatureSettings()), 0, 90).to_pandas()


@pytest.mark.slow
def test_labels_are_made_with_registered_campaigns(business):
    registered(business)
    spine = everyone(business.read["customers"], [date(2026, 11, 5)], "UTC")
    labels = labels_to_learn(business, business.tables(LATER), spine, TARGETS, LATER).merge(customers(business.list))
    assert labels.loc[labels["arm"] == "treated", WEIGHT].eq(0).all() and (labels[WEIGHT] > 1).any()


def test_without_a_registered_campaign_tables_stay_as_they_are(business):
    assert treated.with_registered(business, business.read) == business.read


def test_what_a_training_learns_from_changes_with_the_campaigns(business):
    """Its weights do: two trainings of one identity have the same weights."""
    read = Tables(business.read, fingerprint="0123456789abcdef")
    before = inputs_of(business, read)
    assert before == "0123456789abcdef"
    campaign = registered(business).campaign
    after = inputs_of(business, read)
    assert after.startswith(f"{before}-") and after == inputs_of(business, read)
    path = business.workspace.campaign(campaign.id)
    removal.parquet_without(path, [campaign.members["customer_id"].iloc[0]])
    assert len({before, after, inputs_of(business, read)}) == 3, "whoever is erased has no weight any more"
