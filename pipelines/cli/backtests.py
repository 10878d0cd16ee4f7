"""The tables of a backtest: candidates across, metrics down."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from rich.table import Table

from models.evaluation.judging import TENTHS
from models.evaluation.metrics import INTERVAL_METRICS
from models.targets.registry import TARGETS
from models.training import Trained
from pipelines.flows import training_record
from pipelines.project import Project
from pipelines.wording.texts import text


def facts(trained: Trained) -> dict[str, Any]:
    """What came of one target at one origin, for programs."""
    return {
        "target": trained.target,
        "final": trained.split.final.isoformat(),
        "winner": trained.winner,
        "beats_rule": trained.beats_rule,
        "metrics": trained.metrics.to_dict("records"),
    }


def _figures(trained: Trained) -> list[str]:
    """The metrics of a target that are defined for any candidate: without bills no money is captured by anybody."""
    known = set(trained.metrics.loc[trained.metrics["value"].notna(), "metric"])
    return [metric for metric in TARGETS[trained.target].figures if metric in known]


def _cells(trained: Trained, metric: str) -> dict[str, str]:
    """Model to `value [low, high]`."""
    rows = trained.metrics[trained.metrics["metric"] == metric].to_dict("records")
    return {r["model"]: f"{_number(r['value'])} [{_number(r['low'])}, {_number(r['high'])}]" for r in rows}


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def table(trained: Trained, lang: str) -> Table:
    """Candidates across, metrics down; the winner is marked."""
    grid = Table(title=_title(trained, lang), box=None, pad_edge=False, title_justify="left")
    grid.add_column(text("steps.column.metric", lang))
    for model in trained.candidates:
        grid.add_column(f"{model} *" if model == trained.winner else model)
    for metric in _figures(trained):
        cells = _cells(trained, metric)
        grid.add_row(metric, *[cells.get(model, "") for model in trained.candidates])
    return grid


def _tenths(trained: Trained) -> list[str]:
    """Where the winner's interval holds, a line per tenth of its prediction; nothing for a target without one."""
    if trained.tenths.empty:
        return []
    score, tenths = trained.final[trained.winner].to_numpy(), trained.tenths
    means = [float(score[places].mean()) for places in np.array_split(np.argsort(score, kind="stable"), TENTHS)]
    lines = [
        text("steps.backtest_tenths", "en"),
        "",
        "| tenth | predicted | meant | coverage | below | above |",
        "|---" * 6 + "|",
    ]
    for tenth, rows in tenths.groupby("tenth"):
        told = rows.set_index("metric").to_dict("index")
        cells = [f"{t['value']:.3f} [{t['low']:.3f}, {t['high']:.3f}]" for t in (told[m] for m in INTERVAL_METRICS)]
        head = f"| {tenth} | {_number(means[int(tenth) - 1])} | {told['meant']['value']:.3f} | "
        lines.append(head + " | ".join(cells) + " |")
    return [*lines, ""]


def _apart(trained: Trained) -> list[str]:
    """The winner and the rule on those who are judged by themselves; nothing for a target that has none."""
    if trained.apart.empty:
        return []
    first, models = trained.apart.iloc[0], list(dict.fromkeys(trained.apart["model"]))
    lead = text(
        f"steps.backtest_{TARGETS[trained.target].apart_group}",
        "en",
        n=int(first["n"]),
        positives=int(first["positives"]),
    )
    lines = [lead, "", "| | " + " | ".join(models) + " |", "|---" * (len(models) + 1) + "|"]
    for metric, rows in trained.apart.groupby("metric", sort=False):
        known = {r["model"]: r for r in rows.to_dict("records")}
        cells = [_with_interval(known[model]) if model in known else "" for model in models]
        lines.append(f"| {metric} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _with_interval(row: dict[str, Any]) -> str:
    return f"{_number(row['value'])} [{_number(row['low'])}, {_number(row['high'])}]"


def _title(trained: Trained, lang: str) -> str:
    positives = int((trained.final["y"] > 0).sum())
    return text(
        "steps.backtest_title_folds" if trained.split.folds else "steps.backtest_title",
        lang,
        folds=trained.split.folds,
        target=trained.target,
        final=trained.split.final.isoformat(),
        rows=len(trained.final),
        positives=positives,
    )


def markdown(project: Project, as_of: date, results: Sequence[Trained]) -> str:
    """The same tables for docs/, with the command that makes them.

    Parameters
    ----------
    project
        Named in the head, with its configuration.
    as_of
        Stands in the command.
    results
        One section each.

    Returns
    -------
    str
        A page.
    """
    lines = [f"# {project.settings.name}", "", f"`headwater backtest --config {project.config} --as-of {as_of}`", ""]
    for trained in results:
        models = list(trained.candidates)
        lines += [f"## {_title(trained, 'en')}", "", f"{training_record.sentence(trained, 'en')}.", ""]
        lines += [
            "| | " + " | ".join(f"**{m}**" if m == trained.winner else m for m in models) + " |",
            "|---" * (len(models) + 1) + "|",
        ]
        for metric in _figures(trained):
            values = _cells(trained, metric)
            lines.append(f"| {metric} | " + " | ".join(values.get(m, "") for m in models) + " |")
        lines += ["", *_tenths(trained), *_apart(trained)]
    return "\n".join(lines)
