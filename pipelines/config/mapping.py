"""The mapping file: where each raw table lives and how its columns become ours (interfaces.md, section 5)."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from features.contracts import CHURNED, CONTRACTS, JOINED, SOURCE_NAME, Contract
from features.errors import HeadwaterError, Problem
from features.strict import Strict
from pipelines.config import conditions, credentials, expressions
from pipelines.config.documents import Document, read
from pipelines.config.formats import Format, format_of
from pipelines.config.validation import Refused, filled, nearest, readable

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
CLOCKS = ("happened_at", "known_at")
RESERVED = ("happened_on", "superseded_at", "as_of", SOURCE_NAME)
OF_SPINE = ("activated_on", "cutoff", "row", "usage_lag", "days_ago", "known", "ago")
"""What rows of events get beside their own columns."""
KEYS = ("customer_id", "contact_id", "complaint_id", "campaign_id")
"""What is nearly never the same twice, or is of today: nothing to count."""
DESCRIBED = ("contacts", "complaints", "subscriptions")
"""Tables of events that take columns of one's own, which must say of which type they are."""
EPOCHS = {"epoch_s": "s", "epoch_ms": "ms", "epoch_us": "us"}
MINOR_UNITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0}


def _spelled(text: Any) -> Any:
    """`2d` -> two days, for pydantic; anything else is left for it to refuse."""
    if isinstance(text, str) and (match := re.fullmatch(r"(\d+)\s*(d|h)", text)):
        return timedelta(**{"days" if match[2] == "d" else "hours": int(match[1])})
    return text


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Refused(HeadwaterError("E215", found=name[:60])) from error
    return name


def _code(value: Any) -> Any:
    """true and false in a map are the words; numbers are refused, because YAML reads 01 as 1."""
    return str(value).lower() if isinstance(value, bool) else value


def _without_secrets(connection: str) -> str:
    """Raises E223 for a password written out; the text itself is in no message."""
    if name := credentials.written_out(connection):
        raise Refused(HeadwaterError("E223", name=name, reference="${DB_PASSWORD}"))
    if "://" not in connection and not credentials.REFERENCE.fullmatch(connection):
        raise ValueError("a URL such as postgres://user:${PASSWORD}@host/database")
    return connection


def _condition(text: str) -> str:
    readable(conditions.parse, text)
    return text


