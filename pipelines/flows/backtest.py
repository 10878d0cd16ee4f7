"""Backtest: every candidate beside the rule of today on later, unseen time; registers nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.errors import HeadwaterError
from models.splits import origins
from models.training import Trained
from pipelines.flows import dataset, retrain, sentences
from pipelines.ingest import months
from pipelines.project import Project
from pipelines.workspace import files
from pipelines.workspace.progress import Steps

FIGURES = pa.schema(
    [
        ("dataset", pa.string()),
        ("target", pa.string()),
        ("as_of", pa.date32()),
        ("window", pa.string()),
        ("group", pa.string()),
        ("model", pa.string()),
        ("chosen", pa.bool_()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
    ]
)
"""A row per figure: `window` is judged, or rehearsed (all dates together on which candidates were chosen before that);
`group` is null for everybody, `tenth=1` those with the smallest predictions, `early` those who had no high bill yet; null bounds are not known."""


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
            splits[name] = origins(until, settings.protocol, settings.targets.of(name).window_days, folds, first)
    for number in range(max((len(s) for s in splits.values()), default=0)):
        now = {name: s[number] for name, s in splits.items() if number < len(s)}
        data = dataset.snapshots(project, as_of, tables, now, steps)
        for name in now:
            with _skip_untrainable(name, failures, steps):
                trained.append(retrain.learn(project, data, name, steps, ship=False))
    if failures and not trained:
        raise HeadwaterError.of([error.problem for error in failures])
    return trained


def figures(name: str, results: Sequence[Trained]) -> pa.Table:
    """Every figure of a backtest, one a row, in the schema `FIGURES`.

    Parameters
    ----------
    name
        Of the project.
    results
        By origin and target.
    """
    parts = [part.assign(dataset=name) for trained in results for part in _parts(trained)]
    return pa.Table.from_pandas(pd.concat(parts, ignore_index=True), FIGURES, preserve_index=False)


def _parts(trained: Trained) -> Iterator[pd.DataFrame]:
    """Of everybody, of groups (the winner's), and of the dates on which candidates were chosen."""
    slices = trained.slices.assign(group=trained.slices["slice"] + "=" + trained.slices["level"], model=trained.winner)
    tables = [trained.metrics, slices]
    if len(trained.tenths):
        groups = "tenth=" + trained.tenths["tenth"].astype(str)
        tables.append(trained.tenths.assign(group=groups, model=trained.winner))
    if len(trained.apart):
        tables.append(trained.apart.assign(group="early"))
    found = {"judged": tables, "rehearsed": [trained.choice]}
    for window, tables in found.items():
        for table in tables:
            chosen = table["model"] == trained.winner
            known = table.assign(target=trained.target, as_of=trained.split.final, window=window, chosen=chosen)
            yield known.reindex(columns=FIGURES.names).astype({"n": "Int64", "group": object})


def write_figures(project: Project, as_of: date, results: Sequence[Trained]) -> Path:
    """Write every figure of a backtest as Parquet.

    Parameters
    ----------
    project
        Its workspace.
    as_of
        Of the backtest; names the file.
    results
        By origin and target.

    Returns
    -------
    pathlib.Path
        The file.
    """
    path = project.workspace.backtest(as_of)
    files.write_parquet(path, [figures(project.settings.name, results)], FIGURES)
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
