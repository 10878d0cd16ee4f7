"""What a training leaves in the store, as MLflow reads it back: runs below runs, few metrics, the whole table beside."""

import dataclasses
import json

import mlflow
import pandas as pd
import pytest

from pipelines.tracking import tracking, training_runs
from pipelines.tracking.records import CandidateRecord, DataUsed, Session, Training
from pipelines.tracking.tracking import CHALLENGER
from pipelines.workspace.paths import Workspace

SESSION = Session("2026-11-01 training", "begun", {"kind": "training"}, {})
TRAINING = Training(
    target="churn",
    name="2026-11-01 churn",
    description="**why**",
    params={"seed": 7},
    metrics={"headline": 0.8, "headline_low": 0.7, "headline_high": 0.9},
    tags={"kind": "target", "decision": "gate passed", "learner": "trees"},
    version_tags={"learner": "trees"},
    files={"bundle.json": "{}"},
    inputs=[("arpu", "double"), ("plan", "string")],
    outputs=["churn_probability"],
    table=pd.DataFrame({"model": ["trees"], "metric": ["auc"], "value": [0.8]}),
    candidates=(
        CandidateRecord("2026-11-01 churn · trees", {"headline": 0.8}, {"kind": "candidate"}, {"max_depth": 5}),
    ),
    data=(DataUsed("operator churn snapshots", "d1g3st", "training", "operator.yaml", {"num_rows": 5}),),
    figures={"gain": "<svg/>"},
    reports={"gate": {"passed": True}},
    card="<p>card</p>",
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    return Workspace.open(tmp_path_factory.mktemp("store"), "operator")


@pytest.fixture(scope="module")
def logged(workspace):
    parent = training_runs.begin(workspace, SESSION)
    version = training_runs.log(workspace, TRAINING, parent)
    told = dataclasses.replace(SESSION, description="done", metrics={"headline/churn": 0.8})
    training_runs.tell(workspace, parent, told)
    with tracking.registry_client(workspace) as client:
        runs = client.search_runs([tracking.experiment(workspace)], order_by=["attributes.run_name"])
        return parent, version, {run.info.run_name: run for run in runs}


def test_one_run_per_training_one_per_target_one_per_candidate(logged):
    parent, version, runs = logged
    assert list(runs) == ["2026-11-01 churn", "2026-11-01 churn · trees", "2026-11-01 training"]
    above = {name: run.data.tags.get("mlflow.parentRunId") for name, run in runs.items()}
    assert above == dict(zip(runs, (parent, version.run_id, None), strict=True))
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert runs["2026-11-01 churn · trees"].data.params == {"max_depth": "5"}


def test_a_run_holds_the_headline_and_the_table_holds_the_rest(workspace, logged):
    _, version, runs = logged
    run = runs["2026-11-01 churn"]
    assert run.data.metrics == TRAINING.metrics and run.data.params == {"seed": "7"}
    assert run.data.tags["mlflow.note.content"] == "**why**" and run.data.tags["decision"] == "gate passed"
    with tracking.registry_client(workspace):
        mlflow.set_experiment("operator")
        table = mlflow.load_table("figures.json", run_ids=[version.run_id])
        assert mlflow.artifacts.load_text(f"runs:/{version.run_id}/card.html") == TRAINING.card
        assert mlflow.artifacts.load_text(f"runs:/{version.run_id}/plots/gain.svg") == "<svg/>"
    pd.testing.assert_frame_equal(table, TRAINING.table)


def test_the_data_set_is_listed_with_its_digest_and_rows(logged):
    (used,) = logged[2]["2026-11-01 churn"].inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("operator churn snapshots", "d1g3st")
    assert json.loads(used.dataset.profile)["num_rows"] == 5
    assert [tag.value for tag in used.tags] == ["training"]


def test_what_was_begun_is_told_what_came_of_it(logged):
    run = logged[2]["2026-11-01 training"]
    assert run.data.tags["mlflow.note.content"] == "done" and run.data.metrics == {"headline/churn": 0.8}


def test_the_version_is_the_challenger_and_its_files_are_read_back(workspace, logged):
    version = logged[1]
    assert version.aliases == (CHALLENGER,) and version.number == 1 and set(version.tags) == {"learner", "sha256"}
    assert tracking.version_by_alias(workspace, "churn", CHALLENGER) == version
    assert tracking.files(workspace, version) == TRAINING.files
    assert tracking.report(workspace, version, "gate") == {"passed": True}


def test_the_signature_is_the_one_that_was_declared(workspace, logged):
    with tracking.registry_client(workspace):
        signature = mlflow.models.get_model_info("models:/churn/1").signature
    assert signature.inputs.to_dict() == [
        {"type": "double", "name": "arpu", "required": False},
        {"type": "string", "name": "plan", "required": False},
    ]


def test_a_version_whose_run_was_made_before_there_were_trainings_is_read(workspace, logged):
    """An experiment per target, the files at the same places."""
    with tracking.registry_client(workspace) as client:
        location = (workspace.artifacts / "vip").as_uri()
        experiment = client.create_experiment("operator/vip", artifact_location=location)
        run = client.create_run(experiment, run_name="vip trees, judged on 2026-07-01")
        client.log_text(run.info.run_id, "{}", "bundle/bundle.json")
        client.log_text(run.info.run_id, '{"passed": false}', "reports/gate.json")
        client.create_registered_model("vip")
        client.create_model_version("vip", location, run.info.run_id, tags={"gate_passed": "false"})
    (version,) = tracking.versions(workspace, "vip")
    assert tracking.files(workspace, version) == {"bundle.json": "{}"}
    assert tracking.report(workspace, version, "gate") == {"passed": False}


def test_a_run_that_could_not_be_registered_has_failed(workspace, logged, monkeypatch):
    def fail(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr(tracking, "register_bundle", fail)
    with pytest.raises(RuntimeError, match="planted"):
        training_runs.log(workspace, dataclasses.replace(TRAINING, name="broken", candidates=()))
    with tracking.registry_client(workspace) as client:
        (run,) = client.search_runs([tracking.experiment(workspace)], "attributes.run_name = 'broken'")
    assert run.info.status == "FAILED"
