"""The project as notebooks use it: everything of `Project`, and what is built from it in one call."""

from datetime import date

import pandas as pd

from pipelines import project
from pipelines.engine.assembly import Assembly
from pipelines.flows import dataset
from pipelines.flows.dataset import Dataset
from pipelines.workspace.progress import Steps


class Project(project.Project):
    """`Project.open(config)` or `Project.demo()`; nothing is read before it is asked for."""

    def dataset(self, *targets: str, as_of: date | str | None = None) -> Dataset:
        """Labelled snapshots for training as they were known on a date; of every target when none is named."""
        return dataset.dataset(self, self.day(as_of), self.targets(*targets), Steps(quiet=True))

    def snapshot(self, *dates: date) -> pd.DataFrame:
        """Every feature of everybody on some dates, ordered by customer and date."""
        with Assembly(self, self.tables(max(dates)), dates) as assembly:
            return pd.concat(assembly.snapshots(), ignore_index=True)

    def history(self, *customers: str, dates: tuple[date, ...]) -> pd.DataFrame:
        """Every feature of some customers on some dates, compared with everybody of each date."""
        with Assembly(self, self.tables(max(dates)), dates, few=True) as assembly:
            return pd.concat(
                [assembly.customer_snapshot(customer) for customer in sorted(customers)], ignore_index=True
            )
