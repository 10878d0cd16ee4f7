"""The audit of features: what each feature holds on the project's own data, and whether it keeps the laws there.

The laws run on a sample of customers at a past date, once as they are and once with their events re-dated to the
instants where code goes wrong; and no feature may tell the outcome by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.definition import ROW, Feature
from features.errors import HeadwaterError, Problem
from features.laws.cases import Case, crowded
from features.laws.checks import Breach, asking, breaches
from features.spine import population
from models.evaluation.leaks import LIMIT, single_feature_auc
from models.targets import outcomes
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from pipelines.flows.dataset import labels_of
from pipelines.ingest.tables import Tables
from pipelines.project import Project

FEWEST = 20
"""Outcomes of either kind below which a single feature may tell them by chance."""


@dataclass(frozen=True)
class Audit:
    """What an audit measured.

    Attributes
    ----------
    past
        The as-of date that it looked at.
    customers
        How many it looked at.
    figures
        A row per feature: nulls (share), distinct, min, median, max and auc; null where it is not defined.
    broken
        The first breach of each law by each feature.
    """

    past: date
    customers: int
    figures: pd.DataFrame
    broken: tuple[Breach, ...]

    @property
    def leaks(self) -> pd.Series:
        """The features that tell the outcome by themselves."""
        return self.figures.auc[self.figures.auc > LIMIT]


def audit(project: Project, tables: Tables, as_of: date, customers: int, features: Sequence[Feature]) -> Audit:
    """Look at features on the newest date whose outcomes are known at a date.

    Parameters
    ----------
    project
        Its targets and settings.
    tables
        The canonical tables as of the date.
    as_of
        What is known by then is used.
    customers
        At most so many, evenly drawn.
    features
        Those that are looked at, with all that they are made from.

    Returns
    -------
    Audit
        Figures of each feature, and what is wrong.

    Raises
    ------
    HeadwaterError
        E430 (exit 4) where nobody was a customer then.
    """
    protocol, targets = project.settings.protocol, project.settings.targets
    past = as_of - timedelta(days=targets.longest + protocol.reporting_delay_days)
    spine = _sample(project, tables, past, customers)
    case = _case(tables, spine)
    ask = asking(project.connection, features, project.settings.features)
    wide = ask(case).to_pandas(date_as_object=True)
    labels = labels_of(
        project, tables, spine, outcomes.fixed(spine, tables.tables, targets, project.settings.features), as_of
    )
    figures = _figures(wide, features).assign(auc=_best_auc(wide, labels, targets, features))
    broken = [*breaches(ask, case, features, project.settings.features)]
    again = crowded(case, np.random.default_rng(project.settings.seed))
    broken += breaches(ask, again, features, project.settings.features)
    return Audit(past, len(wide), figures, tuple({(b.law, b.feature): b for b in reversed(broken)}.values())[::-1])


def _sample(project: Project, tables: Tables, past: date, customers: int) -> ir.Table:
    """The population of a date, or every n-th of it."""
    rows = population(tables.tables, [past], project.mapping.timezone, project.settings.population)
    spine = project.connection.create_table("audited_population", rows, temp=True, overwrite=True)
    count = int(spine.count().to_pyarrow().as_py())
    if count == 0:
        raise HeadwaterError("E430", as_of=past.isoformat(), nearest=None)
    step = -(-count // customers)
    few = spine.filter(spine[ROW] % step == 0).to_pyarrow()
    return project.connection.create_table("audited", few, temp=True, overwrite=True)


def _case(tables: Tables, spine: ir.Table) -> Case:
    """The whole history of the customers of a spine and of others on their accounts, later rows included."""
    people = tables["customers"]
    accounts = people.semi_join(spine, "customer_id").select("account_id").distinct()
    who = people.semi_join(spine, "customer_id").select("customer_id")
    who = who.union(people.semi_join(accounts, "account_id").select("customer_id"), distinct=True)
    rows = {name: table.semi_join(who, "customer_id").to_pyarrow() for name, table in tables.tables.items()}
    return Case(spine.drop(ROW).to_pyarrow(), rows)


def _figures(wide: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """Per feature the share of nulls, the number of values, and least, middle and greatest of numbers."""
    columns = [f.column for f in features]
    numbers = wide[columns].select_dtypes("number")
    spread = pd.DataFrame({"min": numbers.min(), "median": numbers.median(), "max": numbers.max()})
    figures = pd.DataFrame({"nulls": wide[columns].isna().mean(), "distinct": wide[columns].nunique()})
    return figures.join(spread).reindex(columns)


def _best_auc(
    wide: pd.DataFrame, labels: pd.DataFrame, settings: TargetSettings, features: Sequence[Feature]
) -> pd.Series:
    """How well each feature alone tells the best of the yes/no outcomes; null where too few are known."""
    columns, areas = [f.column for f in features], []
    told = (t.label_columns(settings.of(t.name))[-1] for t in TARGETS.values() if t.task.leaks)
    for name in filter(labels.columns.__contains__, told):
        known = labels[name].notna().to_numpy()
        outcome = labels[name][known].astype(float)
        if min(outcome.sum(), len(outcome) - outcome.sum()) >= FEWEST:
            areas.append(single_feature_auc(wide[known].reset_index(drop=True), outcome.to_numpy(), columns))
    return pd.concat(areas, axis=1).max(axis=1) if areas else pd.Series(np.nan, index=columns)


def problems(project: Project, result: Audit) -> list[Problem]:
    """What is wrong, a breach of a law first."""
    where = {f.column: f.definition.function.__code__ for f in project.features}

    def problem(code: str, column: str, **values: Any) -> Problem:
        place = where[column]
        return Problem(code, place.co_filename, place.co_firstlineno, values={"name": column, **values})

    broken = [
        problem(
            "E561", b.feature, **vars(b) | {"law": f"@law.{b.law}", "expected": str(b.expected), "found": str(b.found)}
        )
        for b in result.broken
    ]
    return broken + [problem("E562", str(name), auc=area, limit=LIMIT) for name, area in result.leaks.items()]
