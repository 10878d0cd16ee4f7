"""The page of campaigns: every state in both languages, whatever somebody has called a campaign."""

import html
from datetime import date

import pytest

from pipelines.delivery import uplift_words
from pipelines.flows import campaigns as flow
from pipelines.ingest.campaigns_on_record import OnRecord
from pipelines.page.unregistered import ON_RECORD
from pipelines.page.views import campaigns
from pipelines.wording.texts import LANGUAGES, text
from tests.pipelines.delivery.test_uplift_words import EARLY, SEGMENTS, trial
from tests.pipelines.page.site import Site

HOSTILE = '<script>alert("x")</script>'
ARM = {"listed": 500, "followed": 490, "mean": 0.12, "contacted": None}
BETWEEN = {"value": -0.031, "low": -0.052, "high": -0.01}
MONEY = {"value": 1200.0, "low": -300.0, "high": 2700.0}


def row(status: str, **changes) -> dict:
    """As `flows.campaigns.overview` gives it."""
    head = {"campaign": f"campaign-2026-07-02-{status}", "name": HOSTILE, "outcome": "churn", "start": "2026-07-02"}
    head |= {"end": "2026-07-20", "matures_on": "2026-10-05", "status": status, "late": False, "weak": False}
    told = head | {"as_of": "2026-11-01", "incentive": 5.0, "margin": 1.0, "erased": 0}
    if status != "waiting":
        known = status in ("works", "open", "harms")
        told |= dict.fromkeys(("effect", "unadjusted"), BETWEEN if known else None)
        told |= dict.fromkeys(("people", "revenue", "net", "roi"), MONEY if known else None)
        told |= {"treated": ARM, "control": ARM | {"contacted": 3}, "cost": 900.0, "expected": 0.2, "elsewhere": 4}
        told |= {"doubts": ["control_contacted"], "absent": 2, "undefined": 0}
        told |= {"contacts": {"strangers": 0, "outside": 0, "on_record": False}, "segments": SEGMENTS if known else []}
    return {"measured": status != "waiting", "figures": told} | head | {"treated": 500, "control": 200} | changes


def forget(site: Site) -> None:
    """What the night remembers of campaigns on record."""
    kept = site.served.nights.current().kept
    for key in [key for key in kept if isinstance(key, tuple) and key[0] == ON_RECORD]:
        del kept[key]


@pytest.fixture
def shown(monkeypatch, marketer):
    """What the page says of some campaigns."""

    def page(rows: list[dict], lang: str, others: tuple[OnRecord, ...] = ()) -> str:
        monkeypatch.setattr(flow, "overview", lambda project: rows)
        monkeypatch.setattr(flow, "unregistered", lambda project: others)
        forget(marketer)
        answer = marketer.get("/campaigns", params={"lang": lang})
        forget(marketer)
        assert answer.status_code == 200, answer.text
        return answer.text

    return page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_state_is_shown_and_no_name_is_markup(shown, lang):
    found = shown([row(status) for status in ("works", "harms", "open", "too_few", "no_control", "waiting")], lang)
    assert HOSTILE not in found and "&lt;script&gt;" in found
    for status in ("works", "harms", "open", "too_few", "no_control", "waiting"):
        assert text(f"campaigns.status.{status}", lang) in found
    assert found.count('<dl class="measured">') == 3, "figures only where there are any"
    assert text("campaigns.unmeasured", lang, matures="2026-10-05") in found, "known by the data date and not measured"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_segments_and_models_of_uplift_are_told_as_they_were_measured_last(shown, monkeypatch, lang):
    pool = {"campaigns": 2, "fixed": BETWEEN, "segments": SEGMENTS}
    told = {"as_of": "2026-11-01", "together": {"churn": pool}, "uplift": [trial(), EARLY]}
    monkeypatch.setattr(campaigns.campaign_records, "measurement", lambda workspace, name: told)
    found = shown([row("works")], lang)
    assert found.count(text("uplift.by_segment", lang)) == 2 and "<b>north" not in found
    for key in ("status.open", "status.works"):
        assert text(f"campaigns.{key}", lang) in found
    assert html.escape(uplift_words.verdict(trial(), lang)) in found and uplift_words.verdict(EARLY, lang) in found
    assert text("uplift.order.t_learner", lang) in found


def test_where_nothing_was_measured_together_nothing_is_said_of_it(shown):
    assert text("uplift.title", "en") not in shown([row("works")], "en")


def test_nothing_is_promised_before_it_is_mature(shown):
    early = row("waiting", matures_on="2027-02-05")
    early["figures"]["matures_on"] = "2027-02-05"
    found = shown([early], "en")
    assert "matures on 2027-02-05" in found and "was not measured yet" not in found


def test_campaigns_that_nobody_registered_are_told_apart(shown):
    days = date(2017, 3, 1), date(2017, 3, 1)
    found = shown([], "en", (OnRecord("08", 1076, 0, *days), OnRecord("HD020", 166, 54, *days)))
    assert "Not randomised: no holdout" in found and "weak evidence" in found and "1,076" in found
    assert text("campaigns.nothing", "en") in found
    assert text("campaigns.unregistered", "zh") not in shown([], "zh")
