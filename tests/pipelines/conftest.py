"""A database server for the tests that read from one."""

from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """A real PostgreSQL, started once per worker; skips where there is none."""
    with postgres.server() as running:
        yield running


@pytest.fixture
def database(server: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> postgres.Server:
    """The server, its password in the environment as a mapping refers to it."""
    monkeypatch.setenv("DB_PASSWORD", postgres.PASSWORD)
    return server
