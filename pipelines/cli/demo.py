"""`headwater demo`: raw data, models, one night, and three files to open."""

from pathlib import Path

from features.errors import HeadwaterError
from models.targets.registry import TARGETS
from pipelines.cli.run import Run
from pipelines.config.settings import Demo
from pipelines.demo import raw_files
from pipelines.flows import nightly, retrain
from pipelines.flows.nightly import Night
from pipelines.wording.texts import text
from pipelines.workspace import paths

KNOWN = ("operator", "complete-journey", "cdnow")


def demo(run: Run, data: str, customers: int | None, seed: int | None) -> None:
    """Everything a newcomer needs, from nothing: about three minutes for the simulated operator."""
    if data not in KNOWN:
        raise HeadwaterError("E237", given=data, known=", ".join(KNOWN))
    run.config = run.config or Path("configs") / f"{data}.yaml"
    settings = run.project.settings
    wanted = settings.demo or Demo()
    given = {"customers": customers or wanted.customers, "seed": wanted.seed if seed is None else seed}
    with run.steps.step("raw") as facts:
        facts["said"] = str(raw_files.make(data, **given))
    as_of = run.as_of(None)
    found = retrain.run(run.project, as_of, list(TARGETS), run.steps, promote=True)
    found.conclude()
    night = nightly.run(Night(run.project, as_of, run.steps))
    run.tell(**found.told(run.language), **night.result())
    _finish(run, night)


def _finish(run: Run, night: Night) -> None:
    """The three files to open, one per line."""
    day, workspace = night.as_of, run.project.workspace
    wanted = {
        "open_scores": workspace.score_file(day),
        "open_vip": workspace.list_file("vip", day, "xlsx"),
        "open_report": workspace.report(day),
    }
    run.say()
    run.say(text("steps.open", run.language), style="bold")
    for name, path in wanted.items():
        if path not in night.outputs:
            continue
        run.say(f"  {text(f'steps.{name}', run.language)}  {paths.from_here(path)}")
