"""`headwater backtest`: every candidate beside the rule of today on later, unseen time; registers nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from features.errors import HeadwaterError
from models.splits import origins
from models.training import Trained
from pipelines.flows import evaluations, retrain
from pipelines.project import Project
from pipelines.wording.texts import text
from pipelines.workspace import storage
from pipelines.workspace.progress import Steps

if TYPE_CHECKING:
    from pipelines.cli.run import Run

SHOWN = {
    "churn": ("auc", "average_precision", "lift_at_10pct", "captured_value_at_10pct", "ece", "brier"),
    "value": ("mae", "normalised_gini", "total_bias", "coverage", "captured_value_at_10pct"),
    "vip": ("auc", "average_precision", "precision_at_1pct", "precision_at_5pct", "lift_at_5pct", "ece"),
}


def _run(project: Project, as_of: date, names: list[str], folds: int, steps: Steps) -> list[Trained]:
    """Every target at every origin, oldest first; snapshots of all origins are built together.

    A target that cannot be learnt is told and takes no other with it. Raises its problem where there is no other.
    """
    settings, found, failures = project.settings, list[Trained](), list[HeadwaterError]()
    tables = project.tables(as_of)
    first = retrain.earliest(tables, settings.protocol)
    splits = {}
    for name in names:
        with _passed_over(name, failures, steps):
            splits[name] = origins(as_of, settings.protocol, settings.targets.window_days(name), folds, first)
    for number in range(max((len(s) for s in splits.values()), default=0)):
        now = {name: s[number] for name, s in splits.items() if number < len(s)}
        data = retrain.snapshots(project, as_of, tables, now, steps)
        for name in now:
            with _passed_over(name, failures, steps):
                found.append(retrain.learn(project, data, name, steps))
    if failures and not found:
        raise HeadwaterError.of([error.problem for error in failures])
    return found


@contextmanager
def _passed_over(name: str, failures: list[HeadwaterError], steps: Steps) -> Iterator[None]:
    """What a target lacks is told; what is wrong with us or the machine ends the backtest."""
    try:
        yield
    except HeadwaterError as error:
        if error.exit_code == retrain.MACHINE:
            raise
        failures.append(error)
        steps.warn(retrain.not_trained(name, error, steps.lang))


def command(run_: "Run", as_of: date, names: list[str], folds: int, out: Path | None) -> None:
    """Print one table per target and origin, and write them as Markdown when asked to."""
    found = _run(run_.project, as_of, names, folds, run_.steps)
    run_.tell(as_of=as_of.isoformat(), results=[_facts(trained) for trained in found])
    for trained in found:
        run_.say(_table(trained, run_.language))
        run_.say(evaluations.sentence(trained, run_.language))
    if out:
        storage.write_text(out, _markdown(run_, as_of, found))
        run_.say(str(out))


def _facts(trained: Trained) -> dict[str, Any]:
    return {
        "target": trained.target,
        "final": trained.split.final.isoformat(),
        "winner": trained.winner,
        "beats_rule": trained.beats_rule,
        "metrics": trained.metrics.to_dict("records"),
    }


def _cells(trained: Trained, metric: str) -> dict[str, str]:
    """Model to `value [low, high]`."""
    rows = trained.metrics[trained.metrics["metric"] == metric].to_dict("records")
    return {r["model"]: f"{_number(r['value'])} [{_number(r['low'])}, {_number(r['high'])}]" for r in rows}


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _table(trained: Trained, lang: str) -> Table:
    """Candidates across, metrics down; the winner is marked."""
    shown = Table(title=_title(trained, lang), box=None, pad_edge=False, title_justify="left")
    shown.add_column(text("steps.column.metric", lang))
    for model in trained.candidates:
        shown.add_column(f"{model} *" if model == trained.winner else model)
    for metric in SHOWN[trained.target]:
        found = _cells(trained, metric)
        shown.add_row(metric, *[found.get(model, "") for model in trained.candidates])
    return shown


def _title(trained: Trained, lang: str) -> str:
    positives = int((trained.final["y"] > 0).sum())
    return text(
        "steps.backtest_title",
        lang,
        target=trained.target,
        final=trained.split.final.isoformat(),
        rows=len(trained.final),
        positives=positives,
    )


def _markdown(run_: "Run", as_of: date, found: list[Trained]) -> str:
    """The same tables for docs/, with the command that makes them."""
    lines = [f"# {run_.project.settings.name}", "", f"`headwater backtest --config {run_.config} --as-of {as_of}`", ""]
    for trained in found:
        models = list(trained.candidates)
        lines += [f"## {_title(trained, 'en')}", "", f"{evaluations.sentence(trained, 'en')}.", ""]
        lines += [
            "| | " + " | ".join(f"**{m}**" if m == trained.winner else m for m in models) + " |",
            "|---" * (len(models) + 1) + "|",
        ]
        for metric in SHOWN[trained.target]:
            values = _cells(trained, metric)
            lines.append(f"| {metric} | " + " | ".join(values.get(m, "") for m in models) + " |")
        lines.append("")
    return "\n".join(lines)
