"""What every command shares: its options, one JSON document, one clear error, the exit code."""

import json
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from features.errors import HeadwaterError, Problem
from pipelines.cli.run import Run, Shared, command


@pytest.fixture
def invoke():
    """A small application with one command in a group."""
    app = typer.Typer(name="group")
    app.callback()(lambda: None)

    @command(app, "work")
    def work(run: Run, how: Annotated[str, typer.Argument(help="How it ends.")], often: int = 1) -> None:
        """Do the work."""
        run.tell(how=how, often=often)
        run.say(f"done {how}")
        if how == "refused":
            raise HeadwaterError("E521")
        if how == "several":
            raise HeadwaterError("E203", others=[Problem("E204"), Problem("E204")])
        if how == "broken":
            raise ZeroDivisionError("planted")

    return lambda *words: CliRunner().invoke(app, ["work", *words])


def test_a_command_has_its_own_options_and_the_shared_ones(invoke):
    page = invoke("--help").output
    assert "Do the work." in page and "How it ends." in page and "--often" in page
    assert all(f"--{name.removeprefix('as_')}" in page for name in Shared)


def test_people_get_lines_and_programs_one_document(invoke):
    assert invoke("well").stdout == "done well\n"
    assert json.loads(invoke("well", "--often", "3", "--json").stdout) == {
        "command": "group work",
        "exit_code": 0,
        "how": "well",
        "often": 3,
        "error": None,
    }


@pytest.mark.parametrize(("how", "code", "error"), [("refused", 5, "E521"), ("broken", 1, "E1")])
def test_an_error_is_an_exit_code_and_keeps_the_facts(invoke, how, code, error):
    result = invoke(how, "--json", "--lang", "en")
    document = json.loads(result.stdout)
    assert result.exit_code == document["exit_code"] == code and document["how"] == how
    assert document["error"]["code"].startswith(error)
    assert ("Traceback" in result.stderr) == (code == 1)


def test_the_document_of_an_error_has_every_problem(invoke):
    """`others` was lost on the way: of three problems a program saw one."""
    document = json.loads(invoke("several", "--json").stdout)
    assert [other["code"] for other in document["error"]["others"]] == ["E204", "E204"]


def test_another_language_is_exit_2(invoke):
    result = invoke("well", "--lang", "fr")
    assert result.exit_code == 2 and "E231" in result.stderr and "Traceback" not in result.stderr
    assert invoke("well", "--lang", "fr", "--json").exit_code == 2


@pytest.mark.parametrize(("locale", "lang"), [("zh_CN.UTF-8", "zh"), ("en_GB.UTF-8", "en"), ("C", "en")])
def test_the_language_is_that_of_the_terminal_unless_named(monkeypatch, locale, lang):
    monkeypatch.setenv("LC_ALL", locale)
    assert Run("work").language == lang and Run("work", lang="zh").language == "zh"


def test_the_clock_is_read_last():
    run = Run("work")
    run.__dict__["project"] = SimpleNamespace(settings=SimpleNamespace(as_of=None))
    assert run.as_of(datetime(2026, 3, 4, 5, tzinfo=UTC)) == date(2026, 3, 4)
    assert run.as_of(None) == datetime.now().astimezone().date()
    run.project.settings.as_of = date(2026, 11, 1)
    assert run.as_of(None) == date(2026, 11, 1)
