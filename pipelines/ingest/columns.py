"""Column forms of the mapping -> canonical columns of one table, as one Ibis projection of the raw rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from features.contracts import ALWAYS, MONEY, SOURCE_NAME, TIME, Contract
from features.errors import HeadwaterError, Problem
from pipelines.config import conditions, expressions
from pipelines.config.forms import EPOCHS, Form, Month
from pipelines.config.mapping import CLOCKS, Mapping, SourceMapping
from pipelines.ingest import cells, months
from pipelines.ingest.cells import Cell, Moment
from pipelines.ingest.marks import marks
from pipelines.ingest.readers.sources import FILE, ROW

Unmapped = tuple[str, str, ir.BooleanValue, ir.StringValue]


@dataclass
class Columns:
    """Makes the canonical columns of one source of a table; `raw` has plain source types, `aware` says which texts carry
    offsets, `files` are the paths of the inputs, where one may say what month it is of."""

    contract: Contract
    table: SourceMapping
    mapping: Mapping
    raw: ir.Table
    aware: dict[str, bool] = field(default_factory=dict)
    files: Sequence[str] = ()
    unmapped: list[Unmapped] = field(default_factory=list)
    making: list[str] = field(default_factory=list)

    def projection(self) -> ir.Table:
        """The raw rows with every canonical column in its contract type, marked with the first bad cell of each."""
        canonical = {column.name: self.column(column.name) for column in self.contract.columns}
        values = {name: cell.value.cast(self.contract.column(name).dtype) for name, cell in canonical.items()}
        if self.contract.event:
            values["happened_on"] = self._local_day(values)
        problems = [*self.kept().problems, *(problem for cell in canonical.values() for problem in cell.problems)]
        return self.raw.select(FILE, ROW, **values, **marks(problems))

    def kept(self) -> Cell:
        """Does the mapping's `where` keep a raw row? Cells that it compares with numbers and that are none are problems:
        their rows are put aside, not filtered."""
        if self.table.where is None:
            return Cell(ibis.literal(True))
        node = conditions.parse(self.table.where)
        marks_of = {name: form.decimal for form in self.table.forms().values() for name in named(form)}
        numbers = {name: cells.plain(self._plain_column(name), marks_of.get(name)) for name in conditions.numbers(node)}
        cells_of = {name: cells.measure(numbers[name], name) for name in sorted(numbers)}
        holds = conditions.holds(node, self._text_of, lambda name: cells_of[name].value)
        return Cell(holds, tuple(problem for cell in cells_of.values() for problem in cell.problems))

    def _plain_column(self, name: str) -> ir.Value:
        return self._raw_column(name, Form(**{"from": name}))

    def _text_of(self, name: str) -> ir.StringValue:
        return cells.words_of(self._plain_column(name)).strip()

    def _local_day(self, values: dict[str, ir.Value]) -> ir.DateValue:
        """The local date of the event; a plan is dated by its first day."""
        if "happened_at" not in values:
            return values["valid_from"]
        return self._moment("happened_at").local.cast("date")

    def column(self, name: str) -> Cell:
        """One canonical column; null throughout when the mapping does not name it, but for customers without a clock."""
        dtype = self.contract.column(name).dtype
        form = self.table.forms().get(name)
        if name == "known_at" and self.table.month:
            return self._end_of_month(self.table.month)
        if name == SOURCE_NAME:
            return Cell(ibis.literal(self.table.name))
        if form is None:
            return Cell(ibis.literal(ALWAYS).cast(dtype) if name == "known_at" else ibis.null(dtype))
        if dtype.startswith("timestamp"):
            moment = self._moment(name)
            return Cell(moment.utc(self.mapping.timezone), moment.problems)
        if form.expr is not None and dtype in (MONEY, "float64", "int64"):
            return self._computed(name, form, dtype)
        return self._typed(name, form, dtype)

    def _end_of_month(self, month: Month) -> Cell:
        """The last moment of the month that a row is of."""
        if month.file is not None:
            ends = [months.end(months.of_file(path, month.file), self.mapping.timezone) for path in self.files]
            cases = [(self.raw[FILE] == n, ibis.literal(end).cast(TIME)) for n, end in enumerate(ends)]
            return Cell(ibis.cases(*cases, else_=ibis.null(TIME)))
        form = self.table.forms()["known_at"]
        day = self._day("known_at", form, self._source("known_at", form))
        after = day.value.truncate("M") + ibis.interval(months=1)
        moment = Moment(after.cast("timestamp(6)"), None)
        return Cell(moment.utc(self.mapping.timezone) - ibis.interval(microseconds=1), day.problems)

    def _typed(self, name: str, form: Form, dtype: str) -> Cell:
        if dtype == "date" and (form.add or form.expr):
            moment = self._moment(name)
            return Cell(moment.local.cast("date"), moment.problems)
        source = self._source(name, form)
        if dtype in (MONEY, "float64"):
            source = cells.plain(source, form.decimal)
        if dtype == "string":
            return self._key(name, form, source)
        if dtype == "date":
            return self._day(name, form, source)
        if dtype == "float64":
            number = cells.measure(source, name)
            return Cell(number.value, number.problems + cells.bounded(number.value, [number.value], name).problems)
        return {MONEY: cells.price, "int64": cells.whole, "boolean": cells.boolean}[dtype](source, name)

    def _key(self, name: str, form: Form, source: ir.Value) -> Cell:
        key = name in self.contract.key or name.endswith("_id")
        if source.type().is_floating() and key:
            raise self._unfit(name, form, "float64")
        return cells.text(source, name, form.clean, key)

    def _day(self, name: str, form: Form, source: ir.Value) -> Cell:
        self._clock_type(name, form, source)
        return cells.day(source, name, form.parse, self.mapping.timezone, self._is_aware(form))

    def _computed(self, name: str, form: Form, dtype: str) -> Cell:
        """An expression on numbers; names are canonical columns first, source columns second."""
        node = expressions.parse(form.expr or "")
        if expressions.has_duration(node):
            raise expressions.no_duration(node)
        parts = {part: self._part(part, name, dtype, form.decimal) for part in sorted(expressions.names(node))}
        problems = tuple(problem for cell in parts.values() for problem in cell.problems)
        arithmetic = expressions.exact if dtype == MONEY else expressions.floating
        value = arithmetic(node, lambda part: parts[part].value)
        result = (cells.money if dtype == MONEY else cells.bounded)(value, [c.value for c in parts.values()], name)
        return Cell(result.value, problems + result.problems)

    def _part(self, part: str, owner: str, dtype: str, mark: str | None) -> Cell:
        """One name of an expression as a number, its problems told under the column that uses it."""
        convert = cells.decimal if dtype == MONEY else cells.measure
        if part in self.table.forms() and part != owner:
            with self._entering(part):
                inner = self.column(part)
            target = expressions.EXACT if dtype == MONEY else "float64"
            return Cell(inner.value.cast(target), ())
        return convert(cells.plain(self._plain_column(part), mark), owner)

    def _moment(self, name: str) -> Moment:
        """A clock or date in local time, before it becomes UTC."""
        form = self.table.forms()[name]
        if form.expr is None:
            return self._plain_moment(name, form)
        start, steps = expressions.shift(expressions.parse(form.expr))
        if isinstance(start, expressions.Coalesce):
            return cells.later(self._first(start, name), steps, self.mapping.timezone)
        if not isinstance(start, expressions.Name):
            raise expressions.no_duration(start)
        return cells.later(self._named_moment(start.name, name), steps, self.mapping.timezone)

    def _first(self, start: expressions.Coalesce, owner: str) -> Moment:
        """The first of several moments that is there."""
        named = [part.name for part in start.parts if isinstance(part, expressions.Name)]
        if len(named) < len(start.parts):
            raise expressions.no_duration(start)
        moments = [self._named_moment(name, owner) for name in named]
        problems = tuple(problem for part in moments for problem in part.problems)
        if any(part.instant is None for part in moments):
            return Moment(ibis.coalesce(*[part.local for part in moments]), None, problems)
        return cells.Moment(
            ibis.coalesce(*[part.local for part in moments]),
            ibis.coalesce(*[part.instant for part in moments]),
            problems,
        )

    def _named_moment(self, name: str, owner: str) -> Moment:
        forms = self.table.forms()
        if name in forms and name != owner and self.contract.column(name).dtype[:4] in ("time", "date"):
            with self._entering(name):
                moment = self._moment(name)
            return Moment(moment.local, moment.instant)
        return self._plain_moment(owner, Form(**{"from": name}))

    def _plain_moment(self, name: str, form: Form) -> Moment:
        if is_canonical(self.table, name, form):
            return self._named_moment(form.from_ or "", name)
        source = self._source(name, form)
        self._clock_type(name, form, source)
        moment = cells.moment(source, name, form.parse, self.mapping.timezone, self._is_aware(form))
        steps = (expressions.duration(form.add),) if form.add else ()
        return cells.later(moment, steps, self.mapping.timezone)

    def _clock_type(self, name: str, form: Form, source: ir.Value) -> None:
        kind = source.type()
        if not (kind.is_string() or kind.is_date() or kind.is_timestamp() or (kind.is_integer() and form.parse)):
            raise self._unfit(name, form, str(kind))

    def _is_aware(self, form: Form) -> bool:
        if form.parse:
            return form.parse in EPOCHS or cells.is_aware_shape(form.parse)
        return self.aware.get(form.from_ or "", False)

    def _source(self, name: str, form: Form) -> ir.Value:
        """The source value of a form: one column, several joined, or a constant; then `map` and `when`."""
        if form.value is not None:
            value: ir.Value = ibis.literal(form.value)
        elif form.concat is not None:
            parts = [cells.words_of(self._raw_column(part, form)) for part in form.concat]
            value = parts[0]
            for part in parts[1:]:
                value = value + form.separator + part
        else:
            value = self._raw_column(form.from_ or form.expr or "", form)
        if form.prefix:
            if value.type().is_floating():  # 17 would become
                raise self._unfit(name, form, str(value.type()))
            value = form.prefix + cells.words_of(value)
        value = self._when(value, form)
        return value if form.map is None else self._mapped(name, form, value)

    def _raw_column(self, name: str, form: Form) -> ir.Value:
        if name not in self.raw.columns:
            there = [column for column in self.raw.columns if column not in (FILE, ROW)]
            raise HeadwaterError("E302", column=name, nearest=None, there=", ".join(there))
        kind = self.raw[name].type()
        if kind.is_nested() or kind.is_binary() or kind.is_time() or kind.is_interval():
            raise self._unfit(name, form, str(kind))
        return cells.present(self.raw[name], form.null_values)

    def _when(self, value: ir.Value, form: Form) -> ir.Value:
        """Null unless every named source column holds one of its codes."""
        for column, codes in form.when.items():
            holds = cells.words_of(self._raw_column(column, Form(**{"from": column}))).isin(codes)
            value = ibis.ifelse(holds, value, ibis.null(value.type()))
        return value

    def _mapped(self, name: str, form: Form, value: ir.Value) -> ir.StringValue:
        """Codes by the closed map; those outside it are remembered as `unmapped` unless `other` names a value."""
        words, codes = cells.words_of(value), form.map or {}
        otherwise = None if form.other in (None, "error") else form.other
        if otherwise is None:
            self.unmapped.append((name, form.from_ or name, words.notnull() & ~words.isin(list(codes)), words))
        default = (
            ibis.null("string") if otherwise is None else ibis.ifelse(words.isnull(), ibis.null("string"), otherwise)
        )
        return ibis.cases(*[(words == code, target) for code, target in codes.items()], else_=default)

    def _unfit(self, name: str, form: Form, kind: str) -> HeadwaterError:
        expected = self.contract.column(name).dtype if name in self.contract.schema() else "scalar"
        return HeadwaterError("E314", column=form.from_ or name, name=name, expected=expected, found=kind)

    def _entering(self, name: str) -> "_Entered":
        return _Entered(self.making, name)


def check_maps(columns: Columns, file: str) -> None:
    """Codes outside a closed map stop the run. Raises E321 with the codes, a problem for each column."""
    problems = []
    for name, source, broken, words in columns.unmapped:
        outside = columns.raw.filter(broken).select(code=words.substr(0, 40)).distinct().order_by("code").limit(6)
        codes = [row["code"] for row in outside.to_pyarrow().to_pylist()]
        if codes:
            values = {"name": name, "codes": ", ".join(codes), "first": codes[0]}
            problems.append(Problem("E321", file, column=source, values=values))
    if problems:
        raise HeadwaterError.of(problems)


@dataclass
class _Entered:
    """Notes which columns are being made, so that one made of itself is refused. Raises E213."""

    making: list[str]
    name: str

    def __enter__(self) -> None:
        if self.name in self.making:
            raise HeadwaterError("E213", column=" → ".join([*self.making, self.name]))
        self.making.append(self.name)

    def __exit__(self, *_) -> None:
        self.making.pop()


def is_canonical(table: SourceMapping, name: str, form: Form) -> bool:
    """Does `known_at: happened_at` name the canonical clock, and no source column?"""
    return name in CLOCKS and form.from_ != name and form.from_ in table.forms()


def named(form: Form) -> list[str]:
    """The columns that a number is made of."""
    if form.expr is not None:
        return sorted(expressions.names(expressions.parse(form.expr)))
    return [form.from_] if form.from_ is not None else []


def needed(table: SourceMapping) -> set[str]:
    """Source columns that the mapping of a source reads."""
    canonical = set(table.forms())
    columns: set[str] = set()
    for name, form in table.forms().items():
        if form.expr is not None:
            columns |= {
                part for part in expressions.names(expressions.parse(form.expr)) if part not in canonical - {name}
            }
        if form.from_ is not None and not is_canonical(table, name, form):
            columns.add(form.from_)
        columns |= {*(form.concat or []), *form.when}
    return columns | (conditions.names(conditions.parse(table.where)) if table.where else set())
