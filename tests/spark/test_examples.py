"""The worked examples of features and labels once more, with Spark in DuckDB's place: whatever asks for `con`."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import pytest

from tests import features
from tests.models import test_targets

pytestmark = pytest.mark.slow
NOT_EXAMPLES = {"test_catalogue", "test_future", "test_laws", "test_own_module"}
"""The laws ask thousands of worlds: test_laws.py and test_same.py put the same questions to both engines, fewer."""
NAMES = [m.name for m in pkgutil.iter_modules(features.__path__) if m.name.startswith("test_")]
EXAMPLES = [import_module(f"tests.features.{name}") for name in NAMES if name not in NOT_EXAMPLES]


def of_an_engine(module: ModuleType) -> Iterator[tuple[str, Callable]]:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_") and "con" in inspect.signature(function).parameters:
            yield f"{name}_in_{module.__name__.rpartition('.')[2]}", function


TESTS = {name: function for module in [*EXAMPLES, test_targets] for name, function in of_an_engine(module)}
globals().update(TESTS)


def test_they_are_all_there():
    assert len(TESTS) > 50
