"""The command line as people and schedulers use it: every verb, every exit code, one JSON document, one clear line."""

import os
import subprocess
import sys

import pytest

from pipelines.cli.app import app
from tests.pipelines.cli.calls import call, runner

VERBS = ["demo", "doctor", "data", "features", "train", "backtest", "score", "nightly", "retrain", "list", "explain"]


def test_help_names_every_verb_and_the_exit_codes():
    said = call("--help")
    for verb in [*VERBS, "report", "promote", "rollback", "runs", "config", "deploy", "serve"]:
        assert verb in said
    assert "Exit codes" in said


@pytest.mark.parametrize(
    "words", [["nightli"], ["list", "vips"], ["nightly", "--as-off", "2026-01-01"], ["nightly", "--as-of", "soon"]]
)
def test_a_mistyped_command_is_exit_2(words):
    assert runner.invoke(app, words).exit_code == 2


def test_a_mistyped_command_is_told_what_was_meant():
    assert "nightly" in runner.invoke(app, ["nightli"]).stderr


def test_version():
    assert call("--version").startswith("headwater ")


ENDING = """
import atexit, os, threading, time
from pipelines.cli.app import main

class Library:
    def __del__(self):
        os.abort()

library = Library()
atexit.register(print, "asked at the end")
threading.Thread(target=lambda: (time.sleep(0.3), print("waited for"))).start()
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["nightly", "--config", "nowhere.yaml"], 2)])
def test_a_library_that_aborts_while_python_ends_does_not_change_the_exit_code(words, code):
    command = [sys.executable, "-c", ENDING, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-2:] == ["waited for", "asked at the end"]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("mask", "left"), [(0o000, "0o27"), (0o022, "0o27"), (0o077, "0o77")])
def test_what_libraries_write_is_not_for_others(mask, left):
    """The tracking store, say; a stricter mask stays."""
    program = f"import atexit, os; os.umask({mask}); atexit.register(lambda: print(oct(os.umask(0)))); "
    command = [sys.executable, "-c", f"{program}from pipelines.cli.app import main; main()", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1] == left


def test_errors_off_a_terminal_are_one_line_on_stderr(own_operator):
    (own_operator / "data" / "operator" / "raw" / "cust_main.csv").unlink()
    command = [
        sys.executable,
        "-c",
        "from pipelines.cli.app import main; main()",
        "nightly",
        "--as-of",
        "2026-10-01",
        "-q",
        "--lang",
        "en",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 4
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("ERROR E4") and "Published scores unchanged (as of 2026-11-01)" in lines[0]
