"""A project's own features: joined to the catalogue, refused with file and line, held to the same laws on its data."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from features.catalogue import catalogue
from features.errors import HeadwaterError
from features.identity import feature_set_hash
from features.settings import FeatureSettings
from models.targets.registry import TARGETS
from pipelines.cli.app import app
from pipelines.config import own_features
from pipelines.config.settings import load
from pipelines.ingest.inputs import recipe
from pipelines.project import Project
from pipelines.wording import errors
from tests.demo_project import ROOT
from tests.features.asking import Asker
from tests.world import MEASURES, World, world

GUIDE = re.search(
    r"```python\n(.*?)```", (ROOT / "docs" / "guides" / "own-features.md").read_text(encoding="utf-8"), re.S
)
assert GUIDE
EXAMPLE = GUIDE[1]
COLUMNS = ["hotline_complaints_30d", "hotline_complaints_90d", "months_overdue", "bill_complaints_182d"]
HEAD = "from features.definition import block, days, feature\n"
GOOD = 'label=("planted", "植入"), zh="植入的特征", reason="complaints", unit="count"'


def written(folder: Path, text: str) -> Path:
    path = folder / "my_features.py"
    path.write_text(text, encoding="utf-8")
    return path


def joined(folder: Path, text: str, settings: FeatureSettings | None = None):
    module = own_features.load(written(folder, text).name, folder)
    return own_features.joined(module, MEASURES, (), settings or FeatureSettings())


def declared(name: str, body: str, source: str = '"complaints"', given: str = GOOD) -> str:
    return f'{HEAD}\n@feature({source}, {given})\ndef {name}(rows, *more):\n    """Planted."""\n    return {body}\n'


@pytest.mark.parametrize("kind", ["attributes", "numbers", "flags"])
def test_a_declared_name_that_is_a_feature_of_ours_is_refused(kind):
    """Two columns of one name would stop a night in the middle."""
    with pytest.raises(HeadwaterError, match="E274") as error:
        catalogue(MEASURES, **{kind: ("plan",)})
    assert (error.value.problem.column, error.value.problem.values) == ("plan", {"name": "plan", "family": "plans"})


def test_the_guide_s_module_joins_the_catalogue(tmp_path: Path):
    features = joined(tmp_path, EXAMPLE)
    assert [f.column for f in features[len(catalogue(MEASURES)) :]] == COLUMNS
    assert {f.family for f in features if f.column in COLUMNS} == {"my_features"}
    assert features[: len(catalogue(MEASURES))] == catalogue(MEASURES)


@pytest.mark.slow
def test_its_values_are_what_it_says(con, tmp_path: Path):
    given = world(150, seed=311)
    answer = Asker(con, "own", joined(tmp_path, EXAMPLE))(given).to_pandas()
    assert (
        answer.hotline_complaints_90d <= answer.complaint_count_90d
    ).all() and answer.hotline_complaints_90d.sum() > 20
    assert answer.hotline_complaints_30d.le(answer.hotline_complaints_90d).all()
    assert (answer.bill_complaints_182d <= answer.complaint_count_365d).all() and answer.bill_complaints_182d.sum() > 20
    both = answer[answer.arpu_3m > 0]
    assert both.months_overdue.to_numpy() == pytest.approx((both.overdue_amount / both.arpu_3m).to_numpy(), nan_ok=True)
    assert answer.months_overdue[~(answer.arpu_3m > 0)].isna().all()


@pytest.mark.slow
def test_without_its_table_it_is_unknown(con, tmp_path: Path):
    given = world(20, seed=312)
    without = World(given.spine, {name: rows for name, rows in given.tables.items() if name != "complaints"})
    features = joined(tmp_path, EXAMPLE)
    from features.build import build
    from tests.world import spine_table, tables

    answer = con.to_pyarrow(build(tables(con, without), spine_table(con, without), features, FeatureSettings()))
    assert answer["bill_complaints_182d"].null_count == answer["hotline_complaints_30d"].null_count == 20


@pytest.mark.slow
def test_the_identity_covers_what_computes_and_not_the_words_or_the_place(tmp_path: Path):
    given = FeatureSettings()

    def found(text: str, folder: Path = tmp_path, settings: FeatureSettings = given) -> str:
        folder.mkdir(exist_ok=True)
        return feature_set_hash(joined(folder, text, settings), settings)

    own = found(EXAMPLE)
    assert own != feature_set_hash(catalogue(MEASURES), given)
    assert found(EXAMPLE + "\n\n# a remark\n") == own
    assert found(EXAMPLE.replace("近{n}天热线投诉次数", "热线投诉").replace("near", "lately")) == own
    assert found(EXAMPLE, tmp_path / "elsewhere", FeatureSettings(own="elsewhere/my_features.py")) == own
    assert found(EXAMPLE.replace("days=10", "days=11")) != own
    assert found(EXAMPLE.replace("billed_on <= complaints", "billed_on < complaints")) != own


def test_words_of_a_mapping_are_shown_and_are_part_of_no_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What people read may be worded better without reading tables again or refusing a champion."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    path = Path("configs/mappings/operator.yaml")

    def opened(words: dict[str, list[str]]) -> tuple[Project, str, str, str]:
        mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
        path.write_text(yaml.safe_dump(mapping | {"words": words}, allow_unicode=True), encoding="utf-8")
        project = Project.open("configs/operator.yaml")
        tables = [recipe(project.mapping, project.settings.quality, name) for name in project.mapping.tables]
        return project, project.feature_set_hash, project.settings.fingerprint(), tables

    plain, *before = opened({})
    worded, *after = opened({"data_mb": ["megabytes", "兆字节"], "coverage": ["no signal", "无信号"]})
    shown = {f.column: (f.label("en"), f.label("zh")) for f in worded.features}
    assert shown["data_mb_mean_4w"] == ("megabytes per 4 weeks, 4 weeks", "近4周每4周兆字节")
    assert shown["voice_minutes_mean_4w"] == ("voice minutes per 4 weeks, 4 weeks", "近4周每4周语音分钟数")
    assert before == after and plain.features == worded.features


@pytest.mark.parametrize(("config", "column", "label"), [
    ("cdnow", "cds_mean_4w", ("CDs bought per 4 weeks, 4 weeks", "近4周每4周购买唱片数")),
    ("complete-journey", "kids", ("children on record", "子女情况（登记）")),
])  # fmt: skip
def test_the_shipped_mappings_bring_their_words(config: str, column: str, label: tuple[str, str]):
    settings = load(ROOT / "configs" / f"{config}.yaml")
    mapping = settings.tables
    features = own_features.joined(None, mapping.measures, mapping.attributes, settings.features, mapping.words)
    shown = {f.column: (f.label("en"), f.label("zh")) for f in features}
    assert shown[column] == label


def test_a_module_may_be_named_as_python_imports_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "our_features.py").write_text(declared("planted", "rows.days_ago.min().cast('float64')"))
    monkeypatch.syspath_prepend(tmp_path)
    assert own_features.load("our_features", tmp_path / "nowhere").__name__ == "our_features"


WRONG = {
    "no such file": (None, "E201", None, "my_features.py"),
    "not Python": ("def planted(:\n", "E266", 1, "SyntaxError"),
    "fails while it is read": (HEAD + "\nx = 1 / 0\n", "E266", 3, "ZeroDivisionError"),
    "wrong import": ("import nothing_of_this_name\n", "E266", 1, "nothing_of_this_name"),
    "no feature": ("x = 1\n", "E267", None, "my_features.py"),
    "a name of ours": (declared("tenure_days", "rows.days_ago.min().cast('float64')"), "E268", 3, "tenure_days"),
    "no such source": (declared("planted", "rows.count()", '"complaint"'), "E264", 3, "complaints"),
    "no such reason": (
        declared("planted", "rows.count()", given=GOOD.replace('"complaints"', '"complaining"')),
        "E264",
        3,
        "complaints",
    ),
    "a bad name": (declared("Planted", "rows.count()"), "E264", 3, "Planted"),
    "no slot": (declared("planted", "rows.count()", given=f'{GOOD}, per="topic"'), "E264", 3, 'column="{topic}_mean"'),
    "a column of many rows": (declared("planted", "rows.severity.cast('float64')"), "E265", 3, "rows.amount.sum()"),
    "no docstring": (declared("planted", "rows.count()").replace('    """Planted."""\n', ""), "E264", 3, "planted"),
    "a block of our name": (
        HEAD + "\n@block('bills')\ndef usage(spine, tables, settings):\n    return spine\n"
        f'\n@feature(usage, {GOOD})\ndef planted(rows):\n    """Planted."""\n    return rows.count()\n',
        "E264",
        7,
        "usage",
    ),
    "no such column": (declared("planted", "rows.topics.count()"), "E265", 3, "topics"),
    "not declared what it reads": (declared("planted", "rows.arpu_3m", '"peers"'), "E265", 3, "arpu_3m"),
    "a number that is whole": (declared("planted", "rows.topic.count()"), "E265", 3, "int64"),
    "a text for a number": (declared("planted", "rows.topic.max()"), "E265", 3, "string"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_file_and_line(name: str, tmp_path: Path):
    text, code, row, word = WRONG[name]
    with pytest.raises(HeadwaterError) as raised:
        if text is None:
            own_features.load("my_features.py", tmp_path)
        else:
            joined(tmp_path, text)
    problem = raised.value.problem
    assert (problem.code, problem.row) == (code, row)
    assert str(problem.file).endswith("my_features.py")
    for lang in ("en", "zh"):
        told = errors.lines(raised.value, lang)[0]
        assert word in told and "—" not in told.split("Fix:")[0].split("修复：")[0]


def owning(folder: Path, text: str) -> None:
    """The small operator with features of its own."""
    written(folder / "configs", text)
    config = folder / "configs" / "operator.yaml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings["features"]["own"] = "my_features.py"
    config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


def audit(*words: str):
    return CliRunner().invoke(app, ["features", "audit", "--customers", "1500", "--family", "my_features", *words])


def test_the_audit_shows_what_each_feature_holds_and_that_it_keeps_the_laws(own_operator: Path):
    owning(own_operator, EXAMPLE)
    found = audit("--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    rows = {row["feature"]: row for row in told["features"]}
    assert set(COLUMNS) < set(rows) and told["broken"] == [] and told["customers"] >= 200
    assert rows["months_overdue"]["nulls"] < 0.5 and rows["hotline_complaints_90d"]["max"] >= 1
    listed = CliRunner().invoke(app, ["features", "list", "--family", "my_features", "--lang", "zh"])
    assert listed.exit_code == 0 and all(c in listed.stdout for c in COLUMNS) and "近30天热线投诉次数" in listed.stdout


LEAKING = f"""{HEAD}
@block("complaints")
def everything(spine, tables, settings):
    return spine.left_join(tables["complaints"], "customer_id")

