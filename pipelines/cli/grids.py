"""Plain tables for a terminal."""

from rich.table import Table

from pipelines.wording.texts import text


def grid(lang: str, *columns: str) -> Table:
    """An empty table; `columns` are keys below `steps.column`."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(text(f"steps.column.{column}", lang))
    return table
