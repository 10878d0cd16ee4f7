"""The report, the model card, the page of a backtest and that of the monitor in a real browser: on a telephone nothing is wider than the screen, and no reason is out
of sight."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from pipelines.config.settings import load
from pipelines.delivery import backtest_page, card, monitor_page
from pipelines.delivery.card_data import CardData
from pipelines.delivery.report import render
from tests import backtest_sample
from tests.card_sample import CONFIG, FEATURES, made
from tests.pipelines.delivery.test_monitor_pictures import monitored
from tests.scores_sample import sample_report

CHROMIUM = shutil.which("chromium")
PROBE = """<iframe id=page src=report.html style="width:{width}px;height:900px;border:0"></iframe><pre id=seen></pre><script>
page.onload = () => {{
  const d = page.contentDocument, edge = d.documentElement.clientWidth;
  const shown = e => e.getClientRects().length && d.defaultView.getComputedStyle(e).clipPath === "none";
  const beyond = [...d.querySelectorAll("main *")].filter(e => shown(e) && !e.closest("thead, svg, .scroll table:not(.people):not(.matrix)"));
  seen.textContent = JSON.stringify({{
    width: d.documentElement.scrollWidth,
    beyond: beyond.filter(e => e.getBoundingClientRect().right > edge + 1).map(e => e.tagName + "." + e.className),
    reasons: [...d.querySelectorAll(".why li")].filter(shown).length,
    labels: [...d.querySelectorAll("td[data-label]")].filter(shown).map(
      e => d.defaultView.getComputedStyle(e, "::before").content).filter(c => c !== "none").length,
  }});
}};
</script>"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]


def seen(folder: Path, width: int, html: str) -> dict:
    """What a browser of this width makes of a page."""
    (folder / "report.html").write_text(html, encoding="utf-8")
    (folder / "probe.html").write_text(PROBE.format(width=width), encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"]
    page = subprocess.run(
        [*command, (folder / "probe.html").as_uri()], check=True, capture_output=True, text=True, timeout=120
    )
    found = re.search(r'<pre id="seen">(.+?)</pre>', page.stdout, re.S)
    assert found, page.stderr
    return json.loads(unescape(found[1]))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_on_a_telephone_everything_is_within_the_screen(tmp_path, lang):
    page = seen(tmp_path, 360, render(sample_report(400), lang))
    assert page["width"] <= 360
    assert page["beyond"] == []
    assert page["reasons"] > 20 and page["labels"] > 100


def test_on_a_desk_tables_are_tables(tmp_path):
    page = seen(tmp_path, 1200, render(sample_report(400), "en"))
    assert page["width"] <= 1200 and page["labels"] == 0 and page["reasons"] > 20


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_card_is_within_the_screen_of_a_telephone(tmp_path, lang):
    models = [made(target) for target in ("churn", "value", "vip")]
    page = seen(tmp_path, 360, card.render(CardData(load(CONFIG), models, FEATURES), lang))
    assert page["width"] <= 360 and page["beyond"] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_of_a_backtest_is_within_the_screen_of_a_small_telephone(tmp_path, lang):
    page = seen(tmp_path, 360, backtest_page.render(backtest_sample.data(), lang))
    assert page["width"] <= 360 and page["beyond"] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_monitor_and_its_pictures_fit_the_narrowest_telephone(tmp_path, lang):
    page = seen(tmp_path, 360, monitor_page.render(monitored(), lang))
    assert page["width"] <= 360
    assert page["beyond"] == []
