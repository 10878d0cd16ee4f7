"""What nightly snapshots of customers said, kept as versions: a row is known from the night on that first read it.

`<workspace>/history/` holds the versions that all snapshots made, and `customers.json` what they were made of. Nothing
else knows what a file said that has been replaced since, so this is no cache: where it is damaged a run stops (E332).
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis
import ibis.expr.types as ir

from features.contracts import ALWAYS, TIME, Contract
from features.errors import HeadwaterError, Problem
from features.spine import cutoff
from pipelines.config.mapping import Mapping
from pipelines.ingest.tables import Part
from pipelines.workspace.files import FOLDER_MODE, replacing, sha256, sync, write_json

FOLDER, STATE = "history", "customers.json"
TICK = timedelta(microseconds=1)
KEY = ("customer_id", "activated_on")


@dataclass(frozen=True)
class State:
    """What the snapshots so far came to.

    Attributes
    ----------
    identity
        Of all of them in their order; "" before the first.
    contents
        Of the newest: its bytes, and by what it was read.
    as_of
        The latest night that read any, as text; "" before the first. A snapshot may be known from the next one on.
    forms
        Column -> how the newest was mapped.
    sha256
        Of the file of versions.
    """

    identity: str = ""
    contents: str = ""
    as_of: str = ""
    forms: dict[str, str] = field(default_factory=dict)
    sha256: str = ""


@dataclass(frozen=True)
class Night:
    """One snapshot on top of the others.

    Attributes
    ----------
    folder
        Where the versions lie.
    before
        What the snapshots before came to.
    after
        What they come to with this one; its `sha256` is not known yet.
    clock
        From when on its rows are known (UTC): right before the night. The first snapshot was always known.
    seen
        The first night that sees it.
    """

    folder: Path
    before: State
    after: State
    clock: datetime
    seen: date

    @classmethod
    def of(cls, folder: Path, mapping: Mapping, contents: str, as_of: date) -> "Night":
        """What a night finds; nothing is written.

        A snapshot that is read for a night before the newest one came after that one: it is known from the next night on.

        Parameters
        ----------
        folder
            `<workspace>/history`.
        mapping
            Of the project.
        contents
            Of the snapshot: its bytes, and by what it is read.
        as_of
            The night.

        Returns
        -------
        Night
            With `after` as `before` where the snapshot says nothing new.

        Raises
        ------
        HeadwaterError
            E332 where what earlier nights said is damaged.
        """
        before = _state(folder)
        if before.contents == contents:
            return cls(folder, before, before, ALWAYS, as_of)
        newest = date.fromisoformat(before.as_of) if before.as_of else as_of
        night = as_of if as_of >= newest else newest + timedelta(days=1)
        clock = cutoff(night, mapping.timezone) - TICK if before.as_of else ALWAYS
        identity = _digest([before.identity, contents, clock.isoformat()])[:16]
        after = State(identity, contents, max(newest, as_of).isoformat(), _forms(mapping))
        return cls(folder, before, after, clock, night)

    def notes(self, as_of: date) -> list[Problem]:
        """A warning where a new snapshot came after a later night, and so is not seen at `as_of` (W365), or where it takes
        the place of one that `as_of` had seen already (W370)."""
        if self.seen <= as_of:
            is_second = self.after is not self.before and self.before.as_of == as_of.isoformat()
            return [Problem("W370", str(self.folder), values={"as_of": as_of})] if is_second else []
        values = {"as_of": as_of, "newest": self.before.as_of, "known": self.seen.isoformat()}
        return [Problem("W365", str(self.folder), values=values)]

    @property
    def file(self) -> Path:
        """The versions of the snapshots before."""
        return _file(self.folder, self.before)

    def changed(self) -> list[str]:
        """Columns that are mapped otherwise than in the snapshot before; empty for the first."""
        names = self.before.forms.keys() | self.after.forms.keys()
        differing = sorted(c for c in names if self.before.forms.get(c) != self.after.forms.get(c))
        return differing if self.before.identity else []

    def save(self, part: Part, as_of: date) -> None:
        """Keep the versions of a reading that went well, whole or not at all; older ones are removed.

        A copy and no link: damage to one must not be damage to both.

        Parameters
        ----------
        part
            The versions.
        as_of
            The night that read them: no snapshot that comes later is known before the night after it.
        """
        self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        after = replace(self.after, as_of=max(self.after.as_of, as_of.isoformat()), sha256=part.sha256)
        if after == self.before:
            return
        if not _file(self.folder, after).is_file():
            with replacing(_file(self.folder, after)) as temporary:
                shutil.copyfile(part.path, temporary)
            sync(self.folder)  # the versions have their name before anything says that they have
        _keep(self.folder, after)


def forget(folder: Path, without: Callable[[Path, Path], object]) -> None:
    """Keep what earlier snapshots said, but of some customers: under a new identity, whole or not at all.

    Parameters
    ----------
    folder
        `<workspace>/history`.
    without
        Writes the versions of the first file but those of the customers to the second, as a reading writes them: where
        nothing new is said, the next one must come to the same bytes.

    Raises
    ------
    HeadwaterError
        E332 where what earlier nights said is damaged.
    """
    before = _state(folder)
    if not before.identity:
        return
    with TemporaryDirectory(dir=folder, prefix=".") as place:
        rewritten = Path(place) / f"{FOLDER}.parquet"
        without(_file(folder, before), rewritten)
        digest = sha256(rewritten)
        after = replace(before, identity=_digest([before.identity, digest])[:16], sha256=digest)
        with replacing(_file(folder, after)) as temporary:
            shutil.copyfile(rewritten, temporary)
    sync(folder)
    _keep(folder, after)


def _keep(folder: Path, state: State) -> None:
    """The versions lie there: from now on they are what is kept, and older ones go."""
    write_json(folder / STATE, asdict(state))
    for old in folder.glob("customers-*.parquet"):
        if old != _file(folder, state):
            old.unlink(missing_ok=True)


def check(folder: Path) -> None:
    """Is what earlier nights said whole, if there is any? Raises E332 (exit 3) where it is damaged."""
    _state(folder)


def _state(folder: Path) -> State:
    """What is kept, verified. Raises E332."""
    if not (folder / STATE).is_file():
        if damaged := next(folder.glob("customers-*.parquet"), None):
            raise HeadwaterError("E332", file=damaged, detail=f"{STATE} is missing")
        return State()
    try:
        state = State(**json.loads((folder / STATE).read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise HeadwaterError("E332", file=folder / STATE, detail="unreadable") from error
    path = _file(folder, state)
    if not path.is_file() or sha256(path) != state.sha256:
        raise HeadwaterError("E332", file=path, detail="missing or altered (sha256)")
    return state


def _file(folder: Path, state: State) -> Path:
    return folder / f"customers-{state.identity}.parquet"


LATER = ("prefix", "decimal")
"""Keys of forms that earlier snapshots did not know: without them a column is mapped as it was."""


def _forms(mapping: Mapping) -> dict[str, str]:
    """Column of customers -> a digest of how it is mapped."""
    made: dict[str, list[Any]] = {}
    for part in mapping.tables["customers"].parts:
        for name, form in part.forms().items():
            said = form.model_dump(mode="json")
            made.setdefault(name, []).append({key: value for key, value in said.items() if key not in LATER or value})
    return {name: _digest([*forms, mapping.timezone])[:16] for name, forms in made.items()}


def _digest(whole: Any) -> str:
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()


def notes(night: Night, file: str) -> list[Problem]:
    """A warning where columns are mapped otherwise, so that the past can only be told as of today."""
    changed = night.changed()
    values = {"columns": ", ".join(changed), "as_of": night.seen.isoformat()}
    return [Problem("W362", file, column=changed[0], values=values)] if changed else []


def versions(con, night: Night, snapshot: ir.Table, contract: Contract) -> ir.Table:
    """All versions with those of a new snapshot: rows that it does not repeat end, and its other rows begin.

    Columns that are mapped otherwise now say of the past what they say today, for nobody can tell what they would have
    said; with another key all begins anew.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    night
        The night of the snapshot.
    snapshot
        Its rows, one per holder of an id.
    contract
        Of customers, with the declared columns.

    Returns
    -------
    ir.Table
        The contract's columns and `superseded_at`; null where a row stands.
    """
    if night.after.identity == night.before.identity:
        return con.read_parquet(night.file, table_name="snapshots_before")
    names = list(contract.schema())
    fresh = snapshot.select(*names).mutate(known_at=ibis.literal(night.clock).cast(TIME), superseded_at=ibis.null(TIME))
    if not night.before.identity or set(night.changed()) & set(KEY):
        return fresh.mutate(known_at=ibis.literal(ALWAYS).cast(TIME))
    kept = con.read_parquet(night.file, table_name="snapshots_before")
    if night.changed():
        kept = _rewritten(kept, fresh, names, night.changed())
    return _followed(_reopened(kept, night.clock), fresh, night.clock, names)


def _rewritten(kept: ir.Table, fresh: ir.Table, names: list[str], changed: list[str]) -> ir.Table:
    """The versions in the columns of today; those mapped otherwise hold what the snapshot says of the holder."""
    new = {c for c in names if c in changed or c not in kept.columns} - {"known_at"}
    rows = kept.left_join(fresh, [kept[c].identical_to(fresh[c]) for c in KEY], rname="{name}_today")
    today = {c: rows[f"{c}_today"] if f"{c}_today" in rows.columns else rows[c] for c in new}
    chosen = {c: today[c] if c in new else rows[c] for c in [*names, "superseded_at"]}
    return _joined(rows.select(**chosen), names)


def _joined(kept: ir.Table, names: list[str]) -> ir.Table:
    """Versions that follow each other and say the same, as one."""
    said = [c for c in names if c != "known_at"]
    follows = ibis.window(group_by=list(KEY), order_by="known_at")
    before = {c: kept[c].lag().over(follows) for c in said}
    goes_on = kept.superseded_at.lag().over(follows) == kept.known_at
    for column in said:
        goes_on &= kept[column].identical_to(before[column])
    marked = kept.mutate(begins=(~goes_on.fill_null(False)).cast("int64"))
    runs = marked.mutate(run=marked.begins.sum().over(ibis.cumulative_window(group_by=list(KEY), order_by="known_at")))
    last = runs.superseded_at.isnull().any()
    return (
        runs.group_by(*said, "run")
        .aggregate(
            known_at=runs.known_at.min(), superseded_at=ibis.ifelse(last, ibis.null(TIME), runs.superseded_at.max())
        )
        .select(*names, "superseded_at")
    )


def _reopened(kept: ir.Table, clock: datetime) -> ir.Table:
    """The versions without what an earlier reading of the same night brought, or of one before it and too late for it.

    What was delivered last counts.
    """
    moment = ibis.literal(clock).cast(TIME)
    ended = (kept.superseded_at >= moment).fill_null(False)
    return kept.filter(kept.known_at < moment).mutate(superseded_at=ended.ifelse(None, kept.superseded_at))


def _followed(kept: ir.Table, fresh: ir.Table, clock: datetime, names: list[str]) -> ir.Table:
    """Rows that stand and are repeated stand on; the others end, and what is new begins."""
    said = [c for c in names if c != "known_at"]
    now, past = kept.filter(kept.superseded_at.isnull()), kept.filter(kept.superseded_at.notnull())
    same = [now[c].identical_to(fresh[c]) for c in said]
    stands = now.semi_join(fresh, same)
    ends = now.anti_join(fresh, same).mutate(superseded_at=ibis.literal(clock).cast(TIME))
    begins = fresh.anti_join(now, [fresh[c].identical_to(now[c]) for c in said])
    columns = [*names, "superseded_at"]
    return ibis.union(*[rows.select(*columns) for rows in (past, stands, ends, begins)])
