"""Nobody gets through who is not meant to: every route, without a login, from another host, from another site, without the token of a form."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from pipelines.page.app import application
from pipelines.page.security import guard
from pipelines.page.served import Served
from tests.pipelines.page.site import HOME, Site

OTHER = "http://evil.example"


def routes(made: Served) -> Iterator[tuple[str, str]]:
    """Method and path of everything that is served, with something in the place of parameters."""
    for route in plain(application(made).app.routes):  # type: ignore[attr-defined]
        path = re.sub(r"{[^}]+}", "ab12cd", route.path)
        yield from ((method, path) for method in sorted(route.methods))


def plain(routes) -> Iterator[APIRoute]:
    """Routes of an application, those of its routers among them; one of another kind would have to be looked at first."""
    for route in routes:
        if router := getattr(route, "original_router", None):
            yield from plain(router.routes)
        else:
            assert isinstance(route, APIRoute), route
            yield route


@pytest.fixture(scope="module")
def known(operator_page: Served) -> list[tuple[str, str]]:
    return list(routes(operator_page))


def test_every_route_but_the_login_refuses_without_one(stranger: Site, known):
    closed = [(method, path) for method, path in known if path not in guard.PUBLIC]
    assert len(closed) >= 2
    for method, path in [*closed, ("GET", "/nothing"), ("GET", "/docs"), ("GET", "/openapi.json"), ("HEAD", "/")]:
        answer = stranger.client.request(method, path, headers={"origin": HOME})
        assert answer.status_code in (303, 401), (method, path)
        assert answer.headers.get("location", "/login").startswith("/login"), (method, path)
        assert "facts" not in answer.text, (method, path)


def test_every_route_refuses_under_another_name(marketer: Site, known):
    for host in (
        "evil.example",
        "127.0.0.1:80",
        "127.0.0.1",
        "",
        "localhost.evil.example:8700",
        "127.0.0.1:8700.evil.example",
    ):
        for method, path in known:
            assert marketer.client.request(method, path, headers={"host": host, "origin": HOME}).status_code == 421


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "http://127.0.0.1:8701", "https://127.0.0.1:8700", "http://127.0.0.1:8700.evil.example"]
)
def test_every_route_refuses_another_origin(marketer: Site, known, origin):
    for method, path in known:
        assert marketer.client.request(method, path, headers={"origin": origin}).status_code == 403, (method, path)


def test_a_form_that_does_not_say_where_it_comes_from_is_refused(marketer: Site):
    form = {"csrf": marketer.csrf()}
    assert marketer.client.post("/logout", data=form).status_code == 403
    assert marketer.client.post("/logout", data=form, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_another_site_may_link_here_and_fetch_nothing(marketer: Site):
    def answered(mode: str) -> int:
        return marketer.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": mode}).status_code

    assert (answered("navigate"), answered("no-cors"), answered("cors")) == (200, 403, 403)


def test_every_form_needs_the_token_of_its_session(marketer: Site, viewer: Site, known):
    for method, path in known:
        if method == "POST":
            for token in ("", "x", viewer.csrf(), marketer.csrf()[:-1]):
                assert marketer.post(path, token=token).status_code == 403, (path, token)


def test_what_is_too_large_or_no_form_is_refused(marketer: Site):
    assert marketer.post("/logout", {"x": "y" * guard.LARGEST}).status_code == 413
    many = {f"n{i}": "" for i in range(guard.MOST_FIELDS)}
    assert marketer.post("/logout", many).status_code == 400
    raw = {"content": b"\xff\xfe", "headers": {"origin": HOME}}
    assert marketer.client.post("/logout", **raw).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_no_other_method_is_known(marketer: Site, method):
    assert marketer.client.request(method, "/").status_code == 405


def test_every_answer_has_the_headers(marketer: Site, stranger: Site):
    answers = [
        marketer.get("/"),
        marketer.get("/nothing"),
        stranger.get("/"),
        stranger.get("/login"),
        stranger.get("/page.css"),
    ]
    answers.append(marketer.get("/", headers={"host": "evil.example"}))
    for answer in answers:
        for name in guard.HEADERS.keys() - {"cache-control"}:
            assert answer.headers[name] == guard.HEADERS[name]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == ("max-age=300" if answer.url.path == "/page.css" else "no-store")


def test_a_websocket_is_closed(marketer: Site):
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), marketer.client.websocket_connect("/", headers={"origin": HOME}):
        pass
