"""What a project predicts follows from its tables; a setting that asks for a table says so before anything is read."""

import copy
from pathlib import Path

import pytest

from features.errors import HeadwaterError
from models.targets.registry import TARGETS
from models.targets.target import RuleSettings
from pipelines.config import settings
from pipelines.config.settings import Settings, load
from pipelines.ingest import pinning
from pipelines.project import Project
from pipelines.workspace.paths import Workspace
from tests.raw import TABLES, Raw


def loaded(folder: Path, text: str = "", without: tuple[str, ...] = ()) -> Settings:
    raw = Raw(folder)
    for name in without:
        table, _, column = name.partition(".")
        if column:
            del raw.mapping["tables"][table]["columns"][column]
        else:
            del raw.mapping["tables"][table]
    raw.write()
    path = folder / "config.yaml"
    path.write_text(f"name: tiny\nmapping: mapping.yaml\n{text}", encoding="utf-8")
    return load(path, environment={})


@pytest.mark.parametrize(
    ("text", "without", "predicted"),
    [
        ("", (), ("churn", "value", "vip")),
        ("", ("usage",), ("churn", "value", "vip")),
        ("", ("bills",), ("churn",)),
        ("", ("bills", "usage"), ("churn",)),
        ("", ("customers.deactivated_on",), ("value", "vip")),
        ("", ("bills", "customers.deactivated_on"), ()),
        ("targets: {value: null}\n", (), ("churn", "vip")),
        ("targets: {churn: {enabled: false}, vip: null}\n", (), ("value",)),
        ("targets: {churn: {rule: no_bill}}\n", ("customers.deactivated_on",), ("churn", "value", "vip")),
    ],
)
def test_a_target_without_its_tables_is_no_part_of_the_project(tmp_path, text, without, predicted):
    found = loaded(tmp_path, text, without)
    assert found.predicted == predicted and set(found.left_out) == set(TARGETS) - set(predicted)


def test_it_is_told_which_table_is_lacking_or_that_a_setting_says_so(tmp_path):
    found = loaded(tmp_path, "targets: {value: null}\n", ("bills",)).left_out
    assert found["vip"].values["table"] == "bills" and "table" not in found["value"].values


@pytest.mark.parametrize(
    ("text", "without", "keys"),
    [
        ("targets: {value: {horizon_days: 60}}\n", ("bills",), ["targets.value"]),
        ("targets: {churn: {rule: no_bill}}\n", ("bills",), ["targets.churn"]),
        ("targets: {churn: {rule: labels}}\n", (), ["targets.churn"]),
        ("targets: {churn: {rule: deactivated}}\n", ("customers.deactivated_on",), ["targets.churn"]),
        ("features: {windows: {bills: [24], purchases: []}}\n", ("bills",), ["features.windows.bills"]),
        ("targets: {vip: {gap_days: 1}}\npopulation: {rule: billed}\n", ("bills",), ["targets.vip", "population.rule"]),
    ],
)
def test_a_setting_that_somebody_wrote_and_that_asks_for_a_table_is_named(tmp_path, text, without, keys):
    with pytest.raises(HeadwaterError) as error:
        loaded(tmp_path, text, without)
    problems = [error.value.problem, *error.value.others]
    assert [(problem.code, problem.column) for problem in problems] == [("E248", key) for key in keys]
    assert all(problem.row and problem.file.endswith("config.yaml") for problem in problems)


@pytest.mark.parametrize("text", ["targets: {value: null}\n", "targets: {value: {enabled: false, horizon_days: 60}}\n"])
def test_what_is_left_out_on_purpose_asks_for_nothing(tmp_path, text):
    assert loaded(tmp_path, text, ("bills",)).predicted == ("churn",)


def test_without_bills_the_rule_of_today_is_tenure_unless_somebody_says_otherwise(tmp_path):
    found = loaded(tmp_path, without=("bills",))
    assert found.training.candidates.rules.churn.column == "tenure_days"
    where = {key: origin for key, _, origin in settings.origins(found)}
    assert where["training.candidates.rules.churn.column"].startswith("default (")
    said = "training: {candidates: {rules: {churn: {column: tenure_months}}}}\n"
    assert loaded(tmp_path, said, ("bills",)).training.candidates.rules.churn.column == "tenure_months"
    assert loaded(tmp_path).training.candidates.rules.churn.column == "arpu_3m"


