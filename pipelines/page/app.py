"""The application: every page behind the guard, and what becomes of an error."""

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from features.errors import HeadwaterError
from pipelines.page.rendering import stylesheet
from pipelines.page.security.guard import Guard
from pipelines.page.served import Served
from pipelines.page.views import login
from pipelines.page.visit import Refused, Visit
from pipelines.wording import errors

_log = logging.getLogger("headwater")


def application(served: Served) -> Guard:
    """Everything that is served of a project.

    Parameters
    ----------
    served
        The project, and who may see it.

    Returns
    -------
    Guard
        The ASGI application: the guard, and behind it pages without documentation or schema.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    for router in (login.router, *(router for page in served.pages for router in page.routers)):
        app.include_router(router)
    app.add_api_route("/page.css", _stylesheet)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HeadwaterError, _failed)
    app.add_exception_handler(RequestValidationError, _not_asked_well)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(Exception, _broken)
    return Guard(app, served)  # outside of everything, so that its headers are on every answer


def _stylesheet() -> Response:
    return Response(stylesheet(), media_type="text/css", headers={"cache-control": "max-age=300"})


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return Visit.of(request).problem(error.status, error.why)


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HeadwaterError)
    return Visit.of(request).failed(error)


def _not_asked_well(request: Request, _: Exception) -> Response:
    """A parameter that no page has: said, and not repeated."""
    return Visit.of(request).problem(400, "parameter")


def _not_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Visit.of(request).problem(error.status_code, "missing" if error.status_code == 404 else "method")


def _broken(request: Request, error: Exception) -> Response:
    """A fault of the system, or a bug: its traceback is in the log and not on the page."""
    _log.exception("the page %s failed", request.url.path, exc_info=error)
    return Visit.of(request).failed(errors.translate(error))
