"""Promoting and registering with the tracking store, as commands do it."""

import contextlib
import dataclasses
from collections.abc import Hashable, Iterator
from unittest.mock import patch

import pandas as pd

from benchmarks.reliability.acts import Act
from features.errors import Problem
from pipelines.flows import promotion
from pipelines.tracking import tracking, training_runs
from pipelines.tracking.records import CandidateRecord, Training
from pipelines.tracking.tracking import CHALLENGER, CHAMPION, Version
from pipelines.workspace import bundles, evaluations
from pipelines.workspace.paths import Workspace

TARGET = "churn"
TRAINING = Training(
    target=TARGET,
    name="2026-11-01 churn",
    description="",
    params={},
    metrics={"headline": 0.8},
    tags={"kind": "target"},
    version_tags={"learner": "trees"},
    files={},
    inputs=[("arpu", "double")],
    outputs=["churn_probability"],
    table=pd.DataFrame({"metric": ["auc"], "value": [0.8]}),
    candidates=(CandidateRecord("2026-11-01 churn · trees", {"headline": 0.8}, {"kind": "candidate"}),),
    reports={"gate": {"passed": True, "champion": None}},
)
ROWS = pd.DataFrame({"customer_id": ["a", "b"], "y": [0, 1]})


def register(workspace: Workspace, content: int) -> Version:
    """A version whose files say this, with its evaluation."""
    training = dataclasses.replace(TRAINING, files={"bundle.json": f'{{"n": {content}}}'})
    return training_runs.log(
        workspace, training, keep=lambda version: evaluations.save(workspace, version.name, {"n": content}, ROWS)
    )


def _challenger(workspace: Workspace) -> Hashable:
    """What the challenger's files say, its evaluation being of the same training."""
    version = tracking.version_by_alias(workspace, TARGET, CHALLENGER)
    assert version is not None
    texts, kept = tracking.files(workspace, version), evaluations.load(workspace, version.name)
    assert kept is not None and texts == {"bundle.json": f'{{"n": {kept[0]["n"]}}}'}
    return kept[0]["n"]


def _promoted_first(workspace: Workspace) -> None:
    for content in (1, 2):
        register(workspace, content)
    promote(workspace, 1)


def promote(workspace: Workspace, number: int) -> Problem | None:
    """As `promotion.promote` does it once a version is chosen."""
    (version,) = (found for found in tracking.versions(workspace, TARGET) if found.number == number)
    return promotion.install(workspace, version, promotion.version_texts(workspace, version))


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """A store that fails is tried again at once."""
    with patch.object(tracking, "PAUSE", 0.0):
        yield


class _Promoting:
    """Promotes, and remembers whether that came with a warning: only then may the alias be another's."""

    def __init__(self) -> None:
        self.warned: Problem | None = None

    def do(self, workspace: Workspace) -> None:
        """The second version becomes the champion."""
        self.warned = promote(workspace, 2)

    def seen(self, workspace: Workspace) -> Hashable:
        """The version that nights score with."""
        version, _, texts = bundles.champion_texts(workspace)[TARGET]
        aliased = tracking.version_by_alias(workspace, TARGET, CHAMPION)
        assert aliased is not None and texts == {"bundle.json": f'{{"n": {version[-1]}}}'}
        assert self.warned or aliased.name == version, f"the store calls {aliased.name} champion, nights {version}"
        return version


_promoting = _Promoting()
STORE_ACTS = (
    Act("promote in the store", _promoted_first, _promoting.do, _promoting.seen),
    Act("register in the store", lambda space: register(space, 1), lambda space: register(space, 2), _challenger),
)
