"""Accounts, sessions, the login and its limits, and what is logged of them."""

import json
import stat

import pytest

from features.errors import HeadwaterError
from pipelines.page import server
from pipelines.page.routes import PAGES
from pipelines.page.security.accounts import ROLES, Account, Accounts, Cost, generated_password
from pipelines.page.security.sessions import IDLE, LONGEST, MOST, Sessions
from pipelines.page.security.throttle import FOR_ALL, PER_NAME, WITHIN, Throttle
from pipelines.page.served import Served
from tests.pipelines.page.site import CHEAP, PASSWORD, Site, visitor


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def accounts(tmp_path) -> Accounts:
    made = Accounts(tmp_path / "page" / "accounts.json")
    made.add(Account.of("anna", "marketer", PASSWORD, CHEAP))
    return made


@pytest.fixture
def own_page(operator_page: Served, tmp_path) -> Served:
    """The same operator, with accounts and failures of its own."""
    made = Served(operator_page.project, operator_page.port, PAGES, tmp_path)
    for role in ROLES:
        made.accounts.add(Account.of(role, role, PASSWORD, CHEAP))
    return made


def test_a_password_fits_and_no_other_does(accounts: Accounts):
    assert accounts.verified("anna", PASSWORD) == accounts.all()["anna"]
    for name, password in [("anna", PASSWORD[:-1]), ("anna", ""), ("Anna", PASSWORD), ("anna", "\ud800")]:
        assert accounts.verified(name, password) is None


def test_the_same_password_twice_is_kept_differently_and_never_as_it_is(accounts: Accounts):
    accounts.add(Account.of("bob", "viewer", PASSWORD, CHEAP))
    kept = json.loads(accounts.path.read_text())["accounts"]
    assert kept[0]["digest"] != kept[1]["digest"] and PASSWORD not in accounts.path.read_text()


def test_the_file_is_for_its_owner_alone_and_refused_otherwise(accounts: Accounts):
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    for mode in (0o640, 0o604, 0o660, 0o644):
        accounts.path.chmod(mode)
        with pytest.raises(HeadwaterError, match="E247"):
            Accounts(accounts.path).all()


@pytest.mark.parametrize("text", ["", "{}", '{"accounts": 3}', '{"accounts": [{"name": "x"}]}', "\x00"])
def test_a_file_that_is_none_is_refused(accounts: Accounts, text):
    accounts.path.write_text(text)
    with pytest.raises(HeadwaterError, match="E247"):
        Accounts(accounts.path).all()


@pytest.mark.parametrize("name", ["", "../x", "a b", "-a", "客户", "a\n", "a" * 65, "<b>"])
def test_a_name_is_plain(accounts: Accounts, name):
    with pytest.raises(HeadwaterError, match="E255"):
        accounts.add(Account.of(name, "viewer", PASSWORD, CHEAP))


def test_a_shipped_digest_costs_and_a_generated_password_is_long():
    assert (Cost().n, Cost().r, Cost().p) == (2**14, 8, 5)
    assert len({generated_password() for _ in range(50)}) == 50 and len(generated_password()) >= 22


def test_a_name_that_nobody_has_costs_what_a_wrong_password_does(tmp_path, monkeypatch):
    made, costs = Accounts(tmp_path / "accounts.json"), []
    made.add(Account.of("anna", "viewer", PASSWORD))

    def scrypt(*_, n: int, r: int, p: int, **__) -> bytes:
        costs.append((n, r, p))
        return bytes(32)

    monkeypatch.setattr("hashlib.scrypt", scrypt)
    assert made.verified("anna", "wrong") is None
    assert made.verified("nobody", "wrong") is None
    assert costs == [(2**14, 8, 5)] * 2


def test_a_role_may_what_those_before_it_may():
    may = {role: [Account("x", role, "", "").may(other) for other in ROLES] for role in ROLES}
    assert may == {"viewer": [True, False, False], "marketer": [True, True, False], "admin": [True, True, True]}


def test_a_session_ends_by_time_by_logging_out_and_with_its_account(accounts: Accounts):
    clock = Clock()
    sessions = Sessions(accounts, clock)
    anna = accounts.all()["anna"]
    first, second, third, fourth = (sessions.begin(anna) for _ in range(4))
    assert len({first, second, third, fourth}) == 4
    sessions.end(first)
    assert sessions.find(first) is None and sessions.find(second)
    clock.now += IDLE + 1
    assert sessions.find(second) is None
    third = sessions.begin(anna)
    for _ in range(int(LONGEST / IDLE) + 1):
        clock.now += IDLE - 1
        found = sessions.find(third)
    assert found is None
    fourth = sessions.begin(anna)
    accounts.add(Account.of("anna", "viewer", PASSWORD, CHEAP))  # another role is another account
    assert sessions.find(fourth) is None
    for nothing in (None, "", "x", "\ud800"):
        assert sessions.find(nothing) is None


