"""What one server serves: a project, who may see it, and the night that is published."""

import threading
from collections.abc import Sequence
from pathlib import Path

from pipelines.page import short_names
from pipelines.page.histories import Kept
from pipelines.page.nights import Nights
from pipelines.page.page_entry import PageEntry
from pipelines.page.security.accounts import FILE, Accounts
from pipelines.page.security.audit import Audit
from pipelines.page.security.sessions import Sessions
from pipelines.page.security.throttle import Throttle
from pipelines.project import Project

ADDRESS = "127.0.0.1"
"""The only one that is listened to: who comes from elsewhere comes through a tunnel or a proxy of their own."""


class Served:
    """Everything that outlives a request.

    Parameters
    ----------
    project
        Its settings and workspace.
    port
        That is listened to.
    pages
        What the navigation shows.
    folder
        Of accounts and log; in the workspace if None.
    """

    def __init__(self, project: Project, port: int, pages: Sequence[PageEntry], folder: Path | None = None):
        self.project, self.port, self.pages = project, port, pages
        place = folder or project.workspace.page
        self.accounts, self.audit = Accounts(place / FILE), Audit(place / "audit.jsonl")
        self.drawing = threading.Lock()  # one list at a time: each holds columns of everybody
        self.histories = Kept(project)
        self.sessions, self.throttle, self.nights = (
            Sessions(self.accounts),
            Throttle(),
            Nights(project, lambda: short_names.key(place / "key")),
        )

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser may call the server."""
        return frozenset(f"{name}:{self.port}" for name in (ADDRESS, "localhost"))

    @property
    def cookie(self) -> str:
        """Cookies know no ports: two servers of one machine need two names."""
        return f"headwater-{self.port}"

    @property
    def form_cookie(self) -> str:
        """Of the form to log in with."""
        return f"{self.cookie}-form"

    @property
    def lang_cookie(self) -> str:
        return f"{self.cookie}-lang"
