"""Who was erased: keyed digests of ids, so that nothing which is read later brings anybody back.

`erased.json` holds no id. Its digests are SHA-256 of a random key and the id; the key lies in the same file, which is for
its owner alone: whoever can read it can also read the raw files.
"""

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from features.errors import HeadwaterError
from pipelines.workspace.files import SECRET_MODE, replacing, settle

FILE = "erased.json"
FORMAT = 1
KEY_BYTES = 32


@dataclass(frozen=True)
class Erasures:
    """The people who were erased from a workspace.

    Attributes
    ----------
    key
        Of the digests, as hexadecimal digits; "" before the first erasure.
    until
        Digest of an id -> the day on which its holder was erased. Who holds the id from a later day on is somebody else.
    unfinished
        Digests of those whose erasure was begun and is not over.
    """

    key: str = ""
    until: Mapping[str, date] = field(default_factory=dict)
    unfinished: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.until)

    @cached_property
    def identity(self) -> str:
        """Of who is left out; "" where nobody is. Part of what a reading is made of."""
        told = json.dumps([self.key, sorted((digest, day.isoformat()) for digest, day in self.until.items())])
        return hashlib.sha256(told.encode()).hexdigest()[:16] if self.until else ""

    def digest(self, customer_id: str) -> str:
        """Of an id, as 64 hexadecimal digits."""
        return hashlib.sha256((self.key + customer_id).encode()).hexdigest()

    def begun(self, ids: Collection[str], day: date) -> "Erasures":
        """With the erasure of some people begun: from now on they are left out.

        Parameters
        ----------
        ids
            Of customers.
        day
            Whoever held one of the ids by then is meant. One that was erased before keeps its later day.
        """
        keyed = self if self.key else replace(self, key=secrets.token_hex(KEY_BYTES))
        digests = [keyed.digest(customer_id) for customer_id in ids]
        until = {digest: max(day, self.until.get(digest, day)) for digest in digests}
        return replace(keyed, until={**self.until, **until}, unfinished=self.unfinished | set(digests))

    def finished(self, ids: Collection[str]) -> "Erasures":
        """With nothing left of some people."""
        return replace(self, unfinished=self.unfinished - {self.digest(customer_id) for customer_id in ids})


def erasures(folder: Path) -> Erasures:
    """Who was erased from the workspace in a folder. Raises E334 (exit 3) where the record cannot be read."""
    path = folder / FILE
    if not path.exists():
        return Erasures()
    try:
        kept = json.loads(path.read_bytes())
        until = {str(digest): date.fromisoformat(day) for digest, day in kept["until"].items()}
        found = Erasures(str(kept["key"]), until, frozenset(kept["unfinished"]))
        is_ours = kept["format"] == FORMAT and len(found.key) == 2 * KEY_BYTES
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise HeadwaterError("E334", file=path, detail=type(error).__name__) from error
    if not is_ours:
        raise HeadwaterError("E334", file=path, detail=f"format {kept['format']}")
    return found


def save(folder: Path, kept: Erasures) -> None:
    """Write down who was erased, for the owner alone, for good."""
    days = {digest: day.isoformat() for digest, day in sorted(kept.until.items())}
    document = {"format": FORMAT, "key": kept.key, "until": days, "unfinished": sorted(kept.unfinished)}
    with replacing(folder / FILE, SECRET_MODE) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    settle(folder)
