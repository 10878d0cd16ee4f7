"""One night as its steps fill it: what was read, scored, published and written so far."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import Problem
from pipelines.delivery import lists
from pipelines.delivery.report_data import ListEntry
from pipelines.engine.engines import Engine
from pipelines.engine.scoring_run import ScoringRun
from pipelines.flows import sentences
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.workspace import runs
from pipelines.workspace.bundles import Champion
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from pipelines.workspace.publication import Draft, Publication

ROUTINE = ("W301", "W302", "W303")
"""Rows that were put aside: every night has some; the check step counts them, `data check` and the report name them."""

LISTLESS = "W262"
"""Of a night that ends with nobody on any list."""


@dataclass
class Night:
    """What one night has found so far; filled step by step.

    Attributes
    ----------
    project
        Whose night it is.
    as_of
        The date that is scored.
    steps
        Shows each step, and writes it to the journal of the run.
    tables
        The canonical tables; None before the check.
    champions
        Target -> the model that scores it.
    run_id
        Of everything that could change the result; "" before the check.
    engine
        Who makes features and scores; None before the check.
    scoring
        Features and scores of everybody; None before, and where this run is published already.
    draft
        The scores as they are made, which no reader sees; None before.
    meta
        Metadata of the score file; empty before, and complete after the gates.
    published
        Are the scores of this run out?
    already_published
        Were they before this night began?
    remade
        Lists and report that had to be written again: `lists`, `report`.
    outputs
        Files of this night, the scores first.
    publication
        What lists and report are made from; None before, and where they were made before this night began.
    lists
        The lists that were drawn.
    warnings
        In the order in which they arose.
    """

    project: Project
    as_of: date
    steps: Steps
    tables: Tables | None = None
    champions: dict[str, Champion] = field(default_factory=dict)
    run_id: str = ""
    engine: Engine | None = None
    scoring: ScoringRun | None = None
    draft: Draft | None = None
    meta: dict[str, str] = field(default_factory=dict)
    published: bool = False
    already_published: bool = False
    remade: list[str] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    publication: Publication | None = None
    lists: list[ListEntry] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        return self.project.workspace

    @property
    def record(self) -> dict[str, Any]:
        """What the record of this run says so far."""
        return runs.record(self.workspace, self.run_id)

    def is_intact(self, path: Path) -> bool:
        """Is this output of the run there, and whole?"""
        return runs.is_output_intact(path, self.run_id, self.record.get("delivered", {}).get(self.relative_name(path)))

    def recorded_outputs(self) -> list[Path]:
        """The lists and the report that this run has on record; where nobody's consent is known, only the report."""
        possible = [*map(self.workbook, lists.LISTS), self.workspace.report(self.as_of)]
        return [path for path in possible if self.relative_name(path) in self.record.get("delivered", {})]

    def workbook(self, kind: str) -> Path:
        """Where the list of a kind lies."""
        return self.workspace.list_file(kind, self.as_of, "xlsx")

    def relative_name(self, path: Path) -> str:
        """An output as the record calls it, wherever the workspace lies."""
        return path.relative_to(self.workspace.root).as_posix()

    def warn(self, problem: Problem) -> None:
        """Keep a warning for the report, and tell it unless it is one that every night has."""
        self.warnings.append(problem)
        if problem.code not in ROUTINE:
            self.steps.warn(errors.render_line(problem, self.steps.lang))

    @property
    def telling(self) -> list[Problem]:
        """The warnings that not every night has."""
        return [problem for problem in self.warnings if problem.code not in ROUTINE]

    @property
    def listless(self) -> bool:
        """Has this night, or the one that published it before, nobody on any list?"""
        before = [] if self.lists else self.record.get("warnings", [])
        return LISTLESS in (*before, *(problem.code for problem in self.warnings))

    @property
    def collects(self) -> bool:
        """Does the night end with the removal of what is older than it is to be kept?"""
        return self.project.settings.retention.nightly

    def close(self) -> None:
        """Leave nothing behind that was not published."""
        if self.draft and not self.published:
            self.draft.discard()

    def result(self) -> dict[str, Any]:
        """The facts of `--json`."""
        counts = self.tables.counts if self.tables else {}
        return {
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "published": self.published,
            "already_published": self.already_published,
            "serving_as_of": str(self.workspace.serving_date() or "") or None,
            "outputs": [str(path) for path in self.outputs],
            "warnings": [problem.code for problem in self.warnings],
            "rows": sentences.row_counts(counts),
            "files": self.tables.files if self.tables else {},
        }
