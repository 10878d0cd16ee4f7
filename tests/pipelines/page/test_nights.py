"""Which night is shown while another comes, is late, is damaged or half there; and that nobody waits for the figures of a new one."""

import json
import re
import threading
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from features.errors import HeadwaterError
from models.scores import score_table
from pipelines.page import nights
from pipelines.page.ready import Follower, prepare
from pipelines.page.routes import PAGES
from pipelines.page.served import Served
from pipelines.page.visit import overdue
from pipelines.wording.texts import LANGUAGES
from pipelines.workspace.files import sha256
from pipelines.workspace.publication import clean, publish
from tests.pipelines.page.site import VERSIONS, Site, sampled, visitor
from tests.scores_sample import AS_OF, sample_frame

NOTICE = {
    "en": "The newest night cannot be shown: its file is damaged. What you see is that of 1 Nov 2026.",
    "zh": "最新一晚的结果无法显示：文件已损坏。目前显示的是2026年11月1日的结果。",
}
BEFORE, NEXT = AS_OF - timedelta(days=1), AS_OF + timedelta(days=1)


@pytest.fixture
def own(tmp_path: Path) -> Served:
    """Two nights of a workspace of its own."""
    rows = sample_frame(120)
    return sampled(tmp_path, {BEFORE: rows.assign(as_of=BEFORE), AS_OF: rows})


@pytest.fixture
def site(own: Served) -> Site:
    return visitor(own, "marketer")


def published(made: Served, day: date, seed: int = 9) -> None:
    """One night more."""
    models = {target: {"version": version} for target, version in VERSIONS.items()}
    meta = {"run_id": f"run-{day}", "as_of": day.isoformat(), "models": json.dumps(models), "high_value": "{}"}
    rows = score_table.conform(sample_frame(120, seed=seed).assign(as_of=day))
    path = publish(made.project.workspace, [rows], meta, len)
    record = made.project.workspace.runs / meta["run_id"] / "record.json"
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({"sha256": sha256(path)}))
    clean(made.project.workspace)


