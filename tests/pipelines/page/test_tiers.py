"""Tiers: the figures are those of the command, and who moved is counted another way."""

import html
import re

import pytest

from pipelines.delivery import pyramids
from pipelines.page.served import Served
from pipelines.page.views import tiers
from pipelines.wording import tiers as words
from pipelines.wording.texts import LANGUAGES, text
from pipelines.workspace.publication import read_publication
from tests.pipelines.page.conftest import BEFORE
from tests.pipelines.page.site import Site


@pytest.mark.parametrize("lang", LANGUAGES)
def test_its_figures_are_those_of_the_command(sample_marketer: Site, sample_page: Served, lang):
    project, night = sample_page.project, sample_page.nights.current()
    found = pyramids.pyramid_of(night.publication.scores, project.settings.tiers)
    shown = html.unescape(sample_marketer.get("/tiers", params={"lang": lang}).text)
    for row in found.tiers.to_dict("records"):
        for cell in words.cells(row, project.mapping.currency, lang):
            assert cell in shown
    for sentence in words.eighty_twenty(found, lang):
        assert sentence in shown


def test_who_moved_is_what_the_command_counts(sample_page: Served, sample_marketer: Site):
    project, night = sample_page.project, sample_page.nights.current()
    before = read_publication(project.workspace, BEFORE)
    expected = pyramids.migration_between(before, night.publication, project.settings.tiers)
    found = tiers.moved(night, str(before.scores.path))
    assert {
        (old, new): n for old in expected.index for new in expected.columns if (n := expected.loc[old, new])
    } == found
    assert (
        sum(n for (old, new), n in found.items() if new == "left") == 0
        and sum(n for (old, _), n in found.items() if old == "joined") == 10
    )
    shown = sample_marketer.get("/tiers", params={"lang": "en", "since": BEFORE.isoformat()}).text
    cells = re.findall(r'<td class="num (?:none|same|rose|fell)?">([\d,]+)</td>', shown)
    assert sum(int(cell.replace(",", "")) for cell in cells) == sum(found.values())
    assert [int(cell.replace(",", "")) for cell in cells] == expected.to_numpy().ravel().tolist()


@pytest.mark.parametrize(
    ("since", "status"), [("2026-09-01", 404), ("../../etc", 400), ("2026-1-1", 400), ("x" * 11, 400)]
)
def test_a_date_that_is_none_or_not_published_is_refused(sample_marketer: Site, since, status):
    assert sample_marketer.get("/tiers", params={"since": since}).status_code == status


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_an_earlier_night_nobody_moved(viewer: Site, lang):
    assert text("tiers.no_before", lang) in viewer.get("/tiers", params={"lang": lang}).text
