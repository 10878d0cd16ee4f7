"""A named check with its figure and its limit, and the decision that checks make together.

A figure that is not defined (NaN) never passes.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Check:
    """One check: `text` is the key of its sentence. `found` and `expected` are what `value` compares, where it does."""

    name: str
    value: float
    limit: float
    passed: bool
    text: str
    found: float | None = None
    expected: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; NaN becomes null, and what is not compared is left out."""
        plain = {name: value for name, value in asdict(self).items() if value is not None}
        return plain | {"value": None if np.isnan(self.value) else self.value}


@dataclass(frozen=True)
class Decision:
    """Passed when every check did."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def at_least(name: str, value: float, limit: float) -> Check:
    """A check that passes from the limit on; NaN never does."""
    return Check(name, float(value), float(limit), bool(value >= limit), f"gates.{name}")


def at_most(name: str, value: float, limit: float) -> Check:
    """A check that passes up to the limit; NaN never does."""
    return Check(name, float(value), float(limit), bool(value <= limit), f"gates.{name}")


def above(name: str, value: float, limit: float) -> Check:
    """A check that passes above the limit; NaN never does."""
    return Check(name, float(value), float(limit), bool(value > limit), f"gates.{name}")
