"""`headwater page`: serve the pages; `headwater page user`: who may see them."""

import sys
from typing import Annotated

import typer

from features.errors import HeadwaterError
from pipelines.cli.grids import grid
from pipelines.cli.run import Run, command
from pipelines.wording.texts import text

page_app = typer.Typer(name="page", help="The pages that marketing works in, served on this machine.")
user_app = typer.Typer(name="user", help="Who may log in, and as what.", no_args_is_help=True)
page_app.add_typer(user_app)

Name = Annotated[str, typer.Argument(help="Of the account.")]
ADDRESS, PORT = "127.0.0.1", 8700


@command(page_app, "", bare=True)
def page(
    run: Run,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="To listen to.")] = PORT,
    host: Annotated[str, typer.Option(help="127.0.0.1, and nothing else: others come through a tunnel.")] = ADDRESS,
) -> None:
    """Serve the pages until they are interrupted."""
    from pipelines.page import server

    server.checked(run.project, host, port)
    run.say(text("page.serving", run.language, url=f"http://{host}:{port}/"))
    server.serve(run.project, host, port)


@command(user_app, "add", recorded=True)
def add(
    run: Run,
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, marketer or admin.")] = "viewer",
    password: Annotated[
        bool, typer.Option("--password", help="Read one from stdin instead of making a token.")
    ] = False,
) -> None:
    """Add an account, or give it a new password; a token that is made is shown once and kept nowhere."""
    from pipelines.page.security import accounts

    if role not in accounts.ROLES:
        raise HeadwaterError("E280", given=role, known=", ".join(accounts.ROLES))
    secret = _asked(run) if password else accounts.generated_password()
    kept = accounts.Accounts(run.project.workspace.page / accounts.FILE)
    kept.add(accounts.Account.of(name, role, secret))
    run.tell(name=name, role=role)
    run.say(text("page.user_added", run.language, name=name, role=text(f"page.role_{role}", run.language)))
    if not password:
        run.tell(token=secret)
        run.say(text("page.user_token", run.language))
        run.say(secret, style="bold")


@command(user_app, "remove", recorded=True)
def remove(run: Run, name: Name) -> None:
    """Remove an account; whoever is logged in with it is not any more."""
    from pipelines.page.security import accounts

    accounts.Accounts(run.project.workspace.page / accounts.FILE).remove(name)
    run.say(text("page.user_removed", run.language, name=name))


@command(user_app, "list")
def show(run: Run) -> None:
    """Every account and its role."""
    from pipelines.page.security import accounts

    known = accounts.Accounts(run.project.workspace.page / accounts.FILE).all()
    run.tell(accounts=[{"name": name, "role": account.role} for name, account in known.items()])
    table = grid(run.language, "name", "role")
    for name, account in known.items():
        table.add_row(name, text(f"page.role_{account.role}", run.language))
    run.say(table if known else text("page.user_none", run.language))


def _asked(run: Run) -> str:
    """A password that somebody types twice, or that a program sends as a line. Raises E270 for a short one."""
    from pipelines.page.security.accounts import SHORTEST

    if sys.stdin.isatty():
        found = typer.prompt(text("page.password", run.language), hide_input=True, confirmation_prompt=True, err=True)
    else:
        found = sys.stdin.readline().rstrip("\n")
    if len(found) < SHORTEST:
        raise HeadwaterError("E270", least=SHORTEST)
    return found