Duration = Annotated[timedelta, BeforeValidator(_spelled)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Code = Annotated[str, BeforeValidator(_code)]
Where = Annotated[str, AfterValidator(_condition)]
Connection = Annotated[str, AfterValidator(_without_secrets)]
NAMED = re.compile(r"\{(file|stem)\}")
"""What stands for the name of a file in that of its marker or manifest."""


def _template(text: str) -> str:
    """Raises E278 for a name with other placeholders than {file} and {stem}."""
    if re.search(r"[{}]", NAMED.sub("", text)):
        raise Refused(HeadwaterError("E278", found=text[:60], whole='"{file}.ok"', short='"{stem}.ok"'))
    return text


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


class Form(Part):
    """How one canonical column is made: `from` with its options, or `concat`, or `expr` with `unit`, or `value`."""

    from_: str | None = Field(None, alias="from", description="the source column")
    parse: str | None = Field(None, description="strptime format, or epoch_s, epoch_ms, epoch_us")
    add: str | None = Field(None, description="a duration such as 1mo")
    when: dict[str, list[Code]] = Field({}, description="source column -> codes; otherwise null")
    map: dict[Code, Code] | None = Field(None, description="code -> value; a code not listed stops the run")
    other: Code | None = Field(None, description="value for codes not listed; `error` is the default")
    null_values: list[Code] = Field([""], description="texts that mean unknown")
    clean: list[Literal["trim", "width", "upper"]] = Field([], description="declared normalisation of keys")
    concat: list[str] | None = Field(None, description="source columns whose texts are joined")
    separator: str = Field("-", description="between the texts of concat")
    decimal: Literal[".", ","] | None = Field(
        None,
        description="what stands before the decimals of numbers in text, the other mark standing between thousands: "
        "1.234,56 has a comma; found from the data when absent, and then kept",
    )
    prefix: str = Field("", description="put before the text of a key, where two sources number their rows alike")
    expr: str | None = Field(None, description="arithmetic on columns, such as fen / 100 or happened_at + 5d")
    unit: str | None = Field(None, description="of the result of expr, for people")
    value: str | None = Field(None, description="the same text in every row")
    type: Literal["category", "number", "date", "flag", "text"] | None = Field(
        None,
        description="of an attribute of customers: category (words), number, date (becomes days before the as-of date, and "
        "its month) or flag (yes and no); text is the old name of category; found from the data when absent, and then kept",
    )

    @property
    def kind(self) -> str | None:
        """The type of an attribute as far as the mapping says it; None where the data must tell."""
        if self.type is not None:
            return "category" if self.type == "text" else self.type
        if self.expr is not None:
            return "number"
        return None if self.from_ is not None and self.map is None else "category"

    @model_validator(mode="after")
    def _one_kind(self) -> "Form":
        kinds = (self.from_, self.concat, self.expr, self.value)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("exactly one of from, concat, expr and value")
        if self.other not in (None, "error") and self.map is None:
            raise ValueError("other needs map")
        if self.expr is not None:
            readable(expressions.parse, self.expr)
        if self.add is not None:
            readable(expressions.duration, self.add)
        return self


def _form(value: Any) -> Any:
    """The short form of a column is the name of the source column."""
    return {"from": value} if isinstance(value, str) else value


def _clock(value: Any) -> Any:
    """A clock is a source column, or an expression such as `happened_at + 5d`, or the long form."""
    if isinstance(value, str) and re.search(r"[-+]\s*\d+(mo|min|[ywdhs])\s*$", value):
        return {"expr": value}
    return _form(value)


Column = Annotated[Form, BeforeValidator(_form)]
Clock = Annotated[Form, BeforeValidator(_clock)]


class Freshness(Part):
    """How old the newest row may be: `35d`, `12h`. What is said here, null too, takes the place of what is found: without
    it a source is told (W405) when it is silent for longer than it ever was, and stops a run (E405) when it is so by half
    as much again and comes regularly."""

    warn_after: Duration | None = Field(None, description="an older one warns (W402); null: never")
    error_after: Duration | None = Field(None, description="an older one stops the run (E402); null: never")


class Month(Part):
    """Which month a row of a series of monthly files belongs to: as the name of its file says, or a column."""

    file: str | None = Field(None, description="strptime shape of the file's name, such as base-%Y-%m.csv")
    from_: str | None = Field(None, alias="from", description="a column with the month, or with any day of it")
    parse: str | None = Field(None, description="strptime format of the column, such as %Y%m")

    @model_validator(mode="after")
    def _one_kind(self) -> "Month":
        if (self.file is None) == (self.from_ is None):
            raise ValueError("exactly one of file and from")
        if self.file is not None and not (re.search("%[Yy]", self.file) and re.search("%[mbB]", self.file)):
            raise ValueError("file needs a year (%Y) and a month (%m), as in base-%Y-%m.csv")
        return self


History = Literal["changes", "snapshots", "months", "mutable"]
"""What a delivery of customers says of the past."""


def _clocks_apart(value: Any) -> Any:
    """`known_at` may also be written among the columns."""
    if not isinstance(value, dict) or not isinstance(value.get("columns"), dict):
        return value
    inside = {name: value["columns"][name] for name in CLOCKS if name in value["columns"]}
    columns = {name: form for name, form in value["columns"].items() if name not in inside}
    return {**value, "columns": columns, **inside}


WHERE = 'which rows of the source count, such as 结果 == "0"; the others are counted as filtered'
HAPPENED, KNOWN = "when an event took place", "when the company knew a row; events need it"
COLUMNS = "canonical column -> how it is made, or the source column"


class SourceMapping(Part):
    """One source of a table: where its rows lie, what its columns are made of, and which of its rows count."""

    name: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9_]{0,62}$",
        description="of one of several sources; source_1, source_2 … when absent",
    )
    source: Source
    columns: dict[str, Column] = Field({}, description=COLUMNS)
    happened_at: Clock | None = Field(None, description=HAPPENED)
    known_at: Clock | None = Field(None, description=KNOWN)
    where: Where | None = Field(None, description=WHERE)
    month: Annotated[Month, BeforeValidator(_form)] | None = Field(
        None, exclude=True, description="of a table of one source, which says it"
    )

    _clocks = model_validator(mode="before")(_clocks_apart)

    def forms(self) -> dict[str, Form]:
        """Canonical column -> how it is made, the clocks included."""
        clocks = {name: getattr(self, name) for name in CLOCKS if getattr(self, name) is not None}
        if self.month and self.month.from_:
            clocks["known_at"] = Form(**{"from": self.month.from_, "parse": self.month.parse})
        return {**self.columns, **clocks}


