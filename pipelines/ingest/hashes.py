"""What raw files hash to, remembered from reading to reading: a file that nobody touched is not read to know it again.

A file is the same as long as path, size, inode and both of its times are (the time of change cannot be set back, as
that of modification can). What was touched within `RACY` before the memory was written may have been touched again
in the same tick of the file system's clock, and is hashed once more. Nothing here looks at the clock of the machine.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.workspace.files import FOLDER_MODE, digest, write_json

RACY = 2_000_000_000
"""Nanoseconds; the coarsest clock of a file system that is in use (FAT's) ticks every two seconds."""


@dataclass
class Hashes:
    """The sha256 of files by path.

    Attributes
    ----------
    known
        Absolute path -> how the file looked (`looks`) and its sha256, of earlier readings.
    found
        The same of the files that were asked for by now.
    """

    known: dict[str, list] = field(default_factory=dict)
    found: dict[str, list] = field(default_factory=dict)

    @classmethod
    def open(cls, file: Path, *, forget: bool = False) -> "Hashes":
        """Those of a memory that can be trusted; none where it is missing or damaged, or with `forget`.

        Parameters
        ----------
        file
            Where `save` wrote.
        forget
            Hash everything anew.
        """
        if forget or not file.is_file():
            return cls()
        settled = file.stat().st_mtime_ns - RACY
        try:
            whole = json.loads(file.read_text(encoding="utf-8"))
            return cls({path: entry for path, entry in whole.items() if max(entry[0][:2]) < settled})
        except (ValueError, AttributeError, TypeError, IndexError):
            return cls()

    def sha256(self, path: Path) -> str:
        """Of the bytes of a file: as remembered while it looks the same, otherwise read."""
        return self._remembered(str(path.absolute()), path, "sha256")

    def digest(self, path: Path, algorithm: str) -> str:
        """The same by another algorithm, in hexadecimal digits.

        Parameters
        ----------
        path
            Of the file.
        algorithm
            As a manifest names it.
        """
        if algorithm == "sha256":
            return self.sha256(path)
        return self._remembered(f"{algorithm}:{path.absolute()}", path, algorithm)

    def _remembered(self, name: str, path: Path, algorithm: str) -> str:
        now, entry = looks(path), self.known.get(name)
        self.found[name] = entry if entry and entry[0] == now else [now, digest(path, algorithm)]
        return str(self.found[name][1])

    def save(self, file: Path) -> None:
        """Remember what was asked for, and nothing else; a memory that says the same already is left alone."""
        if self.found != self.known:
            file.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            write_json(file, self.found)


def looks(path: Path) -> list[int]:
    """Times of change and of modification (nanoseconds), size in bytes, inode and device of a file."""
    seen = path.stat()
    return [seen.st_ctime_ns, seen.st_mtime_ns, seen.st_size, seen.st_ino, seen.st_dev]
