"""Every page opens, in both languages, and says which night it shows."""

import pytest

from pipelines.page.routes import PAGES
from pipelines.wording.texts import LANGUAGES, has
from tests.pipelines.page.site import Site


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_opens_and_says_what_it_shows(marketer: Site, page, lang):
    answer = marketer.get(page.path, params={"lang": lang})
    assert answer.status_code == 200, answer.text
    night = marketer.served.nights.current().publication
    assert night.meta["run_id"] in answer.text
    for version in night.models.values():
        assert version in answer.text
    assert ("Estimates, not promises." in answer.text) == (lang == "en")
    assert ("并非承诺" in answer.text) == (lang == "zh")


def test_the_navigation_has_words_for_every_page():
    assert [page.name for page in PAGES if not has(f"page.nav_{page.name}")] == []


def test_the_language_stays(marketer: Site):
    marketer.get("/", params={"lang": "en"})
    assert 'lang="en"' in marketer.get("/").text.split("<body>")[0]
    marketer.get("/", params={"lang": "zh"})
    assert 'lang="zh-CN"' in marketer.get("/").text.split("<body>")[0]
