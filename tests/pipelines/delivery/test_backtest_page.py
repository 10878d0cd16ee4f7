"""The page of a backtest shows the figures that were found, in both languages, and asks for nothing outside."""

import dataclasses
from typing import Any

import html5lib
import pandas as pd
import pytest

from pipelines.delivery import (
    backtest_models,
    backtest_page,
    backtest_promises,
    charts,
    charts_by_origin,
    report_models,
)
from pipelines.delivery.backtest_data import BacktestPage
from tests import backtest_sample

SVG = charts.svg


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Drawing is most of the time, and has a test of its own, by `SVG`."""
    monkeypatch.setattr(charts, "svg", lambda figure, name, alt: f"<svg id='{name}'></svg>")
    monkeypatch.setattr(report_models, "_PICTURES", {})


def page(count: int = 3, lang: str = "en") -> BacktestPage:
    return BacktestPage(backtest_sample.data(count), lang)


def model(target: str = "churn", count: int = 3, lang: str = "en") -> dict[str, Any]:
    told = page(count, lang)
    return backtest_models.model(told, told.data.results[target])


def words(element: Any) -> str:
    return " ".join(" ".join(element.itertext()).split())


@pytest.mark.slow
def test_a_page_in_both_languages_that_asks_for_nothing_outside():
    html = backtest_page.render(backtest_sample.data(), "en")
    assert html == backtest_page.render(backtest_sample.data(), "en")
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    first, second = (e for e in tree.iter("div") if (e.get("class") or "").startswith("page page-"))
    assert "Backtest" in words(first) and "回测" in words(second)
    links = {e.get(name) for e in tree.iter() for name in ("src", "href") if e.get(name)}
    assert all(link.startswith("#") for link in links) and "<script" not in html
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    numbers = [sorted(c for c in words(part) if c.isdigit()) for part in (first, second)]
    assert abs(len(numbers[0]) - len(numbers[1])) < 0.02 * len(numbers[0])  # dates are written in other ways


def test_values_of_the_data_are_escaped():
    data = backtest_sample.data(1)
    figures = data.figures.assign(group=data.figures["group"].str.replace("P10", "<b>P10</b>"))
    assert "<b>P10" not in backtest_page.render(dataclasses.replace(data, figures=figures, name="<i>shop"), "en")


def test_every_origin_has_a_line_and_all_together_one():
    shown = model()["origins"]
    origins = page().data.results["churn"]
    assert [row["figures"][0]["value"] for row in shown["rows"][:3]] == [
        f"{trained.figure(trained.winner, 'auc').value:.3f}" for trained in origins
    ]
    assert shown["rows"][3]["name"] == "all together" and shown["rows"][3]["rows"] == "1,500"
    assert "3 of 3 dates" in shown["lead"]


def test_with_one_origin_that_is_said_and_nothing_is_pooled():
    shown = model(count=1)
    assert "One date only" in shown["origins"]["lead"] and len(shown["origins"]["rows"]) == 1
    assert [chosen for _, chosen in shown["candidates"]].count(True) == 1
    assert len(shown["promises"]["columns"]) == 1


def test_a_promise_that_is_missed_is_marked():
    found = {"promised": 0.5, "observed": 0.3, "low": 0.2, "high": 0.4, "n": 100}
    assert backtest_promises.cell(page(), found, money=False)["missed"]
    assert not backtest_promises.cell(page(), found | {"promised": 0.4}, money=False)["missed"]
    assert backtest_promises.cell(page(), None, money=False)["told"] == "–"


@pytest.mark.parametrize("target", ["churn", "value"])
def test_every_tenth_and_the_top_are_told_for_every_origin(target):
    shown = model(target)["promises"]
    assert [row["name"] for row in shown["rows"]] == [
        "everybody",
        "top 1%",
        "top 5%",
        *(f"tenth {n}" for n in range(1, 11)),
    ]
    assert shown["columns"][0] == "all together" and all(len(row["cells"]) == 4 for row in shown["rows"])
    newest = page().data.results[target][-1]
    said = newest.final[newest.winner].mean()
    told = shown["rows"][0]["cells"][-1]["told"].split(" → ")[0]
    assert float(told.strip("¥%")) == pytest.approx(said if target == "value" else 100 * said, abs=0.51)


def test_only_value_has_a_band():
    band = model("value")["band"]
    assert [row["name"] for row in band["rows"]] == [f"tenth {n}" for n in range(1, 11)] and model()["band"] is None
    newest = page().data.results["value"][-1]
    largest = newest.tenths[newest.tenths["tenth"].eq(10) & newest.tenths["metric"].eq("coverage")].iloc[0]
    assert band["rows"][0]["figures"][0]["value"] == f"{largest['value']:.1%}" and band["rows"][0]["meant"] == "80.0%"


def test_a_group_is_red_where_its_whole_interval_lies_below_everybody():
    row = {"group": "plan=P10", "value": 0.6, "low": 0.5, "high": 0.69, "n": 232}
    assert backtest_models._group(page(), "auc", row, 0.7, False)["weak"]
    assert not backtest_models._group(page(), "auc", row | {"high": 0.71}, 0.7, False)["weak"]
    assert backtest_models._group(page(), "mae", row, 0.4, True)["weak"]


def test_early_cases_are_told_in_words_and_are_no_group():
    told = page()
    data = told.data
    row = data.figures[data.figures["target"].eq("vip") & data.figures["metric"].eq("average_precision")].iloc[[0]]
    row = row.assign(group="early", as_of=data.results["vip"][-1].split.final, window="judged")
    told = dataclasses.replace(
        told, data=dataclasses.replace(data, figures=pd.concat([data.figures, row], ignore_index=True))
    )
    rows = backtest_models.model(told, data.results["vip"])["slices"]["rows"]
    assert rows == backtest_models.model(page(), data.results["vip"])["slices"]["rows"]


def test_features_that_do_not_stay_are_marked():
    shown = model()
    table = backtest_models.stability(page().data.results["churn"]).set_index("feature")
    marked = {row["column"] for row in shown["drivers"] if row["unstable"]}
    assert marked == set(table.index[(table["share"] > 0) & ~table["stable"]])
    assert shown["drivers"][0]["column"] == "trend" and "over 4 dates" in shown["drivers_lead"]


def test_what_is_in_force_stands_beside_what_was_found_now():
    shown = model()["champion"]
    rows = {name: (then, now) for name, then, now in shown["rows"]}
    oldest, newest = (page().data.results["churn"][at] for at in (0, -1))
    assert shown["version"] == "churn/1"
    assert [one["value"] for one in rows["AUC"]] == [f"{t.figure(t.winner, 'auc').value:.3f}" for t in (oldest, newest)]
    assert [one["value"] for one in rows["Features"]] == ["5", "6"]
    assert model("value")["champion"]["rows"] == []


def test_where_customers_were_judged_in_turns_importance_is_not_known():
    alone = page(1)
    trained = dataclasses.replace(alone.data.results["churn"][0], importances=pd.DataFrame())
    shown = backtest_models.model(alone, [trained])
    assert shown["drivers"] == [] and "Not on record" in shown["drivers_lead"]


def test_pictures_of_one_origin_and_of_several_can_be_drawn_the_same_each_time():
    told = page()
    found, origins = backtest_promises.kept(told, "churn", "judged"), told.data.results["churn"]
    by_origin = backtest_promises.by_origin(told, origins)
    for lang in ("en", "zh"):
        for draw in (
            lambda lang=lang: charts_by_origin.tenths_by_origin(found, None, lang),
            lambda lang=lang: charts_by_origin.promises_by_origin(found, None, lang),
            lambda lang=lang: charts_by_origin.figure_by_origin(by_origin, lang),
            lambda lang=lang: charts_by_origin.band_by_tenth(
                {n: [0.1, 0.8] for n in ("below", "coverage", "above", "meant")}, lang
            ),
        ):
            first, second = (SVG(draw(), "name", "alt") for _ in range(2))
            assert first == second and "nan" not in first
    (axes,) = charts_by_origin.figure_by_origin(by_origin, "en").axes
    heights = [container.lines[0].get_ydata().tolist() for container in axes.containers]
    assert heights[0] == [t.figure(t.winner, "auc").value for t in origins]
    assert heights[1] == [t.figure("rule", "auc").value for t in origins]
