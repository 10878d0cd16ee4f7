"""Rows that are looked at several times, computed once and kept in memory while a table is read."""

from typing import Any

import ibis.expr.types as ir


def temporary(con: Any, name: str, rows: ir.Table) -> ir.Table:
    """The rows of an expression as a temporary table, in place of an earlier one.

    It is one statement: Ibis's `create_table` sends three and writes the longest twice, which takes longer than the rows
    of a small file.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    name
        Of the table.
    rows
        Made from tables of the connection, none of them in Python's memory.
    """
    con.raw_sql(f"CREATE OR REPLACE TEMPORARY TABLE {name} AS {con.compile(rows)}")
    return con.table(name, database="temp.main")
