"""One message per incident and one when it is over; who does not answer gets it later; a night never fails of it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError, Problem
from pipelines.config.notices import KINDS, Notify
from pipelines.config.settings import Settings
from pipelines.notification import receivers
from pipelines.notification.telling import Teller
from pipelines.workspace import incidents
from pipelines.workspace.incidents import Message
from pipelines.workspace.paths import Workspace

NIGHT = date(2026, 11, 1)
BEFORE = date(2026, 10, 31)
NOW = datetime(2026, 11, 1, 2, 5, tzinfo=ZoneInfo("Asia/Shanghai"))
MISSING = HeadwaterError("E401", file="raw/bills.csv", pattern="raw/bills.csv", table="bills", mapping="m.yaml")
NO_CONSENT = [Problem("W261"), Problem("W262", values={"as_of": "2026-11-01"})]


@dataclass
class Town:
    """A workspace, its receivers and what arrives there.

    Attributes
    ----------
    folder
        Of workspaces.
    arrived
        (receiver, message), in order.
    down
        Receivers that do not answer.
    warned
        What was warned of.
    """

    folder: Path
    arrived: list[tuple[str, Message]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    warned: list[Problem] = field(default_factory=list)

    def teller(self, lang: str = "en", **about: list[str]) -> Teller:
        named = {name: {"url": f"${{{name.upper()}}}", "about": kinds} for name, kinds in about.items()}
        notify = Notify.model_validate({"receivers": named or {"ops": "${OPS}"}, "warnings": 2})
        settings = Settings.model_validate({"name": "town", "language": lang}).model_copy(update={"notify": notify})
        return Teller(settings, Workspace.open(self.folder, "town"), NOW, self.warned.append)

    def titles(self) -> list[str]:
        return [message.title.partition(": ")[2] for _, message in self.arrived]


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    return _town(tmp_path, monkeypatch)


def _town(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    town = Town(folder)

    def send(receiver, message: Message) -> str:
        name = receiver.url[2:-1].lower()
        if name in town.down:
            raise receivers.Undelivered("no route")
        town.arrived.append((name, message))
        return "json"

    monkeypatch.setattr(receivers, "send", send)
    return town


def fail(teller: Teller, as_of: date = NIGHT, error: HeadwaterError = MISSING) -> None:
    teller.failed("nightly", as_of, error, "check", published=False)


def succeed(teller: Teller, as_of: date = NIGHT, warnings: tuple[str, ...] = (), *, listless: bool = False) -> None:
    problems = [Problem(code, values={"as_of": "x", "target": "churn"}) for code in warnings]
    teller.succeeded("nightly", as_of, [*problems, *(NO_CONSENT if listless else [])], listless=listless)


def test_the_same_failure_is_told_once_and_its_end_once(town):
    for _ in range(3):
        fail(town.teller())
    assert town.titles() == ["nightly failed, exit 4"]
    for _ in range(3):
        succeed(town.teller())
    assert town.titles() == ["nightly failed, exit 4", "nightly is well again"]
    assert "E401" in town.arrived[1][1].body and "2026-11-01T02:05" in town.arrived[1][1].body


def test_another_cause_or_another_date_is_told_anew(town):
    fail(town.teller(), BEFORE)
    fail(town.teller())
    fail(town.teller(), error=HeadwaterError("E703", file="/", detail="full"))
    assert town.titles() == ["nightly failed, exit 4", "nightly failed, exit 4", "nightly failed, exit 7"]
    succeed(town.teller())
    assert town.arrived[-1][1].body.count("over: ") == 3


def test_a_configuration_that_cannot_be_read_is_told_once_whoever_finds_it(town):
    wrong = HeadwaterError("E203", file="c.yaml", key="chunks", nearest="chunk")
    for command in ("nightly", "late", "nightly"):
        town.teller().failed(command, None, wrong, "", published=False)
    assert town.titles() == ["nightly failed, exit 2"]
    succeed(town.teller())
    assert town.titles()[1:] == ["nightly is well again"]


def test_a_night_of_an_earlier_date_ends_nothing_of_a_later_one(town):
    fail(town.teller())
    succeed(town.teller(), BEFORE)
    assert town.titles() == ["nightly failed, exit 4"]


def test_scores_without_lists_do_not_end_a_failed_night(town):
    fail(town.teller())
    town.teller().succeeded("score", NIGHT, [], listless=False)
    assert len(town.arrived) == 1


def test_lateness_is_told_once_with_what_is_known_and_ends_with_the_night(town):
    fail(town.teller())
    for _ in range(2):
        town.teller().late(NIGHT, "06:00", unfinished=False)
    assert town.titles()[1:] == ["LATE, nothing published by 06:00"]
    assert "known of it: nightly 2026-11-01 E401" in town.arrived[1][1].body
    succeed(town.teller())
    town.teller().in_time(NIGHT)
    assert town.titles()[2:] == ["nightly is well again"]


def test_lateness_that_ends_by_itself_is_told_by_the_next_look(town):
    town.teller().late(NIGHT, "06:00", unfinished=False)
    for _ in range(2):
        town.teller().in_time(NIGHT)
    assert town.titles() == ["LATE, nothing published by 06:00", "late is well again"]


def test_a_night_without_a_list_is_told_every_night_and_ends_with_a_list(town):
    for night in (BEFORE, NIGHT, NIGHT):
        succeed(town.teller(), night, listless=True)
    assert town.titles() == ["NO LIST was made", "NO LIST was made"]
    assert "nobody's consent is known (W261)" in town.arrived[0][1].body
    succeed(town.teller(), NIGHT)
    assert town.titles()[2:] == ["nightly is well again"]


def test_warnings_are_told_from_a_level_on_and_again_when_one_joins(town):
    for codes in (("W522",), ("W340", "W341"), ("W340", "W341"), ("W340",), ("W340", "W341", "W521"), ()):
        succeed(town.teller(), warnings=codes)
    assert town.titles() == ["2 warnings", "nightly is well again", "3 warnings", "nightly is well again"]


def test_warnings_of_named_codes(town):
    teller = town.teller()
    notify = teller.settings.notify.model_copy(update={"warnings": ("W571",)})
    teller = Teller(teller.settings.model_copy(update={"notify": notify}), teller.workspace, NOW, town.warned.append)
    succeed(teller, warnings=("W340", "W341", "W521"))
    assert town.arrived == []
    teller.succeeded("nightly", NIGHT, [Problem("W571", column="region", values={"group": "甲"})], listless=False)
    assert "W571" in town.arrived[0][1].body


def test_each_is_told_what_concerns_them(town):
    about = {"ops": ["failure", "recovery"], "sales": ["no_list"]}
    fail(town.teller(**about))
    succeed(town.teller(**about), listless=True)
    assert [name for name, _ in town.arrived] == ["ops", "ops", "sales"]


def test_who_does_not_answer_gets_it_later_in_order_and_others_wait_for_nobody(town):
    about = {"ops": list(KINDS), "data": list(KINDS)}
    town.down = {"ops"}
    fail(town.teller(**about))
    assert [name for name, _ in town.arrived] == ["data"]
    assert [(w.code, w.values["name"]) for w in town.warned] == [("W717", "ops")]
    town.down = set()
    succeed(town.teller(**about))
    assert [m.severity for name, m in town.arrived if name == "ops"] == ["failure", "success"]
    assert incidents.read(town.teller().workspace) == incidents.State()


def test_who_is_named_no_more_waits_no_more(town):
    town.down = {"ops"}
    fail(town.teller(ops=list(KINDS)))
    town.down = set()
    succeed(town.teller(data=list(KINDS)))
    assert [name for name, _ in town.arrived] == ["data"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"open": [{}], "waiting": {}}', b"\xff\xfe", b'{"open": 3}'])
def test_a_damaged_state_is_as_none(town, content):
    fail(town.teller())
    town.teller().workspace.incidents.write_bytes(content)
    fail(town.teller())
    assert town.titles() == ["nightly failed, exit 4"] * 2


def test_a_disk_that_is_full_is_a_reason_to_tell(town, monkeypatch):
    def full(*_: object) -> None:
        raise HeadwaterError("E703", file="workspace", detail="full")

    monkeypatch.setattr(incidents, "write", full)
    fail(town.teller())
    assert town.titles() == ["nightly failed, exit 4"]
    assert {w.code for w in town.warned} == {"W718"}


def test_whatever_breaks_in_telling_is_a_warning(town, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("a plug-in of a plug-in")

    monkeypatch.setattr(receivers, "send", broken)
    fail(town.teller())
    assert [w.code for w in town.warned] == ["W718"] and "plug-in" in str(town.warned[0].values)


def test_two_at_once_do_not_wait_for_ever(town):
    workspace = town.teller().workspace
    with incidents.locked(workspace), pytest.raises(HeadwaterError) as error, incidents.locked(workspace, 0.0):
        pytest.fail("taken twice")
    assert error.value.exit_code == 6


def test_nobody_named_means_nothing_is_written(town):
    teller = town.teller()
    silent = teller.settings.model_copy(update={"notify": Notify()})
    fail(Teller(silent, teller.workspace, NOW, town.warned.append))
    assert not teller.workspace.incidents.exists()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            ["cause: no file matches raw/bills.csv (E401)", "where: raw/bills.csv", "fix: deliver it", "stage: check"],
        ),
        ("zh", ["原因：没有文件与 raw/bills.csv 匹配（E401）", "位置：raw/bills.csv", "修复：提供文件", "阶段：检查"]),
    ],
)
def test_a_failure_says_all_that_is_needed(town, lang, words):
    fail(town.teller(lang))
    ((_, message),) = town.arrived
    assert message.title.startswith("Headwater town · 2026-11-01") and message.severity == "failure"
    assert [word for word in words if word not in message.body] == []
    exits = {"en": "exit: 4, data missing or stale", "zh": "退出码：4，数据缺失或过期"}[lang]
    served = {"en": "served now: nothing has ever been published", "zh": "当前提供：从未发布过评分"}[lang]
    assert exits in message.body and served in message.body
    assert len(message.body.encode()) < receivers.WECOM_BYTES


def test_a_killed_run_is_told_once(town):
    for _ in range(2):
        town.teller().killed("nightly", NIGHT, "score", "2026-11-01T02:00")
    assert town.titles() == ["nightly was killed"]
    assert "stage: score" in town.arrived[0][1].body
    succeed(town.teller())
    assert town.titles()[1:] == ["nightly is well again"]


def watch(teller: Teller, *warned: tuple[str, str]) -> None:
    about = {"W572": "tables"}
    problems = [Problem(code, values={about.get(code, "target"): name}) for code, name in warned]
    teller.succeeded("monitor", NIGHT, problems, listless=False)


LEVEL, ORDER, USAGE = ("W573", "churn"), ("W574", "vip"), ("W572", "bills, usage")


def test_each_warning_of_the_monitor_is_told_alone_and_once_and_its_end_once(town):
    """A night needs two of them here; the monitor one. The same code of another model is another incident."""
    for _ in range(2):
        watch(town.teller(), LEVEL)
    assert town.titles() == ["monitor, 1 to look at"]
    for _ in range(2):
        watch(town.teller(), LEVEL, ("W573", "vip"), USAGE)
    assert town.titles()[1:] == ["monitor, 3 to look at"]
    watch(town.teller(), USAGE)
    for _ in range(2):
        watch(town.teller())
    assert town.titles()[2:] == ["monitor is well again"]
    assert "W572:bills+usage" in town.arrived[-1][1].body


@pytest.mark.parametrize(("level", "told"), [(None, 0), (("W574",), 1), (("W571",), 0), (9, 1)])
def test_a_level_of_codes_or_none_holds_for_the_monitor_too_and_a_number_is_of_nights(town, level, told):
    teller = town.teller()
    notify = teller.settings.notify.model_copy(update={"warnings": level})
    settings = teller.settings.model_copy(update={"notify": notify})
    watch(Teller(settings, teller.workspace, NOW, town.warned.append), LEVEL, ORDER)
    assert len(town.arrived) == told


def test_what_stopped_the_night_is_not_told_again_by_the_monitor_and_anything_else_is(town):
    fail(town.teller())
    town.teller().failed("monitor", NIGHT, MISSING, "monitor", published=False)
    assert town.titles() == ["nightly failed, exit 4"]
    town.teller().failed("monitor", BEFORE, MISSING, "monitor", published=False)
    town.teller().failed("monitor", NIGHT, HeadwaterError("E703", file="/", detail="full"), "monitor", published=False)
    assert town.titles()[1:] == ["monitor failed, exit 4", "monitor failed, exit 7"]
    watch(town.teller())
    assert town.titles()[3:] == ["monitor is well again"]
    assert {each.command for each in incidents.read(town.teller().workspace).open} == {"nightly"}


EVENTS = st.sampled_from(["fail", "other", "late", "succeed", "listless", "down", "up"])


@settings(max_examples=25, deadline=None)
@given(events=st.lists(EVENTS, min_size=3, max_size=10))
def test_law_all_is_told_once_in_order_whoever_was_down_meanwhile(events, tmp_path_factory):
    """Against a slow twin of a set of names."""
    events = [*events, "up", "succeed"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        town = _town(tmp_path_factory.mktemp("town"), monkeypatch)
        for event in events:
            happen(town, event)
    assert town.titles() == expected(events)
    assert incidents.read(town.teller().workspace) == incidents.State()


def expected(events: list[str]) -> list[str]:
    told, wrong = [], set()
    titles = {
        "fail": "nightly failed, exit 4",
        "other": "nightly failed, exit 7",
        "late": "LATE, nothing published by 06:00",
    }
    for event in events:
        if event in titles and event not in wrong:
            told.append(titles[event])
            wrong.add(event)
        if event in ("succeed", "listless"):
            kept = wrong & {"listless"} if event == "listless" else set()
            told += ["nightly is well again"] if wrong - kept else []
            told += ["NO LIST was made"] if event == "listless" and not kept else []
            wrong = {"listless"} if event == "listless" else set()
    return told


def happen(town: Town, event: str) -> None:
    teller = town.teller()
    doing = {
        "fail": lambda: fail(teller),
        "other": lambda: fail(teller, error=HeadwaterError("E703", file="/", detail="full")),
        "late": lambda: teller.late(NIGHT, "06:00", unfinished=False),
        "succeed": lambda: succeed(teller),
        "listless": lambda: succeed(teller, listless=True),
        "down": lambda: town.down.add("ops"),
        "up": town.down.clear,
    }
    doing[event]()


@pytest.mark.parametrize("code", ["W721", "W722"])
def test_what_stops_the_next_training_or_night_is_told_alone_and_other_single_warnings_are_not(town, code):
    succeed(town.teller(), BEFORE, ("W341",))
    assert town.titles() == []
    for _ in range(2):
        succeed(town.teller(), BEFORE, (code,))
    succeed(town.teller())
    assert [message.severity for _, message in town.arrived] == ["warning", "success"]
    assert code in town.arrived[0][1].body


def test_what_may_be_why_stands_in_the_message_of_lateness(town):
    gone = Problem("W722", values={"url": "http://127.0.0.1:4200/api", "detail": "refused"})
    for causes in ([], [gone]):
        town.teller().late(NIGHT, "06:00", unfinished=False, causes=causes)
        town.teller().in_time(NIGHT)
    first, second = (message.body for _, message in town.arrived[::2])
    assert "4200" in second and "4200" not in first
