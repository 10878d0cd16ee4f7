"""Precedence and origins of settings, and what a YAML file may not do."""

from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.config import settings
from pipelines.config.settings import load
from tests.raw import Raw

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture
def config(tmp_path):
    Raw(tmp_path).write()

    def write(text: str = "") -> Path:
        path = tmp_path / "config.yaml"
        path.write_text("name: tiny\nmapping: mapping.yaml\n" + text, encoding="utf-8")
        return path

    return write


def test_the_mapping_is_found_beside_the_file(config, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    found = load(config(), environment={})
    assert found.tables.measures == ("data_mb",)
    assert found.workspace == Path("workspace")


def test_precedence_and_origin_of_every_layer(config):
    text = "threads: 3\nseed: 1\ntargets: {churn: {horizon_days: 30, horizons: [30]}}\nprofiles: {night: {seed: 2, threads: 4}}\n"
    path = config(text)
    environment = {"HEADWATER_THREADS": "5", "HEADWATER_TARGETS__CHURN__GAP_DAYS": "7", "HOME": "/"}
    assert load(path, environment={}).seed == 1
    assert load(path, "night", environment={}).seed == 2
    found = load(path, "night", {"threads": 6, "targets.value.horizon_days": 60}, environment)
    assert (found.threads, found.seed, found.targets.churn.gap_days, found.targets.value.horizon_days) == (6, 2, 7, 60)
    where = {key: origin for key, _, origin in settings.origins(found)}
    assert where["threads"] == "--threads"
    assert where["seed"] == f"{path} > profiles.night:6"
    assert where["targets.churn.gap_days"] == "HEADWATER_TARGETS__CHURN__GAP_DAYS"
    assert where["targets.churn.horizon_days"] == f"{path}:5"
    assert where["language"] == "default"


def test_an_override_of_none_says_nothing(config):
    assert load(config("threads: 3\n"), overrides={"threads": None}, environment={}).threads == 3


def test_training_has_the_projects_seed_and_threads_and_the_rule_of_value_at_its_margin(config):
    plain, less = (load(config("seed: 5\n"), overrides=o, environment={}) for o in ({}, {"targets.value.margin": 0.4}))
    rule = plain.training.candidates.rules.value
    assert (plain.learning.seed, plain.learning.threads) == (5, plain.threads)
    assert plain.learning.candidates == plain.training.candidates
    assert less.learning.candidates.rules.value.factor == pytest.approx(0.4 * rule.factor)
    assert less.training.candidates.rules.value == rule  # what is written down stays what it is


def test_secrets_are_masked(config, monkeypatch):
    found = load(config("seed: 12\n"), environment={})
    monkeypatch.setattr(settings, "SECRET", ("seed",))
    assert ("seed", "******") in {(key, value) for key, value, _ in settings.origins(found)}


@pytest.mark.parametrize("name", ["operator", "cdnow", "complete-journey"])
def test_the_configs_we_ship_load(name):
    found = load(CONFIGS / f"{name}.yaml", environment={})
    assert found.name == name
    assert {"customers", "bills", "usage"} <= set(found.tables.tables)


def test_a_file_is_its_own_example(config):
    """A mapping written from the model reads back equal."""
    found = load(config(), environment={})
    again = type(found).model_validate(found.model_dump(mode="json", by_alias=True))
    assert again.model_dump() == found.model_dump()


def test_schema_lists_the_sections():
    assert {"targets", "quality", "protocol", "features"} <= set(settings.schema()["properties"])
    assert "tables" in settings.schema("mapping")["properties"]


def test_all_wrong_keys_are_told_at_once(config):
    with pytest.raises(HeadwaterError) as error:
        load(config("langage: zh\nthreads: many\nquality: {max_quarantine: 0.1}\n"), environment={})
    told = {(p.code, p.column, p.row) for p in (error.value.problem, *error.value.others)}
    assert told == {("E203", "langage", 3), ("E204", "threads", 4), ("E203", "quality.max_quarantine", 5)}
    nearest = {p.column: p.values["nearest"] for p in (error.value.problem, *error.value.others) if p.code == "E203"}
    assert nearest == {"langage": "language", "quality.max_quarantine": "max_quarantined"}


def test_a_rule_of_today_ranks_by_a_feature_that_is_there(config):
    """It failed after 80 seconds of reading and building, in a traceback."""
    path = config("training: {candidates: {rules: {churn: {column: data_mb_ratio_11w}, vip: {column: arpu}}}}\n")
    with pytest.raises(HeadwaterError) as error:
        load(path, environment={})
    problems = (error.value.problem, *error.value.others)
    assert [(p.code, p.row, p.column) for p in problems] == [
        ("E228", 3, "training.candidates.rules.churn.column"),
        ("E228", 3, "training.candidates.rules.vip.column"),
    ]
    assert problems[0].values["nearest"] == "data_mb_ratio_12w"


def test_rules_of_tables_that_nobody_maps_are_refused(config):
    """The operator's rules in a project with other measures."""
    with pytest.raises(HeadwaterError) as error:
        load(config("training: {candidates: {rules: {churn: {column: voice_minutes_ratio_12w}}}}\n"), environment={})
    assert error.value.problem.code == "E228" and error.value.exit_code == 2


OLD_TREES = "training: {candidates: {penalty: 0.5, trees: {rounds: 7, leaves: 5}}}\n"


@pytest.mark.parametrize(
    ("text", "closes", "days"),
    [
        ("", None, 62),
        ("", "12d", 12),
        ("", "36h", 2),
        ("features: {settle_days: 30}\n", "12d", 30),
        ("targets: {churn: {rule: no_bill}}\n", "12d", 0),
    ],
)
def test_a_bill_is_waited_for_until_its_month_closes(config, tmp_path, text, closes, days):
    """Where the mapping says when; a setting wins, and where silence is the signal nothing is waited for."""
    raw, path = Raw(tmp_path), config(text)
    raw.mapping["tables"]["bills"]["closes"] = closes
    raw.write_mapping()
    assert load(path, environment={}).features.settled_after == days


def test_reasons_of_leaving_must_be_mapped(config, tmp_path):
    """Without the column, and beside a closed map that does not name it, a reason can be nobody's."""
    text = "targets: {churn: {reasons: [voluntary]}}\n"
    with pytest.raises(HeadwaterError) as error:
        load(config(text), environment={})
    assert (error.value.problem.code, error.value.problem.row) == ("E246", 3)
    raw, path = Raw(tmp_path), config(text)
    columns = raw.mapping["tables"]["customers"]["columns"]
    columns["left_reason"] = {"from": "状态", "map": {"9": "port-out"}}
    raw.write_mapping()
    with pytest.raises(HeadwaterError) as error:
        load(path, environment={})
    assert error.value.problem.values["known"] == "port-out"
    columns["left_reason"]["map"]["9"] = "voluntary"
    raw.write_mapping()
    assert load(path, environment={}).targets.of("churn").reasons == ("voluntary",)


def test_keys_of_before_work_and_are_told_with_their_line(config):
    path = config(OLD_TREES)
    found = load(path, environment={"HEADWATER_TRAINING__CANDIDATES__TREES__DEPTH": "3"})
    trees = found.training.candidates.trees
    assert (trees.n_estimators, trees.num_leaves, trees.max_depth, found.training.candidates.alpha) == (7, 5, 3, 0.5)
    where = {key: origin for key, _, origin in settings.origins(found)}
    assert where["training.candidates.trees.n_estimators"] == f"{path}:3"
    told = {(p.code, p.row, p.values["old"].rpartition(".")[2], p.values["new"]) for p in found.warnings}
    asked = {("penalty", "alpha"), ("rounds", "n_estimators"), ("leaves", "num_leaves")}
    assert told == {("W203", 3, *pair) for pair in asked} | {("W203", None, "depth", "max_depth")}


def test_a_key_of_before_beside_that_of_today_is_refused(config):
    text = "training: {candidates: {trees: {rounds: 7, n_estimators: 8}}}\n"
    with pytest.raises(HeadwaterError, match="rounds is called n_estimators now") as caught:
        load(config(text), environment={})
    assert caught.value.problem.code == "E204" and caught.value.problem.row == 3


def test_what_comes_later_wins_whatever_it_is_called(config):
    later = "profiles: {small: {training: {candidates: {trees: {n_estimators: 9}}}}}\n"
    assert load(config(OLD_TREES + later), "small", environment={}).training.candidates.trees.n_estimators == 9


@pytest.mark.parametrize("kind", ["settings", "mapping"])
def test_every_setting_is_described_in_the_schema(kind):
    """By a sentence of its own, or by that of the section that it is."""
    whole = settings.schema(kind)
    parts = {kind: whole} | whole["$defs"]
    bare = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, field in part["properties"].items()
        if not ({"description"} & {*field, *parts.get(field.get("$ref", "").rpartition("/")[2], {})})
    ]
    assert bare == []
