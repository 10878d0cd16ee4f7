"""The worked examples of features and labels once more, with Spark in DuckDB's place: whatever asks for `con`."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import pytest

from tests import features
from tests.models.targets import test_outcomes

pytestmark = pytest.mark.slow
NAMES = [m.name for m in pkgutil.walk_packages(features.__path__, "tests.features.") if ".test_" in m.name]
MODULES = [import_module(name) for name in NAMES]


def written_as_tables(module: ModuleType) -> bool:
    """Worked examples are text tables; the laws, with their thousands of worlds, are not."""
    return any(getattr(value, "__module__", "") == "tests.tables" for value in vars(module).values())


def of_an_engine(module: ModuleType) -> Iterator[tuple[str, Callable]]:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_") and "con" in inspect.signature(function).parameters:
            yield f"{name}_in_{module.__name__.rpartition('.')[2]}", function


EXAMPLES = [*filter(written_as_tables, MODULES), test_outcomes]
TESTS = {name: function for module in EXAMPLES for name, function in of_an_engine(module)}
globals().update(TESTS)


def test_they_are_all_there():
    assert len(TESTS) > 50
