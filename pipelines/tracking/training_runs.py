"""The runs of a training: one above all, one per target with its registered version, and one per candidate below that.

A run holds few metrics, the one that its target is judged by first, so that the table of runs can be read; every figure
is in `figures.json`. Each call to the store takes ten milliseconds and more, so what belongs together is given at once.
"""

import dataclasses
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, Schema
from mlflow.utils import mlflow_tags

from pipelines.tracking import tracking
from pipelines.tracking.records import CandidateRecord, DataUsed, Session, Training
from pipelines.tracking.tracking import CHALLENGER, Version
from pipelines.workspace import bundles
from pipelines.workspace.paths import Workspace

FIGURES, CARD = "figures.json", "card.html"


def begin(workspace: Workspace, session: Session) -> str:
    """The run above those of the targets. It is over at once and told more later: what is killed leaves no run behind
    that seems to go on. Gives its id."""
    with tracking.registry_client(workspace) as client:
        run_id = _create(client, tracking.experiment(workspace), session.name, _told(session))
        client.set_terminated(run_id)
        return run_id


def tell(workspace: Workspace, run_id: str, session: Session) -> None:
    """What came of a training so far, in place of what was told before.

    Parameters
    ----------
    workspace
        Whose store it is.
    run_id
        From `begin`.
    session
        What is known by now.
    """
    with tracking.registry_client(workspace) as client:
        tags = [RunTag(key, value) for key, value in _told(session).items()]
        client.log_batch(run_id, _metrics(session.metrics), tags=tags)
        client.set_terminated(run_id)


def _told(session: Session) -> dict[str, str]:
    return session.tags | {mlflow_tags.MLFLOW_RUN_NOTE: session.description}


def log(
    workspace: Workspace,
    training: Training,
    parent: str | None = None,
    keep: Callable[[Version], None] = lambda _: None,
) -> Version:
    """The run of a target, those of its candidates, and a registered version with the alias `challenger`.

    The alias moves last, and what could fail after it is done before: a version that is told as failed is nobody's
    challenger.

    Parameters
    ----------
    workspace
        Whose store it is.
    training
        What was found.
    parent
        Id of the run above; None for none.
    keep
        Keeps what else is known of the version, before it is the challenger.

    Returns
    -------
    Version
        With its number.
    """
    with tracking.registry_client(workspace) as client:
        number = _registered(client, workspace, training, parent)
        registered = tracking.version(client, training.target, number)
        keep(registered)
        client.set_registered_model_alias(training.target, CHALLENGER, number)
    return dataclasses.replace(registered, aliases=(*registered.aliases, CHALLENGER))


def _registered(client: MlflowClient, workspace: Workspace, training: Training, parent: str | None) -> str:
    """The number of a new version, made by a run of its own."""
    with tempfile.TemporaryDirectory() as folder:
        experiment, made = tracking.experiment(workspace), _write(training, Path(folder))
        with mlflow.start_run(
            experiment_id=experiment,
            run_name=training.name,
            parent_run_id=parent,
            tags=training.tags | _shown(training),
        ) as run:
            params = [Param(name, str(value)) for name, value in training.params.items()]
            client.log_batch(run.info.run_id, _metrics(training.metrics), params)
            client.log_inputs(run.info.run_id, [_dataset(data, training.inputs) for data in training.data])
            client.log_artifacts(run.info.run_id, folder)
            for candidate in training.candidates:
                _log_candidate(client, experiment, candidate, run.info.run_id)
            tags = training.version_tags | {"sha256": bundles.digests(training.files)[1]}
            return tracking.register_bundle(training.target, made / "bundle", _signature(training), tags)


def _create(client: MlflowClient, experiment: str, name: str, tags: dict[str, str], parent: str | None = None) -> str:
    """Id of a new run."""
    above = {mlflow_tags.MLFLOW_PARENT_RUN_ID: parent} if parent else {}
    return str(client.create_run(experiment, tags=tags | above, run_name=name).info.run_id)


def _shown(training: Training) -> dict[str, str]:
    """Tags by which MLflow's page shows a description, and a table that `mlflow.load_table` reads."""
    table = json.dumps([{"path": FIGURES, "type": "table"}])
    return {mlflow_tags.MLFLOW_RUN_NOTE: training.description, mlflow_tags.MLFLOW_LOGGED_ARTIFACTS: table}


def _metrics(figures: dict[str, float]) -> list[Metric]:
    now = int(time.time() * 1000)
    return [Metric(name, value, now, 0) for name, value in figures.items()]


def _dataset(data: DataUsed, columns: list[tuple[str, str]]) -> DatasetInput:
    """As `mlflow.log_input` gives it, without the rows."""
    schema = {"mlflow_colspec": [{"name": name, "type": kind} for name, kind in columns]}
    source = json.dumps({"uri": data.source})
    entity = Dataset(data.name, data.digest, "local", source, json.dumps(schema), json.dumps(data.profile))
    return DatasetInput(entity, [InputTag(mlflow_tags.MLFLOW_DATASET_CONTEXT, data.context)])


def _write(training: Training, folder: Path) -> Path:
    """Everything that the run keeps as a file, in a folder; gives the folder."""
    texts = {FIGURES: training.table.to_json(orient="split", index=False)}
    texts |= {f"bundle/{name}": text for name, text in training.files.items()}
    texts |= {f"plots/{name}.svg": svg for name, svg in training.figures.items()}
    texts |= {f"reports/{name}.json": _json(value) for name, value in training.reports.items()}
    texts |= {CARD: training.card} if training.card else {}
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _log_candidate(client: MlflowClient, experiment: str, candidate: CandidateRecord, parent: str) -> None:
    run_id = _create(client, experiment, candidate.name, candidate.tags, parent)
    params = [Param(name, str(value)) for name, value in candidate.params.items()]
    client.log_batch(run_id, _metrics(candidate.metrics), params)
    client.set_terminated(run_id)


def _signature(training: Training) -> ModelSignature:
    """Declared: what MLflow would infer takes a category for text, and refuses it afterwards."""
    inputs = Schema([ColSpec(kind, name, required=False) for name, kind in training.inputs])
    return ModelSignature(inputs, Schema([ColSpec("double", name) for name in training.outputs]))