@block("customers")
def snapshot(spine, tables, settings):
    return spine.left_join(tables["customers"].select("customer_id", "deactivated_on"), "customer_id")

@feature(everything, {GOOD})
def complaints_ever(rows):
    \"\"\"All complaints.\"\"\"
    return rows.complaint_id.count().cast("float64")

@feature(snapshot, {GOOD})
def leaves(rows):
    \"\"\"Whether a day of leaving is on record.\"\"\"
    return rows.deactivated_on.count().cast("float64")
"""


def test_the_audit_stops_a_leak_and_names_it(own_operator: Path):
    owning(own_operator, LEAKING)
    found = audit("--lang", "zh")
    assert found.exit_code == 5, found.output
    assert "E561" in found.stderr and "my_features.py:11" in found.stderr and "complaints_ever" in found.stderr
    assert "之后发生或知晓" in found.stderr and "之后发生或知晓" in found.stdout
    told = json.loads(audit("--json", "--lang", "en").stdout)
    assert told["error"]["code"] == "E561" and "known later changes it" in told["error"]["message"]
    assert told["telling"].keys() == {"leaves"}
    assert {b["law"] for b in told["broken"] if b["feature"] == "leaves"} >= {"future"}


def test_an_unknown_family_is_refused(operator: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(operator)
    assert audit().exit_code == 2


@pytest.mark.slow
def test_a_champion_without_them_is_refused_and_a_new_one_explains_with_them(own_operator: Path):
    from pipelines.flows import nightly, retrain
    from pipelines.flows.night import Night
    from pipelines.workspace.progress import Steps
    from tests.demo_project import NIGHT

    owning(own_operator, EXAMPLE)
    project = Project.open("configs/operator.yaml")
    with pytest.raises(HeadwaterError) as raised:
        nightly.run(Night(project, NIGHT, Steps(quiet=True)))
    assert raised.value.problem.code == "E525"
    retrain.run(project, NIGHT, list(TARGETS), Steps(quiet=True), promote=True)
    night = nightly.run(Night(Project.open("configs/operator.yaml"), NIGHT, Steps(quiet=True)))
    assert night.published
