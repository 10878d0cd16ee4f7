"""Where rows lie: files, a query, a table of a database, and what comes with files to say that they are whole."""

import re
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from features.errors import HeadwaterError
from features.strict import Strict
from pipelines.config import credentials
from pipelines.config.formats import Format, format_of
from pipelines.config.validation import Refused

NAMED = re.compile(r"\{(file|stem)\}")
"""What stands for the name of a file in that of its marker or manifest."""


def _spelled(text: Any) -> Any:
    """`2d` -> two days, for pydantic; anything else is left for it to refuse."""
    if isinstance(text, str) and (match := re.fullmatch(r"(\d+)\s*(d|h)", text)):
        return timedelta(**{"days" if match[2] == "d" else "hours": int(match[1])})
    return text


def _without_secrets(connection: str) -> str:
    """Raises E223 for a password written out; the text itself is in no message."""
    if name := credentials.written_out(connection):
        raise Refused(HeadwaterError("E223", name=name, reference="${DB_PASSWORD}"))
    if "://" not in connection and not credentials.REFERENCE.fullmatch(connection):
        raise ValueError("a URL such as postgres://user:${PASSWORD}@host/database")
    return connection


def _template(text: str) -> str:
    """Raises E278 for a name with other placeholders than {file} and {stem}."""
    if re.search(r"[{}]", NAMED.sub("", text)):
        raise Refused(HeadwaterError("E278", found=text[:60], whole='"{file}.ok"', short='"{stem}.ok"'))
    return text


Duration = Annotated[timedelta, BeforeValidator(_spelled)]
Connection = Annotated[str, AfterValidator(_without_secrets)]
Template = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_template)]
Cell = Annotated[str, Field(min_length=1)] | Annotated[int, Field(ge=1)]
TABLE = r"^[^\W\d][\w$ -]*(\.[^\W\d][\w$ -]*){0,2}$"


class Part(Strict):
    """A part of a mapping file: unknown keys are refused, and what a person wrote is never echoed in an error."""

    model_config = ConfigDict(populate_by_name=True, hide_input_in_errors=True)


class Manifest(Part):
    """A list that comes with files and says what they hold: each of its columns by name, or by place (1, 2 …) where it has
    no header. A file that is in no list is still arriving; one that is not what its line says stops the run."""

    path: Template = Field(
        description="the list, or a pattern such as data/manifest_*.csv; with {file} or {stem} in it the one beside each file"
    )
    file: Cell | None = Field(None, description="column with the name of the file; none in the list of one file")
    rows: Cell | None = Field(None, description="column with the number of its rows, without the header")
    lines: Cell | None = Field(None, description="column with the number of its lines, the header of CSV counted")
    bytes: Cell | None = Field(None, description="column with its size in bytes, as it lies there")
    md5: Cell | None = Field(None, description="column with its MD5, in hexadecimal digits")
    sha256: Cell | None = Field(None, description="column with its SHA-256, in hexadecimal digits")

    @model_validator(mode="after")
    def _says_something(self) -> "Manifest":
        if self.file is None and not NAMED.search(self.path):
            raise ValueError("file: the column with the names of files; or a path with {file}, such as {file}.md5")
        return self

    @property
    def columns(self) -> dict[str, str | int]:
        """What is said of a file -> the column that says it."""
        return self.model_dump(exclude={"path"}, exclude_none=True)


class Source(Part):
    """Files by `path` (a glob), a `sql` query run by DuckDB, a table of a `database` file, or a `connection`."""

    path: str | None = Field(None, description="a file, or a pattern such as data/bill_*.csv")
    format: Format | None = Field(None, description="taken from the file name when absent")
    encoding: str = Field(
        "utf-8", description="of CSV files, decoded strictly; found from the bytes when absent, and then kept"
    )
    delimiter: str = Field(
        ",", min_length=1, max_length=1, description="between the cells of CSV files; found when absent, and then kept"
    )
    sheet: str | None = Field(None, description="of an Excel workbook; needed where several of its sheets are tables")
    sql: str | None = Field(None, description="one SELECT, run by DuckDB or by the database of the connection")
    reads: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], "Source"] = Field(
        {}, description="name in sql -> files that it stands for, in any encoding and format that files can have"
    )
    database: str | None = Field(None, description="a DuckDB file; needs table")
    connection: Connection | None = Field(
        None, description="URL of a database, secrets as ${NAME} of the environment; needs table or sql"
    )
    table: str | None = Field(
        None, pattern=TABLE, max_length=200, description="of the database or connection; may be schema.table"
    )
    watermark: str | None = Field(
        None, description="date or time column that grows with every new or changed row: only those are fetched"
    )
    overlap: Duration = Field(timedelta(days=1), ge=timedelta(0), description="fetched again, for late commits")
    since: date | None = Field(None, description="rows with an older watermark are never fetched")
    marker: Template | None = Field(
        None,
        exclude=True,
        description="of files: one counts when its marker lies beside it, such as {file}.ok ({stem}: its name without .csv or "
        ".csv.gz); without either that of the whole folder, such as _SUCCESS",
    )
    manifest: Manifest | None = Field(None, exclude=True, description="of files: a list of what each of them holds")
    wait: Duration = Field(
        timedelta(days=1),
        ge=timedelta(0),
        exclude=True,
        description="so long before the as-of date a file may lie there without its marker or its line; then runs stop",
    )
    _files: str | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _files_are_marked(self) -> "Source":
        if (self.marker or self.manifest) and self.path is None:
            raise Refused(HeadwaterError("E277"))
        return self

    @model_validator(mode="after")
    def _one_kind(self) -> "Source":
        kinds = (self.path, self.database, self.connection, None if self.connection else self.sql)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("exactly one of path, sql, database and connection")
        if (self.table is not None) != bool(self.database or (self.connection and self.sql is None)):
            raise ValueError("database needs table, connection needs table or sql; nothing else takes a table")
        if (self.watermark and not self.connection) or (self.since and not self.watermark):
            raise ValueError("watermark needs connection, since needs watermark")
        if self.reads and (self.sql is None or self.connection or not all(each.path for each in self.reads.values())):
            raise ValueError("reads needs sql that DuckDB runs, and a path for every name")
        return self

    @property
    def files(self) -> str | None:
        """The pattern of the files to read; None for queries, and for a connection that was not fetched yet."""
        return self.path or self._files

    @property
    def shown(self) -> str:
        """How messages name it: by its files, its database or table, or as a query with the files that it reads."""
        read = ", ".join(each.path for each in self.reads.values() if each.path)
        return self.files or self.database or self.table or (f"sql ({read})" if read else "sql")

    def read_from(self, pattern: str) -> None:
        """The rows of the connection now lie in files (extracts.py); no part of what the mapping says."""
        self._files = pattern

    @property
    def reader(self) -> str:
        """The module of `pipelines/ingest/readers/` that reads it: that of the format, `queries` for what DuckDB reads, or
        `connections`."""
        if self.files:
            return f"{self.format or format_of(self.files)}_files"
        return "connections" if self.connection else "queries"
