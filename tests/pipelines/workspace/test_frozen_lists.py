"""Frozen lists: the same content the same id, read back as they were drawn, and no change goes unseen."""

import dataclasses
import json
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from models.scores.columns import SCHEMA
from pipelines.workspace import collection, frozen_lists, removal, sealed, traces
from pipelines.workspace.files import write_parquet
from pipelines.workspace.frozen_lists import META, FrozenList
from pipelines.workspace.paths import Workspace
from targeting.list_settings import ListSettings
from targeting.ranking import ListResult, churn_list, vip_list
from tests.scores_sample import sample_scores

TABLE = sample_scores(400)
BASIS = {"run_id": "r1", "models": {"churn": "churn/4"}, "holdout": {"salt": "s", "always": 0.02}}
SETTINGS = ListSettings(top=40, holdout=0.3)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def frozen(settings: ListSettings = SETTINGS, who: str = "ann", draw=churn_list) -> FrozenList:
    result = frozen_lists.identified(draw(TABLE, settings), BASIS)
    return FrozenList(result, BASIS, who, "2026-11-01T08:00:00+08:00")


def same(first: ListResult, second: ListResult) -> None:
    for name in ("rows", "control"):
        parts = (frozen_lists._table(dataclasses.replace(one, **{name: getattr(one, name)})) for one in (first, second))
        assert next(parts).equals(next(parts))
    assert first.counts == second.counts and first.filters == second.filters and first.as_of == second.as_of


@pytest.mark.parametrize("draw", [vip_list, churn_list])
@pytest.mark.parametrize("settings", [SETTINGS, ListSettings(min_value=1e9), ListSettings(top=1, holdout=0.99)])
def test_a_list_is_read_back_as_it_was_drawn(workspace, draw, settings):
    kept = frozen(settings, draw=draw)
    path = frozen_lists.save(workspace, kept)
    found = frozen_lists.read(workspace, path.stem)
    same(found.result, kept.result)
    assert found.as_dict() == kept.as_dict() and found.result.list_id == path.stem == kept.result.list_id
    assert set(found.result.rows["arm"]) <= {"treated"} and set(found.result.control["arm"]) <= {"control"}
    assert json.dumps(found.as_dict())


def test_the_id_is_that_of_the_content():
    ids = {frozen().result.list_id, frozen(who="bob").result.list_id}
    assert len(ids) == 1
    others = [
        frozen(ListSettings(top=41, holdout=0.3)).result,
        frozen(ListSettings(top=40, holdout=0.3, min_probability=1e-9)).result,
        frozen_lists.identified(churn_list(TABLE, SETTINGS), BASIS | {"run_id": "r2"}),
        frozen_lists.identified(churn_list(sample_scores(400, seed=8), SETTINGS), BASIS),
    ]
    assert len(ids | {result.list_id for result in others}) == 5
    assert all(result.rows["list_id"].eq(result.list_id).all() for result in others)


def test_who_froze_it_first_stays_and_a_damaged_one_is_put_right(workspace):
    path = frozen_lists.save(workspace, frozen())
    before = path.read_bytes()
    frozen_lists.save(workspace, frozen(who="bob"))
    assert path.read_bytes() == before and list(frozen_lists.damaged(workspace)) == []
    path.write_bytes(before[:-20])
    assert list(frozen_lists.damaged(workspace)) == [path]
    frozen_lists.save(workspace, frozen(who="bob"))
    assert frozen_lists.read(workspace, path.stem).who == "bob" and list(frozen_lists.damaged(workspace)) == []


def arm_changed(table: pa.Table) -> pa.Table:
    arms = ["treated"] * table.num_rows
    return table.set_column(table.column_names.index("arm"), table.schema.field("arm"), pa.array(arms))


def filter_changed(table: pa.Table) -> pa.Table:
    told = json.loads(table.schema.metadata[META])
    told["content"]["filters"]["top"] = 99
    return table.replace_schema_metadata({META: json.dumps(told)})


CHANGES = [lambda t: t.slice(1), arm_changed, filter_changed, lambda t: t.replace_schema_metadata({})]


