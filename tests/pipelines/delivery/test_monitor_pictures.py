"""Actual against predicted over time: which look is shown, the right figures behind it, one night and money too."""

import xml.etree.ElementTree as ET
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from models.evaluation.judging import Estimate
from models.evaluation.monitoring import Realised
from pipelines.delivery import charts, charts_over_nights, monitor_page, monitor_pictures
from pipelines.delivery.monitor_page import MonitorData
from pipelines.flows.monitor import Monitoring
from pipelines.flows.realised import Kept
from pipelines.wording.texts import LANGUAGES

DAY = date(2026, 11, 1)
BROKEN = charts_over_nights.BROKEN.lower()


def kept(target: str, days: int, ago: int, observed: float = 50.0, *, broken: bool = False) -> Kept:
    low = float("nan") if target == "value" else 40.0
    result = Realised(1000, 50.0, observed, low, low + 20, broken, Estimate(0.8, 0.7, 0.9))
    night = DAY - timedelta(days=days + ago)
    return Kept(target, f"{target}/1", night, days, days < 90, result, None, pd.DataFrame())


def series() -> list[Kept]:
    """Churn after 7 days of four nights, after 14 of three, after 30 of one; value of two; potential VIPs of one."""
    churn = [kept("churn", days, ago) for days, nights in ((7, 4), (14, 3), (30, 1)) for ago in range(nights)]
    churn[4] = kept("churn", 14, 0, 75.0, broken=True)
    return [*churn, kept("value", 90, 0, 9000.0), kept("value", 90, 9), kept("vip", 90, 0)]


def monitored() -> MonitorData:
    found = Monitoring(DAY, DAY - timedelta(days=35), kept=series())
    return MonitorData("operator", found, {lang: [] for lang in LANGUAGES}, {}, "CNY")


def test_the_longest_look_of_three_nights_is_shown_or_else_that_of_most_nights():
    looks = monitor_pictures.nights(series(), "churn")
    assert {days: len(found) for days, found in looks.items()} == {7: 4, 14: 3, 30: 1}
    assert monitor_pictures.shown(looks) == 14
    assert monitor_pictures.shown({7: looks[7].head(2), 30: looks[30]}) == 7
    assert monitor_pictures.shown({7: looks[7].head(1), 30: looks[30]}) == 30


def test_nights_are_per_customer_and_the_oldest_first():
    found = monitor_pictures.nights(reversed(series()), "churn")[14]
    assert found["as_of"].is_monotonic_increasing
    assert found["promised"].eq(0.05).all() and found["low"].eq(0.04).all() and found["high"].eq(0.06).all()
    assert found["observed"].tolist() == [0.05, 0.05, 0.075]
    assert monitor_pictures.nights(series(), "value")[90]["observed"].tolist() == [0.05, 9.0]


@pytest.mark.parametrize("n", [1, 5])
def test_the_lines_are_the_promise_and_what_happened_and_red_is_what_is_broken(n):
    nights = pd.DataFrame({"as_of": [DAY + timedelta(days=3 * k) for k in range(n)], "promised": 0.05, "low": 0.04})
    nights = nights.assign(high=0.06, observed=np.linspace(0.05, 0.08, n), broken=[False] * (n - 1) + [True])
    (axes,) = charts_over_nights.promised_and_happened(nights.sample(frac=1, random_state=3), None, "en").axes
    promised, happened, broken = axes.get_lines()
    assert promised.get_ydata().tolist() == [0.05] * n
    assert (
        happened.get_ydata() == pytest.approx(nights["observed"]) and broken.get_ydata()[-1] == happened.get_ydata()[-1]
    )
    assert happened.get_xdata().tolist() == [day.toordinal() for day in nights["as_of"]]
    assert axes.get_ylim()[0] == 0 and len(axes.collections) == 2


def test_money_has_no_band_and_its_sign():
    (axes,) = charts_over_nights.promised_and_happened(monitor_pictures.nights(series(), "value")[90], "¥", "en").axes
    assert len(axes.collections) == 0 and axes.yaxis.get_major_formatter()(1200, 0) == "¥1,200"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_picture_per_target_speaks_its_language_is_accessible_and_the_same_twice(lang):
    page = monitor_page.MonitorPage(monitored(), lang)
    drawn = monitor_pictures.pictures(page, page.data.found.kept)
    assert drawn == monitor_pictures.pictures(page, page.data.found.kept) and len(drawn) == 3
    for picture in drawn:
        root = ET.fromstring(picture["svg"])
        assert root.get("role") == "img" and root.get("aria-label").startswith(picture["title"])
        assert ("承诺" in "".join(root.itertext())) == (lang == "zh")
    assert [BROKEN in picture["svg"] for picture in drawn] == [True, False, False]
    assert "14" in drawn[0]["title"] and "2026" in ET.fromstring(drawn[0]["svg"]).get("aria-label")
    ids = [{e.get("id") for e in ET.fromstring(p["svg"]).iter() if e.get("id")} for p in drawn]
    assert sum(map(len, ids)) == len(set.union(*ids))
    assert charts.WINNER.lower() in drawn[0]["svg"]
