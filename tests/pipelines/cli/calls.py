"""Commands as people and schedulers call them."""

import json

from typer.testing import CliRunner

from pipelines.cli.app import app

runner = CliRunner()


def call(*words: str, code: int = 0) -> str:
    """Run a command; its stdout. The exit code must be the expected one."""
    result = runner.invoke(app, [*words])
    assert result.exit_code == code, result.output
    return result.stdout


def document(*words: str, code: int = 0) -> dict:
    found = json.loads(call(*words, "--json", code=code))
    assert found["exit_code"] == code
    assert found["command"]
    return found


def stderr(*words: str, code: int) -> str:
    result = runner.invoke(app, [*words])
    assert result.exit_code == code, result.output
    return result.stderr
