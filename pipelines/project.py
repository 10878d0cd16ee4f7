"""One project: its settings, its workspace, its tables; the object that notebooks and commands begin with."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from features.build import join, parts
from features.definition import KEY, ROW, Feature
from features.identity import feature_set_hash
from features.spine import cutoff, population
from models.targets import outcomes
from models.targets.settings import TargetSettings
from pipelines.config import own_features
from pipelines.config.mapping import Mapping
from pipelines.config.settings import Settings, load
from pipelines.demo import raw_files
from pipelines.ingest.canonical import canonical
from pipelines.ingest.tables import Tables
from pipelines.workspace.storage import Workspace

if TYPE_CHECKING:
    from pipelines.flows.retrain import Dataset


MEMORY = "700MB"
"""What DuckDB may hold; more spills to disk. The rest of the 3 GB that a demo may take is for training."""


@dataclass
class Project:
    """Settings and everything that follows from them; nothing is read before it is asked for."""

    settings: Settings
    workspace: Workspace
    config: Path | None = None
    _tables: dict[date, Tables] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, config: Path | str, profile: str | None = None, **overrides: Any) -> "Project":
        """The project of a configuration file. Raises HeadwaterError E2xx for what is wrong with it."""
        settings = load(Path(config), profile=profile, overrides=overrides)
        return cls(settings, Workspace.open(Path(settings.workspace), settings.name), Path(config))

    @classmethod
    def demo(cls, customers: int = 5_000, seed: int = 7, config: Path | str = "configs/operator.yaml") -> "Project":
        """The simulated operator; its raw files are made in data/operator unless the very same are there already."""
        raw_files.make("operator", customers, seed)
        return cls.open(config)

    @cached_property
    def connection(self) -> Any:
        """DuckDB in memory, spilling beside the workspace."""
        con = ibis.duckdb.connect(threads=self.settings.threads, temp_directory=str(self.workspace.root / ".spill"))
        con.raw_sql("SET preserve_insertion_order = false")
        con.raw_sql(f"SET memory_limit = '{MEMORY}'")
        ((drawing,),) = con.raw_sql("SELECT current_setting('enable_progress_bar')").fetchall()
        weakref.finalize(con, con.con.close)  # at the end of the process at the latest: what was spilled goes with it
        if drawing:  # on stdout, where the document of --json goes; in a notebook it is off, and must not be touched
            con.raw_sql("SET enable_progress_bar = false")
        return con

    @property
    def mapping(self) -> Mapping:
        """Where the raw tables live, and their time zone and currency."""
        return self.settings.tables

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The catalogue for the usage measures that the mapping declares, and the project's own family."""
        return own_features.joined(
            self.settings.own, self.mapping.measures, self.mapping.attributes, self.settings.features
        )

    @cached_property
    def feature_set_hash(self) -> str:
        """What the features are made by: champions of another one are refused."""
        return feature_set_hash(self.features, self.settings.features)

    def tables(self, as_of: date) -> Tables:
        """The canonical tables as read for a date; read once per project object, and known after that."""
        if as_of in self._tables:
            return replace(self._tables[as_of], read={})
        self._tables[as_of] = canonical(self.connection, self.settings, self.workspace.root, as_of)
        return self._tables[as_of]

    def spine(self, tables: Tables, dates: Sequence[date]) -> ir.Table:
        """The population of each date, kept as a table of the connection."""
        rows = population(tables.tables, dates, self.mapping.timezone, self.settings.population)
        return self.connection.create_table("spine", rows, temp=True, overwrite=True)

    def snapshot(self, tables: Tables, spine: ir.Table) -> pd.DataFrame:
        """Every feature of every row of the spine, ordered by customer and date."""
        made = {
            name: self.connection.create_table(f"part_{name}", part, temp=True, overwrite=True)
            for name, part in parts(tables.tables, spine, self.features, self.settings.features).items()
        }
        wide = join(spine, made, self.features, self.settings.features)
        table = wide.order_by(KEY).drop(ROW).to_pyarrow()
        for name in made:
            self.connection.drop_table(f"part_{name}", force=True)
        return table.to_pandas(date_as_object=True, split_blocks=True, self_destruct=True)

    def labels(self, tables: Tables, spine: ir.Table, settings: TargetSettings, as_of: date) -> pd.DataFrame:
        """Outcomes as far as they were known at `as_of`, ordered like `snapshot`."""
        delay = self.settings.protocol.reporting_delay_days
        until = self.cutoff(as_of)
        rows = outcomes.labels(spine, tables.tables, settings, until, reporting_delay_days=delay)
        return rows.order_by(KEY).to_pyarrow().to_pandas(date_as_object=True)

    def cutoff(self, as_of: date) -> datetime:
        return cutoff(as_of, self.mapping.timezone)

    def day(self, as_of: date | str | None = None) -> date:
        """The date asked for, or the project's own. Raises ValueError without either: only commands read the clock."""
        found = date.fromisoformat(as_of) if isinstance(as_of, str) else as_of or self.settings.as_of
        if found is None:
            raise ValueError("as_of is needed: the configuration names none, and only commands read the clock")
        return found

    def check(self, as_of: date | str | None = None) -> pd.DataFrame:
        """The usability table: rows in = used + quarantined + duplicates, and when the newest row was known (UTC)."""
        tables = self.tables(self.day(as_of))
        counts = {name: {key.rstrip("_"): n for key, n in vars(c).items()} for name, c in tables.counts.items()}
        return pd.DataFrame.from_dict(counts, orient="index").assign(newest=pd.Series(tables.newest))

    def dataset(self, *targets: str, as_of: date | str | None = None) -> "Dataset":
        """Labelled snapshots for training as they were known on a date; of every target when none is named."""
        from pipelines.flows import retrain
        from pipelines.workspace.progress import Steps

        names = list(targets or ("churn", "value", "vip"))
        return retrain.dataset(self, self.day(as_of), names, Steps(quiet=True))