class TableMapping(Part):
    """Where one canonical table comes from, and what each of its columns is made of.

    With several `sources` each has columns, clocks and `where` of its own; what stands beside the list holds for all of
    them that do not say it themselves.
    """

    source: Source | None = Field(None, description="where the rows lie; or several sources")
    sources: tuple[SourceMapping, ...] = Field(
        (), description="several sources whose rows are one table, each with columns, clocks and where of its own"
    )
    columns: dict[str, Column] = Field({}, description=COLUMNS)
    happened_at: Clock | None = Field(None, description=HAPPENED)
    known_at: Clock | None = Field(None, description=KNOWN)
    where: Where | None = Field(None, description=WHERE)
    history: History | None = Field(
        None,
        description="of customers: changes (a row per change, with known_at), snapshots (whole each time; what is new is "
        "known from the night on that read it), months (whole, a file or more a month, see month), mutable (whole each time; the past is what it says today)",
    )
    month: Annotated[Month, BeforeValidator(_form)] | None = Field(
        None, description="of customers with history: months: the column with the month, or {file: base-%Y-%m.csv}"
    )
    freshness: Freshness = Freshness()
    closes: Duration | None = Field(
        None,
        ge=timedelta(0),
        le=timedelta(days=365),
        description="of events: so long after its end a day or month is complete, such as 5d; before, nothing of it is "
        "missing, after it nothing is waited for; found from the source's own past when absent",
    )

    _clocks = model_validator(mode="before")(_clocks_apart)

    @model_validator(mode="after")
    def _one_or_several(self) -> "TableMapping":
        if (self.source is None) != bool(self.sources):
            raise ValueError("exactly one of source and sources")
        if self.sources and (self.month or any(part.month for part in self.sources)):
            raise Refused(HeadwaterError("E279"))
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise ValueError("each of several sources has a name of its own")
        return self

    @property
    def parts(self) -> tuple[SourceMapping, ...]:
        """Each source with all that holds for it, in order; one for a table of one source, which has no name."""
        if self.source is not None:
            own = {name: getattr(self, name) for name in ("source", "columns", *CLOCKS, "where", "month")}
            return (SourceMapping.model_construct(name=None, **own),)
        return tuple(self._completed(part, number) for number, part in enumerate(self.sources, 1))

    def _completed(self, part: SourceMapping, number: int) -> SourceMapping:
        """One of several sources with what the table says for all of them."""
        shared = {name: getattr(part, name) or getattr(self, name) for name in (*CLOCKS, "where")}
        columns = {**self.columns, **part.columns}
        return part.model_copy(update={"name": part.name or f"source_{number}", "columns": columns, **shared})

    def with_parts(self, parts: Sequence[SourceMapping]) -> "TableMapping":
        """The same table with other sources in the place of its own.

        Parameters
        ----------
        parts
            As many as it has; they say all that holds for them.
        """
        if self.source is None:
            return self.model_copy(update={"sources": tuple(parts)})
        return self.model_copy(
            update={name: getattr(parts[0], name) for name in ("source", "columns", *CLOCKS, "where")}
        )

    @property
    def kept(self) -> History:
        """What a delivery says of the past: `history`, by default changes where known_at is mapped, else snapshots."""
        return self.history or ("changes" if any(part.known_at for part in self.parts) else "snapshots")

    @property
    def monthly(self) -> bool:
        """Is it a series of which each month says what was known at its end?"""
        return self.history == "months" and self.month is not None

    def forms(self) -> dict[str, Form]:
        """Canonical column -> how the first source that has it makes it, the clocks included."""
        return {name: form for part in reversed(self.parts) for name, form in part.forms().items()}

    def kind_of(self, name: str) -> str | None:
        """The type of a column of one's own, as the first source says that says it; None where the data must tell."""
        kinds = (part.columns[name].kind for part in self.parts if name in part.columns)
        return next((kind for kind in kinds if kind is not None), None)


