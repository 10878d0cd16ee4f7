"""Short names of customers: the beginning of a keyed digest of their id, as many symbols as tell everybody of a night apart.

A name is as stable as its key. Who writes six symbols down finds the same customer next year; should they fit a second one by
then, both are offered, as an abbreviated commit would. Nothing is kept that holds an id beside its name.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from features.errors import HeadwaterError
from pipelines.workspace.calls import SYMBOLS
from pipelines.workspace.files import FOLDER_MODE, SECRET_MODE, replacing, settle

KEY_BYTES, SHORTEST, LONGEST, BITS = 32, 6, 12, 5
NAME = re.compile(f"[{SYMBOLS}]{{{SHORTEST},{LONGEST}}}")


def key(path: Path) -> bytes:
    """The key of a workspace, made when it is first asked for. Raises E247 (exit 2) for a file that holds none."""
    if not path.exists():
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with replacing(path, SECRET_MODE) as temporary:
            temporary.write_text(secrets.token_hex(KEY_BYTES) + "\n", encoding="ascii")
        settle(path.parent)
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        found = b""
    if len(found) != KEY_BYTES:
        raise HeadwaterError("E247", file=path, detail="no key of 32 bytes")
    return found


def digests(ids: Iterable[str], key: bytes) -> np.ndarray:
    """60 bits of the keyed digest of each id, as uint64.

    Parameters
    ----------
    ids
        Of customers.
    key
        Of the workspace.
    """
    begun = hashlib.blake2b(key=key, digest_size=8)

    def digest(customer_id: str) -> bytes:
        each = begun.copy()
        each.update(customer_id.encode())
        return each.digest()

    whole = np.frombuffer(b"".join(map(digest, ids)), dtype=">u8").astype("uint64")
    return whole >> np.uint64(64 - LONGEST * BITS)


def lengths(digests: np.ndarray) -> np.ndarray:
    """How many symbols tell each customer from all others, six at least; row for row, uint8."""
    order = np.argsort(digests, kind="stable")
    ordered = digests[order]
    shared = np.zeros(len(ordered) + 1, dtype="uint8")
    for symbols in range(1, LONGEST + 1):
        rest = np.uint64((LONGEST - symbols) * BITS)
        shared[1:-1] += (ordered[1:] >> rest) == (ordered[:-1] >> rest)
    needed = np.maximum(shared[:-1], shared[1:]) + 1
    found = np.empty(len(ordered), dtype="uint8")
    found[order] = np.clip(needed, SHORTEST, LONGEST)
    return found


def name(digest: int, length: int) -> str:
    """The first symbols of a digest."""
    return "".join(SYMBOLS[digest >> (LONGEST - place - 1) * BITS & 31] for place in range(length))


def bounds(name: str) -> tuple[int, int]:
    """The least and the greatest digest that begins with a name. Raises ValueError for what is none."""
    if not NAME.fullmatch(name):
        raise ValueError(name)
    first = 0
    for symbol in name:
        first = first << BITS | SYMBOLS.index(symbol)
    free = (LONGEST - len(name)) * BITS
    return first << free, (first + 1 << free) - 1


def written(given: str) -> str:
    """A name as people type it: of either case, with blanks, hyphens, and letters that look like digits."""
    plain = re.sub(r"[\s-]", "", given).lower()
    return plain.translate(str.maketrans("oil", "011"))
