"""Lists are drawn from a publication; who has said no since then is on none of its lists."""

import dataclasses
import datetime as dt
import json
from types import SimpleNamespace

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from models.scores.score_table import SCHEMA
from pipelines.config.mapping_file import load_mapping
from pipelines.config.settings import Settings
from pipelines.delivery import lists, presets, report, said_no
from pipelines.engine import scoring_run
from pipelines.flows import verdict
from pipelines.ingest import refusals
from pipelines.wording import errors
from pipelines.workspace import journal, runs
from pipelines.workspace.files import sha256
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import Publication, publish, read_publication
from targeting.holdout import random_buckets
from targeting.list_settings import ListSettings
from tests.raw import Raw
from tests.scores_sample import AS_OF, sample_report, sample_scores

TABLE = sample_scores(800)
MODELS = '{"vip": {"version": "vip/2"}, "churn": {"version": "churn/4"}}'


def publication(table: pa.Table = TABLE, models: str = MODELS) -> Publication:
    return Publication(AS_OF, {"models": models, "run_id": "r"}, table)


@pytest.fixture
def project(tmp_path) -> SimpleNamespace:
    workspace = Workspace.open(tmp_path, "operator")
    settings = Settings().model_copy(deep=True)  # whose sections tests change
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
    assert said_no.refused_since(project, AS_OF) == {first}
    assert said_no.refused_since(project, later) == frozenset()
    path = project.workspace.list_file("churn", AS_OF, "csv")
    exported = lists.write(project, publication(), result, "csv", path)
    assert (exported.rows, exported.withdrawn) == (len(result.rows) - 1, 1)


def test_the_workbook_of_a_night_is_written_unless_it_is_there(project):
    path = project.workspace.list_file("churn", AS_OF, "xlsx")
    entry = lists.write_nightly(project, publication(), "churn", exists=True)
    assert not path.exists() and entry.kind == "churn" and entry.counts.adds_up
    assert lists.write_nightly(project, publication(), "churn") == entry
    assert path.exists()


def refusing(table: pa.Table, ids: set[str]) -> pa.Table:
    """The scores of a night that knows of these refusals."""
    said_no = pc.is_in(table["customer_id"], pa.array(sorted(ids), pa.string()))
    allowed = pc.and_(table["contact_allowed"], pc.invert(said_no))
    reason = pc.if_else(said_no, "no_consent", table["suppress_reason"].cast(pa.string()))
    for name, values in (("contact_allowed", allowed), ("suppress_reason", reason)):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), values.cast(table.schema.field(name).type))
    return table


def published(project, table: pa.Table, day: dt.date) -> Publication:
    """A night on record."""
    place = table.schema.get_field_index("as_of")
    dated = table.set_column(place, table.schema.field("as_of"), pa.array([day] * table.num_rows, pa.date32()))
    run = f"run-{day}"
    (project.workspace.runs / run).mkdir()
    path = publish(project.workspace, [dated], {"as_of": str(day), "run_id": run, "models": MODELS}, len)
    (project.workspace.runs / run / "record.json").write_text(f'{{"sha256": "{sha256(path)}"}}')
    return read_publication(project.workspace, day)


def taken_away(path) -> set[str]:
    """The customers in a file, as whoever gets it reads them."""
    if path.suffix == ".parquet":
        return set(pq.read_table(path)["customer_id"].to_pylist())
    return set(pd.read_csv(path, dtype=str)["customer_id"])


