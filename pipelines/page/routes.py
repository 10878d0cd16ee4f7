"""The pages that are served, in the order of the navigation. A new page is a module of `views/` and a line here."""

from pipelines.page.page_entry import PageEntry
from pipelines.page.views import (
    audience,
    campaigns,
    customer,
    customers,
    data,
    factors,
    glossary,
    good,
    overview,
    registration,
    runs,
    take_away,
    tiers,
)

PAGES: tuple[PageEntry, ...] = (
    PageEntry("overview", "/", overview.router),
    PageEntry("audience", "/audience", audience.router),
    PageEntry("customers", "/customers", customers.router, take_away.router, customer.router),
    PageEntry("campaigns", "/campaigns", campaigns.router, registration.router),
    PageEntry("tiers", "/tiers", tiers.router),
    PageEntry("factors", "/factors", factors.router),
    PageEntry("good", "/good", good.router),
    PageEntry("data", "/data", data.router),
    PageEntry("runs", "/runs", runs.router),
    PageEntry("glossary", "/glossary", glossary.router),
)
