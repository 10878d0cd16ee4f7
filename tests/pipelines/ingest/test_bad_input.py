"""Bad input, one case a line: each stops with its code, says file and column in both languages, and returns nothing."""

from datetime import date
from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.config import settings
from pipelines.config.quality import Quality
from pipelines.wording import errors
from tests.bad_cases import CONFIGS, DATA, MAPPING, Bad
from tests.raw import Raw


def check(error: HeadwaterError, bad: Bad) -> None:
    """Code, exit code, and the words in both languages, in the line and in the JSON."""
    assert error.problem.code.startswith(bad.code)
    assert error.exit_code == int(bad.code[1])
    for lang in ("en", "zh"):
        told = errors.lines(error, lang, "2026-10-30")
        whole = " ".join(told) + str(errors.as_dict(error, lang))
        assert not any("\n" in line for line in told)
        for word in bad.words:
            assert word in whole, (word, whole)
        assert "Traceback" not in whole
        assert error.problem.file or error.problem.column


@pytest.mark.quick_cases(10)
@pytest.mark.parametrize("bad", MAPPING + DATA, ids=lambda bad: bad.name)
def test_bad_tables(bad, tmp_path, con):
    raw = Raw(tmp_path)
    bad.spoil(raw)
    before = {name: path.read_bytes() for name, path in files(tmp_path).items()}
    found = None
    with pytest.raises(HeadwaterError) as error:
        found = raw.read(con, Quality(), as_of=date(2026, 3, 1))
    check(error.value, bad)
    assert found is None
    after = files(tmp_path)
    assert all(after[name].read_bytes() == content for name, content in before.items() if name != "mapping.yaml")


def files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize(("name", "text", "code", "word"), CONFIGS, ids=[case[0] for case in CONFIGS])
def test_bad_settings(name, text, code, word, tmp_path):
    Raw(tmp_path).write()
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(HeadwaterError) as error:
        settings.load(path, environment={})
    check(error.value, Bad(name, code, lambda raw: None, (word,)))
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("environment", "profile", "code", "word"),
    [
        ({"HEADWATER_THREAD": "2"}, None, "E221", "HEADWATER_THREADS"),
        ({"HEADWATER_TARGETS__CHURN__HORIZON_DAY": "2"}, None, "E221", "HEADWATER_TARGETS__CHURN__HORIZON_DAYS"),
        ({"HEADWATER_THREADS": "many"}, None, "E204", "HEADWATER_THREADS"),
        ({}, "nite", "E216", "night"),
    ],
)
def test_bad_environment_and_profile(environment, profile, code, word, tmp_path):
    Raw(tmp_path).write()
    path = tmp_path / "config.yaml"
    path.write_text("mapping: mapping.yaml\nprofiles: {night: {seed: 1}}\n")
    with pytest.raises(HeadwaterError) as error:
        settings.load(path, profile, environment=environment)
    check(error.value, Bad("", code, lambda raw: None, (word,)))


def test_traversal_in_names_is_refused_two_hundred_ways(tmp_path):
    Raw(tmp_path).write()
    path = tmp_path / "config.yaml"
    parts = [
        "..",
        "../",
        "..\\",
        "/etc",
        "%2e%2e/",
        "..%2f",
        "．．/",
        "a/../../b",
        ".",
        "-rf",
        "a\x00b",
        "a b",
        "客户",
        "~",
        "$HOME",
        "a;b",
        "a|b",
        "C:\\x",
        "..;/",
        "\u202eevil",
    ]
    names = {
        f"{before}{part}{after}" for part in parts for before in ("", "x/", "\u00a0") for after in ("", "/y", "..", " ")
    }
    assert len(names) >= 200
    wrong = []
    for name in names:
        path.write_text("mapping: mapping.yaml\n")
        try:
            settings.load(path, overrides={"name": name}, environment={})
            wrong.append(name)
        except HeadwaterError as error:
            if error.exit_code != 2:
                wrong.append(name)
    assert not wrong


def test_there_are_enough_cases():
    assert len(MAPPING) + len(DATA) + len(CONFIGS) >= 90
    assert len({bad.name for bad in MAPPING + DATA}) == len(MAPPING + DATA)
