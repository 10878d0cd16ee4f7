"""A PostgreSQL server of one test session: its own data, reached by a socket in a folder of its own, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ibis
import pyarrow as pa
import pytest
from ibis.backends.sql.compilers import postgres

PASSWORD = "p@ss/w:rd%41+ü"
"""With everything in it that a URL would read otherwise."""


@dataclass(frozen=True)
class Server:
    """`url` is what a mapping file says; `connect` is the test's own way in."""

    folder: Path

    @property
    def url(self) -> str:
        return f"postgres://reader:${{DB_PASSWORD}}@/postgres?host={quote(str(self.folder), safe='')}"

    def connect(self) -> Any:
        import psycopg

        return psycopg.connect(
            host=str(self.folder), user="reader", password=PASSWORD, dbname="postgres", autocommit=True
        )

    def run(self, *statements: str) -> None:
        with self.connect() as con:
            for statement in statements:
                con.execute(statement)

    def store(self, name: str, rows: pa.Table) -> None:
        """A table of the server with these columns and rows."""
        schema = ibis.Schema.from_pyarrow(rows.schema)
        columns = ", ".join(f'"{c}" {kind}' for c, kind in zip(schema.names, postgres_types(schema), strict=True))
        self.run(f'DROP TABLE IF EXISTS "{name}"', f'CREATE TABLE "{name}" ({columns})')
        with self.connect() as con, con.cursor().copy(f'COPY "{name}" FROM STDIN') as copy:
            for row in zip(*[column.to_pylist() for column in rows.columns], strict=True):
                copy.write_row(row)


def postgres_types(schema: ibis.Schema) -> list[str]:
    return [postgres.compiler.type_mapper.to_string(kind) for kind in schema.types]


@contextmanager
def server() -> Iterator[Server]:
    """Skips where the programs or the driver are missing."""
    pytest.importorskip("psycopg", reason="no psycopg: pip install 'headwater[postgres]'")
    programs = program_folder()
    if programs is None:
        pytest.skip("no PostgreSQL programs: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: the path of a socket has at most 107 bytes
    user = owner(folder)
    secret = folder / "secret"
    secret.write_text(PASSWORD, encoding="utf-8")
    secret.chmod(0o644)
    data = ["-D", str(folder / "data")]
    make = ["-U", "reader", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", f"--pwfile={secret}", "--no-sync"]

    def run(name: str, *options: str) -> None:
        subprocess.run([programs / name, *data, *options], check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)

    try:
        run("initdb", *make)
        options = f"-h '' -k {folder} -F -c max_connections=10"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Server(folder)
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def program_folder() -> Path | None:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    candidates = [*places, *([Path(found).resolve().parent] if found else [])]
    return next((place for place in candidates if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


def owner(folder: Path) -> dict[str, Any]:
    """The server refuses to run as root: then it is another user's, who gets the folder."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
