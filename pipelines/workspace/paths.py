"""The folder of one project; every path that Headwater writes to is named here."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.errors import HeadwaterError
from pipelines.workspace.files import FOLDER_MODE

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


@dataclass(frozen=True)
class Workspace:
    """The paths of one project below `root`."""

    root: Path

    @classmethod
    def open(cls, folder: Path, name: str) -> "Workspace":
        """Make the folder of a project when needed. Raises E230 for a name that is no plain file name."""
        if not _NAME.match(name):
            raise HeadwaterError("E230", name=name)
        opened = cls((folder / name).resolve())
        for path in (
            opened.root,
            opened.scores,
            opened.archive,
            opened.runs,
            opened.models,
            opened.lists,
            opened.reports,
        ):
            path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        return opened

    scores = property(lambda self: self.root / "scores")
    latest = property(lambda self: self.root / "latest.parquet")
    archive = property(lambda self: self.root / "archive")
    runs = property(lambda self: self.root / "runs")
    calls = property(lambda self: self.root / "calls")
    models = property(lambda self: self.root / "models")
    lists = property(lambda self: self.root / "lists")
    frozen = property(lambda self: self.lists / "frozen")
    campaigns = property(lambda self: self.root / "campaigns")
    reports = property(lambda self: self.root / "reports")
    tables = property(lambda self: self.root / "tables")
    quarantine = property(lambda self: self.root / "quarantine")
    page = property(lambda self: self.root / "page")
    incidents = property(lambda self: self.root / "incidents.json")
    tracking = property(lambda self: self.root / "mlflow.db")
    artifacts = property(lambda self: self.root / "mlflow-artifacts")

    def score_file(self, as_of: date) -> Path:
        """Where the scores of a date are published."""
        return self.scores / f"{as_of.isoformat()}.parquet"

    def list_file(self, kind: str, as_of: date, ending: str) -> Path:
        """Where a list lies.

        Parameters
        ----------
        kind
            Its target, or a name of its own.
        as_of
            Its date.
        ending
            Without the dot.

        Returns
        -------
        pathlib.Path
            In the workspace.
        """
        return self.lists / f"{kind}-{as_of.isoformat()}.{ending}"

    def frozen_list(self, list_id: str) -> Path:
        """Where a list lies as it was drawn, its control included: never to be handed on."""
        return self.frozen / f"{list_id}.parquet"

    def campaign(self, campaign_id: str) -> Path:
        """Where a campaign lies as it was registered, with everybody on its list."""
        return self.campaigns / f"{campaign_id}.parquet"

    def report(self, as_of: date) -> Path:
        """Where the report of a date lies."""
        return self.reports / f"{as_of.isoformat()}.html"

    def model_card(self, as_of: date | None = None) -> Path:
        """Where the card of the champions lies, or that of the models which scored a date."""
        return self.reports / f"model-card{f'-{as_of.isoformat()}' if as_of else ''}.html"

    def backtest(self, as_of: date) -> Path:
        """Where the figures of a backtest lie."""
        return self.reports / f"backtest-{as_of.isoformat()}.parquet"

    def backtest_page(self, as_of: date) -> Path:
        """Where the page of a backtest lies."""
        return self.reports / f"backtest-{as_of.isoformat()}.html"

    def monitor_page(self, as_of: date) -> Path:
        """Where the page of the monitor lies."""
        return self.reports / f"monitor-{as_of.isoformat()}.html"

    def monitor_figures(self, as_of: date) -> Path:
        """What came of promises, as the monitor of a date saw it, for the served page."""
        return self.reports / f"monitor-{as_of.isoformat()}.json"

    def published_dates(self) -> list[date]:
        """The dates with a published file, oldest first."""
        days = (date_of(path) for path in self.scores.glob("????-??-??.parquet"))
        return sorted(day for day in days if day)

    def newest_date(self) -> date | None:
        """The newest date with a published file; None before the first publication."""
        return max(self.published_dates(), default=None)

    def serving_date(self) -> date | None:
        """The date that readers of `latest.parquet` see; None before the first publication.

        Where a copy of the workspace has made a file of the link, the newest date: the next run makes the link again.
        """
        if not self.latest.exists():
            return None
        return date_of(self.latest.resolve()) or self.newest_date()

    def links_to(self, day: date) -> bool:
        """Is `latest.parquet` a link to the scores of a date?"""
        return self.latest.is_symlink() and self.latest.resolve() == self.score_file(day).resolve()


def date_of(path: Path) -> date | None:
    """The date that a file is named after; None where its name is none."""
    try:
        return date.fromisoformat(path.stem)
    except ValueError:
        return None


def relative_path(path: Path) -> str:
    """A path as people type it: relative to where they are, if it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
