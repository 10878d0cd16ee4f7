"""What every target of the registry must be."""

import subprocess
import sys

import pytest

from models.estimators.bundle import estimator_class
from models.evaluation.metrics import LOWER_IS_BETTER
from models.scores.columns import BY_NAME
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from pipelines.wording.texts import has

EVERY = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


@EVERY
def test_what_a_target_names_is_there(target):
    metrics = target.task.metrics
    assert target.metric in metrics and target.metric not in LOWER_IS_BETTER
    assert set(target.figures) | set(target.report_figures) <= set(metrics) | {"coverage"}
    assert estimator_class(target.name).kind == target.name
    published = [c for c in (*target.outputs.values(), *target.money, *target.counts) if not c.startswith("_")]
    published += [target.version_column, f"{target.name}_horizon_days", *([target.curve] if target.curve else [])]
    assert set(published) <= set(BY_NAME) and set(target.ranked) <= set(target.outputs.values())
    assert (target.reasons_column in BY_NAME) is target.reasons
    for words in ("name", "train", "register", *(["why"] if target.reasons else [])):
        assert has(f"targets.{target.name}.{words}")


@EVERY
def test_other_targets_that_a_target_needs_are_there(target):
    assert set(target.beside.values()) <= set(TARGETS) and (target.stake or target.name) in TARGETS


@EVERY
def test_labels_are_found_among_columns(target):
    settings = TargetSettings().of(target.name)
    labels = target.label_columns(settings)
    assert target.labels_among([*reversed(labels), "arpu_3m", "as_of"]) == list(labels)
    assert target.labels_among(["arpu_3m"]) == []
    assert labels[-1] == target.label.format(target.horizons(labels)[-1])


def test_reading_a_configuration_loads_no_library_that_learns():
    asked = (
        "import sys, pipelines.config.settings; print(*({'lightgbm', 'sklearn', 'scipy', 'mlflow'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
