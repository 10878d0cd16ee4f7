"""The pages that are served, in the order of the navigation. A new page is a module of `views/` and a line here."""

from pipelines.page.page_entry import PageEntry
from pipelines.page.views import overview

PAGES: tuple[PageEntry, ...] = (PageEntry("overview", "/", overview.router),)
