"""What has run lately, on the page: for who asks why today's list is of yesterday."""

from typing import Any

from pipelines.delivery.report_data import Page
from pipelines.delivery.speech import Speech
from pipelines.wording import formats
from pipelines.wording.texts import text
from pipelines.workspace.history import RUNNING, WELL, Call


def rows(page: Page) -> list[dict[str, Any]]:
    """A row per run, the newest first; the night that writes this page is told as that, and as how it ends by nobody yet."""
    return [told(page, call, page.data.run_id) for call in page.data.recent]


def told(page: Speech, call: Call, writing: str | None = None) -> dict[str, Any]:
    """One run in words.

    Parameters
    ----------
    page
        Its language.
    call
        As the history has it.
    writing
        Id of the night that writes a page with it; None where none does.
    """
    runs = call.outcome == RUNNING
    own = runs and writing in call.nights
    outcome = page.say("runs_own") if own else text(f"calls.outcome.{call.outcome}", page.lang)
    return {
        "when": f"{page.day(call.when.date())} {call.when:%H:%M}",
        "command": call.command or page.say("runs_unknown"),
        "as_of": call.as_of or formats.NOTHING,
        "outcome": outcome,
        "error": call.error.get("code", "") if call.error else "",
        "is_failed": not runs and call.outcome not in WELL,
        "took": formats.NOTHING if runs else formats.duration(call.seconds, page.lang),
        "id": call.id,
    }
