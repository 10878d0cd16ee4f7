"""How many months earlier a model names somebody than those who rank by what is paid."""

from datetime import date

import pandas as pd

from models.evaluation import judging
from models.evaluation.judging import Estimate

TOP = 0.05
"""Share of the customers of a date who are named: a list."""
MONTH_DAYS = 30.4375


def top(score: pd.Series) -> pd.Series:
    """Who stands in the first share: booleans; unknown is nobody. Of equals those who come first."""
    most = max(1, round(TOP * len(score)))
    return score.rank(method="first", ascending=False).le(most)


def named_by_rule(rows: pd.DataFrame, column: str, *, higher: bool) -> pd.DataFrame:
    """Whom the rule of today names on each date: who is high-value, and the first of the others by its column.

    Parameters
    ----------
    rows
        customer_id, as_of, high_value_now (null: not known), and the column.
    column, higher
        What people rank by today, and whether more of it comes first.

    Returns
    -------
    pandas.DataFrame
        customer_id and as_of of those who are named.
    """
    high = rows["high_value_now"].eq(True).fillna(False).astype(bool)
    score = rows[column].astype(float) * (1.0 if higher else -1.0)
    first = score[~high].groupby(rows.loc[~high, "as_of"]).transform(top)
    return rows.loc[high | first.reindex(rows.index, fill_value=False).astype(bool), ["customer_id", "as_of"]]


def months_earlier(
    named: pd.DataFrame, by_rule: pd.DataFrame, newest: date, number: int, seed: int
) -> tuple[Estimate, int]:
    """Mean months from the first date on which the model names a customer to the first on which the rule does.

    0 where the rule names them on that date, too. Who is not named by the rule until the newest date counts up to that: it
    is at least so long.

    Parameters
    ----------
    named
        customer_id and as_of, one row for each date on which the model names somebody who does become one.
    by_rule
        The same of the rule, of all dates.
    newest
        The last date of which is known whom the rule names.
    number, seed
        Of the resamples of customers behind the interval.

    Returns
    -------
    tuple of Estimate and int
        The mean with its 95 % interval, and of how many customers; NaN of none.
    """
    named, by_rule = (rows.assign(as_of=pd.to_datetime(rows["as_of"])) for rows in (named, by_rule))
    named = named[named["as_of"] < pd.Timestamp(newest)]  # from the newest date on nothing is known of the rule
    first = named.groupby("customer_id", observed=True)["as_of"].min().rename("named").reset_index()
    if first.empty:
        return Estimate(float("nan"), float("nan"), float("nan")), 0
    later = first.merge(by_rule, on="customer_id", how="left")
    later = later[later["as_of"] >= later["named"]].groupby("customer_id", observed=True)["as_of"].min()
    until = first["customer_id"].map(later).fillna(pd.Timestamp(newest))
    months = (until - first["named"]).dt.days.to_numpy(dtype=float) / MONTH_DAYS
    weights = judging.resamples(first["customer_id"].to_numpy(), number, seed)
    return judging.estimate(float(months.mean()), weights @ months / weights.sum(axis=1)), len(months)