@pytest.mark.slow
def test_ten_thousand_refusals_at_any_time_and_nobody_of_them_is_in_a_file(project, tmp_path, monkeypatch):
    """Nights and readings of the consents table come at their times, refusals at any; lists are drawn, and every earlier
    one again, after each: what is known by then is obeyed, whoever knows it, and nobody who is held out ever leaves."""
    table, rng = sample_scores(10_000), np.random.default_rng(11)
    when = pd.Series(rng.random(10_000), index=table["customer_id"].to_pylist())
    is_held_out = pd.Series(table["is_holdout"].to_pylist(), index=when.index)
    always = set(is_held_out.index[is_held_out])
    project.settings.holdout.__dict__.update(salt="sample", share=0.05)
    frozen, files = [], 0
    for step, time in enumerate(np.linspace(0.15, 0.75, 4)):
        said_no = set(when.index[when < time])
        if step % 2:  # the newest reading knows more than any night
            monkeypatch.setattr(refusals, "refused", lambda *_, known=frozenset(said_no): known)
        else:
            newest = published(project, refusing(table, said_no), AS_OF + dt.timedelta(days=step))
        for kind in lists.LISTS:
            made = lists.draw(project, newest, kind, {"top": 1_000, "holdout": 0.2, "potential_only": False})
            lists.write(project, newest, made, "csv", tmp_path / f"{kind}-{step}.csv")
            frozen.append((made.list_id, set(made.control["customer_id"])))
            assert len(made.control) > 20
        for list_id, control in frozen:
            path = tmp_path / f"{list_id}-{step}.{('csv', 'parquet')[files % 2]}"
            lists.draw_again(project, list_id, path.suffix[1:], path)
            found, files = taken_away(path), files + 1
            assert len(found) > 200 and not found & always and not found & control and not found & said_no
        assert all(not taken_away(tmp_path / f"{kind}-{step}.csv") & said_no for kind in lists.LISTS)
    assert files == 2 * (1 + 2 + 3 + 4)


def test_a_frozen_list_is_handed_out_again_as_it_was_drawn(project, tmp_path):
    night = published(project, TABLE, AS_OF)
    made = lists.draw(project, night, "churn", {"top": 50})
    paths = [tmp_path / name for name in ("first.csv", "again.csv")]
    lists.write(project, night, made, "csv", paths[0])
    published(project, TABLE.take(pa.array(range(400, 800))), AS_OF + dt.timedelta(days=30))
    frozen, exported = lists.draw_again(project, made.list_id[-10:], "csv", paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes() and exported.withdrawn == 0
    assert frozen.basis == lists.basis(project, night, "churn", ListSettings())
    logged = [json.loads(line) for line in (project.workspace.root / "exports.jsonl").read_text().splitlines()]
    assert [line["list_id"] for line in logged] == [made.list_id] * 2
    assert all(dt.datetime.fromisoformat(line["when"]).tzinfo for line in logged)


def test_who_comes_into_the_global_holdout_later_is_taken_off(project, tmp_path):
    night = published(project, TABLE, AS_OF)
    made = lists.draw(project, night, "churn", {"top": 200, "holdout": 0.0})
    lists.write(project, night, made, "csv", tmp_path / "a.csv")
    project.settings.holdout.__dict__.update(share=0.5)
    _, exported = lists.draw_again(project, made.list_id, "csv", tmp_path / "b.csv")
    buckets = random_buckets(made.rows["customer_id"], project.settings.holdout.salt)
    assert exported.rows == (buckets >= 5_000).sum() and exported.withdrawn == (buckets < 5_000).sum() > 50


def test_an_empty_list_is_no_list(project, tmp_path):
    night = published(project, TABLE, AS_OF)
    made = lists.draw(project, night, "churn", {"min_value": 1e9})
    with pytest.raises(HeadwaterError, match="E435") as raised:
        lists.write(project, night, made, "csv", tmp_path / "a.csv")
    assert raised.value.exit_code == 4 and not (tmp_path / "a.csv").exists()
    assert not project.workspace.frozen.exists()
    made = lists.draw(project, night, "churn", {"top": 5, "holdout": 0.0})
    lists.write(project, night, made, "csv", tmp_path / "a.csv")
    published(project, refusing(TABLE, set(made.rows["customer_id"])), AS_OF + dt.timedelta(days=1))
    with pytest.raises(HeadwaterError, match="E435"):
        lists.draw_again(project, made.list_id, "csv", tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("region", "NORTH", "north"),
        ("stage", "衰退期", "declining"),
        ("stage", "left", "left"),
        ("type", "集团", "group"),
        ("action", "Retention offer", "retain_offer"),
        ("reason", "账单走势", "bill_trend"),
        ("value_band", "高", "high"),
        ("tier", "silver", "silver"),
    ],
)
def test_a_filter_is_written_in_codes_or_in_words(project, name, given, code):
    made = lists.draw(project, publication(), "churn", {}, {name: [given], "region": None} | {name: [given]})
    assert made.filters[name] == [code]


