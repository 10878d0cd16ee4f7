"""A database server for the tests that read from one; what tests leave behind is seen where it was left."""

from collections.abc import Iterator

import pytest

from pipelines.config.settings import Settings
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


@pytest.fixture(scope="module", autouse=True)
def settings_as_shipped() -> Iterator[None]:
    """Sections that a configuration leaves out are the same objects in every project of a process: nobody changes them."""
    before = Settings().model_dump()
    yield
    assert Settings().model_dump() == before
