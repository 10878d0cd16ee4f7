"""The twin of values that are counted apart."""

from typing import Any

from tests.features.figures import within

STEMS = {"contacts": "contacts", "complaints": "complaints", "subscriptions": "plans"}


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family: how often each listed value, and how often any other."""
    figures: dict[str, Any] = {}
    for table, columns in given.declared.counted.items():
        rows = [row for row in seen.get(table, []) if row.get("arm") != "control"]
        for column, values in columns.items():
            listed = list(values.values())
            for n in (90, 365):
                said = [row[column] for row in within(who, rows, n)]
                stem = f"{STEMS[table]}_{column}"
                figures |= {f"{stem}_{name}_{n}d": times(said, [x]) for name, x in values.items()}
                figures[f"{stem}_other_{n}d"] = times(said, listed, others=True)
    return figures


def times(said: list[Any], wanted: list[str], *, others: bool = False) -> int | None:
    """How many of those that say anything; unknown where there are some and none of them does."""
    told = [str(value) for value in said if value is not None]
    return sum((value in wanted) != others for value in told) if told or not said else None
