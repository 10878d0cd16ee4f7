"""Each target on its own: trained, gated, promoted and published, whatever becomes of the others."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.errors import HeadwaterError
from models.evaluation import judging
from models.evaluation.judging import Lead
from models.targets.registry import TARGETS
from pipelines.delivery import lists
from pipelines.flows import nightly, promotion, retrain, training_record
from pipelines.flows.night import Night
from pipelines.flows.retrain import Retrained
from pipelines.project import Project
from pipelines.tracking import tracking
from pipelines.wording import errors
from pipelines.workspace import bundles, publication
from pipelines.workspace.progress import Steps
from tests import scores_sample
from tests.demo_project import NIGHT, QUICK

CONFIG = "configs/operator.yaml"
QUIET = Steps(quiet=True)


def slow(kept: tuple[str, ...]) -> Any:
    return pytest.param(kept, marks=pytest.mark.slow)


def trained(*names: str, promote: bool = True, **settings) -> Retrained:
    return retrain.run(Project.open(CONFIG, **settings), NIGHT, list(names), QUIET, promote=promote)


def untrained() -> Project:
    """The project before its first training; its tables are read already."""
    workspace = Project.open(CONFIG).workspace
    for place in (workspace.models, workspace.artifacts):
        shutil.rmtree(place)
    workspace.tracking.unlink()
    return Project.open(CONFIG)


def only(folder: Path, *kept: str) -> Project:
    """The project with champions of these targets only."""
    models = folder / "workspace" / "operator" / "models"
    before = bundles.current(Project.open(CONFIG).workspace)
    entries = {target: entry for target, entry in bundles.manifest(before)["models"].items() if target in kept}
    after = models / "gen" / bundles.generation_name(entries)
    for target in kept:
        shutil.copytree(before / target, after / target, dirs_exist_ok=True)
    (after / "manifest.json").write_text(json.dumps({"models": entries}))
    (models / "CURRENT").write_text(f"{after.name}\n")
    return Project.open(CONFIG)


def test_a_target_that_cannot_be_learnt_takes_no_other_with_it(own_operator, capsys):
    """Nobody can become a VIP of a billion a month; it stands first and churn is trained and promoted all the same."""
    untrained()
    project = Project.open(CONFIG, **{"targets.vip.high_value.amount": 1e9})
    found = retrain.run(project, NIGHT, ["vip", "churn"], Steps("en"), promote=True)
    assert [(m["target"], m["promoted"]) for m in found.models] == [("churn", True)]
    assert found.failures["vip"].problem.code in ("E351", "E453")
    said = capsys.readouterr().err
    assert "vip was not trained: E" in said and "churn/1" in said
    found.raise_for_failures()
    night = nightly.run(Night(Project.open(CONFIG), NIGHT, QUIET))
    assert night.published and "W521" in [warning.code for warning in night.warnings]
    nothing = Retrained(failures={"vip": found.failures["vip"]})
    with pytest.raises(HeadwaterError) as error:
        nothing.raise_for_failures()
    assert error.value.problem == found.failures["vip"].problem


@pytest.mark.slow
def test_a_fault_of_ours_in_one_target_ends_the_training_after_the_others(own_operator, monkeypatch):
    """Registering died of a picture after ten minutes, and the third target was never trained."""
    weights = training_record.importance_shares

    def broken(made, frame):
        if made.target == "value":
            raise ZeroDivisionError("planted")
        return weights(made, frame)

    monkeypatch.setattr(training_record, "importance_shares", broken)
    found = trained("value", "churn", promote=False)
    assert [m["target"] for m in found.models] == ["churn"]
    with pytest.raises(HeadwaterError) as error:
        found.raise_for_failures()
    assert error.value.exit_code == 1 and isinstance(error.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("kept", [("churn",), slow(("value",)), slow(("vip",)), ("churn", "vip")])
def test_a_night_with_some_champions_publishes_what_there_is_and_says_the_rest(own_operator, kept):
    night = nightly.run(Night(only(own_operator, *kept), NIGHT, QUIET))
    meta, table = scores_sample.read_scores(night.workspace.score_file(NIGHT))
    assert set(json.loads(meta["models"])) == set(kept)
    column = {"churn": "churn_probability", "value": "value_pred", "vip": "vip_probability"}
    for target, name in column.items():
        assert (table[name].null_count == table.num_rows) == (target not in kept)
        assert (table[f"{target}_model_version"].null_count == table.num_rows) == (target not in kept)
    if "vip" not in kept:
        assert table["is_potential_vip"].null_count == table.num_rows
    told = [w.values["target"] for w in night.warnings if w.code == "W521"]
    assert sorted(told) == sorted(set(column) - set(kept))
    assert [entry.kind for entry in night.lists] == [kind for kind in ("vip", "churn") if kind in kept]
    done = publication.read_publication(night.workspace, NIGHT)
    if "vip" not in kept:
        with pytest.raises(HeadwaterError) as error:
            lists.draw(night.project, done, "vip", {})
        assert error.value.problem.code == "E534"
    assert (night.workspace.reports / f"{NIGHT}.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("kept", "predicted"), [(("customers",), ["churn"]), (("customers", "bills"), None)])
def test_a_project_of_few_tables_is_trained_published_and_listed(own_operator, capsys, kept, predicted):
    """Churn only, without bills and usage: what cannot be told is said once, and its columns are null."""
    mapping = own_operator / "configs" / "mappings" / "operator.yaml"
    content = yaml.safe_load(mapping.read_text(encoding="utf-8"))
    content["tables"] = {name: content["tables"][name] for name in kept}
    mapping.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    config = own_operator / CONFIG
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings |= {"name": "few", "contact": {"consent": "assumed"}, "features": {}, "training": QUICK["training"]}
    settings["targets"] = {} if predicted else {"churn": None, "vip": None}
    config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    project, predicted = Project.open(CONFIG), predicted or ["value"]
    found = retrain.run(project, NIGHT, project.targets(), Steps("en"), promote=True)
    assert [(m["target"], m["promoted"]) for m in found.models] == [(name, True) for name in predicted]
    night = nightly.run(Night(Project.open(CONFIG), NIGHT, Steps("en")))
    assert capsys.readouterr().err.count("W522 vip") == (2 if "bills" not in kept else 0)
    meta, table = scores_sample.read_scores(night.workspace.score_file(NIGHT))
    assert set(json.loads(meta["models"])) == set(predicted)
    empty = {
        name
        for name in ("churn_probability", "value_pred", "vip_probability")
        if not table[name].null_count < len(table)
    }
    assert empty == {TARGETS[name].published for name in TARGETS if name not in predicted}
    assert (table["is_high_value_now"].null_count == len(table)) == ("bills" not in kept)
    assert [entry.kind for entry in night.lists] == [name for name in predicted if name == "churn"]
    assert not night.lists or night.lists[0].counts.listed > 0
    page = night.workspace.report(NIGHT).read_text(encoding="utf-8")
    assert all(errors.sentence(problem, "what", "en") in page for problem in project.settings.left_out.values())


def test_a_refused_model_stays_the_challenger_beside_the_rule_that_scores(own_operator, monkeypatch):
    """After the fallback `promote --force` promoted the rule, and the refused model could not be reached."""
    monkeypatch.setattr(judging, "lead", lambda *_: Lead(-0.01, -0.02, 0.01, 0.2))
    untrained()
    found = trained("churn", **{"gates.beat_rule": True})
    assert found.models[0]["failed_checks"] == ["beats_rule"] and found.models[0]["champion"] == "churn/2"
    project = Project.open(CONFIG)
    versions = {v.name: v for v in tracking.versions(project.workspace, "churn")}
    assert versions["churn/1"].aliases == (tracking.CHALLENGER,) and versions["churn/1"].tags["learner"] != "rule"
    assert versions["churn/2"].aliases == (tracking.CHAMPION,) and versions["churn/2"].tags["learner"] == "rule"
    assert promotion.promote(project, "churn", force=True, reason="for the test").name == "churn/1"
    assert promotion.promote(project, "churn", version=2, force=True, reason="back").name == "churn/2"
    assert promotion.promote(project, "churn", version=2).name == "churn/2"
    with pytest.raises(HeadwaterError) as error:
        promotion.promote(project, "churn", version=3)
    assert error.value.problem.code == "E533" and "1, 2" in str(error.value)


@pytest.mark.slow
def test_where_the_rule_is_refused_too_nothing_scores(own_operator):
    untrained()
    found = trained("churn", **{"gates.calibration": 1e-9})
    assert found.models[0]["champion"] is None and not found.models[0]["gate_passed"]
    with pytest.raises(HeadwaterError) as error:
        promotion.refuse_when_none(found.models)
    assert error.value.problem.code == "E526"
    assert bundles.current(Project.open(CONFIG).workspace) is None


@pytest.mark.slow
def test_what_is_said_agrees_with_what_happened(own_operator, monkeypatch, capsys):
    monkeypatch.setattr(judging, "lead", lambda *_: Lead(0.01, -0.02, 0.04, 0.83))
    project = untrained()
    retrain.run(project, NIGHT, ["churn"], Steps("en"), promote=True)
    said = capsys.readouterr().err
    assert "beats the rule" in said or "in expectation, in 83% of resamples" in said
    assert "gate passed · champion: churn/1" in said and "rule passes" not in said


@pytest.mark.slow
def test_a_damaged_champion_is_not_replaced_by_the_rule(own_operator, monkeypatch):
    """It can be put in place again; a challenger that passes may replace it."""
    project = Project.open(CONFIG)
    path = bundles.current(project.workspace) / "churn" / "bundle.json"
    path.write_text(path.read_text() + " ")
    assert promotion.current_version(project, "churn") == "churn/1"
    monkeypatch.setattr(judging, "lead", lambda *_: Lead(-0.01, -0.02, 0.01, 0.2))
    found = trained("churn", **{"gates.beat_rule": True})
    assert found.models[0]["champion"] == "churn/1" and not found.models[0]["promoted"]
    assert promotion.promote(project, "churn", version=1).name == "churn/1"
    assert bundles.intact_champion(project.workspace, "churn").version == "churn/1"