class Mapping(Part):
    """A mapping file: how the raw tables of one business become canonical ones, in which time zone and currency."""

    version: Literal[1] = Field(1, description="of the form of this file")
    timezone: Zone = Field("Asia/Shanghai", description="of days, months and times without an offset, by IANA name")
    currency: str = Field("CNY", pattern="^[A-Z]{3}$", description="of all money, by ISO 4217")
    tables: dict[str, TableMapping] = Field(description="canonical table -> where its rows come from")
    words: dict[str, tuple[str, str]] = Field(
        {}, exclude=True, description="what measures, attributes and topics are called, in English and in Chinese"
    )
    origin: str = Field("mapping", exclude=True, description="the file this was read from, for messages")

    @property
    def measures(self) -> tuple[str, ...]:
        """Usage measures: the columns declared for `usage` beyond its contract."""
        return self._extra("usage")

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of customers that never change, beyond the contract: those that are words, or not known to be more."""
        return (*self.attributes_of("category"), *self.attributes_of(None))

    @property
    def typed(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """The other attributes: numbers, dates and flags."""
        return self.attributes_of("number"), self.attributes_of("date"), self.attributes_of("flag")

    @property
    def components(self) -> tuple[str, ...]:
        """What bills are made of: the columns declared for `bills` beyond its contract."""
        return self._extra("bills")

    def described(self, table: str) -> dict[str, str]:
        """The columns of one's own of contacts, complaints or subscriptions, and the type of each."""
        return {name: self.tables[table].kind_of(name) or "category" for name in self._extra(table)}

    def countable(self, table: str) -> dict[str, set[str] | None]:
        """The columns of a table whose values can be counted apart, and the values that each can have; None for any."""
        typed = {c.name: c.dtype for c in CONTRACTS[table].columns if c.name not in KEYS}
        words = [name for name, dtype in typed.items() if dtype in ("string", "int64", "boolean")]
        words += [name for name, kind in self.described(table).items() if kind in ("category", "flag")]
        forms = self.tables[table].forms()
        return {name: self._values(table, name) for name in words if name in forms}

    def _values(self, table: str, name: str) -> set[str] | None:
        """The values that a column can have where all of its sources say them by a closed map; None for any."""
        forms = [part.columns[name] for part in self.tables[table].parts if name in part.columns]
        if self.tables[table].kind_of(name) == "flag":
            return {"true", "false"}
        closed = [
            {*form.map.values(), *filter(None, [form.other])} - {"error"} for form in forms if form.map is not None
        ]
        return {str(value) for values in closed for value in values} if len(closed) == len(forms) else None

    @property
    def declared(self) -> tuple[tuple[str, ...], ...]:
        """What columns are made of besides measures and words: numbers, dates and flags, and components of bills."""
        return (*self.typed, self.components)

    def attributes_of(self, kind: str | None) -> tuple[str, ...]:
        """Attributes of customers of one type; None: those whose type the data must tell."""
        return tuple(name for name in self._extra("customers") if self.tables["customers"].kind_of(name) == kind)

    @property
    def clockless(self) -> bool:
        """Is it one table of customers that says who left, and not when?"""
        customers = self.tables.get("customers")
        return customers is not None and not customers.monthly and CHURNED.name in customers.forms()

    @property
    def tells_leaving(self) -> bool:
        """Is it known of customers on which day, or in which month, they left?"""
        customers = self.tables["customers"]
        return "deactivated_on" in customers.forms() or (customers.monthly and CHURNED.name in customers.forms())

    @property
    def decimals(self) -> int:
        """Places after the point in amounts of the currency."""
        return MINOR_UNITS.get(self.currency, 2)

    def _extra(self, table: str) -> tuple[str, ...]:
        known = {column.name for column in (*CONTRACTS[table].columns, *CONTRACTS[table].rare)}
        parts = self.tables[table].parts if table in self.tables else ()
        return tuple(dict.fromkeys(name for part in parts for name in part.columns if name not in known))


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file; everything that can be said without the data is said here.

    Raises E201-E206 for the file, E208-E211 for tables and columns, E212-E220 for expressions, zones and names.
    """
    document = read(path)
    mapping = filled(Mapping, document.content, document).model_copy(update={"origin": str(path)})
    _check_tables(mapping, document)
    return mapping


def _check_tables(mapping: Mapping, document: Document) -> None:
    """Tables and columns against the contracts. Raises E208 to E211, E214, E220, E227 or E249, with every other problem."""
    problems = list(_problems(mapping, document))
    if problems:
        raise HeadwaterError.of(problems)


def _problems(mapping: Mapping, document: Document) -> Iterator[Problem]:
    for name in mapping.tables:
        if name not in CONTRACTS:
            near = nearest(name, list(CONTRACTS))
            yield _problem("E211", document, ("tables", name), name=name, nearest=near or "—")
    for contract in CONTRACTS.values():
        if contract.name in mapping.tables:
            yield from _table_problems(mapping.tables[contract.name], contract, document)
        elif contract.needed:
            yield Problem("E208", str(document.path), None, f"tables.{contract.name}", values={"table": contract.name})
    if dated := _dated_beside_answer(mapping):
        keys = ("tables", "customers", "columns", CHURNED.name)
        yield _problem("E249", document, keys, names=", ".join(dated))


def _dated_beside_answer(mapping: Mapping) -> list[str]:
    """What has dates beside an answer that has none: what ends when a customer leaves would tell it."""
    if not mapping.clockless:
        return []
    left = "deactivated_on" in mapping.tables["customers"].forms()
    others = [f"tables.{name}" for name in mapping.tables if name != "customers"]
    return [*others, *(["tables.customers.columns.deactivated_on"] if left else [])]


def _table_problems(table: TableMapping, contract: Contract, document: Document) -> Iterator[Problem]:
    """Columns that the table needs and does not have, and those that it does not know, at their lines of the file."""
    at = ("tables", contract.name)
    yield from _history_problems(table, contract, document)
    yield from _type_problems(table, contract, document)
    if table.closes is not None and not contract.event:
        yield _problem("E276", document, (*at, "closes"), table=contract.name)
    if table.source is not None:
        yield from _source_problems(table.parts[0], contract, document, (at, at))
    told = set()
    for number, part in enumerate(table.parts if table.sources else ()):
        for problem in _source_problems(part, contract, document, ((*at, "sources", number), at)):
            if (problem.code, problem.column) not in told:  # what all of them share is told once
                told.add((problem.code, problem.column))
                yield problem


Places = tuple[tuple[str | int, ...], tuple[str | int, ...]]
"""Where a source stands in a mapping file, and its table, which says what holds for all of its sources."""


def _source_problems(part: SourceMapping, contract: Contract, document: Document, places: Places) -> Iterator[Problem]:
    forms, known = part.forms(), {column.name for column in (*contract.columns, *contract.rare)}
    at = places[0]
    for name in forms:
        if name in CLOCKS and name not in known:
            yield _problem("E220", document, _written_at(document, places, name), table=contract.name)
        elif name not in known:
            where = _written_at(document, places, "columns", name)
            yield from _extra_problems(name, forms[name], contract, document, where)
    if part.source.watermark and ("known_at" not in known or (not contract.event and "known_at" not in forms)):
        yield _problem("E227", document, (*at, "source", "watermark"), table=contract.name)
    if contract.event and "known_at" not in forms:
        yield _problem("E209", document, at, table=contract.name)
    for column in contract.columns:
        needed = not column.nullable and not (column is JOINED and (part.month or CHURNED.name in forms))
        if needed and column.name not in forms and column.name != "known_at":
            yield _problem("E210", document, at, table=contract.name, name=column.name)


def _written_at(document: Document, places: Places, *keys: str) -> tuple[str | int, ...]:
    """The path of a key of a source: its own, or that of its table where it stands there."""
    own, shared = ((*place, *keys) for place in places)
    return own if own in document.lines or shared not in document.lines else shared


def _type_problems(table: TableMapping, contract: Contract, document: Document) -> Iterator[Problem]:
    """A column of one's own that two sources declare to be of different types."""
    for name in dict.fromkeys(name for part in table.parts for name in part.columns):
        kinds = {part.columns[name].kind for part in table.parts if name in part.columns} - {None}
        if len(kinds) > 1 and all(column.name != name for column in (*contract.columns, *contract.rare)):
            keys = ("tables", contract.name, "sources")
            named = {"table": contract.name, "mapping": str(document.path)}
            yield _problem("E275", document, keys, **named, name=name, kinds=", ".join(sorted(map(str, kinds))))