def test_there_are_never_more_sessions_than_some(accounts: Accounts):
    sessions, anna = Sessions(accounts), accounts.all()["anna"]
    first = sessions.begin(anna)
    tokens = [sessions.begin(anna) for _ in range(MOST)]
    assert sessions.find(first) is None and sessions.find(tokens[0]) and sessions.find(tokens[-1])


def test_after_some_failures_nobody_is_looked_at_for_a_while():
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(PER_NAME):
        assert throttle.wait("anna") == 0
        throttle.failed("anna")
    assert throttle.wait("anna") == WITHIN and throttle.wait("bob") == 0
    clock.now = WITHIN - 1
    assert throttle.wait("anna") == 1
    clock.now = WITHIN
    assert throttle.wait("anna") == 0
    for n in range(FOR_ALL):
        throttle.failed(f"name {n}")
    assert throttle.wait("somebody else") > 0
    assert len(throttle._failed) <= FOR_ALL


def logged(made: Served) -> list[dict]:
    return [json.loads(line) for line in made.audit.path.read_text().splitlines()]


def test_logging_in_and_out_is_logged_and_its_cookies_are_closed(own_page: Served):
    site = visitor(own_page, None)
    answer = site.log_in("admin")
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(f"{own_page.cookie}="))
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert site.get("/").status_code == 200
    kept = dict(site.client.cookies)
    assert site.post("/logout").status_code == 303
    site.client.cookies.update(kept)  # who has copied the cookie has nothing
    assert site.get("/").status_code == 303
    assert [(line["who"], line["what"]) for line in logged(own_page)] == [("admin", "login"), ("admin", "logout")]


def test_wrong_passwords_are_slowed_down_and_the_right_one_waits_too(own_page: Served):
    site = visitor(own_page, None)
    for _ in range(PER_NAME):
        assert site.log_in("viewer", "wrong").status_code == 401
    answer = site.log_in("viewer")
    assert answer.status_code == 429 and 0 < int(answer.headers["retry-after"]) <= WITHIN + 1
    assert site.log_in("marketer").status_code == 303
    assert sum(line["what"] == "refused" for line in logged(own_page)) == PER_NAME


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "\\\\x",
        "evil",
        "/\t/evil.example",
        "/\n/x",
        "",
    ],
)
def test_the_login_leads_to_this_server_alone(own_page: Served, wanted):
    site = visitor(own_page, None)
    page = site.get("/login", params={"next": wanted}).text
    assert 'name="next" value="/"' in page
    token = page.split('name="csrf" value="')[1].split('"')[0]
    answer = site.post("/login", {"name": "viewer", "password": PASSWORD, "next": wanted}, token)
    assert answer.headers["location"] == "/"


def test_after_the_login_one_is_where_one_wanted_to_be(own_page: Served):
    answer = visitor(own_page, None).get("/customers?preset=vip&region=a%26b")
    assert answer.headers["location"] == "/login?next=%2Fcustomers%3Fpreset%3Dvip%26region%3Da%2526b"
    assert (
        'value="/customers?preset=vip&amp;region=a%26b"' in visitor(own_page, None).get(answer.headers["location"]).text
    )


def test_a_session_of_before_is_not_that_of_after(own_page: Served):
    """Nobody can give somebody a token beforehand."""
    site = visitor(own_page, None)
    site.client.cookies.set(own_page.cookie, "known beforehand")
    site.log_in("viewer")
    assert own_page.sessions.find("known beforehand") is None


def test_it_is_served_to_this_machine_and_with_accounts_alone(operator_page: Served, tmp_path):
    for host in ("0.0.0.0", "localhost", "", "::"):
        with pytest.raises(HeadwaterError, match="E240"):
            server.checked(operator_page.project, host, 8700)
    with pytest.raises(HeadwaterError, match="E269"):
        server.checked(operator_page.project, "127.0.0.1", 8700)


def test_what_cannot_be_logged_does_not_happen(own_page: Served):
    own_page.audit.path.mkdir()
    site: Site = visitor(own_page, None)
    assert site.log_in("viewer").status_code == 500
    assert site.get("/").status_code == 303
