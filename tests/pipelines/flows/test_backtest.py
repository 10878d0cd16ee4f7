"""A target that cannot be learnt takes no other with it; trouble with the machine ends the backtest."""

import dataclasses
from types import SimpleNamespace

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from models.training import Trained, train
from pipelines.config.mapping import load_mapping
from pipelines.config.settings import Settings
from pipelines.flows import backtest, dataset, retrain
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
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


@pytest.fixture(scope="module")
def judged() -> Trained:
    return train("churn", sample.snapshots(400), sample.split(), sample.SETTINGS, sample.FEATURES)


def test_every_figure_is_a_row(judged, tmp_path):
    project = SimpleNamespace(settings=SimpleNamespace(name="shop"), workspace=Workspace.open(tmp_path, "shop"))
    path = backtest.write_figures(project, NIGHT, [judged])
    table = pq.read_table(path)
    assert path.name == f"backtest-{NIGHT}.parquet" and table.schema.equals(backtest.FIGURES)
    assert len(table) == len(judged.metrics) + len(judged.slices) + len(judged.choice)
    (auc,) = table.filter(
        (pc.field("model") == judged.winner)
        & (pc.field("metric") == "auc")
        & pc.field("group").is_null()
        & (pc.field("window") == "judged")
    ).to_pylist()
    assert auc["chosen"] and auc["as_of"] == judged.split.final and auc["n"] == len(judged.final)
    assert (auc["value"], auc["low"], auc["high"]) == tuple(vars(judged.figure(judged.winner, "auc")).values())


def test_groups_are_the_winners_and_rehearsed_figures_have_no_interval(judged):
    rows = backtest.figures("shop", [judged, judged]).to_pandas()
    assert (rows["dataset"] == "shop").all() and len(rows) % 2 == 0
    groups = rows[rows["group"].notna()]
    assert set(groups["group"]) == {f"plan={level}" for level in judged.slices["level"]} and groups["chosen"].all()
    rehearsed = rows[rows["window"] == "rehearsed"]
    assert len(rehearsed) and rehearsed[["low", "high"]].isna().all(axis=None)
    assert set(rehearsed["model"]) == set(judged.choice["model"]) and (rehearsed["n"] > len(judged.final)).all()


def test_without_groups_and_rehearsals_the_judged_figures_are_left(judged):
    alone = dataclasses.replace(judged, slices=judged.slices.iloc[:0], choice=judged.choice.iloc[:0])
    assert len(backtest.figures("shop", [alone])) == len(judged.metrics)


def test_early_cases_are_a_group_of_the_winner_and_the_rule(judged):
    apart = judged.metrics[judged.metrics["model"].isin([judged.winner, "rule"])].head(4).assign(positives=7, n=30)
    rows = backtest.figures("shop", [dataclasses.replace(judged, apart=apart)]).to_pandas()
    early = rows[rows["group"] == "early"]
    assert early[["model", "metric", "value", "n"]].to_numpy().tolist() == (
        apart[["model", "metric", "value", "n"]].to_numpy().tolist()
    )
    assert (early["chosen"] == (early["model"] == judged.winner)).all()


TENTHS = pd.DataFrame(
    [(t, m, 1 / 3, 0.2, 0.5, 40) for t in (1, 2) for m in ("coverage", "below", "above")],
    columns=["tenth", "metric", "value", "low", "high", "n"],
)


def test_tenths_of_an_interval_are_groups_of_the_winner(judged):
    assert judged.tenths.empty  # a probability has none
    rows = backtest.figures("shop", [dataclasses.replace(judged, tenths=TENTHS)]).to_pandas()
    found = rows[rows["group"].isin(["tenth=1", "tenth=2"])]
    assert found[["metric", "value", "low", "high", "n"]].to_numpy().tolist() == TENTHS.iloc[:, 1:].to_numpy().tolist()
    assert found["chosen"].all() and set(found["model"]) == {judged.winner} and set(found["window"]) == {"judged"}
