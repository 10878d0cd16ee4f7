"""The small operator, served; nobody changes it."""

from pathlib import Path

import pytest

from pipelines.page.served import Served
from tests.pipelines.page.site import Site, served, visitor


@pytest.fixture(scope="session")
def operator_page(operator: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """What is served of the operator, with an account of each role."""
    return served(operator, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def marketer(operator_page: Served) -> Site:
    return visitor(operator_page, "marketer")


@pytest.fixture(scope="session")
def viewer(operator_page: Served) -> Site:
    return visitor(operator_page, "viewer")


@pytest.fixture
def stranger(operator_page: Served) -> Site:
    """Somebody who has not logged in."""
    return visitor(operator_page, None)
