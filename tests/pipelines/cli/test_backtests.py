"""Tables of a backtest: the same figures for a terminal, for programs and for docs."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from models.targets.registry import TARGETS
from models.training import train
from pipelines.cli import backtests
from tests.demo_project import NIGHT
from tests.models import sample


@pytest.fixture(scope="module")
def trained():
    return train("churn", sample.snapshots(800), sample.split(), sample.SETTINGS, sample.FEATURES)


def test_programs_get_every_figure(trained):
    facts = backtests.facts(trained)
    assert (facts["target"], facts["winner"]) == ("churn", trained.winner)
    assert len(facts["metrics"]) == len(trained.metrics)


def test_candidates_stand_across_and_the_winner_is_marked(trained):
    table = backtests.table(trained, "en")
    heads = [str(column.header) for column in table.columns]
    assert heads[1:] == [f"{name} *" if name == trained.winner else name for name in trained.candidates]
    assert table.row_count == len(TARGETS["churn"].figures)


def test_markdown_has_the_same_cells_and_the_command(trained):
    project = SimpleNamespace(settings=SimpleNamespace(name="operator"), config=Path("configs/operator.yaml"))
    page = backtests.markdown(project, NIGHT, [trained])
    assert f"`headwater backtest --config configs/operator.yaml --as-of {NIGHT}`" in page
    assert f"**{trained.winner}**" in page
    auc = backtests._cells(trained, "auc")
    assert all(cell in page for cell in auc.values())
