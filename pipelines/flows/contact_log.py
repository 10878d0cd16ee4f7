"""Is it on record whom campaigns treated, where that must be asked? Without it a campaign that works is unlearnt unseen."""

from datetime import timedelta
from pathlib import Path

from features.errors import Problem
from models.targets.campaigns import WEIGHT
from pipelines.flows.dataset import Dataset
from pipelines.project import Project
from pipelines.workspace.paths import Workspace, date_of


def lacking(project: Project, data: Dataset, target: str = "churn") -> Problem | None:
    """W564 where somebody may have been treated and nothing says who; else None.

    Parameters
    ----------
    project
        Its settings, and the lists in its workspace.
    data
        Labelled snapshots; their weights are null where no campaign with a control is on record.
    target
        Whose training leaves out the treated.
    """
    training, frame = project.settings.training, data.frame
    if target not in data.splits or training.treated == "with" or (WEIGHT in frame and frame[WEIGHT].notna().any()):
        return None
    lists = _drawn(project.workspace, data, target)
    if not lists and "treated" not in training.model_fields_set:
        return None
    place = str(project.config) if project.config else None
    return Problem("W564", place, values={"treated": training.treated, "n": lists})


def _drawn(workspace: Workspace, data: Dataset, target: str) -> int:
    """How many dates have a list that was drawn while an outcome that is learnt from was awaited."""
    split = data.splits[target]
    first, end = split.every[0], split.final + timedelta(days=split.days)
    names = {path.name.removeprefix(f"{target}-") for path in workspace.lists.glob(f"{target}-*")}
    days = {date_of(Path(name)) for name in names} - {None}
    return sum(first <= day < end for day in days if day)
