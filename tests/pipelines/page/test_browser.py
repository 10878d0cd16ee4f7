"""Every page in a real browser: in both languages, on a desk and on the narrowest telephone; and what people do on them.

Nothing is wider than the screen, nothing is asked of anybody else, the console is silent, and axe-core finds no barrier.
"""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
import uvicorn

from pipelines.flows import campaign_registration
from pipelines.page.app import application
from pipelines.page.routes import PAGES
from pipelines.page.served import Served
from pipelines.page.views import registration
from pipelines.wording.texts import LANGUAGES
from pipelines.workspace import frozen_lists
from tests.pipelines.flows.test_campaigns import SETTINGS, TARGETS, drawn
from tests.pipelines.page.site import PASSWORD, sampled, served
from tests.scores_sample import AS_OF, sample_frame

CHROMIUM = shutil.which("chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make .venv/dev")
axe_core_python = pytest.importorskip("axe_core_python")
AXE = (Path(axe_core_python.__path__[0]) / "axe.min.js").read_text(encoding="utf-8")
FOUND = ";axe.run().then(found => found.violations.map(each => each.id + ': ' + each.nodes[0].html.slice(0, 120)))"
BEYOND = """() => [...document.querySelectorAll("main *, header *, nav *")].filter(e => e.getClientRects().length && !e.closest(".scroll, svg, thead, option")
  && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.tagName + "." + e.className)"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]


@contextmanager
def listening(made: Served) -> Iterator[str]:
    """The address of a server in a thread of its own, for as long as it is asked."""
    server = uvicorn.Server(
        uvicorn.Config(
            application(made), host="127.0.0.1", port=made.port, log_level="warning", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{made.port}"
    finally:
        server.should_exit = True
        thread.join()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Window:
    """A window of somebody, and what went wrong in it."""

    def __init__(self, chromium, address: str, width: int = 1280):
        self.address, self.wrong = address, list[str]()
        self.context = chromium.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on(
            "request",
            lambda asked: self.wrong.append(asked.url) if not asked.url.startswith((address, "data:")) else None,
        )

    def go(self, path: str):
        return self.page.goto(self.address + path)

    def log_in(self, name: str, password: str = PASSWORD) -> None:
        self.go("/login")
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.press("#password", "Enter")
        self.page.wait_for_load_state()

    def barriers(self) -> list[str]:
        """What axe-core has against the page; asked past its security policy, which allows nobody else's script."""
        devtools = self.context.new_cdp_session(self.page)
        told = devtools.send(
            "Runtime.evaluate", {"expression": AXE + FOUND, "awaitPromise": True, "returnByValue": True}
        )
        devtools.detach()
        return told["result"]["value"]


@pytest.fixture(scope="module")
def operator_address(operator: Path, tmp_path_factory) -> Iterator[str]:
    made = served(operator, tmp_path_factory.mktemp("browsed"), free_port())
    with listening(made) as address:
        yield address


@pytest.fixture
def sample_address(tmp_path: Path) -> Iterator[str]:
    """A workspace of its own, from which lists may be taken."""
    with listening(sampled(tmp_path, {AS_OF: sample_frame(400)}, free_port())) as address:
        yield address


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_fits_is_silent_and_has_no_barriers(chromium, operator_address: str, lang: str, width: int):
    window = Window(chromium, operator_address, width)
    window.go(f"/login?lang={lang}")
    found = {"login": window.barriers()}
    window.log_in("marketer")
    window.go("/customers?preset=churn")
    card = window.page.get_attribute("table.people tbody th a", "href")
    window.go("/factors")
    factor = window.page.get_attribute(".forces a", "href")
    for path in [*(page.path for page in PAGES), "/customers?preset=vip&order=value", factor, card, f"{card}x"]:
        answer = window.go(path)
        assert answer.status == (404 if path == f"{card}x" else 200), path
        assert window.page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert window.page.evaluate(BEYOND) == [], path
        assert window.page.get_attribute("html", "lang") == ("zh-CN" if lang == "zh" else "en")
        found[path] = window.barriers()
    assert {path: barriers for path, barriers in found.items() if barriers} == {}
    assert [wrong for wrong in window.wrong if "404" not in wrong] == []
    window.context.close()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_night_that_cannot_be_shown_is_said_without_a_barrier(chromium, tmp_path: Path, width: int):
    rows = sample_frame(60)
    made = sampled(
        tmp_path, {AS_OF - timedelta(days=1): rows.assign(as_of=AS_OF - timedelta(days=1)), AS_OF: rows}, free_port()
    )
    made.project.workspace.score_file(AS_OF).write_bytes(b"PAR1")
    with listening(made) as address:
        window = Window(chromium, address, width)
        window.log_in("viewer")
        assert window.page.get_by_role("status").is_visible() and window.barriers() == []
        assert window.page.evaluate("document.documentElement.scrollWidth") <= width
        window.context.close()


