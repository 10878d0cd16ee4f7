"""MLflow's store: its client, registered versions, aliases; `training_runs` writes what a training found.

The store is a SQLite file in the workspace, artifacts lie beside it, and no server listens. Whatever goes wrong in it
is exit 7 for training and promotion; scoring never comes here.
"""

import errno
import io
import json
import logging
import os
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import sqlalchemy
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient

from features.errors import HeadwaterError
from models.estimators.bundle import from_files
from pipelines.tracking import locations, registry
from pipelines.wording.errors import disk_error
from pipelines.workspace import bundles, scratch
from pipelines.workspace.files import sync
from pipelines.workspace.paths import Workspace

CHAMPION, CHALLENGER = "champion", "challenger"
SERVED = Path(__file__).with_name("served_model.py")
for chatty in ("mlflow", "alembic"):
    logging.getLogger(chatty).setLevel(logging.WARNING)
# it prints a traceback of what it raises as well, and what is raised becomes one line of ours
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
SHOWN_AS = {"mlflow.experimentKind": "custom_model_development", "mlflow.experiment.primaryMetric.name": "headline"}
"""How MLflow's page shows the experiment: runs of models, and not of prompts."""
TRIES, PAUSE = 4, 2.5
"""A locked store is tried again for ten seconds."""


@dataclass(frozen=True)
class Version:
    """One registered version of a target's model.

    Attributes
    ----------
    target
        Whose model it is.
    number
        Counts from 1 in each target.
    run_id
        Of the MLflow run that registered it.
    tags
        Fingerprints and decisions, as text.
    aliases
        `champion`, `challenger`, or none.
    """

    target: str
    number: int
    run_id: str
    tags: dict[str, str]
    aliases: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.target}/{self.number}"


@contextmanager
def registry_client(workspace: Workspace) -> Iterator[MlflowClient]:
    """A client of the workspace's store; trouble with it becomes one line and exit 7.

    So does a store that lacks versions which are known here: it would give their numbers a second time.
    """
    registry.check_store(workspace)
    with _store_client(workspace) as client:
        yield client


@contextmanager
def _store_client(workspace: Workspace) -> Iterator[MlflowClient]:
    """A client of the store as it is, made when it is not there."""
    uri = f"sqlite:///{workspace.tracking}"
    try:
        if not workspace.tracking.exists():
            create_store(workspace)
        mlflow.set_tracking_uri(uri)
        yield _connect(uri)
    except (MlflowException, sqlalchemy.exc.SQLAlchemyError) as error:
        raise HeadwaterError("E706", file=workspace.tracking, detail=str(error).strip().splitlines()[0]) from error


def create_store(workspace: Workspace) -> None:
    """A new store, there whole or not at all; one that another process made meanwhile stays.

    MLflow brings it through all its versions, hundreds of statements: each waiting for the disk would take long.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # slow to import, and rarely needed

    try:
        with scratch.folder(workspace.root, ".tracking-") as folder:
            new = folder / workspace.tracking.name
            sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _unsynced)
            try:
                SqlAlchemyStore(f"sqlite:///{new}", workspace.artifacts.as_uri()).engine.dispose()
            finally:
                sqlalchemy.event.remove(sqlalchemy.Engine, "connect", _unsynced)
            sync(new)
            with suppress(FileExistsError):
                os.link(new, workspace.tracking)
            sync(workspace.root)
    except OSError as error:
        raise disk_error(error, workspace.tracking) from error


def _unsynced(connection: sqlite3.Connection, _: object) -> None:
    """What befalls a file that nobody sees yet does not matter."""
    connection.execute("PRAGMA synchronous = OFF")


def _connect(uri: str) -> MlflowClient:
    """The client, once the store answers; a lock held by somebody else is waited for a little."""
    for attempt in range(TRIES):
        try:
            client = MlflowClient(uri)
            client.search_experiments(max_results=1)
            return client
        except (MlflowException, sqlalchemy.exc.SQLAlchemyError):
            if attempt == TRIES - 1:
                raise
            time.sleep(PAUSE)
    raise AssertionError("unreachable")


def experiment(workspace: Workspace) -> str:
    """Id of the project's experiment, made with the artifact folder inside the workspace."""
    location, known = workspace.artifacts.as_uri(), mlflow.get_experiment_by_name(workspace.root.name)
    if known is not None:
        if known.artifact_location != location:
            locations.follow(workspace, known.artifact_location)
        return str(known.experiment_id)
    return str(mlflow.create_experiment(workspace.root.name, artifact_location=location, tags=SHOWN_AS))


def restore_version(workspace: Workspace, target: str, number: int, files: dict[str, str] | None) -> None:
    """Register a version again that the store has lost.

    Parameters
    ----------
    workspace
        Whose store it is.
    target
        Whose model it is.
    number
        Its number of before, which must be the next one.
    files
        Its model as text; None where it is lost, and the version is tagged `lost`.

    Raises
    ------
    HeadwaterError
        E714 (exit 7) where the store gives another number.
    """
    with _store_client(workspace) as client:
        registered = _register_files(workspace, target, files) if files else _placeholder(client, workspace, target)
        if registered != str(number):
            raise HeadwaterError("E714", file=workspace.tracking, versions=f"{target}/{number}")
        tags = {"restored": "true", "sha256": bundles.digests(files)[1]} if files else {"lost": "true"}
        facts = from_files(files).facts_ if files else {}
        known = {key: str(facts[key]) for key in ("feature_set_hash", "inputs") if key in facts}
        for key, value in (tags | known).items():
            client.set_model_version_tag(target, registered, key, value)


