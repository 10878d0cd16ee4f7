"""Lists are drawn from a publication; who has said no since then is on none of its lists."""

import dataclasses
import datetime as dt
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from models.scores.score_table import SCHEMA
from pipelines.config.mapping_file import load_mapping
from pipelines.config.settings import Settings
from pipelines.delivery import lists, presets, report
from pipelines.engine import scoring_run
from pipelines.flows import verdict
from pipelines.workspace import journal, runs
from pipelines.workspace.files import sha256
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import Publication, publish, read_publication
from tests.raw import Raw
from tests.scores_sample import AS_OF, sample_report, sample_scores

TABLE = sample_scores(800)
MODELS = '{"vip": {"version": "vip/2"}, "churn": {"version": "churn/4"}}'


def publication(table: pa.Table = TABLE, models: str = MODELS) -> Publication:
    return Publication(AS_OF, {"models": models, "run_id": "r"}, table)


@pytest.fixture
def project(tmp_path) -> SimpleNamespace:
    workspace = Workspace.open(tmp_path, "operator")
    settings = Settings()
    settings._tables = load_mapping(Raw(tmp_path).write())
    return SimpleNamespace(settings=settings, workspace=workspace, features=(), mapping=SimpleNamespace(currency="CNY"))


def test_options_of_a_command_lie_over_the_settings(project):
    result = lists.draw(project, publication(), "churn", {"top": 7, "holdout": None})
    assert result.filters["top"] == 7 and result.filters["holdout"] == Settings().lists.holdout
    assert len(result.rows) + len(result.control) == 7


def test_a_target_that_was_not_scored_has_no_list(project):
    with pytest.raises(HeadwaterError, match="E534"):
        lists.draw(project, publication(models='{"churn": {"version": "churn/4"}}'), "vip", {})


def test_a_target_that_is_no_part_of_the_project_has_no_list_and_the_table_is_named(project):
    del project.settings.tables.tables["bills"]
    with pytest.raises(HeadwaterError, match="E238") as error:
        lists.draw(project, publication(models='{"churn": {"version": "churn/4"}}'), "vip", {})
    assert error.value.problem.values["table"] == "bills" and error.value.exit_code == 2
    assert "vip" in lists._notes(project, "en")[1] and "bills" in lists._notes(project, "zh")[1]


def test_who_refuses_in_a_later_publication_is_taken_off(project):
    """Only refusals count: a contact of last week is no reason against a list of last month."""
    result = lists.draw(project, publication(), "churn", {"top": 50})
    first, second = result.rows["customer_id"][:2]
    frame = TABLE.to_pandas(date_as_object=True)
    later = AS_OF + dt.timedelta(days=30)
    reasons = {first: "no_consent", second: "recent_contact"}
    names = pa.array(frame["customer_id"].map(reasons.get), pa.string())
    place = TABLE.schema.get_field_index("suppress_reason")
    changed = TABLE.set_column(place, "suppress_reason", names)
    publish(project.workspace, [changed], {"as_of": later.isoformat(), "run_id": "later", "models": MODELS}, len)
    runs = project.workspace.runs / "later"
    runs.mkdir()
    digest = sha256(project.workspace.score_file(later))
    (runs / "record.json").write_text(f'{{"sha256": "{digest}"}}')
    assert lists._refused_since(project.workspace, publication()) == {first}
    newest = dataclasses.replace(publication(), as_of=later)
    assert lists._refused_since(project.workspace, newest) == frozenset()
    path = project.workspace.list_file("churn", AS_OF, "csv")
    exported = lists.write(project, publication(), result, "csv", path)
    assert (exported.rows, exported.withdrawn) == (len(result.rows) - 1, 1)


def test_the_workbook_of_a_night_is_written_unless_it_is_there(project):
    path = project.workspace.list_file("churn", AS_OF, "xlsx")
    entry = lists.write_nightly(project, publication(), "churn", exists=True)
    assert not path.exists() and entry.kind == "churn" and entry.counts.adds_up
    assert lists.write_nightly(project, publication(), "churn") == entry
    assert path.exists()


@pytest.fixture
def older(project) -> Publication:
    """Published before there was a column of early cases, and on record as a night leaves it."""
    parts = {"as_of": str(AS_OF), "inputs": "1a", "code": "2b", "config": "3c"}
    run_id = journal.run_id(models={"vip": "77"}, **parts)
    meta = {"run_id": run_id, "as_of": str(AS_OF), "schema_version": "1.0", "models": MODELS}

    def record(digest: str) -> None:
        Journal.open(project.workspace, run_id).record(outcome=runs.PUBLISHING, as_of=AS_OF, sha256=digest)

    publish(project.workspace, [TABLE.drop_columns("vip_early")], meta, record)
    return read_publication(project.workspace, AS_OF)


def test_nights_and_the_report_read_a_publication_from_before_a_column(project, older):
    last = runs.previous_scores(project.workspace, AS_OF + dt.timedelta(days=1))
    assert last is not None and last.meta["schema_version"] == "1.0" and "vip_early" not in last.column_names
    pd.testing.assert_series_equal(scoring_run._churn_of(last), scoring_run._churn_of(TABLE))
    pd.testing.assert_frame_equal(verdict.watched(last), verdict.watched(TABLE))
    data = sample_report(800)
    assert report.render(dataclasses.replace(data, scores=older.scores)) == report.render(data)
    publish(project.workspace, [TABLE], {"run_id": "b", "as_of": "2026-11-02"}, len)
    assert pq.read_table(project.workspace.scores).num_rows == 2 * TABLE.num_rows, "the whole folder is the history"


@pytest.mark.parametrize("kind", lists.LISTS)
@pytest.mark.parametrize("shape", presets.presets())
def test_a_list_of_a_publication_from_before_a_column_leaves_it_empty(project, older, tmp_path, kind, shape):
    drawn, now = (lists.draw(project, p, kind, {"top": 30}) for p in (older, publication()))
    assert drawn.rows["customer_id"].tolist() == now.rows["customer_id"].tolist() and len(drawn.rows) > 10
    assert drawn.rows["vip_early"].isna().all()
    form = presets.preset(shape).format
    path = tmp_path / f"list.{form}"
    lists.write(project, older, drawn, shape, path)
    if form == "parquet":
        assert pq.read_table(path).select(SCHEMA.names).schema.field("vip_early").type == pa.bool_()
    elif form == "xlsx" and kind == "vip":
        head, *rows = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
        place = next(i for i, name in enumerate(head) if name in ("No high bill so far", "此前从无高账单"))
        assert {row[place] for row in rows} == {None} and all(row[place - 1] is not None for row in rows)
