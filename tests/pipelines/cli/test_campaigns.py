"""`headwater campaign`: from a list to what it has brought, as somebody types it."""

import io
import json
import shutil
from types import SimpleNamespace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pipelines.cli import campaign_words
from pipelines.cli.app import app
from pipelines.wording.formats import masked
from pipelines.workspace.paths import Workspace
from tests.pipelines.delivery.test_uplift_words import EARLY, trial

COSTS = ["--channel", "call", "--cost-per-contact", "2", "--incentive", "10", "--outcome", "churn"]
DAYS = ["--from", "2026-07-02", "--until", "2026-07-20"]


def told(*words: str, code: int = 0) -> dict:
    found = CliRunner().invoke(app, [*words, "--json"])
    assert found.exit_code == code, found.output
    return json.loads(found.stdout)


def said(*words: str, lang: str) -> str:
    found = CliRunner().invoke(app, [*words, "--lang", lang])
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture
def quarter(own_operator):
    """A list of July, on the data of November."""
    told("nightly", "--as-of", "2026-07-01")
    return told("list", "churn", "--as-of", "2026-07-01", "--top", "500", "--holdout", "40%")["list_id"]


def test_from_a_list_to_what_it_has_brought(quarter, tmp_path):
    name = ["--name", "July <calls>"]
    assert told("campaign", "register", quarter, *name, *COSTS, *DAYS, code=2)["error"]["code"] == "E200"
    made = told("campaign", "register", quarter, *name, *COSTS, *DAYS, "--late")
    assert made["late"] and made["treated"] > made["control"] > 100 and made["matures_on"] == "2026-10-05"
    assert told("campaign", "register", quarter, *name, *COSTS, *DAYS, "--late", code=2)["error"]
    waiting = told("campaign", "measure", made["campaign"], "--as-of", "2026-09-01")["campaigns"][0]
    assert waiting["status"] == "waiting" and "effect" not in waiting
    file = tmp_path / "calls.csv"
    file.write_text("customer_id,happened_on\nnobody,2026-07-03\n", encoding="utf-8")
    assert told("campaign", "contacts", "July <calls>", str(file))["contacts"]["strangers"] == 1
    found = told("campaign", "measure", "July <calls>")["campaigns"][0]
    effect, plain = found["effect"], found["unadjusted"]
    assert effect["low"] < effect["value"] < effect["high"] and found["weak"]
    assert effect["high"] - effect["low"] < plain["high"] - plain["low"]
    assert found["treated"]["listed"] == made["treated"] and found["cost"] > 2 * made["treated"]
    row = told("campaign", "list")["campaigns"][0]
    assert row["status"] == found["status"] and row["figures"]["effect"] == effect
    for lang, words in (("en", "weak evidence"), ("zh", "证据都偏弱")):
        text = said("campaign", "measure", "--all", lang=lang)
        assert words in text and "July <calls>" in text
        assert made["campaign"] in said("campaign", "list", lang=lang)
    kept = Workspace((tmp_path / "operator" / "workspace" / "operator").resolve())
    measured = next((kept.campaigns / "measured").glob("*.json")).read_text(encoding="utf-8")
    assert masked("C00012") not in measured and "customer_id" not in measured
    path = kept.campaign(made["campaign"])
    path.write_bytes(path.read_bytes()[:-30])
    assert told("campaign", "measure", "--all", code=3)["error"]["code"] == "E371"
    assert "campaigns" in told("doctor", code=7)["error"]["message"]


def test_nothing_is_registered_yet(operator, tmp_path, monkeypatch):
    shutil.copytree(operator / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    assert told("campaign", "list")["campaigns"] == []
    assert "campaign register" in said("campaign", "list", lang="zh")
    assert told("campaign", "measure", code=2)["error"] and told("campaign", "measure", "x", "--all", code=2)["error"]


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "the third that is highest by churn probability"), ("zh", "流失概率最高的三分之一")]
)
def test_campaigns_together_are_told_whom_they_help(lang, words):
    between = {"value": -0.03, "low": -0.05, "high": -0.01}
    told = {"campaigns": 2, "fixed": between, "random": between, "between": 0.01, "inconsistency": 0.4, "differ": 0.1}
    lines: list[str] = []
    mapping = SimpleNamespace(currency="CNY")
    run = SimpleNamespace(
        language=lang, project=SimpleNamespace(mapping=mapping), say=lambda line, **_: lines.append(line)
    )
    campaign_words.say_together(run, [], {"churn": told | {"thirds": {"highest": between}, "segments": []}})
    text = "\n".join(lines)
    assert words in text and "-3.0" in text and "40%" in text
    lines.clear()
    campaign_words.say_together(run, [], {"churn": told | {"between": 0.0, "thirds": {}, "segments": []}})
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("is used", "ahead of the score", "no model of uplift yet")),
        ("zh", ("不采用", "领先于评分", "尚无增益模型")),
    ],
)
def test_the_trial_of_an_uplift_model_is_told_with_its_figures(lang, words):
    console = Console(width=200, file=io.StringIO())
    run = SimpleNamespace(
        language=lang,
        project=SimpleNamespace(mapping=SimpleNamespace(currency="CNY")),
        say=lambda line, **_: console.print(line),
    )
    campaign_words.say_uplift(run, [trial(), EARLY | {"channel": "[red]app"}])
    told = console.file.getvalue()
    assert all(word.lower() in told.lower() for word in words) and "[red]app" in told and "+20.1" in told
