"""The question that every rival answers: some features of one night, over the same Parquet files.

Nothing but the standard library here: rivals run in environments of their own, and must not pay for what they do not
use. Everybody gives one row per customer with us on the date, ordered by customer, with the columns of `subset`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

PERIOD_DAYS = 28
USAGE_LOOKBACK = 13 * PERIOD_DAYS + 31
"""As in features/; a test holds them equal."""

ARPU, SLOPES, PERIODS, DAYS = (1, 3, 6, 12), (3, 6, 12), (1, 3, 6, 13), (30, 90, 180, 365)
NIGHT, CONFIG = date(2026, 11, 1), Path("configs/operator.yaml")
"""The night that is measured, and the project that it is one of."""
NOTE, RAW_TILED, ROWS = Path("asked.json"), Path("raw_tiled"), Path("rows.npy")


@dataclass(frozen=True)
class Asked:
    """One snapshot: where the tables lie, the date, its first instant in UTC, and what is assumed about bills."""

    folder: Path
    as_of: date
    cutoff: datetime
    measures: tuple[str, ...]
    closed: int
    """The newest closed month, as year * 12 + month."""
    threads: int = 1
    needed: dict[str, list[str]] | None = None
    """Columns of each table that the whole catalogue reads."""

    @property
    def since(self) -> date:
        """The first day of usage that any feature looks at."""
        return self.as_of - timedelta(days=USAGE_LOOKBACK)

    def file(self, name: str) -> str:
        """The Parquet parts of a table, as a pattern for SQL."""
        return str(self.folder / name / "*.parquet")

    def recent(self, name: str) -> list[str]:
        """The parts of a table that a night opens: of usage those that reach into the time looked at."""
        parts = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))["parts"][name]
        old = self.since.isoformat() if name == "usage" else ""
        return [str(self.folder / part["file"]) for part in parts if (part["last_day"] or "9") >= old]


def asked(folder: Path) -> Asked:
    """The question over the tables of a folder, from what `note` in benchmarks/learning.py has written down."""
    said = json.loads(NOTE.read_text(encoding="utf-8"))
    day, cutoff = date.fromisoformat(said["as_of"]), datetime.fromisoformat(said["cutoff"])
    return Asked(
        folder, day, cutoff, tuple(said["measures"]), said["closed"], said["threads"], said["needed"]
    )  # fmt: skip


def subset(measures: Sequence[str]) -> list[str]:
    """ARPU and its slopes, mean usage of every measure, complaint counts."""
    return [
        *[f"arpu_{n}m" for n in ARPU],
        *[f"arpu_slope_{n}m" for n in SLOPES],
        *[f"{m}_mean_{n * 4}w" for m in measures for n in PERIODS],
        *[f"complaint_count_{n}d" for n in DAYS],
    ]


WAYS = ("us", "sql", "raw_sql", "polars", "pandas", "featuretools")


def trees_file(name: str) -> Path:
    """A booster whose contributions to `ROWS` are compared."""
    return Path(f"trees_{name}.txt")


def kept(way: str, folder: Path) -> Path:
    """Where a way to the subset leaves its rows, to be compared."""
    return Path(f"by_{way}_{folder.name}.parquet")