@pytest.mark.parametrize("change", CHANGES)
def test_a_list_that_was_changed_is_refused(workspace, change):
    path = frozen_lists.save(workspace, frozen())
    changed = change(pq.read_table(path))
    write_parquet(path, [changed], changed.schema)
    with pytest.raises(HeadwaterError, match="E346"):
        frozen_lists.read(workspace, path.stem)


@pytest.mark.parametrize("content", [b"", b"PAR1nothingPAR1", b"x" * 5_000])
def test_what_is_no_list_is_refused(workspace, content):
    path = frozen_lists.save(workspace, frozen())
    path.write_bytes(content)
    with pytest.raises(HeadwaterError, match="E346"):
        frozen_lists.read(workspace, path.stem)
    with pytest.raises(HeadwaterError, match="E346"):
        list(frozen_lists.heads(workspace))


def test_a_renamed_list_is_not_another_list(workspace):
    path = frozen_lists.save(workspace, frozen())
    shutil.copy(path, path.with_name("churn-2026-12-01-0123456789.parquet"))
    with pytest.raises(HeadwaterError, match="E346"):
        frozen_lists.read(workspace, "0123")


@pytest.mark.parametrize("given", ["nothing", "", "../scores/2026-11-01", "churn"])
def test_an_id_is_one_or_it_is_refused(workspace, given):
    for settings in (SETTINGS, ListSettings(top=9)):
        frozen_lists.save(workspace, frozen(settings))
    with pytest.raises(HeadwaterError, match="E298") as raised:
        frozen_lists.read(workspace, given)
    assert raised.value.exit_code == 2


def test_the_beginning_of_an_id_or_of_its_digits_names_it(workspace):
    path = frozen_lists.save(workspace, frozen())
    for given in (path.stem, path.stem[:-3], path.stem[-10:], path.stem[-10:-5]):
        assert frozen_lists.read(workspace, given).result.list_id == path.stem
    assert [head["list_id"] for head in frozen_lists.heads(workspace)] == [path.stem]
    assert next(frozen_lists.heads(workspace))["who"] == "ann"


def test_a_list_from_before_a_column_can_still_be_read(workspace, monkeypatch):
    with monkeypatch.context() as before:
        names = [name for name in SCHEMA.names if name != "vip_early"]
        before.setattr(frozen_lists, "SCHEMA", pa.schema([SCHEMA.field(name) for name in names]))
        path = frozen_lists.save(workspace, frozen())
    found = frozen_lists.read(workspace, path.stem).result
    assert found.rows["vip_early"].isna().all() and set(SCHEMA.names) <= set(found.rows.columns)
    pd.testing.assert_series_equal(found.rows["customer_id"], churn_list(TABLE, SETTINGS).rows["customer_id"])


def test_a_list_from_which_people_were_erased_is_a_list_without_them(workspace):
    kept = frozen()
    path = frozen_lists.save(workspace, kept)
    gone = {kept.result.rows["customer_id"].iloc[3], kept.result.control["customer_id"].iloc[0]}
    removal.without(path, gone)
    found = frozen_lists.read(workspace, path.stem)
    assert found.erased == 2 and not traces.found_in(path, gone) and list(frozen_lists.damaged(workspace)) == []
    ids = [*found.result.rows["customer_id"], *found.result.control["customer_id"]]
    assert len(ids) == 38 and not gone & set(ids) and found.result.counts == kept.result.counts
    changed = arm_changed(pq.read_table(path))
    write_parquet(path, [changed], changed.schema)
    with pytest.raises(HeadwaterError, match="E346"):
        frozen_lists.read(workspace, path.stem)
    more = pa.concat_tables([changed, changed, changed.slice(0, 2)])
    write_parquet(
        path,
        [more],
        more.schema.with_metadata({**more.schema.metadata, sealed.ROWS: sealed._rows_sha256(more).encode()}),
    )
    with pytest.raises(HeadwaterError, match="E346"):
        frozen_lists.read(workspace, path.stem)


def test_a_frozen_list_is_kept_as_long_as_the_lists_of_its_date(workspace):
    path = frozen_lists.save(workspace, frozen())
    assert list(collection._lists(workspace, set())) == [(path, frozen().result.as_of)]
