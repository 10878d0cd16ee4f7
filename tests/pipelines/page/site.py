"""A server of the small operator without a network: somebody logs in and looks at pages."""

import json
import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd
from starlette.testclient import TestClient

from models.scores import score_table
from pipelines.page.app import application
from pipelines.page.routes import PAGES
from pipelines.page.security.accounts import ROLES, Account, Cost
from pipelines.page.served import Served
from pipelines.project import Project
from pipelines.workspace.files import sha256
from pipelines.workspace.publication import clean, publish
from tests.demo_project import ROOT

PORT = 8700
HOME = f"http://127.0.0.1:{PORT}"
PASSWORD = "a long enough password"
VERSIONS = {"churn": "churn/4", "value": "value/3", "vip": "vip/2"}
CHEAP = Cost(n=2, r=1, p=1)
"""So that the many logins of tests cost nothing."""


def served(folder: Path, own: Path, port: int = PORT) -> Served:
    """What is served of the project in `folder`, with an account per role; accounts and log lie in `own`."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        project = Project.open("configs/operator.yaml", workspace=str(folder / "workspace"))
    finally:
        os.chdir(before)
    return _with_accounts(Served(project, port, PAGES, own))


def sampled(
    folder: Path, nights: Mapping[date, pd.DataFrame], port: int = PORT, configuration: str = "operator"
) -> Served:
    """What is served of a workspace that has these scores and nothing else."""
    project = Project.open(ROOT / "configs" / f"{configuration}.yaml", workspace=str(folder))
    models = {target: {"version": version} for target, version in VERSIONS.items()}
    for day, rows in nights.items():
        meta = {"run_id": f"run-{day}", "as_of": day.isoformat(), "models": json.dumps(models), "high_value": "{}"}
        path = publish(project.workspace, [score_table.conform(rows)], meta, len)
        record = project.workspace.runs / meta["run_id"] / "record.json"
        record.parent.mkdir()
        record.write_text(json.dumps({"sha256": sha256(path)}))
    clean(project.workspace)
    return _with_accounts(Served(project, port, PAGES))


def _with_accounts(made: Served) -> Served:
    for role in ROLES:
        made.accounts.add(Account.of(role, role, PASSWORD, CHEAP))
    return made


class Site:
    """A browser of somebody: it keeps cookies, says where its forms come from, and follows no redirection unasked."""

    def __init__(self, made: Served):
        self.served = made
        self.client = TestClient(
            application(made), base_url=HOME, raise_server_exceptions=False, follow_redirects=False
        )

    def get(self, path: str, **more):
        return self.client.get(path, **more)

    def post(self, path: str, form: dict | None = None, token: str | None = None, **more):
        """Send a form with the token of the session, or with the one that is given."""
        known = {"csrf": self.csrf() if token is None else token}
        return self.client.post(
            path, data=known | (form or {}), headers={"origin": HOME} | more.pop("headers", {}), **more
        )

    def log_in(self, name: str, password: str = PASSWORD):
        """The answer to the form of the login, with its own token."""
        token = re.search(r'name="csrf" value="([^"]+)"', self.get("/login").text)
        assert token
        return self.post("/login", {"name": name, "password": password}, token[1])

    def csrf(self) -> str:
        """The token that forms of this session carry."""
        session = self.served.sessions.find(self.client.cookies.get(self.served.cookie))
        return session.csrf if session else ""


def visitor(made: Served, role: str | None) -> Site:
    """Somebody of a role who is logged in, or somebody who is not."""
    site = Site(made)
    if role:
        assert site.log_in(role).status_code == 303
    return site
