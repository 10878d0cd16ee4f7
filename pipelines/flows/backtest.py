"""Backtest: every candidate beside the rule of today on later, unseen time; registers nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pyarrow as pa

from features.errors import HeadwaterError
from models.splits import origins
from models.training import Trained
from pipelines.delivery.backtest_data import BacktestData, Champion
from pipelines.flows import backtest_figures, dataset, retrain, sentences
from pipelines.ingest import months
from pipelines.project import Project
from pipelines.workspace import bundles, evaluations, files
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps


def run(project: Project, as_of: date, names: list[str], folds: int, steps: Steps) -> list[Trained]:
    """Every target at every origin, oldest first; snapshots of all origins are built together.

    A target that cannot be learnt is told and takes no other with it. Raises its problem where there is no other.

    Parameters
    ----------
    project
        Its settings and tables.
    as_of
        What is known by then is used.
    names
        Targets.
    folds
        How many origins there are; fewer where the history is too short.
    steps
        Shows how far it is; warned of each target that cannot be learnt.

    Returns
    -------
    list[Trained]
        By origin, then by target.

    Raises
    ------
    HeadwaterError
        What each target lacks, where none could be learnt; exit 7 for trouble with the machine.
    """
    settings, trained, failures = project.settings, list[Trained](), list[HeadwaterError]()
    sentences.warn_left_out(settings, steps)
    tables = project.tables(as_of)
    first = dataset.earliest_date(tables.tables, settings.protocol)
    until = months.told_until(tables, project.mapping, as_of)
    splits = {}
    for name in names:
        with _skip_untrainable(name, failures, steps):
            days, shortest = settings.targets.of(name).window_days, dataset.shortest_days(project, name)
            splits[name] = origins(until, settings.protocol, days, folds, first, shortest)
    for number in range(max((len(s) for s in splits.values()), default=0)):
        now = {name: s[number] for name, s in splits.items() if number < len(s)}
        data = dataset.snapshots(project, as_of, tables, now, steps)
        for name in now:
            with _skip_untrainable(name, failures, steps):
                trained.append(retrain.learn(project, data, name, steps, ship=False))
    if failures and not trained:
        raise HeadwaterError.of([error.problem for error in failures])
    return trained


def told(project: Project, as_of: date, results: Sequence[Trained]) -> BacktestData:
    """Everything that a backtest tells: all figures, with what is in force beside them.

    Parameters
    ----------
    project
        Its workspace and features.
    as_of
        Of the backtest.
    results
        By origin and target, as `run` gives them.
    """
    settings, champions = project.settings, _champions(project.workspace)
    table = backtest_figures.figures(settings.name, results, champions, settings.training.resamples, settings.seed)
    return BacktestData(
        name=settings.name,
        as_of=as_of,
        results=backtest_figures.by_target(results),
        figures=table.to_pandas(date_as_object=True),
        champions=champions,
        features={feature.column: feature for feature in project.features},
        currency=project.mapping.currency,
    )


def _champions(workspace: Workspace) -> dict[str, Champion]:
    """Target -> what is in force, where the record of its training is kept here."""
    versions = {target: entry["version"] for target, entry in bundles.champion_entries(workspace).items()}
    kept = {target: evaluations.load(workspace, version) for target, version in versions.items()}
    return {target: Champion(versions[target], found[0]) for target, found in kept.items() if found}


def write_figures(project: Project, data: BacktestData) -> Path:
    """Write every figure of a backtest as Parquet.

    Parameters
    ----------
    project
        Its workspace.
    data
        Everything that the backtest tells.

    Returns
    -------
    pathlib.Path
        The file; its name has the as-of date.
    """
    path = project.workspace.backtest(data.as_of)
    schema = backtest_figures.FIGURES
    files.write_parquet(path, [pa.Table.from_pandas(data.figures, schema, preserve_index=False)], schema)
    return path


@contextmanager
def _skip_untrainable(name: str, failures: list[HeadwaterError], steps: Steps) -> Iterator[None]:
    """What a target lacks is told; what is wrong with us or the machine ends the backtest."""
    try:
        yield
    except HeadwaterError as error:
        if error.exit_code == retrain.MACHINE:
            raise
        failures.append(error)
        steps.warn(sentences.not_trained(name, error, steps.lang))
