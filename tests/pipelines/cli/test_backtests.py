"""Tables of a backtest: the same figures for a terminal, for programs and for docs."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
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


def test_the_page_shows_the_band_by_tenth_and_its_mean_is_that_of_everybody(trained):
    project = SimpleNamespace(settings=SimpleNamespace(name="operator"), config=Path("configs/operator.yaml"))
    money = train("value", sample.snapshots(400), sample.split(), sample.SETTINGS, sample.FEATURES, ship=False)
    held = money.tenths[money.tenths["metric"] == "coverage"]
    whole = money.figure(money.winner, "coverage").value
    assert np.average(held["value"], weights=held["n"]) == pytest.approx(whole) and held["n"].sum() == len(money.final)
    page, other = (backtests.markdown(project, NIGHT, [found]) for found in (money, trained))
    lines = [line for line in page.splitlines() if line.startswith(tuple(f"| {t} |" for t in range(1, 11)))]
    assert [f"{value:.3f}" in line for value, line in zip(held["value"], lines, strict=True)] == [True] * 10
    means = [float(line.split("|")[2]) for line in lines]
    assert means == sorted(means) and "| tenth |" not in other


def test_the_page_tells_some_by_themselves(trained):
    project = SimpleNamespace(settings=SimpleNamespace(name="operator"), config=Path("configs/operator.yaml"))
    rows = [
        (m, f, v, v - 0.1, v + 0.1, 2137, 38)
        for m, v in ((trained.winner, 0.4321), ("rule", 0.1234))
        for f in ("auc", "ap")
    ]
    apart = pd.DataFrame(rows, columns=["model", "metric", "value", "low", "high", "n", "positives"])
    alone = {
        "model": trained.winner,
        "metric": "months_earlier",
        "value": 1.7,
        "low": 1.6,
        "high": 1.8,
        "n": 9,
        "positives": 9,
    }
    told = dataclasses.replace(trained, apart=pd.concat([apart, pd.DataFrame([alone])], ignore_index=True))
    page = backtests.markdown(project, NIGHT, [told])
    assert "(2137, 38 of them positive)" in page and f"| | {trained.winner} | rule |" in page
    assert page.count("0.432 [0.332, 0.532] | 0.123 [0.023, 0.223] |") == 2
    assert "| months_earlier | 1.700 [1.600, 1.800] |  |" in page
    assert "whom no campaign with a holdout" in page
    assert "whom no campaign with a holdout" not in backtests.markdown(project, NIGHT, [trained])
    assert "Early cases" in backtests._apart(dataclasses.replace(told, target="vip"))[0]
