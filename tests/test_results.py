"""`make results`: the JSON file and the table have the figures of the Parquet file, and a page keeps its own words."""

import json

import pandas as pd
import pytest

from benchmarks import audience, campaigns, companies, exports, reached, results, serving
from models.targets.registry import TARGETS
from tests import backtest_sample
from tests.demo_project import ROOT
from tests.test_companies import told


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return backtest_sample.data(1).figures.assign(dataset="shop")


def test_what_the_table_shows_are_metrics_of_the_targets():
    for target, shown in results.SHOWN.items():
        assert set(shown) <= {*TARGETS[target].task.metrics, "coverage"}


def test_the_file_has_every_candidate_on_the_final_window_and_nothing_else(table):
    rows = results.rows(table)
    assert json.loads(json.dumps(rows)) == rows and all(list(row) == results.COLUMNS for row in rows)
    known = sum(len(trained.metrics) for trained in backtest_sample.trained()[-3:])
    assert len(rows) == known
    newest = next(t for t in backtest_sample.trained()[-3:] if t.target == "vip")
    (auc,) = (r for r in rows if (r["target"], r["model"], r["metric"]) == ("vip", "rule", "auc"))
    assert auc["value"] == pytest.approx(newest.figure("rule", "auc").value, abs=1e-6)


def test_campaigns_that_were_simulated_here_are_rows_too(tmp_path, monkeypatch):
    monkeypatch.setattr(results.campaigns, "OUT", tmp_path / "campaigns.json")
    assert results.campaign_rows() == []
    results.campaigns.OUT.write_text('{"works, churn": {"covered": 0.95, "shorter": 0.03}}')
    first, second = results.campaign_rows()
    assert list(first) == results.COLUMNS and (first["target"], first["model"], first["metric"]) == (
        "churn",
        "works",
        "covered",
    )
    assert second["value"] == 0.03


def test_a_line_has_the_rule_the_chosen_model_and_the_lead(table):
    lines = results.lines(table)
    (line,) = (line for line in lines if line.startswith("| shop, churn | auc "))
    newest = next(t for t in backtest_sample.trained()[-3:] if t.target == "churn")
    ours, rule = newest.figure(newest.winner, "auc"), newest.figure("rule", "auc")
    gap = newest.differences.set_index("metric").loc["auc"]
    assert f"| {rule.value:.3f} [{rule.low:.3f}, {rule.high:.3f}] |" in line
    assert f"| {ours.value:.3f} [{ours.low:.3f}, {ours.high:.3f}] {newest.winner} |" in line
    assert f"{gap['value']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]" in line
    assert all(line.count("|") == 6 for line in lines)


def test_only_what_stands_between_the_marks_is_written_anew():
    page = "words\n<!-- figures -->\nold\n<!-- /figures -->\nmore words\n"
    assert results.replaced(page, "figures", ["new"]) == page.replace("old", "new")
    with pytest.raises(ValueError, match="companies"):
        results.replaced(page, "companies", [])


def test_companies_are_told_with_their_bars_and_those_without_a_gap_apart():
    holed = told(2, level=1.2, company={"number": 2, "gap": ["usage", "202605"]})
    lines = results.company_lines([told(1), holed])
    assert lines[0].startswith("2 companies, 2 of them") and "1 without a gap" in lines[0]
    assert len(lines) == 4 + len(companies.BARS) + 2
    assert "| level 0.9–1.1 | 50% | 100% | 50% | 95% |" in lines


def test_the_shipped_page_has_the_marks():
    page = (ROOT / results.PAGE).read_text(encoding="utf-8")
    for mark in ("figures", "companies"):
        assert results.replaced(page, mark, ["x"]) != page


AUDIENCE = {
    "expected": {
        "companies": [{}] * 50,
        "share_of_best": {"recommended": [0.98, 0, 1], "by_risk": [0.7, 0, 1], "by_bill": [0.99, 0, 1]},
    },
    "each in turn, known afterwards": {"share_of_best": {"recommended": [0.91, 0, 1]}},
}


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A folder for what benchmarks write, empty at first."""
    for module in (audience, campaigns, exports):
        monkeypatch.setattr(module, "OUT", tmp_path / f"{module.__name__.rpartition('.')[2]}.json")
    monkeypatch.setattr(reached, "SERVING", tmp_path / "serving.json")
    monkeypatch.setattr(results, "OUT", tmp_path / "results.json")
    return tmp_path


def test_what_was_not_measured_has_no_value_and_says_how(measured):
    found = reached.reached()
    assert len(found) == 14 and {one.met for one in found} == {None} and {one.value for one in found} == {None}
    assert all(one.note.startswith("not run here: python -m benchmarks.") for one in found)
    assert not reached.table(found).count("yes")


def test_figures_are_those_that_benchmarks_wrote_and_a_bar_can_be_missed(measured):
    (measured / "audience.json").write_text(json.dumps(AUDIENCE))
    told = {"campaigns": 200, "covered": 0.95, "open": 0.92, "shorter": 0.5}
    worlds = {f"{world}, {kind}": told for world in ("works", "does nothing") for kind in campaigns.KINDS}
    (measured / "campaigns.json").write_text(json.dumps(worlds | {"works, value": told | {"covered": 0.98}}))
    results.write_json(None)
    rows = {row["name"]: row for row in json.loads((measured / "results.json").read_text()) if "name" in row}
    met = {name: row["met"] for name, row in rows.items()}
    assert rows["audience: share of the best expected net benefit"]["value"] == 0.98
    assert met["audience: share of the best expected net benefit"] and met["audience: ahead of as many by risk"]
    assert met["audience: ahead of as many by the bill"] is False
    assert met["campaigns: interval covers the true effect (churn)"] is True
    assert met["campaigns: interval covers the true effect (value)"] is False  # covering too often is missed, too
    assert met["campaigns: no effect, interval spans zero (churn)"] is False
    assert met["exports: live formulas"] is None
    assert all(set(row) == {"name", "value", "bar", "met", "note"} for row in rows.values())
    assert reached.table(reached.reached()).count("NO") == 4


def test_a_run_that_measured_too_little_can_miss_a_bar_and_not_meet_it(measured):
    few = AUDIENCE | {"expected": AUDIENCE["expected"] | {"companies": [{}] * 10}}
    (measured / "audience.json").write_text(json.dumps(few))
    told = {one.name: one for one in reached.reached()}
    assert told["audience: share of the best expected net benefit"].met is None
    assert told["audience: ahead of as many by the bill"].met is False
    assert told["audience: the same, the acceptance being known afterwards"].bar == "-"


def test_pages_tell_their_bars_themselves(measured):
    line = {"name": "page: /", "value": 0.1, "bar": "< 0.3 s", "met": True, "note": "1,000,000 customers"}
    (measured / "serving.json").write_text(json.dumps([line]))
    assert reached.reached()[-1].as_row() == line


@pytest.mark.parametrize(("customers", "met"), [(1_000_000, [True, False, False]), (1_000, [None, False, False])])
def test_the_benchmark_of_pages_writes_what_is_told(measured, monkeypatch, customers, met):
    """Quick, slow, and too much memory; a run of few customers can miss a bar and not meet it."""
    monkeypatch.setattr(serving, "OUT", measured / "serving.json")
    serving.told(customers, {}, {}, {"card": [0.1] * 20, "list": [0.1] * 10 + [0.5] * 10}, gigabytes=1.2)
    assert [one.met for one in reached.reached()[-3:]] == met
    assert reached.reached()[-2].value == 0.5 and "list" in reached.reached()[-2].name
