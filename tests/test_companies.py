"""Simulated companies: each is its number, bars are counted as they say, and one is really trained and judged."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from benchmarks import companies
from benchmarks.companies import BARS, Company, bars, by_chance, level_figures, run
from features.errors import HeadwaterError
from pipelines.demo.simulator.lives import live
from pipelines.demo.simulator.people import Market, calendar, people

WHEN = calendar(date(2023, 1, 1), date(2025, 1, 1))


def deciding(market: Market) -> np.ndarray:
    """The mean hazard of those who are customers, month by month."""
    who = people(3_000, WHEN.days, np.random.default_rng(1))
    months = live(who, WHEN, np.random.default_rng(2), market).months
    return np.array([h[here].mean() for h, here in zip(months["hazard"], months["here"], strict=True)])


def test_a_market_moves_the_hazard_as_it_says():
    usual = deciding(Market())
    assert deciding(Market(churn=2.0))[0] == pytest.approx(2 * usual[0])
    ratio = deciding(Market(season=0.4, worst=6)) / usual
    assert {int(np.argmax(year)) for year in (ratio[:12], ratio[12:])} <= {4, 5, 6}
    assert ratio[5] > 1.3 and ratio[11] < 0.8
    rising = deciding(Market(trend=0.5)) / usual
    assert rising[0] < 0.7 and rising[-1] > 1.3 and np.corrcoef(rising, np.arange(24))[0, 1] > 0.95


def test_a_company_is_its_number_and_no_two_are_alike():
    known = [Company.of(number) for number in range(1, 41)]
    assert known == [Company.of(number) for number in range(1, 41)]
    assert len({(c.customers, c.market) for c in known}) == 40
    assert all(1_500 <= c.customers <= 3_000 and 18 <= c.months <= 30 for c in known)
    assert {c.gap and c.gap[0] for c in known} == {None, "usage", "bills"} and {c.without == () for c in known} == {
        True,
        False,
    }


def test_levels_are_observed_over_expected():
    probability = np.repeat([0.5, 0.1], [10, 190])
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [4, 6, 30, 160])
    told = level_figures(y, probability)
    assert told["level"] == pytest.approx(34 / 24) and told["top_level"] == pytest.approx(4 / 5)


def test_even_right_probabilities_miss_bars_by_chance_and_more_rows_miss_fewer():
    few, many = (by_chance(np.full(n, 0.1), 1) for n in (300, 30_000))
    assert few["level"] < 0.8 and few["top_level"] < 0.5
    assert many["level"] == 1.0 and many["ece"] == 1.0 and many["top_level"] > few["top_level"]


def told(number: int, **changed: object) -> dict:
    one = {"company": {"number": number}, "published": "blend", "auc": {"blend": 0.7, "trees": 0.71, "rule": 0.6}}
    level = dict.fromkeys(BARS, 1.0) | {"ece": 0.01}
    return one | level | {"by_chance": dict.fromkeys(BARS, 0.5), "lead": {"high": 0.1, "value": 0.05}} | changed


def test_bars_count_companies():
    found = [
        told(1),
        told(2, level=1.2),
        told(3, lead={"high": -0.01, "value": -0.1}),
        told(4, auc={"blend": 0.7, "rule": 0.6}),
    ]
    table = bars([*found, {"company": {"number": 5}, "published": "nothing", "why": "E453"}]).set_index("bar")
    assert (table["n"] == 4).all() and table.loc["level 0.9–1.1", ["within", "by_chance"]].tolist() == [0.75, 0.5]
    assert table.loc["not below the rule by more than chance", "within"] == 0.75
    assert table.loc["AUC within .005 of the best candidate", "within"] == 0.25


def test_a_run_goes_on_where_it_stopped_and_keeps_what_cannot_be_trained(tmp_path, monkeypatch):
    asked = []

    def learn(company):
        asked.append(company.number)
        if company.number == 2:
            raise HeadwaterError("E453", target="churn", part="every", positives=1, least=15)
        return {"company": {"number": company.number}, "published": "nothing", "positives": 1, "n": 2}

    monkeypatch.setattr(companies, "told", learn)
    out = tmp_path / "companies.json"
    run(2, out)
    run(3, out)
    kept = json.loads(out.read_text(encoding="utf-8"))
    assert asked == [1, 2, 3] and [one["company"]["number"] for one in kept] == [1, 2, 3] and kept[1]["why"] == "E453"


@pytest.mark.slow
def test_a_company_is_trained_on_one_date_and_judged_on_the_window_after_it():
    small = replace(Company.of(1), market=Market(churn=2.0))
    one = companies.told(small)
    assert one["as_of"] == "2026-07-01" and one["positives"] > 50
    assert set(one["auc"]) == {"hazard", "hazard_blend", "linear", "rule"} and one["published"] in one["auc"]
    assert one["lead"]["low"] <= one["lead"]["value"] <= one["lead"]["high"]
