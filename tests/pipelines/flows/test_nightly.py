"""The night on the small operator: identity, backfill, gates, refusals; what is published stays until the commit."""

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from models.scores import score_table as contract
from pipelines.flows import nightly
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.workspace import bundles, files
from pipelines.workspace.journal import Journal
from pipelines.workspace.progress import Steps
from tests import scores_sample
from tests.demo_project import NIGHT


def night(as_of: date = NIGHT, **overrides) -> Night:
    return nightly.run(Night(Project.open("configs/operator.yaml", **overrides), as_of, Steps(quiet=True)))


def scores(folder: Path, as_of: date = NIGHT) -> Path:
    return folder / "workspace" / "operator" / "scores" / f"{as_of}.parquet"


def test_the_file_keeps_its_contract(operator):
    facts, table = scores_sample.read_scores(scores(operator))
    assert contract.check(table) == []
    assert table.schema.names == contract.SCHEMA.names
    assert facts["rows_sha256"] == contract.rows_sha256(table)
    assert int(facts["rows"]) == table.num_rows > 1500
    assert set(facts) >= {
        "run_id",
        "as_of",
        "schema_version",
        "models",
        "feature_set_hash",
        "inputs",
        "gates",
        "code_version",
        "config_sha256",
    }


def test_rows_say_what_one_expects(operator):
    frame = scores_sample.read_scores(scores(operator))[1].to_pandas()
    assert frame["customer_id"].is_unique
    assert (frame["score_status"] == "ok").all()
    assert frame["churn_probability"].between(0, 1).all()
    assert frame.loc[frame["is_high_value_now"], ["vip_probability", "vip_gap"]].isna().all().all()
    assert not frame.loc[frame["is_high_value_now"], "is_potential_vip"].any()
    assert frame["recommended_action"].notna().all()
    assert (frame["value_p10"] <= frame["value_p90"]).all()
    curve = frame["churn_curve"].map(lambda entries: [entry["probability"] for entry in entries])
    assert curve.map(lambda p: p == sorted(p)).all()
    assert all(curve.map(len) == 3)


def test_the_same_night_again_writes_nothing(own_operator):
    before = files.sha256(scores(own_operator))
    times = scores(own_operator).stat().st_mtime_ns
    again = night()
    assert again.already_published and again.published
    assert files.sha256(scores(own_operator)) == before
    assert scores(own_operator).stat().st_mtime_ns == times


@pytest.mark.slow
def test_from_nothing_the_same_rows_come_again(own_operator):
    old = pq.read_table(scores(own_operator))
    scores(own_operator).unlink()
    shutil.rmtree(own_operator / "workspace" / "operator" / "tables")
    night(threads=2)
    assert contract.rows_sha256(pq.read_table(scores(own_operator))) == contract.rows_sha256(old)


@pytest.mark.slow
def test_a_backfill_touches_its_own_date_only(own_operator):
    before = files.sha256(scores(own_operator))
    back = night(date(2026, 9, 1))
    assert back.published
    assert files.sha256(scores(own_operator)) == before
    assert Project.open("configs/operator.yaml").workspace.serving_date() == NIGHT


@pytest.mark.slow
def test_a_backfill_sees_what_that_night_saw(own_operator):
    """Later rows in the extract change nothing: the night of September is the same with and without them."""
    whole = night(date(2026, 9, 1)).meta
    for path in (own_operator / "data" / "operator" / "raw").glob("bill_202609.parquet"):
        path.unlink()
    shutil.rmtree(own_operator / "workspace" / "operator" / "tables")
    cut = night(date(2026, 9, 1), **{"gates.drift": 9.0}).meta
    assert cut["rows_sha256"] == whole["rows_sha256"]


def test_dry_run_publishes_nothing(own_operator):
    project = Project.open("configs/operator.yaml")
    tried = nightly.run(Night(project, date(2026, 10, 1), Steps(quiet=True)), dry_run=True)
    assert not tried.published
    assert tried.meta["rows_sha256"]
    assert not scores(own_operator, date(2026, 10, 1)).exists()


