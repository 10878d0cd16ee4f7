"""Logging in and out."""

import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from pipelines.page.visit import Asked, Visit

router = APIRouter()


@router.get("/login")
def login(visit: Asked, next: Annotated[str, Query()] = "/") -> Response:
    """The form, with a token of its own."""
    return _form(visit, next, 200, "")


@router.post("/login")
def log_in(visit: Asked) -> Response:
    """Open a session, or say that it was not opened; both are logged."""
    name, served = visit.form.get("name", "")[:64], visit.served
    if wait := served.throttle.wait(name):
        answer = _form(visit, visit.form.get("next", "/"), 429, visit.tell("login_wait", minutes=int(wait // 60) + 1))
        answer.headers["retry-after"] = str(int(wait) + 1)
        return answer
    account = served.accounts.verified(name, visit.form.get("password", ""))
    if account is None:
        served.throttle.failed(name)
        served.audit.note(name, "refused", path="/login")
        return _form(visit, visit.form.get("next", "/"), 401, visit.tell("login_wrong"))
    served.throttle.succeeded(name)
    served.audit.note(name, "login")
    answer = RedirectResponse(_local(visit.form.get("next", "/")), 303)
    answer.set_cookie(served.cookie, served.sessions.begin(account), httponly=True, samesite="strict")
    answer.delete_cookie(served.form_cookie)
    return answer


@router.post("/logout")
def log_out(visit: Asked) -> Response:
    """End the session for good."""
    served = visit.served
    served.sessions.end(visit.request.cookies.get(served.cookie))
    served.audit.note(visit.who, "logout")
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(served.cookie)
    return answer


def _form(visit: Visit, wanted: str, status: int, problem: str) -> Response:
    token = secrets.token_urlsafe(32)
    values = {"title": visit.tell("login"), "next": _local(wanted), "problem": problem, "token": token, "night": None}
    answer = visit.show("login.html", status, **values)
    answer.set_cookie(visit.served.form_cookie, token, httponly=True, samesite="strict")
    return answer


def _local(wanted: str) -> str:
    """A place on this server; the first page for everything else."""
    parts = urlsplit(wanted)
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return wanted if local and wanted.isprintable() and "\\" not in wanted else "/"