def _register_files(workspace: Workspace, target: str, files: dict[str, str]) -> str:
    """A version made of files alone: of its training nothing is known any more."""
    with (
        mlflow.start_run(experiment_id=experiment(workspace), run_name=f"{target} restored"),
        tempfile.TemporaryDirectory() as folder,
    ):
        bundle = Path(folder) / "bundle"
        bundle.mkdir()
        for name, text in files.items():
            (bundle / name).write_text(text, encoding="utf-8")
        mlflow.log_artifacts(folder)
        return register_bundle(target, bundle, None, {})


def _placeholder(client: MlflowClient, workspace: Workspace, target: str) -> str:
    with suppress(MlflowException):
        client.create_registered_model(target)
    return str(client.create_model_version(target, (workspace.artifacts / target / "lost").as_uri()).version)


def register_bundle(target: str, bundle: Path, signature: ModelSignature | None, tags: dict[str, str]) -> str:
    """Register text and JSON as a version of a target's model, made by the active run; no pickle is written.

    Parameters
    ----------
    target
        Names the registered model.
    bundle
        The folder of its files.
    signature
        Declared, or None where it is not known.
    tags
        Of the version.

    Returns
    -------
    str
        Its number.
    """
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # it prints "Successfully registered" by itself
        # an example row would be a customer's data; the signature is declared instead
        warnings.filterwarnings("ignore", message=".*input example.*", category=UserWarning)
        info = mlflow.pyfunc.log_model(
            name=target,
            python_model=str(SERVED),
            artifacts={"bundle": str(bundle)},
            signature=signature,
            pip_requirements=["headwater"],
        )
        return str(mlflow.register_model(f"models:/{info.model_id}", target, tags=tags).version)


def version(client: MlflowClient, target: str, number: str) -> Version:
    """A registered version as the store knows it.

    Parameters
    ----------
    client
        Of the store.
    target
        Whose model it is.
    number
        Of the version.
    """
    entry = client.get_model_version(target, number)
    return Version(target, int(entry.version), str(entry.run_id), dict(entry.tags), tuple(entry.aliases))


def versions(workspace: Workspace, target: str) -> list[Version]:
    """Every registered version, newest first."""
    with registry_client(workspace) as client:
        entries = client.search_model_versions(f"name='{target}'")
        return sorted((version(client, target, v.version) for v in entries), key=lambda v: -v.number)


def version_by_alias(workspace: Workspace, target: str, alias: str) -> Version | None:
    """The version that an alias names, or None.

    Parameters
    ----------
    workspace
        Whose store it is.
    target
        Whose model it is.
    alias
        `champion` or `challenger`.

    Returns
    -------
    Version | None
        The version.
    """
    return next((v for v in versions(workspace, target) if alias in v.aliases), None)


def set_alias(workspace: Workspace, target: str, alias: str, number: int, tags: dict[str, str] | None = None) -> None:
    """Move an alias, after writing the tags that say why.

    Parameters
    ----------
    workspace
        Whose store it is.
    target
        Whose model it is.
    alias
        `champion` or `challenger`.
    number
        Of the version that it names from now on.
    tags
        Added to the version first.
    """
    set_tags(workspace, target, number, tags or {})
    with registry_client(workspace) as client:
        client.set_registered_model_alias(target, alias, str(number))


def set_tags(workspace: Workspace, target: str, number: int, tags: Mapping[str, str]) -> None:
    """Add tags to a version.

    Parameters
    ----------
    workspace
        Whose store it is.
    target
        Whose model it is.
    number
        Of the version.
    tags
        Key -> value.
    """
    if tags:
        with registry_client(workspace) as client:
            for key, value in tags.items():
                client.set_model_version_tag(target, str(number), key, value)


def files(workspace: Workspace, version: Version) -> dict[str, str]:
    """The bundle of a registered version, as text by file name; missing files and altered ones are exit 5.

    What the disk or the store does not give just now is exit 7: there is nothing wrong with the version.
    """
    with registry_client(workspace), tempfile.TemporaryDirectory() as folder:
        try:
            downloaded = mlflow.artifacts.download_artifacts(
                run_id=version.run_id, artifact_path="bundle", dst_path=folder
            )
            texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(Path(downloaded).iterdir())}
        except UnicodeDecodeError as error:
            raise HeadwaterError("E530", version=version.name, target=version.target) from error
        except (MlflowException, OSError) as error:
            _raise_unless_missing(error, workspace)
            raise HeadwaterError("E524", version=version.name, target=version.target) from error
    if bundles.digests(texts)[1] != version.tags.get("sha256", bundles.digests(texts)[1]):
        raise HeadwaterError("E530", version=version.name, target=version.target)
    return texts


def _raise_unless_missing(error: Exception, workspace: Workspace) -> None:
    """Raise again what says nothing of the files: a store that does not answer, a disk that fails."""
    if isinstance(error, MlflowException) and error.error_code == "TEMPORARILY_UNAVAILABLE":
        raise error
    if isinstance(error, OSError) and error.errno not in (None, errno.ENOENT, errno.ENOTDIR):
        raise disk_error(error, error.filename or workspace.artifacts) from error


def report(workspace: Workspace, version: Version, name: str) -> Any:
    """A JSON report that was logged with a version.

    Parameters
    ----------
    workspace
        Whose store it is.
    version
        With which it was logged.
    name
        A key of `Training.reports`.

    Returns
    -------
    Any
        The document.

    Raises
    ------
    HeadwaterError
        E532 (exit 5) where it is not there or damaged.
    """
    with registry_client(workspace):
        try:
            return json.loads(mlflow.artifacts.load_text(f"runs:/{version.run_id}/reports/{name}.json"))
        except (MlflowException, OSError, ValueError) as error:
            _raise_unless_missing(error, workspace)
            raise HeadwaterError("E532", version=version.name, target=version.target, name=name) from error
