"""Do the reasons that count as churn occur among the customers who left?"""

from features.errors import HeadwaterError, Problem
from pipelines.config.settings import Settings
from pipelines.ingest.tables import Tables

SHOWN = 8
"""Reasons that a message names."""


def check(tables: Tables, settings: Settings) -> tuple[Problem, ...]:
    """A warning W306 for each reason of `targets.churn.reasons` that no customer left for. Raises E324 where none does.

    Parameters
    ----------
    tables
        What was read.
    settings
        Say which reasons count.
    """
    wanted = settings.targets.churn.reasons
    if wanted is None:
        return ()
    customers = tables["customers"]
    left = customers.filter(customers.deactivated_on.notnull())
    counts = left.group_by("left_reason").aggregate(n=left.count()).order_by(lambda t: -t.n).limit(100)
    there = counts.to_pyarrow()["left_reason"].to_pylist()
    missing = [reason for reason in wanted if reason not in there]
    file = tables.fingerprints["customers"][-1].path
    values = {"known": ", ".join("null" if reason is None else reason[:40] for reason in there[:SHOWN]) or "—"}
    if there and len(missing) == len(wanted):
        raise HeadwaterError("E324", file=file, column="left_reason", reasons=", ".join(wanted), **values)
    return tuple(Problem("W306", file, column="left_reason", values=values | {"reason": reason}) for reason in missing)