def test_a_target_that_is_asked_for_by_name_and_is_no_part_of_the_project_is_refused(tmp_path):
    project = Project(loaded(tmp_path, without=("bills",)), Workspace.open(tmp_path, "tiny"))
    assert project.targets() == ["churn"] == project.targets("churn")
    with pytest.raises(HeadwaterError, match="E238"):
        project.targets("churn", "value")
    nothing = Project(loaded(tmp_path, without=("bills", "customers.deactivated_on")), project.workspace)
    with pytest.raises(HeadwaterError, match="E238") as error:
        nothing.targets()
    assert len(error.value.others) == len(TARGETS) - 1


CLOCKLESS = {
    "customers": {
        "source": {"path": "one.csv"},
        "columns": {
            "customer_id": "id",
            "churned": "Churn",
            "charges": {"from": "charges", "type": "number"},
            "tenure": {"from": "tenure", "type": "number"},
            "contract": "contract",
        },
    }
}


def clockless(folder: Path, text: str = "", **more: dict) -> Settings:
    raw = Raw(folder)
    raw.mapping["tables"] = copy.deepcopy(CLOCKLESS) | more
    raw.write()
    path = folder / "config.yaml"
    path.write_text(f"name: tiny\nmapping: mapping.yaml\n{text}", encoding="utf-8")
    return load(path, environment={})


def test_one_table_with_its_answer_is_trained_in_folds_by_itself(tmp_path):
    found = clockless(tmp_path)
    assert (found.protocol.design, found.population.rule, found.targets.churn.rule) == ("folds", "listed", "listed")
    assert found.predicted == ("churn",) and found.targets.churn.window_days == 0
    assert found.training.candidates.rules.churn == RuleSettings(column="tenure", higher=False)
    assert not any("table" in problem.values for problem in found.left_out.values()), "nothing that could be mapped"
    assert found.tables.attributes == ("contract",) and "churned" not in found.tables.typed[0]
    said = "training: {candidates: {rules: {churn: {column: charges}}}}\nprotocol: {folds: 3}\n"
    chosen = clockless(tmp_path, said)
    assert clockless(tmp_path).protocol.folds == 5, "what one project says is no default of another"
    assert (chosen.training.candidates.rules.churn.column, chosen.protocol.folds) == ("charges", 3)


@pytest.mark.parametrize("dated", ["bills", "usage", "customers.deactivated_on"])
def test_an_answer_without_a_date_stands_beside_no_dates(tmp_path, dated):
    """A bill file ends for those who left: features of it would tell the answer."""
    tables = {name: table for name, table in TABLES.items() if name == dated}
    if "." in dated:
        tables = copy.deepcopy(CLOCKLESS)
        tables["customers"]["columns"]["deactivated_on"] = "left"
    with pytest.raises(HeadwaterError, match="E249") as error:
        clockless(tmp_path, **tables)
    assert dated.rpartition(".")[2] in error.value.problem.values["names"]


@pytest.mark.parametrize(
    ("text", "key"),
    [("protocol: {design: folds}\n", "protocol.design"), ("population: {rule: listed}\n", "population.rule")],
)
def test_folds_are_for_a_table_without_dates(tmp_path, text, key):
    with pytest.raises(HeadwaterError, match="E248") as error:
        loaded(tmp_path, text)
    assert error.value.problem.column == key


def test_the_day_of_joining_is_needed_where_there_are_dates(tmp_path):
    with pytest.raises(HeadwaterError, match="E210"):
        loaded(tmp_path, without=("customers.activated_on",))


def test_the_rule_of_today_follows_from_types_that_the_data_told(tmp_path):
    tables = copy.deepcopy(CLOCKLESS)
    for name in ("charges", "tenure"):
        tables["customers"]["columns"][name] = name
    found = clockless(tmp_path, **tables)
    assert found.training.candidates.rules.churn.column == "tenure_days", "nobody knows yet what is a number"
    (tmp_path / "one.csv").write_text("id,Churn,charges,tenure,contract\na,Yes,1.5,3,x\nb,No,2.5,40,y\n")
    table = found.tables.tables["customers"]
    at_home = table.model_copy(update={"source": table.source.model_copy(update={"path": str(tmp_path / "one.csv")})})
    mapping = pinning.settled(found.tables.model_copy(update={"tables": {"customers": at_home}}), tmp_path)
    assert found.with_tables(mapping).training.candidates.rules.churn == RuleSettings(column="tenure", higher=False)
    said = clockless(tmp_path, "training: {candidates: {rules: {churn: {column: contract}}}}\n", **tables)
    assert said.with_tables(mapping).training.candidates.rules.churn.column == "contract"
