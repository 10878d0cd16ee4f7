"""A scheduler for the tests that need one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.flows import servers


@pytest.fixture
def scheduling_server(tmp_path: Path) -> Iterator[servers.Server]:
    """A Prefect server of its own, its scheduler in it."""
    with servers.prefect_server(tmp_path) as running:
        yield running
