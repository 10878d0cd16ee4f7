"""A frozen list becomes a campaign on the page: as the command makes it, once, by whoever may, and on the record."""

import json
import re
from collections.abc import Iterator
from datetime import date

import pytest

from pipelines.flows import campaign_registration
from pipelines.flows.campaign_registration import Order
from pipelines.page.views import registration
from pipelines.wording.texts import LANGUAGES, text
from pipelines.workspace import campaigns, frozen_lists
from tests.pipelines.flows.test_campaigns import EVERYBODY, SETTINGS, TARGETS, drawn
from tests.pipelines.page.site import Site, sampled, visitor
from tests.scores_sample import AS_OF, sample_frame

TODAY = date(2026, 11, 2)
FORM = {
    "name": "Recovery <b>calls</b>",
    "channel": "call",
    "contact_cost": "2.5",
    "incentive": "10",
    "start": "2026-11-08",
    "end": "2026-11-30",
    "outcome": "churn",
}
LIST = drawn(SETTINGS)
PATH = f"/campaigns/register/{LIST.result.list_id}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Site:
    """A marketer on a workspace with two frozen lists."""
    made = sampled(tmp_path_factory.mktemp("shop"), {AS_OF: sample_frame(60)})
    for found in (LIST, drawn(EVERYBODY)):
        frozen_lists.save(made.project.workspace, found)
    return visitor(made, "marketer")


@pytest.fixture
def site(shop: Site, monkeypatch) -> Iterator[Site]:
    """The same on 2 November, without a campaign and without a call on record."""
    monkeypatch.setattr(campaign_registration.bundles, "champions", lambda workspace: {})
    monkeypatch.setattr(campaign_registration.scoring, "targets_of", lambda champions, settings: TARGETS)
    monkeypatch.setattr(registration, "_today", lambda visit: TODAY)
    yield shop
    workspace = shop.served.project.workspace
    for path in [*workspace.campaigns.glob("*.parquet"), *workspace.calls.glob("*.jsonl")]:
        path.unlink()


def kept(site: Site) -> list[campaigns.Campaign]:
    return list(campaigns.everything(site.served.project.workspace))


def test_a_list_is_registered_as_the_command_does_it(site: Site):
    assert LIST.result.list_id in site.get("/campaigns").text
    assert site.get(PATH).status_code == 200
    answer = site.post(PATH, FORM)
    assert answer.status_code == 303, answer.text
    [campaign] = kept(site)
    shown = site.get(answer.headers["location"], params={"lang": "en"})
    assert shown.status_code == 200 and campaign.id in shown.text and "<b>calls" not in shown.text
    after = site.get("/campaigns").text
    assert campaign.id in after and f'href="{PATH}"' not in after
    workspace = site.served.project.workspace
    workspace.campaign(campaign.id).unlink()
    order = Order(FORM["name"], "call", 2.5, 10.0, date(2026, 11, 8), date(2026, 11, 30), "churn")
    by_command = campaign_registration.register(site.served.project, LIST.result.list_id, order, TODAY).campaign
    assert by_command.id == campaign.id and by_command.terms == campaign.terms
    assert campaign.who == "marketer (page)" != by_command.who


def test_who_registered_what_is_on_the_record(site: Site):
    site.post(PATH, FORM)
    [campaign] = kept(site)
    line = json.loads(site.served.audit.path.read_text().splitlines()[-1])
    assert (line["who"], line["what"], line["campaign"]) == ("marketer", "register", campaign.id)
    [call] = site.served.project.workspace.calls.glob("*.jsonl")
    lines = [json.loads(each) for each in call.read_text().splitlines()]
    assert lines[0]["command"] == "campaign register" and lines[0]["by"] == "marketer (page)"
    assert lines[0]["words"][:3] == ["campaign", "register", LIST.result.list_id]
    assert lines[-1]["exit_code"] == 0 and lines[-1]["facts"]["list_id"] == LIST.result.list_id


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_does_not_fit_is_said_with_what_to_do_and_nothing_is_registered(site: Site, lang):
    site.get("/campaigns", params={"lang": lang})
    early = site.post(PATH, FORM | {"start": "2026-11-01"})
    assert early.status_code == 400 and text("registration.fix.E200", lang) in early.text
    assert "--from" not in early.text and 'value="2026-11-01"' in early.text, "what was written stays"
    for field, value in [("name", " "), ("channel", "x" * 41), ("contact_cost", "-1"), ("incentive", "nan")]:
        wrong = site.post(PATH, FORM | {field: value})
        assert wrong.status_code == 400 and text(f"registration.unfit.{field}", lang) in wrong.text
    for field, value in [("start", "8.11.2026"), ("end", ""), ("outcome", "x"), ("contact_cost", "1e12")]:
        wrong = site.post(PATH, FORM | {field: value})
        assert wrong.status_code == 400 and text(f"registration.unfit.{field}", lang) in wrong.text
    assert kept(site) == []


def test_a_list_is_registered_once(site: Site):
    assert site.post(PATH, FORM).status_code == 303
    again = site.post(PATH, FORM | {"name": "Another"})
    assert again.status_code == 400 and "E207" not in again.text and len(kept(site)) == 1


def test_one_that_has_begun_only_where_somebody_says_so(site: Site):
    begun = FORM | {"start": "2026-11-01"}
    assert site.post(PATH, begun).status_code == 400
    told = site.get(site.post(PATH, begun | {"late": "yes"}).headers["location"], params={"lang": "en"})
    assert "weak evidence" in told.text and kept(site)[0].terms.late


def test_a_list_without_a_holdout_says_so_before_it_is_registered(site: Site):
    path = f"/campaigns/register/{drawn(EVERYBODY).result.list_id}"
    assert text("registration.no_control", "en") in site.get(path, params={"lang": "en"}).text
    assert text("registration.no_control", "en") not in site.get(PATH, params={"lang": "en"}).text


def test_who_may_not_register_is_not_asked_and_not_obeyed(site: Site):
    viewer = visitor(site.served, "viewer")
    assert not re.search("/campaigns/register/", viewer.get("/campaigns").text)
    assert viewer.get(PATH).status_code == 403 and viewer.post(PATH, FORM).status_code == 403
    assert site.post(PATH, FORM, token=viewer.csrf()).status_code == 403
    assert kept(site) == []


@pytest.mark.parametrize("unknown", ["churn-2000-01-01-0000000000", "..%2f..%2fpage%2fkey", "%3Cscript%3E"])
def test_a_list_that_nobody_froze_is_not_there(site: Site, unknown):
    assert site.get(f"/campaigns/register/{unknown}").status_code == 404
    assert site.post(f"/campaigns/register/{unknown}", FORM).status_code == 404
