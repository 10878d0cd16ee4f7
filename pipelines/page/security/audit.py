"""What people did on the page that somebody may ask about later: `page/audit.jsonl`, one line each, never a customer's id."""

from pathlib import Path
from typing import Any

from pipelines.wording.errors import disk_error
from pipelines.workspace import calls
from pipelines.workspace.files import FOLDER_MODE, append_json


class Audit:
    """The log of a workspace. What cannot be logged does not happen: HeadwaterError E703 to E705 (exit 7)."""

    def __init__(self, path: Path):
        self.path = path

    def note(self, who: str, what: str, **facts: Any) -> None:
        """Add a line.

        Parameters
        ----------
        who
            Name of the account.
        what
            `login`, `refused`, `logout`, `unmask`, `download`, `register`.
        **facts
            Counts, codes, short names.
        """
        line = {"when": calls.now().isoformat(timespec="seconds"), "who": who, "what": what} | facts
        try:
            self.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            append_json(self.path, line)
        except OSError as error:
            raise disk_error(error, self.path) from error
