"""Which customers a page shows, as its address says it: preset, filters, order, page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import QueryParams

from pipelines.page.night import Night
from targeting.filters import COLUMNS, FILTERS

ROWS, DEEPEST = 25, 400
"""Rows of a page, and the last page: who wants more than 10,000 customers narrows them down, or takes the list away."""
ORDERS = {
    "value_at_risk": "value_at_risk",
    "churn": "churn_probability",
    "vip": "vip_probability",
    "value": "value_12m_pred",
    "bill": "arpu_3m",
    "benefit": "action_priority",
}
"""Name of an order in an address -> the column, the most first."""
MORE = {"cell": "value_risk_cell", "band": "churn_risk_band"}
"""Filters of the page alone, beside those of lists."""


@dataclass(frozen=True)
class Preset:
    """A choice with a name.

    Attributes
    ----------
    kind
        The list that it is about: whose reasons are shown, and what is downloaded.
    where
        Of a statement, about the columns of `scores`.
    order
        Unless the address names one.
    """

    kind: str
    where: str
    order: str


PRESETS = {
    "urgent": Preset("churn", "value_risk_cell = 'high_high'", "value_at_risk"),
    "churn": Preset("churn", "churn_probability IS NOT NULL", "value_at_risk"),
    "vip": Preset("vip", "is_potential_vip", "vip"),
    "new": Preset(
        "churn",
        "churn_risk_band IN ('high', 'critical') AND customer_id NOT IN "
        "(SELECT customer_id FROM before WHERE churn_risk_band IN ('high', 'critical'))",
        "value_at_risk",
    ),
    "all": Preset("churn", "true", "value_at_risk"),
}


@dataclass(frozen=True)
class Choice:
    """What is asked for.

    Attributes
    ----------
    preset
        A key of `PRESETS`.
    only
        Name of a filter -> values, any of which will do; a name without values is no filter.
    order
        A key of `ORDERS`.
    page
        From 1.
    """

    preset: str = "urgent"
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    order: str = "value_at_risk"
    page: int = 1

    @classmethod
    def of(cls, asked: QueryParams | Mapping[str, str]) -> "Choice":
        """The choice of an address or a form; what it does not know is as if it were not there."""
        several = (
            asked.getlist if isinstance(asked, QueryParams) else lambda name: [asked[name]] if name in asked else []
        )
        preset = asked.get("preset", "")
        preset = preset if preset in PRESETS else cls.preset
        only = {name: tuple(filter(None, several(name))) for name in (*FILTERS, *MORE)}
        order = asked.get("order", "")
        page = asked.get("page", "1")
        return cls(
            preset,
            {name: values for name, values in only.items() if values},
            order if order in ORDERS else PRESETS[preset].order,
            min(max(int(page), 1), DEEPEST) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
        )

    @property
    def kind(self) -> str:
        """Of the list that it is about."""
        return PRESETS[self.preset].kind

    def condition(self, night: Night) -> tuple[str, list[Any]]:
        """The condition of a statement on `scores` (as s) and `beside` (as b), and the values of its parameters."""
        parts, values = [f"({PRESETS[self.preset].where})"], list[Any]()
        for name, wanted in self.only.items():
            if name == "reason":
                known = night.codes[self.kind]
                parts.append(f"({self.kind}_bits & ?) <> 0")
                values.append(sum(1 << known.index(code) for code in wanted if code in known))
            else:
                column = COLUMNS.get(name) or MORE[name]
                parts.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                values += wanted
        return " AND ".join(parts), values


def number(night: Night, choice: Choice) -> int:
    """How many customers a choice has."""
    where, values = choice.condition(night)
    return night.query(f"SELECT count(*) AS n FROM {_tables(choice)} WHERE {where}", values)[0]["n"]


def places(night: Night, choice: Choice) -> list[int]:
    """Where the customers of its page lie in the score file, in order; equals by their place."""
    where, values = choice.condition(night)
    found = night.query(
        f"SELECT file_row_number AS row FROM {_tables(choice)} WHERE {where} "
        f"ORDER BY {ORDERS[choice.order]} DESC NULLS LAST, file_row_number LIMIT {ROWS} OFFSET {ROWS * (choice.page - 1)}",
        values,
    )
    return [row["row"] for row in found]


def rows(night: Night, places: Sequence[int], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Some columns of the customers at these places, in that order, with `digest` and `length` of their short names."""
    if not places:
        return []
    marks = ", ".join("?" * len(places))
    found = night.query(
        f"SELECT s.file_row_number AS row, b.digest, b.length, {', '.join(columns)} FROM scores AS s "
        f"JOIN beside AS b ON b.row = s.file_row_number WHERE s.file_row_number IN ({marks}) AND b.row IN ({marks})",
        [*places, *places],
    )
    by_place = {row["row"]: row for row in found}
    return [by_place[place] for place in places]


def values(night: Night, name: str) -> list[str]:
    """What a filter may name: what somebody has."""
    if name == "reason":
        return sorted({code for codes in night.codes.values() for code in codes})
    column = COLUMNS.get(name) or MORE[name]
    return night.remembered(
        ("values", name),
        lambda: [
            row["value"]
            for row in night.query(
                f"SELECT DISTINCT CAST({column} AS VARCHAR) AS value FROM scores WHERE {column} IS NOT NULL ORDER BY 1"
            )
        ],
    )


def _tables(choice: Choice) -> str:
    """The table of reasons is joined only where it is asked for: a filter on it is the dearest."""
    joined = " JOIN beside AS b ON b.row = s.file_row_number" if "reason" in choice.only else ""
    return f"scores AS s{joined}"
