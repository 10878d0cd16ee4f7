"""`headwater playbook`: rules in words, and what a change of them would do, on the night that was published."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pipelines.delivery import playbooks
from pipelines.project import Project
from pipelines.workspace.publication import read_publication
from tests.demo_project import ROOT
from tests.pipelines.cli.calls import call, document, stderr


@pytest.fixture
def here(operator, monkeypatch):
    monkeypatch.chdir(operator)
    return operator


def test_a_night_publishes_what_its_playbook_chooses_from_the_published_rows(here):
    project = Project.open("configs/operator.yaml")
    publication = read_publication(project.workspace, None)
    playbook = project.settings.actions.playbook
    (chosen,) = playbooks.chosen(project, publication, playbook)
    rows = publication.scores.table().to_pandas()
    assert rows["action_rule"].tolist() == [playbook[k].name for k in chosen.rule]
    assert rows["action_priority"].astype(float).to_numpy() == pytest.approx(chosen.benefit, abs=0.006, nan_ok=True)
    assert rows[["recommended_action", "action_channel", "owner"]].notna().all(axis=None)
    potential = rows[rows["is_potential_vip"].eq(True)]
    assert potential["recommended_action"].astype(object).value_counts(normalize=True).iloc[0] < 0.6
    told = json.loads(publication.meta["playbook"])
    assert [rule["rule"] for rule in told["rules"]] == [action.name for action in playbook]
    assert told["rules"][0]["paid"] == {"contact": 12.0, "incentive": 0.0}


def test_a_preview_counts_who_would_move(here, tmp_path):
    same = document("playbook", "preview", str(ROOT / "configs" / "playbook.yaml"))
    assert same["moved"] == 0 and same["moves"] == []
    rules = yaml.safe_load((ROOT / "configs" / "playbook.yaml").read_text(encoding="utf-8"))
    rules["playbook"] = [rule for rule in rules["playbook"] if rule["code"] != "check_in"]
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(rules), encoding="utf-8")
    found = document("playbook", "preview", str(changed))
    rows = pd.read_parquet("workspace/operator/latest.parquet", columns=["recommended_action"])
    were = int(rows["recommended_action"].eq("check_in").sum())
    assert found["customers"] == len(rows) and found["moved"] >= were > 0
    assert sum(move["customers"] for move in found["moves"] if move["before"] == "check_in") == were
    for lang, word in (("zh", "主动回访"), ("en", "Ask what is wrong")):
        assert word in call("playbook", "preview", str(changed), "--lang", lang)


def test_a_wrong_playbook_is_exit_2_with_its_line(here, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("playbook:\n  - code: grow\n    quota: 3\n", encoding="utf-8")
    assert "wrong.yaml:2" in stderr("playbook", "preview", str(wrong), code=2)


def test_rules_are_told_in_words_and_as_a_file(here, tmp_path):
    zh, en = (call("playbook", "show", "--lang", lang) for lang in ("zh", "en"))
    assert "潜在VIP，有逾期欠费" in zh and "potential VIP, money overdue" in en
    assert "playbook." not in zh + en and "[" not in zh
    file = Path(tmp_path / "shown.yaml")
    file.write_text(call("playbook", "show", "--yaml"), encoding="utf-8")
    assert document("playbook", "preview", str(file))["moved"] == 0
