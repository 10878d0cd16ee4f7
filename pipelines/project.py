"""One project: its settings, its workspace, its tables; the object that notebooks and commands begin with."""

import weakref
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from features.definition import Feature
from features.errors import HeadwaterError
from features.identity import feature_set_hash
from features.settings import FeatureSettings
from features.spine import cutoff
from models.targets.registry import TARGETS
from pipelines.config import own_features
from pipelines.config.mapping import Mapping
from pipelines.config.settings import Settings, load
from pipelines.demo import raw_files
from pipelines.ingest import canonical, pinning
from pipelines.ingest.tables import Tables
from pipelines.workspace.paths import Workspace

MEMORY = "700MB"
"""What DuckDB may hold; more spills to disk. The rest of the 3 GB that a demo may take is for training."""


@lru_cache(maxsize=8)
def _feature_set_hash(features: tuple[Feature, ...], settings: str) -> str:
    """Once per process: it builds the whole catalogue, which takes seconds. Settings are JSON, so that they are hashable."""
    return feature_set_hash(features, FeatureSettings.model_validate_json(settings))


@dataclass
class Project:
    """Settings and everything that follows from them; nothing is read before it is asked for.

    Attributes
    ----------
    settings
        Of its configuration.
    workspace
        The folder that it writes to.
    config
        Path of its configuration; None where it was not read from a file.
    """

    settings: Settings
    workspace: Workspace
    config: Path | None = None
    _tables: dict[date, Tables] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, config: Path | str, profile: str | None = None, **overrides: Any) -> "Project":
        """The project of a configuration file. Raises HeadwaterError E2xx for what is wrong with it.

        What the mapping leaves open, such as the type of an attribute, is asked of the data once and kept in the workspace.
        """
        settings = load(Path(config), profile=profile, overrides=overrides)
        workspace = Workspace.open(Path(settings.workspace), settings.name)
        return cls(settings.with_tables(pinning.settled(settings.tables, workspace.root)), workspace, Path(config))

    @classmethod
    def demo(cls, customers: int = 5_000, seed: int = 7, config: Path | str = "configs/operator.yaml") -> "Project":
        """The simulated operator; its raw files are made in data/operator unless the very same are there already.

        Parameters
        ----------
        customers
            How many.
        seed
            Another seed, another operator.
        config
            Its configuration.

        Returns
        -------
        Project
            Opened.
        """
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
            self.settings.own,
            self.mapping.measures,
            self.mapping.attributes,
            self.settings.features,
            self.mapping.words,
            *self.mapping.declared,
        )

    @cached_property
    def feature_set_hash(self) -> str:
        """What the features are made by: champions of another one are refused."""
        return _feature_set_hash(self.features, self.settings.features.model_dump_json())

    def targets(self, *names: str) -> list[str]:
        """The named targets, or all that are predicted. Raises E238 (exit 2) for those that are not, or if none is."""
        asked, left_out = list(names or self.settings.predicted or TARGETS), self.settings.left_out
        refused = [replace(left_out[name], code="E238") for name in asked if name in left_out]
        if refused:
            raise HeadwaterError.of(refused)
        return asked

    def tables(self, as_of: date) -> Tables:
        """The canonical tables as read for a date; read once per project object, and known after that."""
        if as_of in self._tables:
            return replace(self._tables[as_of], read={})
        self._tables[as_of] = canonical.canonical(self.connection, self.settings, self.workspace.root, as_of)
        return self._tables[as_of]

    def newest_tables(self, today: date) -> tuple[Tables, date]:
        """The tables as of the day after their newest row, today at the latest, and that day.

        Whoever looks at an extract of last spring asks whether it was whole then, and not how old it is now.
        """
        found = canonical.read(self.connection, self.settings, self.workspace.root, today)
        as_of = min(canonical.newest_day(found, self.mapping.timezone) or today, today)
        return canonical.judged(self.connection, found, self.settings, as_of), as_of

    def cutoff(self, as_of: date) -> datetime:
        return cutoff(as_of, self.mapping.timezone)

    def day(self, as_of: date | str | None = None) -> date:
        """The date asked for, or the project's own. Raises ValueError without either: only commands read the clock."""
        day = date.fromisoformat(as_of) if isinstance(as_of, str) else as_of or self.settings.as_of
        if day is None:
            raise ValueError("as_of is needed: the configuration names none, and only commands read the clock")
        return day

    def check(self, as_of: date | str | None = None) -> pd.DataFrame:
        """The usability table: rows in = used + quarantined + duplicates + filtered, and when the newest row was known (UTC)."""
        tables = self.tables(self.day(as_of))
        counts = {name: {key.rstrip("_"): n for key, n in vars(c).items()} for name, c in tables.counts.items()}
        return pd.DataFrame.from_dict(counts, orient="index").assign(newest=pd.Series(tables.newest))
