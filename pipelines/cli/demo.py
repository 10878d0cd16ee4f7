"""`headwater demo`: raw data, models, one night, and the files to open."""

from datetime import date
from pathlib import Path

from features.errors import HeadwaterError
from pipelines.cli.run import Run
from pipelines.config.settings import Demo
from pipelines.demo import raw_files
from pipelines.flows import nightly, retrain
from pipelines.flows.night import Night
from pipelines.wording.texts import text
from pipelines.workspace import paths

KNOWN = ("operator", "complete-journey", "cdnow")


def demo(run: Run, data: str, customers: int | None, seed: int | None) -> None:
    """Everything a newcomer needs, from nothing: about three minutes for the simulated operator.

    Parameters
    ----------
    run
        The command; `--config` is set by the data if left out.
    data
        One of `KNOWN`.
    customers
        Of the simulated operator; the project's own if None.
    seed
        The same.

    Raises
    ------
    HeadwaterError
        E237 (exit 2) for data that is not known.
    """
    if data not in KNOWN:
        raise HeadwaterError("E237", given=data, known=", ".join(KNOWN))
    run.config = run.config or Path("configs") / f"{data}.yaml"
    run.record()
    settings = run.project.settings
    defaults = settings.demo or Demo()
    options = {"customers": customers or defaults.customers, "seed": defaults.seed if seed is None else seed}
    with run.steps.step("raw") as facts:
        facts["said"] = str(raw_files.make(data, **options))
    first_night(run, run.as_of(None))


def first_night(run: Run, as_of: date) -> None:
    """Train every target, run one night and name what to open.

    Parameters
    ----------
    run
        The command, with its project.
    as_of
        Of both.

    Raises
    ------
    HeadwaterError
        What stops the training of a target or the night.
    """
    retrained = retrain.run(run.project, as_of, run.project.targets(), run.steps, promote=True)
    retrained.raise_for_failures()
    night = nightly.run(Night(run.project, as_of, run.steps))
    run.tell(**retrained.as_dict(run.language), **night.result())
    _finish(run, night)


def _finish(run: Run, night: Night) -> None:
    """The files to open, one per line."""
    day, workspace = night.as_of, run.project.workspace
    paths_by_title = {
        "open_scores": workspace.score_file(day),
        "open_vip": workspace.list_file("vip", day, "xlsx"),
        "open_churn": workspace.list_file("churn", day, "xlsx"),
        "open_report": workspace.report(day),
    }
    run.say()
    run.say(text("steps.open", run.language), style="bold")
    for name, path in paths_by_title.items():
        if path not in night.outputs:
            continue
        run.say(f"  {text(f'steps.{name}', run.language)}  {paths.relative_path(path)}")
