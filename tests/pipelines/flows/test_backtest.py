"""A target that cannot be learnt takes no other with it; trouble with the machine ends the backtest."""

from types import SimpleNamespace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from pipelines.config.mapping_file import load_mapping
from pipelines.config.settings import Settings
from pipelines.delivery.backtest_data import Champion
from pipelines.flows import backtest, dataset, retrain
from pipelines.flows.backtest_figures import FIGURES
from pipelines.workspace import bundles, evaluations
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from tests import backtest_sample
from tests.demo_project import NIGHT, ROOT
from tests.models import sample

CONFIGS = ROOT / "configs"


@pytest.fixture
def run(monkeypatch):
    """A backtest of two origins in which some targets fail with a code."""

    def run(names: list[str], **codes: str) -> list[str]:
        def learn(project, data, name, steps, *, ship):
            assert not ship  # a backtest is a record
            if name in codes:
                raise HeadwaterError(codes[name], target=name)
            return f"{name} {data[name]}"

        monkeypatch.setattr(dataset, "earliest_date", lambda tables, protocol: NIGHT.replace(year=2020))
        monkeypatch.setattr(dataset, "snapshots", lambda project, as_of, tables, splits, steps: splits)
        monkeypatch.setattr(retrain, "learn", learn)
        monkeypatch.setattr(backtest, "origins", lambda *_: ["older", "newer"])
        settings = Settings()
        settings._tables = load_mapping(CONFIGS / settings.mapping)
        project = SimpleNamespace(
            settings=settings, mapping=settings.tables, tables=lambda as_of: SimpleNamespace(tables={})
        )
        return backtest.run(project, NIGHT, names, 2, Steps("en"))

    return run


def test_every_target_at_every_origin_oldest_first(run):
    assert run(["churn", "value"]) == ["churn older", "value older", "churn newer", "value newer"]


def test_what_a_target_lacks_is_told_and_the_others_go_on(run, capsys):
    assert run(["vip", "churn"], vip="E351") == ["churn older", "churn newer"]
    assert "vip was not trained: E351" in capsys.readouterr().err


def test_where_no_target_can_be_learnt_the_problems_are_raised(run):
    with pytest.raises(HeadwaterError) as error:
        run(["vip", "churn"], vip="E351", churn="E453")
    assert {problem.code for problem in (error.value.problem, *error.value.others)} == {"E351", "E453"}


def test_trouble_with_the_machine_ends_it(run):
    with pytest.raises(HeadwaterError, match="E703"):
        run(["vip", "churn"], vip="E703")


def test_what_is_in_force_and_on_record_stands_beside_it(tmp_path):
    workspace = Workspace.open(tmp_path, "shop")
    assert backtest._champions(workspace) == {}
    bundles.install(workspace, "churn", "churn/1", {"bundle.json": "{}"})
    bundles.install(workspace, "value", "value/1", {"bundle.json": "{}"})
    evaluations.save(workspace, "churn/1", {"winner": "trees"}, pd.DataFrame({"y": [0.0]}))
    assert backtest._champions(workspace) == {"churn": Champion("churn/1", {"winner": "trees"})}


def test_figures_are_written_as_they_are_told(tmp_path):
    project = SimpleNamespace(workspace=Workspace.open(tmp_path, "shop"))
    path = backtest.write_figures(project, backtest_sample.data())
    assert path.name == f"backtest-{sample.TODAY}.parquet" and pq.read_schema(path).equals(FIGURES)
    pd.testing.assert_frame_equal(pq.read_table(path).to_pandas(date_as_object=True), backtest_sample.data().figures)
