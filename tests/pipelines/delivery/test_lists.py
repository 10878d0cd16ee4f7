"""Lists are drawn from a publication; who has said no since then is on none of its lists."""

import dataclasses
import datetime as dt
from types import SimpleNamespace

import pyarrow as pa
import pytest

from features.errors import HeadwaterError
from pipelines.config.mapping import load_mapping
from pipelines.config.settings import Settings
from pipelines.delivery import lists
from pipelines.workspace.files import sha256
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import Publication, publish
from tests.raw import Raw
from tests.scores_sample import AS_OF, sample_scores

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
