"""What every test may use: one connection for the whole session, with the threads of the smallest machine."""

from collections.abc import Iterator

import ibis
import pytest

pytest.register_assert_rewrite("tests.tables")


@pytest.fixture(scope="session")
def con() -> Iterator[ibis.BaseBackend]:
    """DuckDB in memory; a test stores tables under names of its own."""
    connection = ibis.duckdb.connect(threads=2)
    yield connection
    connection.disconnect()
