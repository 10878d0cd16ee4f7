"""The catalogue, compiled once for all laws."""

import ibis
import pytest

from tests.features.asking import Asker


@pytest.fixture(scope="session")
def ask(con: ibis.BaseBackend) -> Asker:
    """Features of a world under the default settings."""
    return Asker(con, "asked")
