"""Nothing that is written into a table or an address becomes an element of a page, and no path leads out of it."""

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

import html5lib
import httpx
import pandas as pd
import pytest

from pipelines.page import routes
from pipelines.page.served import Served
from pipelines.page.views import factors
from tests.pipelines.page.hostile import PATHS, PAYLOADS, encoded
from tests.pipelines.page.site import HOME, Site, sampled, visitor
from tests.scores_sample import AS_OF, sample_frame

COLUMNS = ("region", "customer_type", "tier_current", "recommended_action", "suppress_reason", "account_id")
PAGES = [*(page.path for page in routes.PAGES), *(f"/customers?preset=all&page={page}" for page in range(1, 13))]
"""Those of the navigation, a new one by itself, and everybody of the list."""
SHOWN_AS_REASON = 50
"""Texts that are reasons, too: of more the list does not tell all apart."""


def test_there_are_as_many_as_were_promised():
    assert len(set(PAYLOADS)) == 300 and len(set(PATHS)) == 200


def written(texts: list[str]) -> pd.DataFrame:
    """A night in which every text stands wherever a business may write its own; a third may be contacted."""
    rows = sample_frame(len(texts)).assign(score_status="ok", contact_allowed=False, is_holdout=False)
    rows = rows.assign(customer_id=[f"{n:03d}{text}" for n, text in enumerate(texts)], **dict.fromkeys(COLUMNS, texts))
    for place, row in enumerate(rows["churn_reasons"]):
        row[0] |= {
            "code": texts[place % SHOWN_AS_REASON * 6],
            "feature": "plan",
            "value": texts[3],
            "peer_value": texts[4],
        }
    may = rows.index % 3 == 0
    return rows.assign(contact_allowed=may, suppress_reason=rows["suppress_reason"].mask(may, None))


@pytest.fixture(scope="module", autouse=True)
def every_reason_is_shown() -> Iterator[None]:
    """However few customers have it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(factors, "FEWEST", 1)
        yield


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Site:
    return visitor(sampled(tmp_path_factory.mktemp("hostile"), {AS_OF: written(list(PAYLOADS))}), "marketer")


@pytest.fixture(scope="module")
def harmless(tmp_path_factory) -> Site:
    return visitor(
        sampled(tmp_path_factory.mktemp("harmless"), {AS_OF: written([f"t{n}" for n in range(300)])}), "marketer"
    )


def elements(html: str) -> Counter:
    """Every element of a page by its tag and the names of its attributes; no address may be more than one of ours."""
    found: Counter = Counter()
    for element in html5lib.parse(html, namespaceHTMLElements=False).iter():
        if isinstance(element.tag, str):
            found[element.tag, tuple(sorted(map(str, element.attrib)))] += 1
            for name in ("href", "src", "action", "formaction"):
                assert re.match(r"/(?!/)|#|\?|data:,$|$", element.attrib.get(name, "")), element.attrib
    return found


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("path", PAGES)
def test_what_stands_in_a_table_is_text(hostile: Site, harmless: Site, path):
    shown, plain = hostile.get(path), harmless.get(path)
    assert shown.status_code == plain.status_code == 200
    assert elements(shown.text) == elements(plain.text)
    if path.startswith("/customers?"):
        with_ids, plain_ids = (site.post(path.replace("/customers", "/customers/ids")) for site in (hostile, harmless))
        assert elements(with_ids.text) == elements(plain_ids.text)


def test_the_payloads_were_there(hostile: Site):
    """Or nothing would have been shown by the test before this one."""
    shown = hostile.post("/customers/ids?preset=all&page=1").text
    assert shown.count("&lt;") > 300 and "&lt;script&gt;alert(1)" in shown
    for path in ("/", "/audience", "/factors"):
        assert hostile.get(path).text.count("&lt;") > 20, path


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("number", range(20))
def test_what_stands_in_an_address_or_a_form_is_text(sample_marketer: Site, number):
    """Five payloads each, every third of all: in every parameter, in the path, in the search, in the name and the place of the login."""
    stranger = visitor(sample_marketer.served, None)

    def answers(text: str) -> list[httpx.Response]:
        told = quote(text, safe="")
        listed = f"/customers?preset={told}&region={told}&reason={told}&cell=high_high&order={told}&page={told}"
        gets = [
            sample_marketer.get(path) for path in (listed, f"/customers/{told}", f"/{told}", f"/?lang={told}&x={told}")
        ]
        token = stranger.get(f"/login?next={told}")
        form = {"name": text, "password": "x", "next": text}
        failed = stranger.post("/login", form, re.findall(r'name="csrf" value="([^"]+)"', token.text)[0])
        stranger.served.throttle.succeeded(text[:64])
        stranger.served.throttle._all.clear()
        return [*gets, token, failed, sample_marketer.post("/customers/find", {"who": text})]

    usual = [elements(answer.text) for answer in answers("t1x")]
    for text in PAYLOADS[3 * number :: 60]:
        for before, answer in zip(usual, answers(text), strict=True):
            assert answer.status_code < 500
            assert elements(answer.text) == before, (answer.url, text)


@pytest.mark.parametrize("quick", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_no_path_leads_out(sample_page: Served, sample_marketer: Site, quick):
    """In every part of an address and every field: what comes is a page of ours that says no."""
    sample_marketer.get("/")
    secrets = [(sample_page.project.workspace.page / name).read_text() for name in ("accounts.json", "key")]
    for path in PATHS[:: 20 if quick else 1]:
        raw = [
            f"/{encoded(path)}",
            f"/customers/{encoded(path)}",
            f"/page.css/{encoded(path)}",
            f"/customers?preset={encoded(path)}",
        ]
        answers = [sample_marketer.client.get(httpx.URL(HOME).copy_with(raw_path=each.encode())) for each in raw]
        form = {"kind": "churn", "shape": path, "top": "10"}
        answers.append(sample_marketer.post("/customers/download", form))
        answers.append(sample_marketer.post("/customers/download", form | {"shape": "csv", "kind": path}))
        answers.append(sample_marketer.post("/customers/find", {"who": path}))
        answers.append(sample_marketer.post(f"/customers/{quote(path, safe='')}/id"))
        for place, answer in enumerate(answers):
            assert answer.status_code in ((200,) if place == 3 else (400, 404)), (path, place, answer.status_code)
            assert "root:" not in answer.text and not any(secret.strip() in answer.text for secret in secrets)
            assert "<html" in answer.text