@pytest.mark.slow
def test_a_refusing_gate_keeps_the_last_good_scores(own_operator):
    night(date(2026, 10, 1))
    scores(own_operator).unlink()
    with pytest.raises(HeadwaterError) as error:
        night(**{"gates.drift": 1e-12})
    assert error.value.exit_code == 5
    told = errors.render_line(error.value.problem, "en")
    assert "gate drift_churn_probability" in told
    assert f"the scores of {NIGHT}: the shift of churn probabilities is" in told and "compared with 2026-10-01" in told
    assert not scores(own_operator).exists()
    assert scores(own_operator, date(2026, 10, 1)).exists()


@pytest.mark.slow
def test_money_that_jumped_is_not_published(own_operator):
    """The night before paid a tenth: as after bills in another unit."""
    run_id = night(date(2026, 10, 1)).run_id
    scores(own_operator).unlink()
    path = scores(own_operator, date(2026, 10, 1))
    rows = pq.read_table(path)
    place = rows.schema.get_field_index("arpu_3m")
    less = pc.divide(rows["arpu_3m"].cast("float64"), 10.0).cast(rows.schema.field(place).type, safe=False)
    changed = rows.set_column(place, rows.schema.field(place), less)
    older = {key: value for key, value in rows.schema.metadata.items() if key != b"headwater.figures"}
    pq.write_table(changed.replace_schema_metadata(older), path)
    Journal.open(Project.open("configs/operator.yaml").workspace, run_id).add(sha256=files.sha256(path))
    with pytest.raises(HeadwaterError) as error:
        night()
    assert (error.value.problem.code, error.value.problem.values["name"]) == ("E502", "money_arpu_3m")
    told = errors.render_line(error.value.problem, "en")
    assert "the mean monthly bill is" in told and "(earlier nights:" in told
    assert not scores(own_operator).exists()


def test_without_champions_it_stops(own_operator):
    shutil.rmtree(own_operator / "workspace" / "operator" / "models")
    with pytest.raises(HeadwaterError) as error:
        night(date(2026, 10, 1))
    assert error.value.exit_code == 5


@pytest.mark.parametrize("harm", ["flip", "extra", "missing"])
def test_an_altered_model_is_never_parsed(own_operator, monkeypatch, harm):
    project = Project.open("configs/operator.yaml")
    generation = bundles.current(project.workspace)
    file = sorted((generation / "churn").iterdir())[0]
    if harm == "flip":
        file.write_bytes(file.read_bytes()[:-2] + b"9\n")
    elif harm == "extra":
        (generation / "churn" / "model.pkl").write_bytes(b"cos\nsystem\n")
    else:
        file.unlink()
    monkeypatch.setattr(bundles, "from_files", lambda _: pytest.fail("parsed before it was checked"))
    with pytest.raises(HeadwaterError) as error:
        bundles.champions(project.workspace)
    assert error.value.exit_code == 5


@pytest.mark.slow
def test_scoring_needs_no_tracking_store(own_operator):
    (own_operator / "workspace" / "operator" / "mlflow.db").write_bytes(b"not a database")
    done = night(date(2026, 10, 1))
    (told,) = [problem for problem in done.warnings if problem.code == "W721"]
    assert done.published and done.warnings[0] == told, "said before anything is read"
    assert "not a database" in errors.sentence(told, "what", "en")


def test_a_model_of_other_features_is_refused(own_operator, monkeypatch):
    project = Project.open("configs/operator.yaml")
    monkeypatch.setattr(Project, "feature_set_hash", "another")
    with pytest.raises(HeadwaterError) as error:
        nightly.run(Night(project, date(2026, 10, 1), Steps(quiet=True)))
    assert error.value.exit_code == 5


def test_holdout_and_refusals_are_on_no_list(operator):
    frame = scores_sample.read_scores(scores(operator))[1].to_pandas().set_index("customer_id")
    for kind in ("vip", "churn"):
        book = operator / "workspace" / "operator" / "lists" / f"{kind}-{NIGHT}.xlsx"
        listed = pd.read_excel(book, dtype=str)
        column = "客户编号" if "客户编号" in listed else listed.columns[0]
        rows = frame.loc[listed[column]]
        assert len(rows) > 20
        assert rows["contact_allowed"].all()
        assert not rows["is_holdout"].any()


def test_the_journal_tells_every_step(operator):
    project_runs = operator / "workspace" / "operator" / "runs"
    steps = [path.read_text(encoding="utf-8") for path in project_runs.glob("*/steps.jsonl")]
    assert len(steps) == 1
    assert [name in steps[0] for name in ("features", "score", "gates", "publish", "lists", "report")] == [True] * 6
