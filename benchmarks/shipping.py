"""What is shipped against what was judged, on a later date that neither had seen, beside the rule of today.

`python -m benchmarks.shipping --config configs/cdnow.yaml --as-of 1998-07-01` trains as on the newest date whose labels
are in by then, and lets both tell that date. `judged` is what would be shipped without the last fit: at the level of the
newest labels, too. It prints a line per target and model.
"""

import argparse
from datetime import date

import pandas as pd

from models import training
from models.settings import TrainingSettings
from models.snapshots import Rows
from models.splits import Protocol, Split, plan
from models.targets.registry import TARGETS
from pipelines.flows import dataset
from pipelines.project import Project
from pipelines.workspace.progress import Steps


def splits(project: Project, as_of: date, protocol: Protocol, first: date | None) -> dict[str, tuple[Split, Split]]:
    """Target -> the split of a training on the later date, and one whose final date that is."""
    free = protocol.model_copy(update={"first": None, "last": None, "final": None, "count": protocol.count or 12})
    found = {}
    for name in project.targets():
        days = project.settings.targets.of(name).window_days
        later = protocol.final or plan(as_of, free, days, first).final
        then = plan(later, free, days, first, dataset.shortest_days(project, name))
        found[name] = (then, Split((), later, then.every, then.days))
    return found


def compared(project: Project, as_of: date) -> pd.DataFrame:
    """target, model, and the figures of the later date."""
    settings, steps = project.settings, Steps(quiet=True)
    tables = project.tables(as_of)
    pairs = splits(project, as_of, settings.protocol, dataset.earliest_date(tables.tables, settings.protocol))
    both = {f"{name}{at}": pair[at] for name, pair in pairs.items() for at in (0, 1)}
    data = dataset.snapshots(project, as_of, tables, both, steps)
    chosen = settings.learning
    return pd.concat([_target(name, data, *pair, chosen) for name, pair in pairs.items()], ignore_index=True)


def _target(name: str, data: dataset.Dataset, then: Split, later: Split, settings: TrainingSettings) -> pd.DataFrame:
    known = data.frame[pd.to_datetime(data.frame["as_of"]).dt.date.isin(then.dates)]
    trained = training.train(name, known, then, settings, data.features)
    judged = training.train(name, known, then, settings, data.features, ship=False).model
    rows = Rows(TARGETS[name], data.frame, later, data.features, settings)
    seen = rows.judged(rows.final.open())
    X, outcome = rows.parts(seen)[0], rows.outcome(seen)
    models = {"rule": trained.candidates["rule"], "judged": judged, "shipped": trained.model}
    told = {model: made.outputs(X)[rows.target.score].to_numpy(dtype=float) for model, made in models.items()}
    metrics = {m: f for m, f in outcome.task.metrics.items() if m in rows.target.figures}
    figures = [
        {"target": name, "as_of": later.final, "model": model, "learner": trained.winner, "rows": len(seen)}
        | {metric: float(function(outcome.y, scores, outcome.value)) for metric, function in metrics.items()}
        for model, scores in told.items()
    ]
    return pd.DataFrame(figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--as-of", required=True, type=date.fromisoformat)
    asked = parser.parse_args()
    table = compared(Project.open(asked.config), asked.as_of)
    for _, lines in table.groupby("target", sort=False):
        print(lines.dropna(axis=1).round(4).to_string(index=False), end="\n\n")
