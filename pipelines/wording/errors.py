"""How a problem reads: a block on a terminal, one line in a log, JSON for machines; and foreign errors made ours."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from features.errors import HeadwaterError, Problem
from pipelines.wording.texts import catalogue, has, placeholders, text

DISK = {
    errno.ENOSPC: "E703",
    errno.EDQUOT: "E703",
    errno.EACCES: "E704",
    errno.EPERM: "E704",
    errno.EROFS: "E704",
}
FOREIGN: tuple[tuple[type[BaseException], str], ...] = (
    (duckdb.OutOfMemoryException, "E707"),
    (MemoryError, "E707"),
    (duckdb.IOException, "E705"),
    (duckdb.Error, "E319"),
    (pa.ArrowException, "E319"),
)
"""Errors of the libraries below us, the special ones first."""

SHOWN = 3
MOST = 10


def sentence(problem: Problem, part: str, lang: str) -> str:
    """`what`, `found` or `fix` of a problem in words; empty where its code has no such part.

    Parameters
    ----------
    problem
        What is wrong.
    part
        `what`, `found` or `fix`.
    lang
        `zh` or `en`.
    """
    key = f"errors.{problem.code}.{part}"
    if "nearest" in problem.values and problem.values["nearest"] in (None, "—"):
        key = _key_without_nearest(key)
    if not has(key):
        return ""
    return text(key, lang, **_known_values(problem, key, lang))


def _key_without_nearest(key: str) -> str:
    """The key of what is said where nothing has a similar name; that of nothing where no sentence is left."""
    if has(f"{key}_unlike"):
        return f"{key}_unlike"
    return "" if has(key) and "nearest" in placeholders(catalogue()[key]["en"]) else key


def _known_values(problem: Problem, key: str, lang: str) -> dict[str, Any]:
    """The values of a problem; those written `@rule.empty` are words of the catalogue."""
    at = {"place": f"tables.{table}"} if (table := problem.values.get("table")) else {}
    known = {"file": problem.file, "row": problem.row, "column": problem.column, **at, **problem.values}
    words = {name: _worded(value, known, lang) for name, value in known.items()}
    if lang == "zh" and not key.rpartition(".")[2].startswith("fix"):
        words |= {name: tables_in_words(words[name], lang) for name in ("table", "tables") if name in words}
    names = placeholders(catalogue()[key][lang])
    return {name: Unknown() if words.get(name) is None else words[name] for name in names}


def tables_in_words(names: Any, lang: str) -> Any:
    """Names of canonical tables, between commas, as people call them; what is no such name stays as it is."""
    if not isinstance(names, str):
        return names
    called = [f"terms.table.{name}" for name in names.split(", ")]
    return text("lists.and_so_on", lang).join(text(key, lang) for key in called) if all(map(has, called)) else names


class Unknown:
    """Stands where a value is not known; any format of it is a dash."""

    def __format__(self, spec: str) -> str:
        return "—"


def _worded(value: Any, known: dict[str, Any], lang: str) -> Any:
    if not (isinstance(value, str) and value.startswith("@")):
        return _shortened(value)
    key = f"terms.{value[1:]}"
    names = placeholders(catalogue()[key][lang])
    return text(key, lang, **{name: Unknown() if known.get(name) is None else known[name] for name in names})


def _shortened(value: Any) -> Any:
    """Text from outside: one line, no control characters, not endless."""
    if not isinstance(value, str):
        return value
    clean = "".join(char if char.isprintable() else "·" for char in value)
    return clean if len(clean) <= 200 else clean[:199] + "…"


def render_block(problem: Problem, lang: str, console: Console) -> None:
    """The block of interfaces.md, section 4, on a console.

    Parameters
    ----------
    problem
        What is wrong.
    lang
        `zh` or `en`.
    console
        Of rich; lines are not wrapped.
    """
    warning = problem.code.startswith("W")
    mark, style = ("!", "yellow") if warning else ("✗", "red")
    exits = "" if warning else f" · {text('terms.label.exit', lang)} {problem.exit_code}"
    console.print(
        Text(f"{mark} {sentence(problem, 'what', lang)} · {problem.code}{exits}", style=style), soft_wrap=True
    )
    lines = list(_details(problem, lang))
    width = max((cell_len(label) for label, _ in lines), default=0)
    for label, content in lines:
        console.print(Text(f"  {label}{' ' * (width - cell_len(label) + 2)}{content}"), soft_wrap=True)


def _details(problem: Problem, lang: str) -> Iterator[tuple[str, str]]:
    """Label and content of each line that applies: file, column, sample, fix, more."""
    if problem.file:
        yield text("terms.label.file", lang), _place(problem)
    if problem.column:
        found = sentence(problem, "found", lang)
        yield text("terms.label.column", lang), f"{_shortened(problem.column)}   {found}".rstrip()
    for sample in problem.sample[:SHOWN]:
        yield text("terms.label.sample", lang), _shortened(sample)
    if fix := sentence(problem, "fix", lang):
        yield text("terms.label.fix", lang), fix
    if problem.code[0] in "EW":
        yield text("terms.label.more", lang), f"docs/errors.md#{problem.code.lower()}"


def print_block(error: HeadwaterError, lang: str, console: Console, most: int | None = MOST) -> None:
    """Every problem of an error as a block of its own.

    Parameters
    ----------
    error
        With all its problems.
    lang
        `zh` or `en`.
    console
        Of rich; lines are not wrapped.
    most
        Blocks to show; those left are counted. None shows all.
    """
    for problem in error.problems[:most]:
        render_block(problem, lang, console)
    for line in _uncounted(error, lang, most):
        console.print(line)


def _uncounted(error: HeadwaterError, lang: str, most: int | None) -> list[str]:
    """How many problems are not shown, and how to see them; nothing where all are."""
    left = 0 if most is None else max(0, len(error.problems) - most)
    return [text("terms.line.others", lang, others=left)] if left else []


def _place(problem: Problem) -> str:
    rows = problem.values.get("total")
    where = _shortened(problem.file) + (f":{problem.row}" if problem.row else "")
    return where + (f"  ({rows:,} rows)" if isinstance(rows, int) else "")


def lines(
    error: HeadwaterError, lang: str, serving_as_of: date | str | None = None, most: int | None = MOST
) -> list[str]:
    """One line for each problem of an error, the first one deciding the exit code.

    Parameters
    ----------
    error
        With all its problems.
    lang
        `zh` or `en`.
    serving_as_of
        Date of the published scores, if any.
    most
        Problems to show; those left are counted in a line of their own. None shows all.
    """
    shown = [render_line(problem, lang, serving_as_of) for problem in error.problems[:most]]
    return shown + _uncounted(error, lang, most)


def render_line(problem: Problem, lang: str, serving_as_of: date | str | None = None) -> str:
    """The one line of reliability.md, section 0; `serving_as_of` is the date of the published scores, if any.

    Parameters
    ----------
    problem
        What is wrong.
    lang
        `zh` or `en`.
    serving_as_of
        Date of the published scores, if any.
    """
    what, found, fix = (sentence(problem, part, lang) for part in ("what", "found", "fix"))
    stop, comma = (".", ", ") if lang == "en" else ("。", "，")
    message = comma.join(filter(None, [what, found]))
    message += "" if message.endswith(("?", "？", ".", "。")) else stop
    fixed = text("terms.line.fix", lang, fix=fix) if fix else ""
    if problem.code.startswith("W"):
        return " ".join(filter(None, [f"WARNING {problem.code}", _spot(problem), message, fixed]))
    published = (
        text("terms.line.published", lang, as_of=serving_as_of) if serving_as_of else text("terms.line.none", lang)
    )
    head = f"ERROR {problem.code} (exit {problem.exit_code})"
    return " ".join(filter(None, [head, _spot(problem), message, published, fixed]))


def _spot(problem: Problem) -> str:
    """`file:row:column`, as far as they are known."""
    parts = (problem.file, problem.row, problem.column)
    return ":".join(str(_shortened(part)) for part in parts if part is not None)


def as_dict(error: HeadwaterError | Problem, lang: str) -> dict[str, Any]:
    """For `--json`: code, message, fix, and where; every other problem of an error under `others`."""
    if isinstance(error, Problem):
        return _problem_dict(error, lang)
    others = [_problem_dict(problem, lang) for problem in error.others]
    return _problem_dict(error.problem, lang) | ({"others": others} if others else {})


def _problem_dict(problem: Problem, lang: str) -> dict[str, Any]:
    fields = {
        "code": problem.code,
        "message": sentence(problem, "what", lang),
        "found": sentence(problem, "found", lang),
        "fix": sentence(problem, "fix", lang),
        "file": problem.file,
        "row": problem.row,
        "column": problem.column,
        "sample": list(problem.sample[:SHOWN]),
    }
    return {key: value for key, value in fields.items() if value not in (None, "", [])}


@contextmanager
def translated(place: Path | str | None = None) -> Iterator[None]:
    """Foreign exceptions inside become ours; what is no known fault passes through (exit 1)."""
    try:
        yield
    except Exception as error:
        ours = _translation(error, place)
        if ours is None or ours is error:
            raise
        raise ours from error


def translate(error: BaseException) -> HeadwaterError:
    """Any exception as one of ours: a known fault by its code, everything else is E101 (exit 1)."""
    detail = (str(error).strip() or "—").splitlines()[0][:200]
    return _translation(error) or HeadwaterError("E101", detail=f"{type(error).__name__}: {detail}")


def disk_error(error: OSError, path: Path | str | None) -> HeadwaterError:
    """Disk full (E703), no permission (E704) and the like (E705): exit 7, naming the path."""
    code = DISK.get(error.errno or 0, "E705")
    return HeadwaterError(code, file=path, detail=error.strerror or str(error) or type(error).__name__)


def _translation(error: BaseException, place: Path | str | None = None) -> HeadwaterError | None:
    """The HeadwaterError that says the same as an error of the system, DuckDB, Arrow or YAML, or None."""
    detail = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    if isinstance(error, HeadwaterError):
        return error
    if isinstance(error, OSError) and error.errno:
        return disk_error(error, error.filename or place)
    if isinstance(error, yaml.YAMLError):
        return HeadwaterError("E202", file=place, found=detail)
    foreign = next((code for kind, code in FOREIGN if isinstance(error, kind)), None)
    if foreign is None:
        return None
    full = foreign == "E705" and "No space left" in str(error)
    return HeadwaterError("E703" if full else foreign, file=place, detail=detail)
