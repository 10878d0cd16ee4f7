"""Features of a population, some customers at a time: memory follows the size of a chunk, not the number of customers.

What needs everybody at once is made first: the numbered spine, what compares a customer with his peers, and what he
shares with others of his account. Then each chunk, a range of rows of the spine, goes through expressions that are
compiled once; Parquet tables sorted by customer let it read its own rows and few others. Blocks of features that peers
are compared by are made whole on the way, and kept unless there are too many rows: no history is aggregated twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features.blocks import ACROSS, USAGE_LOOKBACK, sharing
from features.build import join, parts, peers
from features.definition import KEY, ROW, Feature
from features.permissions import permissions
from features.spine import population
from pipelines.chunks import Chunk, Cut, most_rows
from pipelines.progress import Steps

if TYPE_CHECKING:
    from pipelines.project import Project
    from pipelines.tables import Tables

SAMPLE = 20_000
"""Customers from whom the usual value of a feature is taken, when there are more than fit into a chunk."""
ACCOUNTS = 1_000_000
"""Customers whose accounts are looked at together: nothing is shared between accounts, and a million fit into memory."""
COMPARED = 4_000_000
"""Values that are compared with those of peers in one statement: each has a sort of its own, and they take memory."""
KEPT = 2_000_000
"""Rows whose blocks are kept: a little of each table stays in memory for good, and peers of many more need all of it."""
FACTS = ("account_id", "consent", "last_contact_on")
"""What lists and scores need beside features."""


class Assembly:
    """Features of the population of some dates, one chunk after the other; one Assembly at a time in a connection."""

    def __init__(
        self,
        project: "Project",
        tables: "Tables",
        dates: Sequence[date],
        steps: "Steps | None" = None,
        *,
        most: int | None = None,
        few: bool = False,
    ):
        """`most`: rows that may be made; of each n-th customer where there are more. Peers are everybody all the same.

        `few`: some customers only will be asked for, so nothing of the others is worth keeping. `steps` are told of
        passes over everybody.
        """
        self.project, self.con, self.steps = project, project.connection, steps or Steps(quiet=True)
        since = {name: min(dates) - timedelta(days=USAGE_LOOKBACK) for name in tables.parts if name == "usage"}
        self.tables = tables.opened(self.con, since).tables
        rows = population(self.tables, dates, project.mapping.timezone, project.settings.population)
        self.everybody = self.con.create_table("everybody", rows.order_by(ROW), temp=True, overwrite=True)
        self.total = self.everybody.count().execute()
        self.spine = self.everybody
        self.size = self.most = most_rows(project.settings.chunk, len(project.features))
        self.one_in = max(1, -(-self.total // most)) if most else 1
        if self.one_in > 1:
            drawn = self.everybody.semi_join(every(self.tables["customers"], self.one_in), "customer_id")
            self.spine = self.con.create_table("drawn", drawn.order_by(ROW), temp=True, overwrite=True)
            self.size *= self.one_in
        self.few = few or self.one_in > 1 or self.total > KEPT
        self.con.raw_sql(f"SET parquet_metadata_cache = {not self.few}")  # each chunk looks into the same files
        self.cut = Cut(self.con, self.tables, self.spine)
        self.kept: dict[str, dict[Chunk, str]] = {}
        self._parts: dict[str, dict[str, str]] = {}
        self._sql: dict[str, str] = {}

    def chunks(self) -> list[Chunk]:
        """All rows in order; the last chunk may be smaller."""
        return [Chunk(first, min(first + self.size, self.total)) for first in range(0, self.total, self.size)]

    def sample(self) -> Chunk:
        """Rows evenly spread over everybody; everybody where one chunk holds them."""
        chunks = self.chunks()
        return chunks[0] if len(chunks) == 1 else Chunk(0, self.total, -(-self.total // SAMPLE))

    def snapshots(self) -> Iterator[pd.DataFrame]:
        """Every feature of all rows, chunk after chunk."""
        chunks = self.chunks()
        for number, chunk in enumerate(chunks, start=1):
            yield self.snapshot(chunk)
            self.steps.progress(number, len(chunks))

    def snapshot(self, chunk: Chunk) -> pd.DataFrame:
        """Every feature of every row of a chunk, ordered by customer and date."""
        whole = self.together  # first: it leaves parts of other chunks behind
        cut, given = self.cut.to(chunk), self._near(chunk, whole) | self._kept(chunk)
        self._fill("wide", cut, [feature for feature in self._alone if feature.source not in self.kept])
        wide = self._framed("wide", lambda: self._join("wide", cut, self.project.features, given))
        return wide.sort_values(ROW, ignore_index=True).drop(columns=ROW)  # DuckDB would sort whole rows, and hold them

    def of(self, customer: str) -> pd.DataFrame:
        """Every feature of one customer, compared with everybody; no rows where he is not in the population."""
        place = self.everybody.filter(self.everybody.customer_id == customer).row.min().to_pyarrow().as_py()
        return self.snapshot(Chunk(place or 0, (place or 0) + (place is not None)))

    def close(self) -> None:
        """Give back the memory of everybody's tables; what comes after needs it more."""
        blocks = {block for blocks in self._parts.values() for block in blocks} | set(self.together)
        whole = [name for names in self.together.values() for name in names]
        whole += [name for tables in self.kept.values() for name in tables.values()]
        for block in self.kept:
            self.con.raw_sql(f"DROP VIEW IF EXISTS near_{block}")
        own = ["everybody", "drawn", "narrow", "sharing", "cut_spine", *(f"part_{block}" for block in blocks)]
        for name in own + whole:
            self.con.raw_sql(f"DROP TABLE IF EXISTS {name}")
        pa.default_memory_pool().release_unused()

    def facts(self, chunk: Chunk) -> pd.DataFrame:
        """`FACTS` for every row of a chunk, in the order of `snapshot`."""
        cut = self.cut.to(chunk)

        def rows() -> ir.Table:
            known = permissions(cut.tables, cut.spine, self.project.settings.contact.purpose)
            accounts = cut.tables["customers"].select("customer_id", "account_id")
            return known.left_join(accounts, "customer_id").order_by(KEY).select(*FACTS)

        return self._framed("facts", rows)

    @cached_property
    def _alone(self) -> list[Feature]:
        """Features that follow from rows of the customer himself."""
        return [f for f in self.project.features if f.source not in {*ACROSS, "peers", "wide"}]

    @cached_property
    def together(self) -> dict[str, list[str]]:
        """What needs more customers than those of a chunk: each part's tables of everybody, in the order of `row`."""
        across = [f for f in self.project.features if f.source in ACROSS]
        compared = [f for f in self.project.features if f.source == "peers"]
        return self._shared(across) | self._peers(compared)

    def _near(self, chunk: Chunk, whole: Mapping[str, list[str]]) -> dict[str, ir.Table]:
        """The rows of a chunk from tables of everybody, as tables `part_<name>`."""
        for name, tables in whole.items():
            own = [f"(SELECT * FROM {table} WHERE {chunk.condition}) {table}" for table in tables]
            joined = own[0] + "".join(f" JOIN {rows} USING (row)" for rows in own[1:])
            self.con.raw_sql(f"CREATE OR REPLACE TEMP TABLE part_{name} AS SELECT * FROM {joined}")
        return {name: self.con.table(f"part_{name}") for name in whole}

    def _shared(self, across: list[Feature]) -> dict[str, list[str]]:
        """What the members of an account share, some accounts at a time."""
        if not across:
            return {}
        people = self.tables["customers"]
        count = -(-int(people.count().execute()) // ACCOUNTS) or 1
        account, made = people.account_id.fill_null("").hash(), {}
        for number in range(count):
            tables, spine = dict(self.tables), self.spine
            if count > 1:
                tables["customers"] = people.filter((account % count + count) % count == number)
                spine = spine.semi_join(tables["customers"], "customer_id")
            shared = sharing(tables["customers"])
            tables["sharing"] = self.con.create_table("sharing", shared, temp=True, overwrite=True)
            made = parts(tables, spine, across, self.project.settings.features)
            for name, rows in made.items():
                self._append(f"loose_{name}", self.con.compile(rows), number > 0)
        return {name: [self._sorted(f"loose_{name}", f"whole_{name}")] for name in made}

    def _peers(self, compared: list[Feature]) -> dict[str, list[str]]:
        """Everybody beside his peers, over the few columns that are compared.

        Some features at a time: windows over all columns of millions of customers would not fit into memory.
        """
        if not compared:
            return {}
        self._narrow(compared)
        made, most = [], max(1, COMPARED // max(self.total, 1))
        for first in range(0, len(compared), most):
            some = compared[first : first + most]
            rows = peers(self.con.table("narrow"), some).select(ROW, *[f.column for f in some])
            self.con.raw_sql(f"CREATE OR REPLACE TEMP TABLE loose_peers AS {self.con.compile(rows)}")
            made.append(self._sorted("loose_peers", f"whole_peers_{first}"))
        self.con.raw_sql("DROP TABLE narrow")
        return {"peers": made}

    def _narrow(self, compared: list[Feature]) -> None:
        """Everybody's columns that are compared, as a table `narrow`; the blocks that they come from are kept."""
        read = {column for feature in compared for column in feature.reads}
        narrow = [f for f in self.project.features if f.column in read]
        blocks = {f.source for f in narrow}
        asked = narrow if self.few else [f for f in self._alone if f.source in blocks]
        everybody, size = Cut(self.con, self.tables, self.everybody), self.most
        for first in range(0, max(self.total, 1), size):
            chunk = Chunk(first, first + size)
            cut = everybody.to(chunk)
            self._fill("narrow", cut, asked, keep=None if self.few else chunk)
            given = {} if self.few else self._kept(chunk)
            rows = self._compiled("narrow", partial(self._join, "narrow", cut, narrow, given))
            self._append("narrow", rows, first > 0)
            self.steps.progress(first // size + 1, -(-self.total // size))
        self.cut.chunk = None  # the names of its views were taken by others

    def _append(self, table: str, rows: str, more: bool) -> None:
        self.con.raw_sql(f"INSERT INTO {table} {rows}" if more else f"CREATE OR REPLACE TEMP TABLE {table} AS {rows}")

    def _sorted(self, loose: str, kept: str) -> str:
        """A table in the order of `row`, so that the rows of a chunk lie together; its name."""
        self.con.raw_sql(f"CREATE OR REPLACE TEMP TABLE {kept} AS SELECT * FROM {loose} ORDER BY row")
        self.con.raw_sql(f"DROP TABLE {loose}")
        return kept

    def _fill(self, name: str, cut: Cut, features: Sequence[Feature], keep: Chunk | None = None) -> None:
        """The parts of a chunk as tables `part_<block>`, or to be kept under names of the chunk's own."""
        if name not in self._parts:
            made = parts(cut.tables, cut.spine, features, self.project.settings.features)
            self._parts[name] = {block: self.con.compile(rows) for block, rows in made.items()}
        for block, sql in self._parts[name].items():
            table = f"part_{block}"
            if keep:
                table = f"whole_{block}_{keep.first}"
                self.kept.setdefault(block, {})[keep] = table
            self.con.raw_sql(f"CREATE OR REPLACE TEMP TABLE {table} AS {sql}")

    def _kept(self, chunk: Chunk) -> dict[str, ir.Table]:
        """The rows of a chunk from blocks that were kept, as views `near_<block>`."""
        for block, tables in self.kept.items():
            held = [c for c in tables if c.touches(chunk)] or list(tables)[:1]  # a chunk without rows touches none
            rows = [f"SELECT * FROM {tables[c]} WHERE {chunk.condition}" for c in held]
            self.con.raw_sql(f"CREATE OR REPLACE TEMP VIEW near_{block} AS {' UNION ALL '.join(rows)}")
        return {block: self.con.table(f"near_{block}") for block in self.kept}

    def _join(self, name: str, cut: Cut, wanted: Sequence[Feature], given: Mapping[str, ir.Table]) -> ir.Table:
        made = {b: self.con.table(f"part_{b}") for b in self._parts[name] if b not in given}
        return join(cut.spine, made | dict(given), wanted, self.project.settings.features)

    def _compiled(self, name: str, rows: Callable[[], ir.Table]) -> str:
        if name not in self._sql:
            self._sql[name] = self.con.compile(rows())
        return self._sql[name]

    def _framed(self, name: str, rows: Callable[[], ir.Table]) -> pd.DataFrame:
        """In pandas, dates as objects, the memory of Arrow given back on the way."""
        table: pa.Table = self.con.con.sql(self._compiled(name, rows)).to_arrow_table()
        return table.to_pandas(date_as_object=True, split_blocks=True, self_destruct=True)


def numbered(rows: ir.Table, spine: ir.Table) -> ir.Table:
    """Rows of a spine with its number."""
    return rows.join(spine.select(*KEY, ROW), KEY)


def every(customers: ir.Table, one_in: int) -> ir.Table:
    """Each so many-th customer in the order of their ids."""
    numbered = customers.select("customer_id", n=ibis.row_number().over(order_by=customers.customer_id))
    return numbered.filter(numbered.n % one_in == 0)
