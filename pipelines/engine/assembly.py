"""Features of a population, some customers at a time: memory follows the size of a chunk, not the number of customers.

What needs everybody at once is made first: the numbered spine, what compares a customer with their peers, what they
share with others of their account, and what others did around them. Then each chunk, a range of rows of the spine, goes through expressions that are
compiled once; Parquet tables sorted by customer let it read its own rows and few others. Blocks of features that peers
are compared by are made whole on the way, and kept as pieces: no history is aggregated twice.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Self

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import sqlglot.expressions as sge

from features.blocks.household import sharing
from features.blocks.permissions import FACTS, facts
from features.blocks.registry import ACCOUNTS, ACROSS, BLOCKS, EVERYBODY
from features.blocks.usage import USAGE_LOOKBACK
from features.build import compared, join, parts
from features.definition import KEY, ROW, Feature
from features.spine import population
from features.visible import as_known
from pipelines.engine.chunks import Chunk, Cut, most_rows
from pipelines.engine.schema import Schema
from pipelines.engine.statements import columns, compiled
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.workspace import scratch
from pipelines.workspace.checkpoints import Pieces
from pipelines.workspace.progress import Steps

SAMPLE = 20_000
"""Customers from whom the usual value of a feature is taken, when there are more than fit into a chunk."""
MEMBERS = 1_500_000
"""Customers on accounts of several who are looked at together: more may not fit into memory, and each look at fewer
reads all bills again. Nothing is shared between accounts."""
COMPARED = 4_000_000
"""Values that are compared with those of peers in one statement: each has a sort of its own, and they take memory."""
PARQUET = "FORMAT parquet, ROW_GROUP_SIZE 20480"
"""How a block is kept: in several groups of rows, so that as many threads write it as made it."""


class Assembly:
    """Features of the population of some dates, one chunk after the other, on DuckDB.

    Used in a `with` statement, it leaves nothing behind, neither in memory nor on disk. Several may work side by side
    in one connection.

    Attributes
    ----------
    features
        Those that are made.
    everybody
        The numbered spine: one row per customer and date, with `row` from 0 in the order of both.
    spine
        The rows that features are made of: `everybody`, or those of each n-th customer (`one_in`).
    total
        Rows of `everybody`.
    """

    def __init__(
        self,
        project: Project,
        tables: Tables,
        dates: Sequence[date],
        steps: Steps | None = None,
        *,
        most: int | None = None,
        few: bool = False,
        pieces: Pieces | None = None,
        features: Sequence[Feature] | None = None,
    ):
        """Number everybody; no feature is computed yet.

        Parameters
        ----------
        steps
            Shows how far passes over everybody are.
        most
            Rows that may be made; of each n-th customer where there are more. Peers are everybody all the same.
        few
            Some customers only will be asked for, so nothing of the others is worth keeping.
        pieces
            Where blocks are kept, those of an interrupted run with them; beside DuckDB's own spilling if left out.
        features
            Those that are made, with all that they read among them; the whole catalogue if left out.
        """
        self.features = tuple(project.features if features is None else features)
        self.project, self.con, self.steps = project, project.connection, steps or Steps(quiet=True)
        self._cleanup = ExitStack()
        self.schema = self._schema()
        since = {name: min(dates) - timedelta(days=USAGE_LOOKBACK) for name in tables.parts if name == "usage"}
        self.tables = tables.opened(self.con, since).tables
        rows = population(self.tables, dates, project.mapping.timezone, project.settings.population)
        self.everybody = self.spine = self.schema.create("everybody", rows.order_by(ROW))
        self.total = int(self.everybody.count().execute())
        self._size = self._most = most_rows(project.settings.chunk, len(self.features))
        self.one_in = max(1, -(-self.total // most)) if most else 1
        if self.one_in > 1:
            sampled = self.everybody.semi_join(_every_nth(self.tables["customers"], self.one_in), "customer_id")
            self.spine = self.schema.create("drawn", sampled.order_by(ROW))
            self._size *= self.one_in
        self._few = few or self.one_in > 1
        self.con.raw_sql(f"SET parquet_metadata_cache = {not self._few}")  # each chunk looks into the same files
        self._cut = Cut(self.tables, self.spine, self._schema())
        self._block_paths: dict[str, dict[Chunk, Path]] = {}
        self._pieces = pieces
        self._parts: dict[str, dict[str, str]] = {}
        self._sql: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the memory of everybody's tables; what comes after needs it more."""
        self._cleanup.close()
        pa.default_memory_pool().release_unused()

    def chunks(self) -> list[Chunk]:
        """All rows in order; the last chunk may be smaller."""
        return [Chunk(first, min(first + self._size, self.total)) for first in range(0, self.total, self._size)]

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
        whole = self._whole_tables  # first: it reads other chunks
        cut = self._cut.to(chunk)
        ready = self._chunk_parts(chunk, whole) | self._block_views(cut, chunk)
        self._fill("wide", cut, [feature for feature in self._own_features if feature.source not in self._block_paths])
        wide = self._to_pandas(self._joined("wide", cut, self.features, ready))
        return wide.sort_values(ROW, ignore_index=True).drop(columns=ROW)  # DuckDB would sort whole rows, and hold them

    def customer_snapshot(self, customer: str) -> pd.DataFrame:
        """Every feature of one customer, compared with everybody; no rows where they are not in the population."""
        rows = self.everybody.filter(self.everybody.customer_id == customer).aggregate(
            first=lambda t: t.row.min(), last=lambda t: t.row.max()
        )
        ((first, last),) = rows.to_pyarrow().to_pandas().itertuples(index=False)
        return self.snapshot(Chunk(0, 0) if pd.isna(first) else Chunk(int(first), int(last) + 1))

    def facts(self, chunk: Chunk) -> pd.DataFrame:
        """`FACTS` for every row of a chunk, in the order of `snapshot`."""
        purpose = self.project.settings.contact.purpose
        return self.own_rows("facts", chunk, lambda spine, tables: facts(tables, spine, purpose), FACTS, key=(purpose,))

    def own_rows(
        self,
        name: str,
        chunk: Chunk,
        rows: Callable[[ir.Table, Mapping[str, ir.Table]], ir.Table],
        asked: Sequence[str],
        *,
        key: tuple[Hashable, ...] = (),
        beside: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Columns that follow from the customers' own rows, for every row of a chunk, in the order of `snapshot`.

        Parameters
        ----------
        name
            Of the statement, which is compiled once.
        rows
            Makes them from a spine and its tables, with their key.
        asked
            The columns.
        key
            What else the statement depends on.
        beside
            Tables of `schema` with a `row`, whose rows of the chunk are among the tables.
        """
        cut = self._cut.to(chunk)
        for table in beside:
            cut.schema.view(table, f"SELECT * FROM {self.schema.qualified(table)} WHERE {chunk.condition}")

        def ordered() -> ir.Table:
            tables = cut.tables | {table: cut.schema[table] for table in beside}
            return rows(cut.spine, tables).order_by(KEY).select(*asked)

        return self._to_pandas(self._compile(name, cut, key, ordered))

    def _schema(self) -> Schema:
        schema = Schema(self.con)
        self._cleanup.callback(schema.close)
        return schema

    @cached_property
    def _own_features(self) -> list[Feature]:
        """Features that follow from the customer's own rows."""
        return [f for f in self.features if f.source not in {*ACROSS, "peers", "wide"}]

    @cached_property
    def _whole_tables(self) -> dict[str, list[str]]:
        """What needs more customers than those of a chunk: each part's tables of everybody, in the order of `row`."""
        shared, around, beside = (
            [f for f in self.features if f.source in of] for of in (ACCOUNTS, EVERYBODY, ("peers",))
        )
        return self._account_tables(shared) | self._surrounding_tables(around) | self._peer_tables(beside)

    def _chunk_parts(self, chunk: Chunk, whole: Mapping[str, list[str]]) -> dict[str, ir.Table]:
        """The rows of a chunk from tables of everybody."""
        schema = self._cut.schema
        for name, tables in whole.items():
            own = [f"(SELECT * FROM {self.schema.qualified(t)} WHERE {chunk.condition}) {t}" for t in tables]
            schema.fill(f"part_{name}", f"SELECT * FROM {own[0]}" + "".join(f" JOIN {t} USING (row)" for t in own[1:]))
        return {name: schema[f"part_{name}"] for name in whole}

    def _account_tables(self, across: list[Feature]) -> dict[str, list[str]]:
        """What the members of an account share, some accounts at a time."""
        if not across:
            return {}
        several = self.schema.create("sharing", sharing(self.tables["customers"]))
        count, blocks = -(-int(several.count().execute()) // MEMBERS) or 1, dict[str, str]()
        read = {"customers", *(name for feature in across for name in BLOCKS[feature.source][0])}
        known = {name: table for name, table in self.tables.items() if name in read} | {"sharing": several}
        for number in range(count):
            tables, spine = dict(known), self.spine
            if count > 1:
                for name in ("customers", "sharing"):
                    tables[name] = tables[name].filter(_share(tables[name], count) == number)
                own = as_known(spine, self.tables["customers"]).select(ROW, "account_id")
                spine = spine.semi_join(own.filter(_share(own, count) == number), ROW)
            blocks = self._statements(self.schema, spine, tables, across)
            for name, sql in blocks.items():
                self.schema.fill(f"loose_{name}", sql, append=number > 0)
        return {name: [self._sort(f"loose_{name}", f"whole_{name}")] for name in blocks}

    def _surrounding_tables(self, around: list[Feature]) -> dict[str, list[str]]:
        """What others did around each customer: groups are few, so everybody is gone through at once."""
        blocks = self._statements(self.schema, self.spine, self.tables, around) if around else {}
        for name, sql in blocks.items():
            self.schema.fill(f"loose_{name}", sql)
        return {name: [self._sort(f"loose_{name}", f"whole_{name}")] for name in blocks}

    def _peer_tables(self, features: list[Feature]) -> dict[str, list[str]]:
        """Everybody beside their peers, over the few columns that are compared.

        Some features at a time: windows over all columns of millions of customers would not fit into memory.
        """
        if not features:
            return {}
        self._fill_narrow(features)
        tables, most = [], max(1, COMPARED // max(self.total, 1))
        for first in range(0, len(features), most):
            self.schema.fill("loose_peers", self._comparison(self.schema["narrow"], features[first : first + most]))
            tables.append(self._sort("loose_peers", f"whole_peers_{first}"))
        self.schema.drop("narrow")
        return {"peers": tables}

    def _comparison(self, narrow: ir.Table, features: Sequence[Feature]) -> str:
        """The statement that compares everybody by some features."""
        key = ("peers", narrow.schema(), tuple(features))
        return compiled(self.schema, key, lambda: {"peers": self.con.compile(compared(narrow, features))})["peers"]

    def _fill_narrow(self, features: list[Feature]) -> None:
        """Everybody's columns that are compared, as a table `narrow`; the blocks that they come from are kept."""
        read = {column for feature in features for column in feature.reads}
        narrow = [f for f in self.features if f.column in read]
        blocks = {f.source for f in narrow}
        everybody, size = Cut(self.tables, self.everybody, self._schema()), self._most
        for first in range(0, max(self.total, 1), size):
            chunk = Chunk(first, first + size)
            cut = everybody.to(chunk)
            if self._few:
                self._fill("narrow", cut, narrow)
            else:
                self._fill_blocks("narrow", cut, [f for f in self._own_features if f.source in blocks], chunk)
            rows = self._joined("narrow", cut, narrow, self._block_views(cut, chunk))
            self.schema.fill("narrow", rows, append=first > 0)
            self.steps.progress(first // size + 1, -(-self.total // size))
        everybody.schema.close()

    def _sort(self, loose: str, kept: str) -> str:
        """A table in the order of `row`, so that the rows of a chunk lie together; its name."""
        self.schema.fill(kept, f"SELECT * FROM {self.schema.qualified(loose)} ORDER BY row")
        self.schema.drop(loose)
        return kept

    def _fill(self, name: str, cut: Cut, features: Sequence[Feature]) -> None:
        """The parts of a chunk as tables `part_<block>`."""
        for block, sql in self._blocks(name, cut, features).items():
            cut.schema.fill(f"part_{block}", sql)

    def _fill_blocks(self, name: str, cut: Cut, features: Sequence[Feature], chunk: Chunk) -> None:
        """The parts of a chunk as pieces: in DuckDB's memory little of them would stay, and other work would miss it."""
        for block, sql in self._blocks(name, cut, features).items():
            self._block_pieces.fill_once(block, chunk.name, partial(self._copy, sql))
            self._block_paths.setdefault(block, {})[chunk] = self._block_pieces.path(block, chunk.name)

    def _blocks(self, name: str, cut: Cut, features: Sequence[Feature]) -> dict[str, str]:
        """The statement of each block, made once."""
        if name not in self._parts:
            self._parts[name] = self._statements(cut.schema, cut.spine, cut.tables, features)
        return self._parts[name]

    def _statements(
        self, schema: Schema, spine: ir.Table, tables: Mapping[str, ir.Table], features: Sequence[Feature]
    ) -> dict[str, str]:
        """The statement of each block over tables of a schema."""
        settings = self.project.settings.features
        key = ("blocks", columns(schema, {"spine": spine, **tables}), tuple(features), settings.model_dump_json())

        def made() -> dict[str, str]:
            return {block: self.con.compile(rows) for block, rows in parts(tables, spine, features, settings).items()}

        return compiled(schema, key, made)

    @cached_property
    def _block_pieces(self) -> Pieces:
        """Where blocks are kept."""
        if self._pieces is None:
            return Pieces(self._cleanup.enter_context(scratch.folder(self.project.workspace.root, ".features-")))
        return self._pieces

    def _copy(self, sql: str, path: Path) -> None:
        self.con.raw_sql(f"COPY ({sql}) TO {_sql_string(path)} ({PARQUET})")

    def _block_views(self, cut: Cut, chunk: Chunk) -> dict[str, ir.Table]:
        """The rows of a chunk from blocks that were kept, as views `near_<block>`."""
        for block, paths in self._block_paths.items():
            overlapping = [c for c in paths if c.overlaps(chunk)] or list(paths)[
                :1
            ]  # a chunk without rows touches none
            files = ", ".join(_sql_string(paths[c]) for c in overlapping)
            cut.schema.view(f"near_{block}", f"SELECT * FROM read_parquet([{files}]) WHERE {chunk.condition}")
        return {block: cut.schema[f"near_{block}"] for block in self._block_paths}

    def _joined(self, name: str, cut: Cut, features: Sequence[Feature], ready: Mapping[str, ir.Table]) -> str:
        """The statement of whole rows, from parts that are ready or filled."""
        settings = self.project.settings.features.model_dump_json()
        key = (tuple(features), columns(cut.schema, ready), tuple(self._parts[name]), settings)
        return self._compile(name, cut, key, partial(self._join, name, cut, features, ready))

    def _join(self, name: str, cut: Cut, features: Sequence[Feature], ready: Mapping[str, ir.Table]) -> ir.Table:
        filled = {b: cut.schema[f"part_{b}"] for b in self._parts[name] if b not in ready}
        return join(cut.spine, filled | dict(ready), features, self.project.settings.features)

    def _compile(self, name: str, cut: Cut, key: tuple[Hashable, ...], rows: Callable[[], ir.Table]) -> str:
        if name not in self._sql:
            made = compiled(cut.schema, (name, cut.columns, *key), lambda: {name: self.con.compile(rows())})
            self._sql[name] = made[name]
        return self._sql[name]

    def _to_pandas(self, sql: str) -> pd.DataFrame:
        """In pandas, dates as objects, the memory of Arrow given back on the way."""
        table: pa.Table = self.con.con.sql(sql).to_arrow_table()
        return table.to_pandas(date_as_object=True, split_blocks=True, self_destruct=True)


def _sql_string(path: Path) -> str:
    return sge.convert(str(path)).sql("duckdb")


def with_row_number(rows: ir.Table, spine: ir.Table) -> ir.Table:
    """Rows of a spine with its number."""
    return rows.join(spine.select(*KEY, ROW), KEY)


def _share(customers: ir.Table, count: int) -> ir.IntegerColumn:
    """Which of `count` shares of the accounts a row belongs to."""
    account = customers.account_id.fill_null("").hash()
    return (account % count + count) % count


def _every_nth(customers: ir.Table, one_in: int) -> ir.Table:
    """Each so many-th customer in the order of their ids."""
    ids = customers.select("customer_id").distinct()
    numbered = ids.mutate(n=ibis.row_number().over(order_by=ids.customer_id))
    return numbered.filter(numbered.n % one_in == 0)