def spoilt(path: Path) -> None:
    """Other bytes under the same name, as a failing disk or a careless copy leaves them."""
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[: len(whole) // 2])


def run(site: Site, path: str = "/") -> str:
    """Of the night that a page shows."""
    answer = site.get(path, params={"lang": "en"})
    assert answer.status_code == 200, answer.text
    shown = re.search(r'<dl class="facts">.*?</dl>', answer.text, re.S)
    assert shown
    return re.findall(r"run-\d{4}-\d{2}-\d{2}", shown[0])[0]


def test_a_request_finds_a_new_night_where_nobody_follows(own: Served, site: Site):
    assert run(site) == f"run-{AS_OF}"
    published(own, NEXT)
    assert run(site) == f"run-{NEXT}" and own.nights.current().before == AS_OF


def test_a_new_night_is_made_ready_aside_and_then_shown(own: Served, site: Site):
    """In the meantime every page is of the night before, from beginning to end."""
    old = own.nights.current()
    own.nights.following = True
    published(own, NEXT)
    seen = list[object]()

    def look(night) -> None:
        seen.append(night)
        assert night.publication.as_of == NEXT and own.nights.current() is old
        assert {run(site, page.path) for page in PAGES} == {f"run-{AS_OF}"}
        prepare(own, night)
        assert {run(site, page.path) for page in PAGES} == {f"run-{AS_OF}"}

    assert own.nights.renew(look) and not own.nights.renew(look)
    assert seen == [own.nights.current()] and run(site) == f"run-{NEXT}"


@pytest.mark.parametrize("kind", ["sample", pytest.param("operator", marks=pytest.mark.slow)])
def test_nothing_is_left_to_be_worked_out_for_whoever_looks_first(operator_page: Served, own: Served, kind):
    """Every page asks for nothing but what `prepare` has made: a new page that keeps something is covered by that."""
    made = own if kind == "sample" else operator_page
    site, night = visitor(made, "viewer"), made.nights.current()
    prepare(made, night)
    kept = set(night.kept)
    plans = {*night.kept.get("plans", ())}
    for lang in LANGUAGES:
        for page in PAGES:
            assert site.get(page.path, params={"lang": lang}).status_code in (200, 400)
    assert {"overview", "plans", "curve", ("factors", "churn")} <= kept
    assert set(night.kept) == kept and {*night.kept.get("plans", ())} == plans


def test_making_one_thing_lets_nobody_wait_for_another(own: Served):
    night, begun, enough = own.nights.current(), threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert enough.wait(10)
        return "slow"

    found = list[str]()
    thread = threading.Thread(target=lambda: found.append(night.remembered("slow", slow)))
    thread.start()
    assert begun.wait(10) and night.remembered("quick", lambda: "quick") == "quick"
    enough.set()
    thread.join()
    assert found == ["slow"] and night.remembered("slow", lambda: "again") == "slow"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_damaged_night_is_said_and_the_last_good_one_stays(own: Served, site: Site, lang):
    site.get("/")
    published(own, NEXT)
    spoilt(own.project.workspace.score_file(NEXT))
    for page in PAGES:
        answer = site.get(page.path, params={"lang": lang})
        assert answer.status_code == 200 and f"run-{AS_OF}" in answer.text and "Traceback" not in answer.text
        told = re.findall(r'<p class="warned" role="status">([^<]+)</p>', answer.text)
        assert told == [NOTICE[lang]]
    published(own, NEXT, seed=10)  # the night is run again
    answer = site.get("/", params={"lang": lang})
    assert f"run-{NEXT}" in answer.text and 'role="status"' not in answer.text


def test_a_server_that_begins_on_a_damaged_night_shows_the_newest_whole_one(own: Served, site: Site):
    spoilt(own.project.workspace.score_file(AS_OF))
    assert run(site) == f"run-{BEFORE}" and 'role="status"' in site.get("/").text
    spoilt(own.project.workspace.score_file(BEFORE))
    assert run(site) == f"run-{BEFORE}", "the file that is open stays as it was"
    other = visitor(Served(own.project, own.port, PAGES), None).served
    with pytest.raises(HeadwaterError, match="E340"):
        other.nights.current()


def test_what_could_not_be_read_is_not_read_with_every_request(own: Served, monkeypatch):
    clock, read = SimpleNamespace(now=0.0), list[int]()
    made = nights.Nights(own.project, lambda: b"k" * 32, lambda: clock.now)
    spoilt(own.project.workspace.score_file(AS_OF))
    monkeypatch.setattr(
        nights, "read_publication", lambda *given, real=nights.read_publication: read.append(1) or real(*given)
    )
    for _ in range(5):
        made.current()
    assert len(read) == 1 and made.trouble
    clock.now = nights.AGAIN
    made.current()
    assert len(read) == 2


def test_a_publication_that_is_taken_away_stays_on_show(own: Served, site: Site):
    site.get("/")
    own.project.workspace.latest.unlink()
    assert run(site) == f"run-{AS_OF}" and "its file is gone" in site.get("/", params={"lang": "en"}).text


def test_a_damaged_night_before_is_passed_over(own: Served, site: Site):
    """The overview and the card compare with a night that is whole, or with none, and say so."""
    spoilt(own.project.workspace.score_file(BEFORE))
    assert own.nights.current().before is None
    names = re.findall(r'href="(/customers/[0-9a-z]{6,12})"', site.get("/customers?preset=all").text)
    assert site.get(names[0]).status_code == 200


def test_before_the_first_night_every_page_says_so(tmp_path: Path, own: Served):
    empty = sampled(tmp_path / "empty", {})
    site = visitor(empty, "viewer")
    for page in PAGES:
        answer = site.get(page.path, params={"lang": "en"})
        assert answer.status_code == 503 and "no scores are published" in answer.text
    published(empty, AS_OF)
    assert run(site) == f"run-{AS_OF}"


@pytest.mark.slow
def test_whoever_follows_shows_the_next_night_by_itself(own: Served, site: Site):
    with Follower(own, every=0.01):
        deadline = time.monotonic() + 20
        while "overview" not in own.nights.current().kept and time.monotonic() < deadline:
            time.sleep(0.01)
        published(own, NEXT)
        while run(site) != f"run-{NEXT}" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert run(site) == f"run-{NEXT}" and "overview" in own.nights.current().kept
    assert not own.nights.following


@pytest.mark.parametrize(
    ("by", "hour", "shown", "late"),
    [
        (None, 9, date(2026, 10, 1), False),
        ("06:00", 9, date(2026, 11, 1), False),
        ("06:00", 9, date(2026, 10, 31), True),
        ("06:00", 5, date(2026, 10, 31), False),
        ("06:00", 5, date(2026, 10, 30), True),
    ],
)
def test_a_night_that_should_be_there_by_now_is_told(by, hour, shown, late):
    settings = SimpleNamespace(
        notify=SimpleNamespace(by=by),
        as_of=None,
        schedule=SimpleNamespace(cron="0 2 * * *", timezone="Asia/Shanghai"),
    )
    now = datetime(2026, 11, 1, hour, tzinfo=ZoneInfo("Asia/Shanghai"))
    found = overdue(SimpleNamespace(settings=settings), shown, now)  # type: ignore[arg-type]
    assert (found is not None) == late and (not late or found.problem.code == "E433")
    settings.as_of = shown
    assert overdue(SimpleNamespace(settings=settings), shown, now) is None  # type: ignore[arg-type]
