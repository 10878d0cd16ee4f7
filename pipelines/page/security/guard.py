"""In front of every route, unknown ones included: nobody gets through who is not meant to.

Refused are, in this order: another Host than the server's own, other methods than GET, HEAD and POST, another origin, more than
`LARGEST` bytes, everybody who is not logged in, and a form without the token of its session. Every answer carries the same headers.
"""

import hmac
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.page.served import Served
from pipelines.page.visit import Visit

PUBLIC = frozenset({"/login", "/page.css"})
"""Paths that somebody who is not logged in may see."""
LARGEST, MOST_FIELDS = 64 * 1024, 200
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Guard:
    """The ASGI application behind it gets what may pass, with `session` and `form` in the state of the request."""

    def __init__(self, app: ASGIApp, served: Served):
        self.app, self._served = app, served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # no route is a websocket, and a middleware of HTTP would not see one
            return await send({"type": "websocket.close", "code": 1008})
        scope.setdefault("state", {}).update(served=self._served, session=None, form={})
        request = Request(scope, receive)
        refusal = await self._refusal(request)
        app: ASGIApp = refusal or self.app
        return await app(scope, _after_body(receive), _with_headers(send))

    async def _refusal(self, request: Request) -> Response | None:
        """What is answered instead of the page; None for who may pass."""
        if request.headers.get("host", "") not in self._served.hosts:
            return self._refused(request, 421, "host")
        if request.method not in ("GET", "HEAD", "POST"):
            return self._refused(request, 405, "method")
        if not self._is_same_origin(request):
            return self._refused(request, 403, "origin")
        body = await _body(request)
        if body is None:
            return self._refused(request, 413, "too_large")
        request.state.session = self._served.sessions.find(request.cookies.get(self._served.cookie))
        if request.state.session is None and request.url.path not in PUBLIC:
            return self._to_login(request)
        return self._form_refusal(request, body) if request.method == "POST" else None

    def _is_same_origin(self, request: Request) -> bool:
        """A form says where it comes from; a page of another site may link here, and fetch nothing."""
        origin = request.headers.get("origin")
        if origin is not None:
            return origin in {f"http://{host}" for host in self._served.hosts}
        if request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site"):
            return request.method != "POST" and request.headers.get("sec-fetch-mode") == "navigate"
        return request.method != "POST"

    def _form_refusal(self, request: Request, body: bytes) -> Response | None:
        """A form has to carry the token of the session, or before the login that of its cookie."""
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
        except ValueError:
            return self._refused(request, 400, "form")
        session = request.state.session
        expected = session.csrf if session else request.cookies.get(self._served.form_cookie, "")
        if not expected or not hmac.compare_digest(form.get("csrf", "").encode(), expected.encode()):
            return self._refused(request, 403, "csrf")
        request.state.form = form
        return None

    def _to_login(self, request: Request) -> Response:
        """Somebody who looks is asked to log in, and comes back to where they wanted to go."""
        if request.method == "POST":
            return self._refused(request, 401, "session")
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(asked, safe='')}" if asked != "/" else "/login", 303)

    def _refused(self, request: Request, status: int, why: str) -> Response:
        return Visit.of(request).problem(status, why)


async def _body(request: Request) -> bytes | None:
    """What was sent; None where it is too much."""
    if request.method != "POST":
        return b""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            return None
    return body


def _after_body(receive: Receive) -> Receive:
    """Says once that the body has been read, and then waits for the end of the connection, as a file that is sent does."""
    told = False

    async def waiting() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return waiting


def _with_headers(send: Send) -> Send:
    """Send, with the headers of every answer; one that an answer sets itself stays."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name for name, _ in message["headers"]}
            more = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in given]
            message["headers"] = [*message["headers"], *more]
        await send(message)

    return sending
