"""Tables of one piece of work in DuckDB, in a schema of their own, which goes with them."""

from itertools import count
from typing import Any

import ibis.expr.types as ir

_NUMBERS = count()


class Schema:
    """A schema of a connection; nobody else knows its name, so whoever works beside it takes nothing away."""

    def __init__(self, con: Any):
        self.con = con
        self.name = f"work_{next(_NUMBERS)}"
        con.raw_sql(f"CREATE SCHEMA {self.name}")

    def __getitem__(self, table: str) -> ir.Table:
        return self.con.table(table, database=self.name)

    def create(self, table: str, rows: ir.Table) -> ir.Table:
        """A table of the rows of an expression, computed now."""
        return self.con.create_table(table, rows, database=self.name, overwrite=True)

    def fill(self, table: str, sql: str, *, append: bool = False) -> None:
        """The rows of a statement as a table, in place of an earlier one or behind its rows.

        Parameters
        ----------
        table
            Its name in this schema.
        sql
            The statement.
        append
            Behind the rows of an earlier one, and not in its place.
        """
        how = "INSERT INTO {}" if append else "CREATE OR REPLACE TABLE {} AS"
        self.con.raw_sql(f"{how.format(self.qualified(table))} {sql}")

    def view(self, table: str, sql: str) -> None:
        """A view of a statement, in place of an earlier one."""
        self.con.raw_sql(f"CREATE OR REPLACE VIEW {self.qualified(table)} AS {sql}")

    def drop(self, table: str) -> None:
        """Give back the memory of a table."""
        self.con.raw_sql(f"DROP TABLE {self.qualified(table)}")

    def close(self) -> None:
        """Drop everything in it."""
        self.con.raw_sql(f"DROP SCHEMA IF EXISTS {self.name} CASCADE")

    def qualified(self, table: str) -> str:
        """Its name in a statement."""
        return f"{self.name}.{table}"
