"""What is seen of past dates that nobody knew then: of customers of whom only the record of today is delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from features.spine import population
from pipelines.config.mapping import Mapping
from pipelines.flows.dataset import dates_learnt_from
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.wording.texts import text

NEVER_REVISED = {"customer_id", "activated_on", "deactivated_on", "left_reason", "churned", "known_at"}
"""Columns of customers that name a holder, or that are masked until their day has come."""


@dataclass(frozen=True)
class Hindsight:
    """Attributes that past dates see as they are today.

    Attributes
    ----------
    columns
        Of customers, as mapped.
    customers
        With us on any of the dates.
    rows
        Customers and dates together.
    dates
        As-of dates that a training looks at, in order.
    """

    columns: tuple[str, ...]
    customers: int
    rows: int
    dates: tuple[date, ...]

    def sentence(self, lang: str) -> str:
        """The same for people."""
        if not self.dates or not self.columns:
            return text("steps.hindsight_none", lang)
        values = {"first": self.dates[0], "last": self.dates[-1], "n": len(self.dates)}
        names = ", ".join(self.columns)
        return text("steps.hindsight", lang, names=names, customers=self.customers, rows=self.rows, **values)


def hindsight(project: Project, tables: Tables, as_of: date) -> Hindsight | None:
    """What a training at a date sees of past dates without anybody having known it; None where customers have a clock.

    Parameters
    ----------
    project
        Its mapping says how customers are delivered.
    tables
        The canonical tables as of the date.
    as_of
        Of the training.
    """
    if project.mapping.clockless or project.mapping.tables["customers"].kept != "mutable":
        return None
    dates = dates_learnt_from(project, as_of, tables) if project.settings.predicted else []
    return Hindsight(_columns(project.mapping), *_concerned(project, tables, dates), tuple(dates))


def _columns(mapping: Mapping) -> tuple[str, ...]:
    return tuple(sorted(mapping.tables["customers"].forms().keys() - NEVER_REVISED))


def _concerned(project: Project, tables: Tables, dates: Sequence[date]) -> tuple[int, int]:
    """Customers of the population of some dates, each once, and once per date."""
    if not dates:
        return 0, 0
    people = population(tables.tables, dates, project.mapping.timezone, project.settings.population)
    counts = people.aggregate(customers=people.customer_id.nunique(), rows=people.count())
    ((customers, rows),) = counts.to_pyarrow().to_pandas().itertuples(index=False)
    return int(customers), int(rows)
