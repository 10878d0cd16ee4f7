"""A page that is served, as the navigation knows it."""

from dataclasses import dataclass

from fastapi import APIRouter


@dataclass(frozen=True)
class PageEntry:
    """A page.

    Attributes
    ----------
    name
        Its words in the navigation are `page.nav_<name>`.
    path
        Where it is served; what lies below it belongs to it.
    router
        Of its module.
    """

    name: str
    path: str
    router: APIRouter
