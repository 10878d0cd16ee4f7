"""What is served in tests: the small operator, which nobody changes, and a sample of scores in a workspace of its own."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from pipelines.page.served import Served
from tests.pipelines.page.site import Site, sampled, served, visitor
from tests.scores_sample import AS_OF, sample_frame

BEFORE = date(2026, 10, 1)


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


@pytest.fixture(scope="session")
def sample() -> pd.DataFrame:
    """The rows of the sample, in the order in which they are published."""
    return sample_frame(1_000).sort_values("customer_id", ignore_index=True)


@pytest.fixture(scope="session")
def sample_page(sample: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample, published twice: a month before with other scores, and without its first ten customers."""
    earlier = sample_frame(1_000, seed=8).sort_values("customer_id", ignore_index=True).iloc[10:]
    yield sampled(tmp_path_factory.mktemp("sample"), {BEFORE: earlier.assign(as_of=BEFORE), AS_OF: sample})


@pytest.fixture(scope="session")
def sample_marketer(sample_page: Served) -> Site:
    return visitor(sample_page, "marketer")
