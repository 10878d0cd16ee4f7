"""The process that serves: one, on this machine alone, until it is interrupted."""

import uvicorn

from features.errors import HeadwaterError
from pipelines.page.app import application
from pipelines.page.ready import Follower
from pipelines.page.routes import PAGES
from pipelines.page.served import ADDRESS, Served
from pipelines.project import Project


def serve(project: Project, host: str, port: int) -> None:
    """Serve the pages of a project until somebody interrupts it.

    Parameters
    ----------
    project
        Its settings and workspace.
    host
        `127.0.0.1`, and nothing else.
    port
        That is listened to.

    Raises
    ------
    HeadwaterError
        E240 (exit 2) for another host, E269 (exit 2) without any account.
    """
    served = checked(project, host, port)
    config = uvicorn.Config(application(served), host=ADDRESS, port=port, log_level="warning", server_header=False)
    with Follower(served):
        uvicorn.Server(config).run()


def checked(project: Project, host: str, port: int) -> Served:
    """What is served; errors are those of `serve`."""
    if host != ADDRESS:
        raise HeadwaterError("E240", host=host, only=ADDRESS)
    served = Served(project, port, PAGES)
    if not served.accounts.all():
        raise HeadwaterError("E269", file=served.accounts.path)
    return served
