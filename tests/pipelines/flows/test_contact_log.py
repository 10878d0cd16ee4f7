"""A campaign may be unlearnt unseen where nobody keeps whom it treated: that is told, and nothing else is."""

from datetime import date, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest

from models.settings import TrainingSettings
from models.splits import Protocol, plan
from pipelines.flows import contact_log
from pipelines.wording import errors
from pipelines.workspace.paths import Workspace

SPLIT = plan(date(2026, 9, 1), Protocol(), 90, date(2025, 6, 1))
UNKNOWN = pd.DataFrame({"campaign_weight": pd.array([None, None], dtype="Float64")})


def told(tmp_path, frame=UNKNOWN, lists=(), target="churn", **training):
    workspace = Workspace.open(tmp_path, "shop")
    workspace.lists.mkdir(parents=True, exist_ok=True)
    for day in lists:
        workspace.list_file("churn", day, "xlsx").touch()
    settings = SimpleNamespace(training=TrainingSettings(**training))
    project = SimpleNamespace(settings=settings, workspace=workspace, config=None)
    return contact_log.lacking(project, SimpleNamespace(frame=frame, splits={target: SPLIT}))


def test_lists_without_a_contact_log_are_told_in_both_languages(tmp_path):
    problem = told(tmp_path, lists=[SPLIT.every[0], SPLIT.final])
    assert problem.code == "W564" and problem.values["n"] == 2
    for lang, words in (("en", "on 2 dates"), ("zh", "2 个日期")):
        assert words in errors.render_line(problem, lang)


def test_who_asks_for_it_is_told_without_a_list(tmp_path):
    assert told(tmp_path, treated="weigh").values["n"] == 0


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"lists": [SPLIT.every[0] - timedelta(days=1), SPLIT.final + timedelta(days=SPLIT.days)]},
        {"lists": [SPLIT.final], "treated": "with"},
        {"lists": [SPLIT.final], "target": "value"},
        {"lists": [SPLIT.final], "frame": pd.DataFrame({"campaign_weight": [1.0, 0.0]})},
    ],
)
def test_nothing_is_told_where_nobody_was_listed_or_it_is_known_who_was(tmp_path, known):
    assert told(tmp_path, **known) is None
