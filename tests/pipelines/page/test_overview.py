"""The overview has the figures of the report, though it makes them of the file and not of a frame."""

import dataclasses
import re

import pandas as pd
import pytest

from pipelines.delivery import report_customers
from pipelines.delivery.report_data import Page, ReportData
from pipelines.page.overview_figures import figures
from pipelines.page.served import Served
from pipelines.wording.texts import LANGUAGES
from tests.pipelines.page.site import Site


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_cards_cells_and_stages_are_those_of_the_report(sample_page: Served, sample_marketer: Site, lang):
    publication = sample_page.nights.current().publication
    page = Page(ReportData("x", publication.as_of, "x", publication.scores, publication.models), lang)
    shown = plain(sample_marketer.get("/", params={"lang": lang}).text)
    for card in report_customers.cards(page):
        assert f"{card['label']} {card['value']} {card['note']}" in shown
    for row in report_customers.matrix(page):
        for cell in row["cells"]:
            assert f"{cell['advice']} {cell['count']} " in shown
    for stage in report_customers.stages(page):
        assert f"{stage['name']} {stage['count']} {stage['share']}" in shown
        assert f"{stage['bill']} {stage['churn']} {stage['at_risk']}" in shown


def test_what_changed_is_told_apart_customer_by_customer(sample_page: Served, sample: pd.DataFrame):
    night = sample_page.nights.current()
    before = {row["customer_id"]: row for row in night.query("SELECT * FROM before")}

    def risky(row) -> bool:
        return row["score_status"] == "ok" and row["churn_risk_band"] in ("high", "critical")

    now = {row["customer_id"]: row for row in sample.to_dict("records")}
    both = now.keys() & before.keys()
    expected = {
        "risen": sum(risky(now[who]) and not risky(before[who]) for who in both),
        "recovered": sum(risky(before[who]) and not risky(now[who]) for who in both),
        "gone": len(before.keys() - now.keys()),
        "flagged": sum(risky(before[who]) for who in before.keys() - now.keys()),
        "came": len(now.keys() - before.keys()),
    }
    assert dataclasses.asdict(figures(night))["since"] == expected
    assert expected["risen"] > 10 and expected["came"] > 0


def test_every_link_of_the_overview_leads_somewhere_and_to_as_many(sample_marketer: Site):
    page = sample_marketer.get("/", params={"lang": "en"}).text
    links = set(re.findall(r'href="(/customers\?[^"]+)"', page))
    assert len(links) > 15
    cells = re.findall(r'href="(/customers\?[^"]*cell=[^"]+)".*?<span class="count">([\d,]+) customers', page)
    assert len(cells) == 9
    for link, count in cells:
        assert f">{count} customers</h2>" in sample_marketer.get(link.replace("&amp;", "&")).text
