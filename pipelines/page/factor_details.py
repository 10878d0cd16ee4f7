"""One factor in each risk group: how many have it, from which features it comes, and how the values of those are spread.

Worked out for all factors of a target at once, once a night. Values are known of those customers among whose main reasons the
factor is; of very many customers every so-manieth is taken, always the same ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.page.night import Night

SCORE = {"churn": "churn_probability", "vip": "vip_probability"}
"""Target -> the column whose mean is compared."""
BAND = {"churn": "churn_risk_band", "vip": "value_band"}
"""Target -> the groups in which its factors are looked at."""
MOST, SHOWN, FEWEST = 1_000_000, 3, 20
"""Customers whose values are looked at, features of a factor, and customers of a group whose values are told."""
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Details:
    """Of all factors of a target.

    Attributes
    ----------
    sizes
        Group -> customers.
    groups
        (factor, group) -> customers whose score it raises, and whose it lowers.
    features
        Factor -> feature and customers, the most frequent first.
    values
        (factor, feature, group) -> customers `n` whose value is a number, and the quantiles `q` of those values.
    """

    sizes: Mapping[str, int]
    groups: Mapping[tuple[str, str], tuple[int, int]]
    features: Mapping[str, Sequence[tuple[str, int]]]
    values: Mapping[tuple[str, str, str], Mapping[str, Any]]


def details(night: Night, target: str) -> Details:
    """Those of a night, worked out once."""
    return night.remembered(("details", target), lambda: _made(night, target))


def _made(night: Night, target: str) -> Details:
    band, scored = f"CAST({BAND[target]} AS VARCHAR)", f"FROM scores WHERE {SCORE[target]} IS NOT NULL"
    sizes = night.query(f"SELECT {band} AS band, count(*) AS n {scored} GROUP BY ALL")
    reasons = f"(SELECT {band} AS band, UNNEST({target}_reasons) AS r {scored})"
    counted = night.query(
        f"SELECT r.code AS code, r.feature AS feature, band, count(*) FILTER (r.direction > 0) AS up, "
        f"count(*) FILTER (r.direction < 0) AS down FROM {reasons} GROUP BY ALL ORDER BY code, feature, band"
    )
    groups, features = dict[tuple[str, str], tuple[int, int]](), dict[str, dict[str, int]]()
    for row in counted:
        key = row["code"], row["band"]
        up, down = groups.get(key, (0, 0))
        groups[key] = up + row["up"], down + row["down"]
        of = features.setdefault(row["code"], {})
        of[row["feature"]] = of.get(row["feature"], 0) + row["up"] + row["down"]
    return Details(
        {row["band"]: row["n"] for row in sizes if row["band"]},
        groups,
        {code: sorted(of.items(), key=lambda each: (-each[1], each[0])) for code, of in features.items()},
        _values(night, target, sum(row["n"] for row in sizes)),
    )


def _values(night: Night, target: str, everybody: int) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Quantiles by factor, feature and group, of groups that are large enough."""
    step = -(-everybody // MOST) or 1
    rows = night.query(
        f"""SELECT code, feature, band, count(*) AS n, quantile_cont(value, $shares) AS q FROM
        (SELECT r.code AS code, r.feature AS feature, band, TRY_CAST(r.value AS DOUBLE) AS value FROM
         (SELECT CAST({BAND[target]} AS VARCHAR) AS band, UNNEST({target}_reasons) AS r FROM scores
          WHERE {SCORE[target]} IS NOT NULL AND file_row_number % $step = 0))
        WHERE isfinite(value) AND band IS NOT NULL GROUP BY ALL HAVING count(*) >= $fewest""",
        {"shares": list(QUANTILES), "step": step, "fewest": FEWEST},
    )
    return {(row["code"], row["feature"], row["band"]): row for row in rows}
