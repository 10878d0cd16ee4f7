"""A page that is served, as the navigation knows it."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.routing import Route


class PageEntry:
    """A page.

    Parameters
    ----------
    name
        Its words in the navigation are `page.nav_<name>`.
    path
        Where it is served; what lies below it belongs to it.
    *routers
        Of its module, and of those below it.
    """

    def __init__(self, name: str, path: str, *routers: APIRouter):
        self.name, self.path, self.routers = name, path, routers

    def endpoint(self, path: str | None = None) -> Callable[..., Any]:
        """The function that answers whoever looks at the page, or at one below it. Raises LookupError where there is none."""
        routes = [route for router in self.routers for route in router.routes if isinstance(route, Route)]
        found = [r.endpoint for r in routes if r.path == (path or self.path) and "GET" in (r.methods or ())]
        if not found:
            raise LookupError(path or self.path)
        return found[0]