def test_axe_core_and_the_console_would_say_something(chromium, operator_address: str):
    """A page with a barrier and a script that is not allowed, or the test before this one shows nothing."""
    window = Window(chromium, operator_address)
    window.go("/login")
    window.page.evaluate(
        "document.querySelector('label').remove(); document.body.insertAdjacentHTML('beforeend', '<img onerror=1 src=x>')"
    )
    assert any(barrier.startswith(("label", "image-alt")) for barrier in window.barriers())
    assert any("Content Security Policy" in wrong for wrong in window.wrong)
    window.context.close()


def test_a_day_of_a_marketer(chromium, sample_address: str):
    """Logs in wrongly and rightly, comes from the overview to a customer, sees who it is, looks them up, takes a list, leaves."""
    window = Window(chromium, sample_address)
    page = window.page
    window.log_in("marketer", "wrong")
    assert page.get_by_role("alert").is_visible()
    window.log_in("marketer")
    page.get_by_role("link", name="English").click()
    page.locator(".matrix td a").nth(2).click()
    assert page.get_by_label("Value and risk").input_value() == "high_high"
    page.get_by_label("Region").select_option("north")
    page.get_by_role("button", name="Show", exact=True).click()
    assert "region=north" in page.url
    count = int(page.locator("#people").inner_text().split()[0])
    assert page.locator("table.people tbody tr").count() == min(count, 25)
    name = page.locator("table.people tbody th a").first.inner_text()
    page.locator("table.people tbody th a").first.click()
    assert page.locator("h1").inner_text() == f"Customer {name}"
    page.get_by_role("button", name="Show the id").click()
    number = page.locator("#who .id").inner_text()
    assert number.startswith("00861")
    page.get_by_role("link", name="Back to the list").click()
    page.get_by_label("Look somebody up").fill(number)
    page.get_by_role("button", name="Look up").click()
    assert page.url.endswith(f"/customers/{name}")
    page.get_by_role("link", name="Customers").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Draw and download").click()
    assert Path(taken.value.path()).read_bytes()[:2] == b"PK"
    page.get_by_role("button", name="Log out").click()
    window.go("/customers")
    assert "/login?next=" in page.url
    assert [wrong for wrong in window.wrong if "401" not in wrong] == []
    window.context.close()


def test_a_list_is_registered_on_a_telephone(chromium, tmp_path: Path, monkeypatch):
    """From the page of campaigns to the sentences that say what was registered; what does not fit is said above the form."""
    monkeypatch.setattr(campaign_registration.bundles, "champions", lambda workspace: {})
    monkeypatch.setattr(campaign_registration.scoring, "targets_of", lambda champions, settings: TARGETS)
    monkeypatch.setattr(registration, "_today", lambda visit: date(2026, 11, 2))
    made = sampled(tmp_path, {AS_OF: sample_frame(60)}, free_port())
    frozen_lists.save(made.project.workspace, drawn(SETTINGS))
    with listening(made) as address:
        window = Window(chromium, address, 360)
        page = window.page
        window.log_in("marketer")
        window.go("/campaigns?lang=en")
        found = {"campaigns": window.barriers()}
        page.get_by_role("link", name="Register churn").click()
        found["form"] = window.barriers()
        page.get_by_label("Name, as").fill("November calls")
        page.get_by_label("Channel").fill("call")
        page.get_by_label("Cost of a contact").fill("2")
        page.get_by_label("Day of the first").fill("2026-11-01")
        page.get_by_label("Day of the last").fill("2026-11-30")
        page.get_by_role("button", name="Register").click()
        assert "Choose other days" in page.get_by_role("alert").inner_text()
        found["refused"] = window.barriers()
        page.get_by_label("Day of the first").fill("2026-11-08")
        page.get_by_role("button", name="Register").click()
        assert "/campaigns/registered/" in page.url and "Without it" in page.locator("main").inner_text()
        found["registered"] = window.barriers()
        for shown in ("/campaigns", page.url.removeprefix(address)):
            window.go(shown)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, shown
            assert page.evaluate(BEYOND) == [], shown
        assert {name: barriers for name, barriers in found.items() if barriers} == {}
        assert [wrong for wrong in window.wrong if "400" not in wrong] == []
        window.context.close()


def test_a_viewer_sees_no_ids_and_takes_nothing(chromium, sample_address: str):
    window = Window(chromium, sample_address)
    window.log_in("viewer")
    window.go("/customers?lang=en")
    buttons = window.page.get_by_role("button").all_inner_texts()
    assert "Show" in buttons and not {"Show ids", "Draw and download"} & set(buttons)
    window.context.close()


def test_the_keyboard_is_enough(chromium, sample_address: str):
    """From the top of a page the first key leads to its content, and every link and field is reached, each with a visible mark."""
    window = Window(chromium, sample_address)
    window.log_in("marketer")
    window.go("/customers?lang=en")
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.activeElement.className") == "skip"
    seen = set()
    while (window.page.keyboard.press("Tab") or window.page.evaluate("document.activeElement.tagName")) != "BODY":
        seen.add(window.page.evaluate("document.activeElement.id || document.activeElement.innerText"))
        style = window.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none", window.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    assert {"Overview", "Potential VIPs", "f-region", "f-order", "who"} <= seen
    window.context.close()
