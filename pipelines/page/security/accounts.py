"""Who may see the page: `page/accounts.json`, names with roles and scrypt digests, readable by its owner alone."""

import hashlib
import hmac
import json
import re
import secrets
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from features.errors import HeadwaterError
from pipelines.workspace.files import FOLDER_MODE, SECRET_MODE, replacing, settle

FILE = "accounts.json"
Role = Literal["viewer", "marketer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
SHORTEST = 12
"""Characters of a password; a generated one has 128 bits."""


@dataclass(frozen=True)
class Cost:
    """Of scrypt: what a guess costs in time and memory (128 · n · r bytes)."""

    n: int = 2**14
    r: int = 8
    p: int = 5


@dataclass(frozen=True)
class Account:
    """Somebody who may log in.

    Attributes
    ----------
    name
        Of the account; stands in the log of who did what.
    role
        What they may do.
    salt, digest
        Of the password, in hexadecimal digits.
    cost
        Of the digest.
    """

    name: str
    role: Role
    salt: str
    digest: str
    cost: Cost = field(default_factory=Cost)

    @classmethod
    def of(cls, name: str, role: Role, password: str, cost: Cost | None = None) -> "Account":
        """An account of a new password, under a new salt."""
        salt, cost = secrets.token_bytes(16), cost or Cost()
        return cls(name, role, salt.hex(), _digest(password, salt, cost).hex(), cost)

    def fits(self, password: str) -> bool:
        """Is this the password?"""
        found = _digest(password, bytes.fromhex(self.salt), self.cost)
        return hmac.compare_digest(found, bytes.fromhex(self.digest))

    def may(self, role: Role) -> bool:
        """May they do what this role may?"""
        return ROLES.index(self.role) >= ROLES.index(role)


def generated_password() -> str:
    """128 random bits, as text that can be pasted."""
    return secrets.token_urlsafe(16)


class Accounts:
    """The accounts of a workspace. The file is read anew whenever it has changed, so that a removal counts at once.

    Raises HeadwaterError E247 (exit 2) where others may read the file, or where it cannot be read as one.
    """

    def __init__(self, path: Path):
        self.path = path
        self._read: tuple[tuple[int, int], dict[str, Account]] | None = None

    def all(self) -> dict[str, Account]:
        """Name -> account; none before the first was added."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        mark = (found.st_mtime_ns, found.st_ino)
        if self._read is None or self._read[0] != mark:
            self._read = (mark, self._parsed(found.st_mode))
        return self._read[1]

    def verified(self, name: str, password: str) -> Account | None:
        """The account that name and password belong to. A name that nobody has takes as long as a wrong password."""
        account = self.all().get(name)
        if account is None:
            _nobody().fits(password)
            return None
        return account if account.fits(password) else None

    def add(self, account: Account) -> None:
        """Add an account, or replace the one of that name.

        Raises
        ------
        HeadwaterError
            E255 (exit 2) for a name that is none.
        """
        if not NAME.fullmatch(account.name):
            raise HeadwaterError("E255", name=account.name)
        self._write(self.all() | {account.name: account})

    def remove(self, name: str) -> None:
        """Remove an account; its sessions end with it. Raises E260 (exit 2) where there is none of that name."""
        known = self.all()
        if name not in known:
            raise HeadwaterError("E260", name=name, known=", ".join(known) or "—")
        self._write({other: account for other, account in known.items() if other != name})

    def _parsed(self, mode: int) -> dict[str, Account]:
        if stat.S_IMODE(mode) & ~SECRET_MODE:
            raise HeadwaterError("E247", file=self.path, detail=f"mode {stat.S_IMODE(mode):o}")
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))["accounts"]
            found = [Account(**row | {"cost": Cost(**row["cost"])}) for row in rows]
        except (ValueError, LookupError, TypeError) as error:
            raise HeadwaterError("E247", file=self.path, detail=type(error).__name__) from error
        return {account.name: account for account in found if account.role in ROLES}

    def _write(self, accounts: dict[str, Account]) -> None:
        self.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        document = {"accounts": [asdict(accounts[name]) for name in sorted(accounts)]}
        with replacing(self.path, SECRET_MODE) as temporary:
            temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        settle(self.path.parent)


def _nobody() -> Account:
    """Fits nothing, at the cost of somebody."""
    return Account("", "viewer", "00" * 16, "00" * 32)


def _digest(password: str, salt: bytes, cost: Cost) -> bytes:
    memory = 256 * cost.r * (cost.n + cost.p) + 2**16  # twice what scrypt needs
    return hashlib.scrypt(
        password.encode(errors="surrogatepass"), salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=memory, dklen=32
    )