def test_a_filter_that_names_nothing_says_what_there_is(project):
    with pytest.raises(HeadwaterError, match="E299") as raised:
        lists.draw(project, publication(), "vip", {}, {"region": ["north", "sothu"]})
    problem = raised.value.problem
    assert problem.values["nearest"].startswith("south") and raised.value.exit_code == 2
    assert "地市" in errors.sentence(problem, "what", "zh") and "west" in errors.sentence(problem, "fix", "en")
    with pytest.raises(HeadwaterError, match="E299") as raised:
        lists.draw(project, publication(), "vip", {}, {"region": ["zzzzzz"]})
    assert errors.sentence(raised.value.problem, "found", "en") == ""


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


@pytest.mark.slow
def test_nights_and_the_report_read_a_publication_from_before_a_column(project, older):
    last = runs.previous_scores(project.workspace, AS_OF + dt.timedelta(days=1))
    assert last is not None and last.meta["schema_version"] == "1.0" and "vip_early" not in last.column_names
    before, now = scoring_run._of(last), scoring_run._of(TABLE)
    pd.testing.assert_series_equal(before["churn_probability"], now["churn_probability"])
    assert set(now) == set(before) >= {"churn_probability"}
    pd.testing.assert_frame_equal(verdict.watched(last), verdict.watched(TABLE))
    data = sample_report(800)
    assert report.render(dataclasses.replace(data, scores=older.scores)) == report.render(data)
    publish(project.workspace, [TABLE], {"run_id": "b", "as_of": "2026-11-02"}, len)
    assert pq.read_table(project.workspace.scores).num_rows == 2 * TABLE.num_rows, "the whole folder is the history"


@pytest.mark.parametrize("kind", lists.LISTS)
@pytest.mark.parametrize("shape", sorted(presets.presets().keys() - {"klaviyo"}))
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


def test_a_list_tells_the_rule_that_fired_also_when_its_night_is_gone(project):
    """The conditions of that night go with the list: drawn again it needs no scores, and no playbook of today."""
    fired = pa.array(["keep", "rest"] * (TABLE.num_rows // 2), pa.string())
    place = TABLE.schema.get_field_index("action_rule")
    table = TABLE.set_column(place, "action_rule", fired.cast(TABLE.schema.field(place).type))
    rules = [{"rule": "keep", "when": {"value_band": ["high"]}}, {"rule": "rest"}]
    night = Publication(AS_OF, {"models": MODELS, "run_id": "r", "playbook": json.dumps({"rules": rules})}, table)
    result = lists.draw(project, night, "churn", {"top": 50})
    path = project.workspace.list_file("churn", AS_OF, "csv")
    lists.write(project, night, result, "csv-excel-en", path)
    again = lists.draw_again(project, result.list_id, "csv-excel-en", None)[1].path
    for file in (path, again):
        told = pd.read_csv(file, dtype=str)["Why this action"].tolist()
        sentences = {
            "keep": "The first rule of the playbook that fits: value high.",
            "rest": "No special rule of the playbook fits.",
        }
        assert told == [sentences[rule] for rule in result.rows["action_rule"]]
        assert len(set(told)) == 2


@pytest.mark.parametrize(("consent", "told"), [("assumed", True), ("not_needed", False)])
def test_a_list_whose_consent_is_kept_elsewhere_says_so(project, consent, told):
    contact = project.settings.contact.model_copy(update={"consent": consent})
    project.settings = project.settings.model_copy(update={"contact": contact})
    result = lists.draw(project, publication(), "churn", {"top": 20})
    path = project.workspace.list_file("churn", AS_OF, "xlsx")
    lists.write(project, publication(), result, "excel-en", path)
    lines = [row[0] for row in openpyxl.load_workbook(path)["Summary"].iter_rows(values_only=True)]
    assert any("Check it before anybody is contacted" in line for line in lines) == told