def _history_problems(table: TableMapping, contract: Contract, document: Document) -> Iterator[Problem]:
    """Only customers are told by changes, snapshots or as they are now, and only changes have a clock."""
    at = ("tables", contract.name, "history")
    if table.history and contract.name != "customers":
        yield _problem("E271", document, at, table=contract.name)
    elif table.history and (table.history == "changes") != any(part.known_at for part in table.parts):
        yield _problem("E272", document, at, history=table.history)
    if (table.history == "months") != (table.month is not None):
        yield _problem("E273", document, at if table.history else (*at[:-1], "month"))


def _extra_problems(
    name: str, form: Form, contract: Contract, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    """Only usage, customers, bills and what describes events take columns of your own. Bills take those that say that they
    are numbers, events those that say of which type they are, for others may be misspelt; names become names of features."""
    if contract.name in DESCRIBED and form.kind is None:
        near = nearest(name, [column.name for column in contract.columns])
        written = f'{{from: "{form.from_ or "…"}", type: category}}'
        yield _problem("E281", document, at, table=contract.name, name=name, nearest=near or "—", form=written)
    elif contract.name not in ("usage", "customers", "bills", *DESCRIBED):
        near = nearest(name, [column.name for column in contract.columns])
        yield _problem("E211", document, at, name=name, nearest=near or "—")
    elif contract.name == "bills" and form.kind != "number":
        near = nearest(name, [column.name for column in contract.columns])
        written = f'{{from: "{form.from_ or "…"}", type: number}}'
        yield _problem("E245", document, at, name=name, nearest=near or "—", form=written)
    elif not IDENTIFIER.fullmatch(name) or name in RESERVED or (contract.name in DESCRIBED and name in OF_SPINE):
        yield _problem("E214", document, at, name=name[:80])


def _problem(code: str, document: Document, keys: tuple[str | int, ...], **values: Any) -> Problem:
    """A problem at a place of a mapping: file, line and dotted key."""
    return Problem(code, str(document.path), document.line(keys), ".".join(map(str, keys)), values=values)
