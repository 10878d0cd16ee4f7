"""A playbook in a file of its own: what is wrong with it is said with its file, line and rule."""

from pathlib import Path

import pytest
import yaml

from features.errors import HeadwaterError
from pipelines.config.settings import load
from pipelines.delivery.playbooks import as_yaml
from pipelines.wording import errors
from targeting.action_settings import ActionSettings
from targeting.default_playbook import PLAYBOOK
from targeting.playbook import in_order
from tests.demo_project import ROOT

GOOD = """playbook:
  - code: recover_complaint
    purpose: recover
    when: {complaint_open: true}
    cost: 8
  - code: grow
    when: {lifecycle_stage: [growing]}
    quota: 1%
  - code: care_basic
"""


def opened(folder: Path, text: str):
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    (folder / "headwater.yaml").write_text("actions: {playbook: own.yaml}\n", encoding="utf-8")
    (folder / "mappings").symlink_to(ROOT / "configs" / "mappings")
    return load(folder / "headwater.yaml", environment={})


def test_the_rules_of_the_file_are_those_of_the_project(tmp_path):
    settings = opened(tmp_path, GOOD)
    assert [action.code for action in settings.actions.playbook] == ["recover_complaint", "grow", "care_basic"]
    assert settings.actions.playbook[1].quota == "1%" and settings.actions.playbook[0].cost == 8.0
    other = tmp_path / "other.yaml"
    other.write_text(GOOD.replace("quota: 1%", "quota: 2"), encoding="utf-8")
    changed = load(tmp_path / "headwater.yaml", overrides={"actions.playbook": str(other)}, environment={})
    assert changed.actions.playbook[1].quota == 2 and changed.fingerprint() != settings.fingerprint()


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "says"),
    [
        ("[growing]", "[growin]", "E204", 7, "take one of onboarding"),
        ("cost: 8", "cots: 8", "E203", 5, "cost"),
        ("quota: 1%", "quota: 1 percent", "E204", 8, "quota"),
        ("quota: 1%", "quota: 0", "E204", 8, "greater than 0"),
        ("  - code: care_basic", "  - code: care_basic\n    quota: 3", "E204", 9, "purpose care"),
        ("code: grow", "code: recover_complaint", "E204", 6, "same name"),
        ("    when: {complaint_open: true}\n", "", "E204", 2, "open complaints"),
        ("{lifecycle_stage: [growing]}", "{vip_reason: [usage_tren]}", "E204", 7, "usage_trend"),
        ("playbook:", "rules:", "E203", 1, "playbook"),
        ("playbook:\n", "playbook: {}\n#", "E202", 3, ""),
    ],
)
def test_what_is_wrong_is_said_once_with_file_line_and_fix(tmp_path, old, new, code, line, says):
    with pytest.raises(HeadwaterError) as raised:
        opened(tmp_path, GOOD.replace(old, new, 1))
    problem = raised.value.problem
    assert (problem.code, problem.row, Path(str(problem.file)).name) == (code, line, "own.yaml")
    assert says in errors.render_line(problem, "en") and len(raised.value.problems) <= 2
    assert errors.render_line(problem, "zh")


def test_a_playbook_that_is_no_list_or_no_file_is_refused(tmp_path):
    with pytest.raises(HeadwaterError, match="E204"):
        opened(tmp_path, "playbook: {code: care_basic}\n")
    (tmp_path / "own.yaml").unlink()
    with pytest.raises(HeadwaterError, match="E201"):
        load(tmp_path / "headwater.yaml", environment={})


def test_what_is_shown_as_a_file_is_read_back():
    content = yaml.safe_load(as_yaml(PLAYBOOK))
    assert ActionSettings.model_validate(content).playbook == PLAYBOOK


def test_the_shipped_playbook_differs_from_the_default_in_money_alone():
    shipped = load(ROOT / "configs" / "operator.yaml", environment={}).actions.playbook
    money = {"cost": 0.0, "incentive": 0.0}
    assert [a.model_copy(update=money) for a in shipped] == [a.model_copy(update=money) for a in PLAYBOOK]
    assert in_order(shipped)[:2] == [0, 1] and all(not isinstance(action.cost, str) for action in shipped)
