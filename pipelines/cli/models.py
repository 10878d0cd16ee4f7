"""`headwater train | backtest | compare | retrain | promote | rollback | explain | registry restore`."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table

from features.errors import Problem
from pipelines.cli.grids import grid
from pipelines.cli.run import Run, command
from pipelines.cli.telling import told
from pipelines.wording import errors
from pipelines.wording.texts import text


def _target(name: str) -> str:
    """The name itself; any other is a wrong use, exit 2. The registry is slow to load, and is read when it is needed."""
    from models.targets.registry import TARGETS

    if name not in TARGETS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(TARGETS)}.")
    return name


def _budget(given: str) -> Any:
    """`40` trials, or `300s` seconds; any other is a wrong use, exit 2."""
    from models.tuning import Budget

    number = given.removesuffix("s")
    if not number.isdecimal() or int(number) == 0:
        raise typer.BadParameter(f"{given!r} is neither a number of trials (40) nor of seconds (300s).")
    return Budget(seconds=float(number)) if given.endswith("s") else Budget(trials=int(number))


AsOf = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Nothing known on this day or later is used.")
]
NAME = {"parser": _target, "metavar": "TARGET"}
Targets = Annotated[
    list[str] | None, typer.Argument(**NAME, help="What is predicted, such as churn; all of them when left out.")
]
Target = Annotated[str, typer.Argument(**NAME, help="What is predicted, such as churn.")]


Tune = Annotated[
    Any,
    typer.Option(
        parser=_budget,
        metavar="TRIALS|SECONDSs",
        help="Search for better trees first: so many trials (40), or so many seconds a target (300s).",
    ),
]


models_app = typer.Typer()
registry_app = typer.Typer(name="registry", help="The tracking store's own versions.", no_args_is_help=True)


@command(registry_app, "restore", recorded=True)
def restore(run: Run) -> None:
    """Make a tracking store that was lost or damaged know every version again, under its own number."""
    with run.locked():
        from pipelines.flows import restoring

        versions_by_fate = restoring.restore(run.project.workspace)
    run.tell(**versions_by_fate)
    for fate, versions in versions_by_fate.items():
        run.say(text(f"steps.registry.{fate}", run.language, versions=", ".join(versions) or "—"))


@command(models_app, "train", recorded=True)
def train(run: Run, targets: Targets = None, as_of: AsOf = None, tune: Tune = None) -> None:
    """Train, judge on later time, log to MLflow and register as challenger. Promotes nothing."""
    _retrain(run, run.as_of(as_of), targets, promote=False, tune=tune)


@command(models_app, "retrain", recorded=True)
def retrain(run: Run, targets: Targets = None, as_of: AsOf = None, tune: Tune = None) -> None:
    """Train, and promote every challenger that passes its gate."""
    with told(run, "retrain") as outcome:
        outcome.as_of = run.as_of(as_of)
        _retrain(run, outcome.as_of, targets, promote=True, tune=tune)


@command(models_app, "backtest", recorded=True)
def backtest(
    run: Run,
    targets: Targets = None,
    as_of: AsOf = None,
    origins: Annotated[int, typer.Option(min=1, help="How many times to go forward.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Where the page goes; the tables as Markdown where it ends in .md.")
    ] = None,
) -> None:
    """Rolling-origin backtest of every candidate beside the rule of today: a page, and every figure as Parquet. Registers nothing."""
    _backtest(run, run.as_of(as_of), run.project.targets(*targets or ()), origins, out)


@command(models_app, "compare")
def compare(
    run: Run,
    first: Annotated[str, typer.Argument(help="A version (churn/3, churn@champion), or a target alone.")],
    second: Annotated[str | None, typer.Argument(help="Another version of the same target.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Train with and without this family of features.")] = None,
    as_of: AsOf = None,
) -> None:
    """Which of two models is better, on whom and in money, on dates that neither has learnt from.

    A target alone compares its champion with its challenger, or, with --without, every feature with fewer.
    """
    from pipelines.cli import comparisons

    comparisons.compare(run, run.as_of(as_of), first, second, tuple(without or ()))


@command(models_app, "promote", recorded=True)
def promote(
    run: Run,
    target: Target,
    version: Annotated[int | None, typer.Option(min=1, help="Its number; the challenger when left out.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Although the gate refuses; needs --reason.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, kept with the version.")] = None,
) -> None:
    """Make the challenger, or a version, the champion if its gate passed; the champion is put in place again."""
    with run.locked():
        from pipelines.flows import promotion

        promoted = promotion.promote(
            run.project, target, version=version, force=force, reason=reason, warn=lambda problem: _warn(run, problem)
        )
    learner, passed = promoted.tags.get("learner", "—"), promoted.tags.get("gate_passed")
    key = {"true": "passed", "false": "forced"}.get(str(passed), "unknown")
    gate = text(f"steps.gate.{key}", run.language)
    run.tell(target=target, champion=promoted.name, learner=learner, gate=key, forced=force)
    run.say(text("steps.promoted", run.language, version=promoted.name, learner=learner, gate=gate))


@command(models_app, "rollback", recorded=True)
def rollback(run: Run, target: Target) -> None:
    """Make the champion before this one the champion again."""
    with run.locked():
        from pipelines.flows import promotion

        version = promotion.rollback(run.project, target, lambda problem: _warn(run, problem))
    run.tell(target=target, champion=version.name)
    run.say(text("steps.champion", run.language, version=version.name))


@command(models_app, "explain")
def explain(
    run: Run,
    customer: Annotated[str, typer.Argument(help="customer_id")],
    as_of: AsOf = None,
) -> None:
    """Show why, for one customer: scores, reasons, and the features behind them."""
    from pipelines.cli import explaining

    explaining.explain(run, customer, as_of.date() if as_of else None)


def _warn(run: Run, problem: Problem) -> None:
    run.tell(warnings=[problem.code])
    run.steps.warn(errors.render_line(problem, run.language))


def _retrain(run: Run, as_of: date, targets: list[str] | None, *, promote: bool, tune: Any) -> None:
    """A refused promotion is told, and is exit 5 when all were refused."""
    names = run.project.targets(*targets or ())
    with run.locked():
        from pipelines.flows import promotion, retrain

        trained = retrain.run(run.project, as_of, names, run.steps, promote=promote, tune=tune)
    run.tell(as_of=as_of.isoformat(), **trained.as_dict(run.language))
    if trained.models:
        run.say(_summary_table(trained.models, run.language))
    if found := {row["target"]: row["trees"] for row in trained.models if row["trees"]}:
        run.say(text("steps.tuned.keep", run.language, config=run.project.config or run.project.settings.name))
        run.say(_as_setting(found))
    trained.raise_for_failures()
    if promote:
        promotion.refuse_when_none(trained.models)


def _as_setting(trees: dict[str, Any]) -> str:
    """Trees by target, as a configuration takes them."""
    return yaml.safe_dump({"training": {"candidates": {"trees_for": trees}}}, sort_keys=False)


def _summary_table(models: Sequence[dict[str, Any]], lang: str) -> Table:
    """One row per trained target."""
    table = grid(lang, "target", "version", "winner", "metric", "value", "interval", "gate")
    for row in models:
        low, high = row["interval"]
        gate = text("steps.gate.passed", lang) if row["gate_passed"] else ", ".join(row["failed_checks"])
        words = (row[name] for name in ("target", "version", "winner", "metric"))
        table.add_row(*words, f"{row['value']:.3f}", f"{low:.3f} – {high:.3f}", gate)
    return table


def _backtest(run: Run, as_of: date, names: list[str], origins: int, out: Path | None) -> None:
    """Print one table per target and origin; write the page, every figure as Parquet, and Markdown when asked to."""
    from pipelines.cli import backtests
    from pipelines.delivery import backtest_page
    from pipelines.flows import backtest, training_record
    from pipelines.workspace import files
    from pipelines.workspace.paths import relative_path

    results = backtest.run(run.project, as_of, names, origins, run.steps)
    data, page = backtest.told(run.project, as_of, results), run.project.workspace.backtest_page(as_of)
    outputs = [backtest.write_figures(run.project, data)]
    if out and out.suffix == ".md":
        outputs.append(files.write_text(out, backtests.markdown(run.project, as_of, results)))
    else:
        page = out or page
    outputs.append(backtest_page.write_page(page, data, run.language))
    told = [backtests.facts(trained) for trained in results]
    run.tell(as_of=as_of.isoformat(), results=told, outputs=[str(path) for path in outputs])
    for trained in results:
        run.say(backtests.table(trained, run.language))
        run.say(training_record.sentence(trained, run.language))
    for path in outputs:
        run.say(relative_path(path))
