"""A page that is served, as the navigation knows it."""

from fastapi import APIRouter


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
