"""The one exception that people are meant to see; its wording stands in `pipelines/wording/catalogue/errors.yaml`."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: a stable code, where it is, and the values that its sentence needs.

    `code` is `E` and three digits, the first of which is the exit code; `W...` codes are warnings.
    `row` counts data rows from 1; `sample` holds keys and the offending column only, never contact data.
    """

    code: str
    file: str | None = None
    row: int | None = None
    column: str | None = None
    sample: tuple[str, ...] = ()
    values: dict = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return int(self.code[1]) if self.code.startswith("E") else 0


class HeadwaterError(Exception):
    """Stops a command with one clear message and the exit code of its first problem."""

    def __init__(self, code: str, *, file=None, row=None, column=None, sample=(), others=(), **values):
        self.problem = Problem(code, file and str(file), row, column, tuple(sample), values)
        self.others: tuple[Problem, ...] = tuple(others)
        super().__init__(f"{code} {values}" if values else code)

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> "HeadwaterError":
        """One error of several problems, the first of which decides the exit code."""
        first, *others = problems
        where = {"file": first.file, "row": first.row, "column": first.column, "sample": first.sample}
        return cls(first.code, others=others, **where, **first.values)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, the first deciding the exit code."""
        return (self.problem, *self.others)

    @property
    def exit_code(self) -> int:
        """Of the first problem."""
        return self.problem.exit_code
