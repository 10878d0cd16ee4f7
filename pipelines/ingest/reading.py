"""What every step of a reading is given: where it writes, what it starts from, and what has come of it so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from features.contracts import Contract
from features.errors import HeadwaterError, Problem
from pipelines.config.mapping import Mapping, SourceMapping
from pipelines.config.quality import Quality
from pipelines.ingest import erased
from pipelines.ingest.inputs import Inputs
from pipelines.ingest.readers.sources import Raw
from pipelines.ingest.snapshots import Night
from pipelines.ingest.tables import Tables

Keep = Callable[[str, pa.Table], None]


@dataclass
class Reading:
    """One call of `read`: where things are written while it lasts, and what it starts from.

    `folder` gets the parts. `night`: the snapshot of customers on top of earlier ones; None where they are no snapshots. `delivered`: rows known then or later (UTC) are from the future. `keep` is given the rows
    put aside of each table, also when the reading stops.
    """

    con: Any
    inputs: Inputs
    quality: Quality
    folder: Path
    delivered: datetime | None = None
    night: Night | None = None
    base: Tables | None = None
    keep: Keep | None = None
    result: Tables = field(default_factory=lambda: Tables({}))
    failures: list[HeadwaterError] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def mapping(self) -> Mapping:
        """How the inputs become canonical tables."""
        return self.inputs.mapping

    def sources(self, name: str) -> list[tuple[SourceMapping, Raw]]:
        """Each source of a table with what it holds."""
        return list(zip(self.mapping.tables[name].parts, self.inputs.raws[name].members, strict=True))

    def known_customers(self, contract: Contract) -> ir.Table | None:
        """Those that rows of a table may name; None for customers themselves."""
        return None if contract.name == "customers" else self.result.tables.get("customers")

    @property
    def earlier_sha256(self) -> str:
        """Of the versions that earlier snapshots of customers made; "" where there are none."""
        return self.night.before.sha256 if self.night else ""

    def serving_base(self, name: str) -> Tables | None:
        """The base, where it holds a table as the recipe of today would read it."""
        if self.base is None or name not in self.base.parts:
            return None
        return self.base if self.base.recipes[name] == self.inputs.recipe(self.quality, name) else None

    @cached_property
    def customers_lost(self) -> bool:
        """Does a customer of the base have no row any more? Then rows that were good are not."""
        assert self.base is not None
        new = self.result.tables.get("customers")
        if new is None or self.base.parts["customers"] == self.result.parts["customers"]:
            return False
        old = self.base.view(self.con, "customers", self.base.parts["customers"], "_base")
        return bool(old.anti_join(new, "customer_id").count().execute())

    @cached_property
    def id_returned(self) -> bool:
        """Has an id that was erased a holder whom the base did not know? Then rows that were left out may be theirs."""
        assert self.base is not None
        new = self.result.tables.get("customers")
        if not self.inputs.erasures or new is None or self.base.parts["customers"] == self.result.parts["customers"]:
            return False
        old = self.base.view(self.con, "customers", self.base.parts["customers"], "_base")
        return erased.holds_any(new.anti_join(old, "customer_id"), self.inputs.erasures)
