"""The documentation says what is there: commands exist, files exist, generated pages are current, nothing is local."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.reference import dictionary
from tests.demo_project import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"(?:^\$? *|`|&& )(?:\.venv/bin/)?headwater ([a-z][^`\n|]*)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
NAMED = re.compile(r"`((?:configs|docs|features|models|notebooks|pipelines|targeting|tests)/[\w./-]+\.\w+)`")
SHOWN = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
MACHINE = re.compile(r"(?:/root/|/home/\w|/work/|/tmp/|/Users/)")
REGISTRY = re.compile(r"https?://[^\s)]*(?:pypi|index-url|simple/|mirror|npmjs|conda)[^\s)]*", re.IGNORECASE)


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def quoted(text: str) -> list[str]:
    """Every `headwater ...` that a page tells people to type, without redirections and comments."""
    return [re.split(r"\s(?:>>|>|2>|#)|\s{2,}", found)[0].strip().rstrip(".,;:") for found in COMMAND.findall(text)]


def refusal(line: str) -> str:
    """What the command line says against a quoted command; nothing when its verb and options exist."""
    result = CliRunner().invoke(app, [*shlex.split(line), "--help"])
    return "" if result.exit_code == 0 else result.output


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_every_command_that_is_quoted_exists(path):
    assert {line: told for line in quoted(path.read_text(encoding="utf-8")) if (told := refusal(line))} == {}


@pytest.mark.parametrize("wrong", ["frobnicate", "nightly --as-off 2026-11-01", "list vips", "data map --sugest x"])
def test_a_command_that_does_not_exist_is_found(wrong):
    assert refusal(wrong)


def test_commands_are_found_in_prose_and_in_terminals():
    text = "$ headwater nightly --as-of 2026-10-01\nnot this headwater one; `headwater doctor`, `.venv/bin/headwater train churn`"
    assert quoted(text) == ["nightly --as-of 2026-10-01", "doctor", "train churn"]


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_every_file_that_is_referred_to_exists(path):
    text = path.read_text(encoding="utf-8")
    missing = [link for link in LINK.findall(text) if not (path.parent / link).exists()]
    missing += [name for name in NAMED.findall(text) if not (ROOT / name).exists() and "mine" not in name]
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_every_test_that_is_referred_to_exists(path):
    assert [shown for shown in SHOWN.findall(path.read_text(encoding="utf-8")) if not is_test(*shown)] == []


def is_test(file: str, name: str) -> bool:
    """Does a test file define a test of this name?"""
    path = ROOT / file
    return path.is_file() and f"\ndef {name}(" in path.read_text(encoding="utf-8")


def test_a_test_that_does_not_exist_is_found():
    name = test_every_test_that_is_referred_to_exists.__name__
    assert is_test("tests/test_docs.py", name)
    assert not is_test("tests/test_docs.py", f"{name}_not") and not is_test("tests/test_doc.py", name)


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_nothing_of_one_machine_or_registry(path):
    text = path.read_text(encoding="utf-8")
    assert MACHINE.findall(text) == []
    assert REGISTRY.findall(text) == []


@pytest.mark.parametrize("name", sorted(dictionary.pages()))
def test_generated_pages_are_current(name):
    """`make docs` writes them again."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == dictionary.pages()[name]()


def test_a_pipe_or_line_end_does_not_break_a_table():
    assert dictionary.line(("a|b", "c\nd")) == "| a\\|b | c d |"
    assert dictionary.table(("x",), [("y",)]) == "| x |\n|---|\n| y |\n"


def test_main_writes_every_page(tmp_path):
    dictionary.main(str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == set(dictionary.pages())


def test_the_readme_leads_every_group_to_its_page():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for word in (
        "make demo",
        "make test",
        "docs/guides/operator.md",
        "docs/guides/operations.md",
        "docs/security.md",
        "docs/data-protection.md",
        "docs/guides/own-data.md",
        "docs/results.md",
        "notebooks/",
    ):
        assert word in text
    assert (ROOT / "docs" / "report.png").stat().st_size < 300_000
