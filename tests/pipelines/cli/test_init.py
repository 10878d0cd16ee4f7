"""`headwater init`: from a folder of files to a project, asked or not; nothing is replaced without a yes."""

import io

import pytest
import yaml

from tests.pipelines.cli.calls import call, document, stderr
from tests.pipelines.recognition import folders


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An operator's extract in a folder below the current one."""
    monkeypatch.chdir(tmp_path)
    return folders.operator(tmp_path / "crm")


def test_yes_writes_a_project_that_is_valid(here):
    said = call("init", "crm", "--yes", "--only-write", "--lang", "en")
    assert "cust.csv" in said
    assert "headwater retrain -c crm/headwater.yaml --as-of 2026-02-11" in said
    assert "tables: customers, bills, usage" in call("config", "validate", "-c", "crm/headwater.yaml", "--lang", "en")
    assert sorted(path.name for path in here.iterdir()) == [
        "bill.csv",
        "cust.csv",
        "headwater.yaml",
        "mapping.yaml",
        "usage.csv",
    ]


def test_both_languages_and_json(here):
    (here / "old.csv.gz").write_bytes(b"no archive")
    (here / "crm.sqlite").write_bytes(b"SQLite format 3\0 cut")
    said = call("init", "crm", "--yes", "--only-write", "--lang", "zh")
    assert "已写入" in said and "old.csv.gz：未读取，因为" in said and "发布" not in said
    assert "crm.sqlite：未读取，因为无法读取数据库" in said
    told = document("init", "crm", "--yes", "--only-write", "--overwrite", "--lang", "en")
    assert {table["table"] for table in told["tables"]} == {"customers", "bills", "usage"}
    assert told["answers"]["left_codes"] == "9"


def test_what_is_there_is_replaced_only_when_somebody_says_so(here):
    call("init", "crm", "--yes", "--only-write", "--lang", "en")
    call("init", "crm", "--yes", "--only-write", "--lang", "en")
    (here / "mapping.yaml").write_text("version: 1\n", encoding="utf-8")
    assert "E253" in stderr("init", "crm", "--yes", "--only-write", code=2)
    assert (here / "mapping.yaml").read_text(encoding="utf-8") == "version: 1\n"
    call("init", "crm", "--yes", "--only-write", "--overwrite", "--lang", "en")
    assert "customers" in yaml.safe_load((here / "mapping.yaml").read_text(encoding="utf-8"))["tables"]


def test_typed_answers_are_taken_and_wrong_ones_asked_again(here, monkeypatch):
    typed = "\n8\n9\nmany\n60\nEUR\nEurope/Berlin\nbogus\nelsewhere\nno\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    from pipelines.cli import init as module
    from pipelines.cli.run import Run

    module.init(Run("init", lang="en"), here)
    mapping = yaml.safe_load((here / "mapping.yaml").read_text(encoding="utf-8"))
    settings = yaml.safe_load((here / "headwater.yaml").read_text(encoding="utf-8"))
    assert (mapping["currency"], mapping["timezone"]) == ("EUR", "Europe/Berlin")
    assert settings["targets"]["churn"]["horizon_days"] == 60
    assert settings["contact"] == {"consent": "assumed"}


@pytest.mark.parametrize(
    ("answer", "consent", "told"),
    [((), "assumed", True), (("consent=elsewhere",), "assumed", False)],
)
def test_who_may_be_contacted_is_said_aloud_where_nobody_has_answered(here, answer, consent, told):
    given = [word for one in answer for word in ("--answer", one)]
    answered = document("init", "crm", "--yes", "--only-write", "--lang", "en", *given)
    assert (answered.get("unanswered") == ["consent"]) == told
    written = (here / "headwater.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(written)["contact"]["consent"] == consent
    assert ("lists are to look at" in written) == told


def test_answers_in_advance_and_nobody_there(here):
    call("init", "crm", "--yes", "--only-write", "--answer", "horizon=30", "--lang", "en")
    settings = yaml.safe_load((here / "headwater.yaml").read_text(encoding="utf-8"))
    assert settings["targets"]["churn"]["horizon_days"] == 30
    assert "E254" in stderr("init", "crm", "--yes", "--answer", "business=x", code=2)
    for wrong in ("business", "horizon=soon", "currency=yuan", "timezone=Peking", "left_codes=7"):
        assert "E254" in stderr("init", "crm", "--yes", "--answer", wrong, code=2)
    assert "E252" in stderr("init", "crm", code=2)


def test_folders_with_nothing(here):
    assert "E250" in stderr("init", "nowhere", code=2)
    (here.parent / "empty").mkdir()
    assert "E251" in stderr("init", "empty", code=2)
    folders.written(here.parent / "other" / "x.csv", [["a", "b"], ["1", "2"]])
    assert "E256" in stderr("init", "other", "--yes", code=2)
    folders.written(
        here / "more" / "c.csv", [["Customer No", "Contract Start"], ["1", "2025-01-01"], ["2", "2025-02-01"]]
    )
    assert "Contract Start" in (told := stderr("init", "crm/more", "--yes", code=2)) and "E258" in told


def test_the_project_of_the_current_folder_is_the_default(here, monkeypatch):
    call("init", "crm", "--yes", "--only-write", "--lang", "en")
    monkeypatch.chdir(here)
    assert "headwater.yaml is valid" in call("config", "validate", "--lang", "en")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "listed"),
    [(lambda path: folders.shop(path, 400, 600), "vip"), (lambda path: folders.answers(path, 1500), "churn")],
)
def test_from_a_fresh_folder_to_a_published_list(tmp_path, monkeypatch, made, listed):
    """Nothing is edited: the files are there, the command runs, the list lies in the workspace."""
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "mine")
    told = document("init", "mine", "--yes", "--lang", "en")
    assert told["published"]
    (workbook,) = (tmp_path / "workspace" / "mine" / "lists").glob(f"{listed}-*.xlsx")
    assert workbook.stat().st_size > 0


def test_an_error_in_what_is_proposed_names_the_file_of_the_folder(here, monkeypatch):
    from pipelines.cli import init as module

    monkeypatch.setattr(module, "mapping_text", lambda *_: "version: 1\ntables: {customers: {nonsense: 1}}\n")
    said = stderr("init", "crm", "--yes", "--only-write", "--lang", "en", code=2)
    assert "crm/mapping.yaml" in said and "/tmp" not in said.replace(str(here), "")
    assert "nonsense" in (here / "mapping.yaml").read_text(encoding="utf-8") and not (here / "headwater.yaml").exists()
