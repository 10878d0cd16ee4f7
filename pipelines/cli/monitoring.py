"""`headwater monitor`: do inputs and scores drift, do promises come true, how old are the champions?"""

import math
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.nights import AsOf
from pipelines.cli.run import Run, command
from pipelines.cli.telling import Outcome, told

if TYPE_CHECKING:
    from pipelines.delivery.monitor_page import MonitorData
    from pipelines.flows.monitor import Monitoring

Since = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"],
        help="Nights from this day on; if left out 35 days before the newest night, and as far back as outcomes take to come.",
    ),
]
SHOWN = 8
"""Features on a terminal; the page has more, and --json all of them."""
monitor_app = typer.Typer()


@command(monitor_app, "monitor", recorded=True)
def monitor(
    run: Run,
    since: Since = None,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option(help="Page to write; in the workspace if left out.")] = None,
) -> None:
    """Drift of inputs and scores, promised and realised performance, and ageing champions; warns and never stops.

    What it finds of the newest night is told to whom `notify:` names; a look at what is past tells nobody.
    """
    with told(run, "monitor") as outcome:
        _look(run, outcome, as_of, since.date() if since else None, out)


def _look(run: Run, outcome: Outcome, as_of: datetime | None, since: date | None, out: Path | None) -> None:
    from pipelines.flows import monitored
    from pipelines.workspace.paths import relative_path

    day = outcome.as_of = run.as_of(as_of)
    outcome.silent = monitored.looks_back(run.project, day, since)
    look = monitored.look(run.project, day, since, run.steps, out, run.lang)
    outcome.warnings = look.data.found.problems
    run.tell(**facts(look.data.found), outputs=[str(look.page)])
    _say(run, look.data)
    run.say(relative_path(look.page))


def _say(run: Run, data: "MonitorData") -> None:
    """The same tables as on the page, fewer rows."""
    from rich.table import Table

    from pipelines.delivery import monitor_page
    from pipelines.delivery.monitor_page import MonitorPage

    page = MonitorPage(data, run.language)
    for part in (
        monitor_page.kept,
        monitor_page.inputs,
        monitor_page.scores,
        monitor_page.estimates,
        monitor_page.ages,
    ):
        found = part(page)
        title = page.tell(found["key"] + ".title")
        if not found["rows"]:
            run.say(f"{title}: {page.tell(found['key'] + '.none')}")
            continue
        table = Table(title=title, box=None, pad_edge=False, title_justify="left")
        for name in (*found["words"], *found["figures"]):
            table.add_column(name)
        rows = found["rows"] if found["key"] != "inputs" else found["rows"][:SHOWN]
        for row in rows:
            marked = "! " if row["hit"] else ""
            words = [word for word, _ in row["words"]]
            table.add_row(marked + words[0], *words[1:], *row["figures"])
        run.say(table)


def facts(found: "Monitoring") -> dict[str, Any]:
    """Everything for programs: plain numbers, dates as text, null where something is not known."""
    return {
        "as_of": found.as_of.isoformat(),
        "since": found.since.isoformat(),
        "nights": [day.isoformat() for day in found.nights],
        "inputs": [
            {"feature": d.feature, "tables": list(one.tables), "files": list(one.files), "weight": d.weight}
            | {"change_of_mean": d.change, "alarm": d.alarm, **vars(d.shift)}
            for one in found.inputs
            for d in [one.drift]
        ],
        "scores": [
            vars(s) | {"movers": [{"feature": m.feature, "share": m.share, "effect": m.effect} for m in s.movers]}
            for s in found.scores
        ],
        "realised": [_kept(one) for one in found.kept],
        "estimated": {name: {k: _known(v) for k, v in one.items()} for name, one in found.estimates.items()},
        "champions": [vars(age) | {"learnt": _day(age.learnt)} for age in found.ages],
        "warnings": [problem.code for problem in found.problems],
    }


def _kept(one: Any) -> dict[str, Any]:
    r = one.result
    figures = {"n": r.n, "promised": r.promised, "observed": r.observed, "low": _known(r.low), "high": _known(r.high)}
    judged = {"value": _known(r.figure.value), "low": _known(r.figure.low), "high": _known(r.figure.high)}
    return (
        {"target": one.target, "version": one.version, "as_of": one.as_of.isoformat(), "days": one.days}
        | {"early": one.early, **figures, "figure": judged, "announced": one.announced}
        | {"level_broken": r.level_broken, "order_broken": one.order_broken, "learnt_later": one.learnt}
        | {"calibration": one.calibration.to_dict("records")}
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
