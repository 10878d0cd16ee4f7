"""Erasing people from a workspace: out of every file, in an order that may be cut off anywhere and begun again.

First it is written down who is left out, so that nothing that is read from then on brings them back; then one place after
the other; at the end every file is searched. What was done already is found done.
"""

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from glob import glob
from pathlib import Path

from features.errors import HeadwaterError
from pipelines.config.mapping import Mapping
from pipelines.delivery import delta, pages
from pipelines.ingest import merging, snapshots
from pipelines.ingest.columns import named
from pipelines.project import Project
from pipelines.wording.formats import masked
from pipelines.workspace import erasures, lock, removal, runs
from pipelines.workspace.checkpoints import remove_pieces
from pipelines.workspace.files import read_held_log, settle, sha256
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from pipelines.workspace.publication import read_publication
from pipelines.workspace.score_files import ScoreFile
from pipelines.workspace.traces import DISTINCT, Unsearchable, found_in

_log = logging.getLogger("headwater")
PURPOSE = "erase"
SPILL = ".spill"
CLOSED = ("models", "mlflow-artifacts", "mlflow.db")
"""Places that hold nobody and are checked by their bytes: they are searched and not rewritten."""
OWN = (lock.NAME, erasures.FILE)
"""Files that say nothing of customers."""


@dataclass(frozen=True)
class Trace:
    """A file in which some of the people stand.

    Attributes
    ----------
    path
        Where.
    people
        How many of them; None where the file cannot be read as what it says it is.
    """

    path: Path
    people: int | None


@dataclass
class Receipt:
    """What came of an erasure: counts and files, never whom.

    Attributes
    ----------
    people
        How many were asked for.
    found
        Files of the workspace in which they stood, as far as they did this time.
    left
        Those in which they still stand.
    raw
        Raw files that hold them: these are the operator's.
    unread
        Sources that could not be looked into: databases, and files that are not there or cannot be read.
    pages
        Reports that show a masked id which may be theirs: they are made again.
    gone
        Those of them that could not be made again.
    exported
        Copies of lists that were taken away by now, as the export log tells.
    """

    people: int
    found: list[Trace] = field(default_factory=list)
    left: list[Trace] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    exported: int = 0

    def places(self, workspace: Workspace) -> dict[str, int]:
        """Place of the workspace -> its files in which they stood."""
        return dict(sorted(Counter(_place(workspace, trace.path) for trace in self.found).items()))


def erase(project: Project, ids: Collection[str], day: date, steps: Steps) -> Receipt:
    """Erase customers from a workspace, for good.

    Parameters
    ----------
    project
        Of the workspace.
    ids
        Of customers, as score files have them.
    day
        Of the erasure: who holds one of the ids from a later day on is somebody else.
    steps
        Are told.

    Returns
    -------
    Receipt
        With nothing left.

    Raises
    ------
    HeadwaterError
        E345 where somebody still stands in a file, E601 while another run works in the workspace, E334 where it cannot
        be read who was erased before, E332 for damage to what earlier snapshots said, E7xx for what the disk refuses.
        Run again it goes on.
    """
    workspace = project.workspace
    with lock.exclusive(workspace, PURPOSE):
        receipt = look(project, ids, steps)
        kept = erasures.erasures(workspace.root).begun(ids, day)
        erasures.save(workspace.root, kept)
        with steps.step("erase") as facts:
            _forget(project, set(ids), receipt)
            _take_out(workspace, set(ids), receipt, id_columns(project.mapping))
            facts["said"] = f"{len(receipt.found):,}"
        with steps.step("searched"):
            receipt.left = list(traces(workspace, ids, id_columns(project.mapping)))
        if receipt.left:
            names = ", ".join(str(trace.path.relative_to(workspace.root)) for trace in receipt.left[:5])
            raise HeadwaterError("E345", file=receipt.left[0].path, files=len(receipt.left), names=names)
        erasures.save(workspace.root, kept.finished(ids))
        with steps.step("report"):
            _remake_delta(project)
            receipt.gone = [page for page in receipt.pages if not _is_made_again(project, page)]
    return receipt


def _remake_delta(project: Project) -> None:
    """The Delta table over what is published now, where there is to be one; what fails here is only told."""
    for problem in delta.attempted(delta.rebuild, project.workspace) if project.settings.delta else []:
        _log.warning("the Delta table is removed and could not be made again: %s", problem.values["detail"])


def _is_made_again(project: Project, page: str) -> bool:
    """Make the report of a date again that was removed. Everybody is erased by now, so what fails here is only told."""
    try:
        publication = read_publication(project.workspace, date.fromisoformat(page))
        pages.write_page(project, pages.report_data(project, publication))
    except (HeadwaterError, ValueError) as error:
        _log.warning("the report %s is removed and could not be made again: %s", page, error)
        return False
    return True


def look(project: Project, ids: Collection[str], steps: Steps) -> Receipt:
    """Where customers stand, in the workspace and in raw files; nothing is changed.

    Parameters
    ----------
    project
        Of the workspace.
    ids
        Of customers.
    steps
        Are told.
    """
    workspace, receipt = project.workspace, Receipt(len(ids))
    with steps.step("search") as facts:
        receipt.found = list(traces(workspace, ids, id_columns(project.mapping)))
        receipt.raw, receipt.unread = _raw(project.mapping, ids)
        receipt.pages = [path.stem for path in _pages(workspace, ids)]
        log = workspace.root / "exports.jsonl"
        receipt.exported = len(log.read_bytes().splitlines()) if log.is_file() else 0
        facts["said"] = f"{len(receipt.found):,}"
    return receipt


def id_columns(mapping: Mapping) -> set[str]:
    """Names of columns in which a number may be the id of a customer, of raw and of canonical tables."""
    parts = [part for table in mapping.tables.values() for part in table.parts]
    parts += [mapping.contact_details] if mapping.contact_details else []
    forms = [part.forms()["customer_id"] for part in parts if "customer_id" in part.forms()]
    return {"customer_id", *(name for form in forms for name in named(form))}


def traces(workspace: Workspace, ids: Collection[str], columns: Collection[str]) -> Iterator[Trace]:
    """The files of a workspace in which some customers stand, and those in `damaged/` in which nobody can look.

    Parameters
    ----------
    workspace
        Every file below it is read.
    ids
        Of customers.
    columns
        Those in which a number may be an id.
    """
    for path in sorted(workspace.root.rglob("*")):
        place = _place(workspace, path)
        if place in OWN or path.is_symlink() or not path.is_file():
            continue
        try:
            found = found_in(path, _looked_for(place, ids), columns)
        except FileNotFoundError:  # another process has removed it
            continue
        except Unsearchable:
            yield Trace(path, None)
            continue
        if found:
            yield Trace(path, len(found))


def _looked_for(place: str, ids: Collection[str]) -> set[str]:
    """Where nobody is meant to stand, figures are many, and a short id would be met by chance."""
    return {name for name in ids if len(name) >= DISTINCT} if place in CLOSED else set(ids)


def _place(workspace: Workspace, path: Path) -> str:
    return path.relative_to(workspace.root).parts[0]


def _forget(project: Project, ids: set[str], receipt: Receipt) -> None:
    """What earlier customers files said, without some customers."""
    places = {_place(project.workspace, trace.path) for trace in receipt.found}
    con = project.connection

    def without(before: Path, after: Path) -> None:
        versions = con.read_parquet(before, table_name="versions_before")
        merging.written_part(con, versions.filter(~versions.customer_id.isin(sorted(ids))), after)

    if snapshots.FOLDER in places:
        snapshots.forget(project.workspace.root / snapshots.FOLDER, without)


def _take_out(workspace: Workspace, ids: set[str], receipt: Receipt, columns: set[str]) -> None:
    """Everything that is not looked for by its content first, then file after file."""
    shutil.rmtree(workspace.tables, ignore_errors=True)
    shutil.rmtree(workspace.root / SPILL, ignore_errors=True)
    shutil.rmtree(workspace.root / delta.FOLDER, ignore_errors=True)  # links to files of before; made again at the end
    remove_pieces(workspace)
    for leftover in workspace.root.rglob(".*.tmp"):  # of killed runs; half a Parquet file cannot be searched
        leftover.unlink()
    for page in _pages(workspace, ids):
        page.unlink(missing_ok=True)
    for trace in sorted(receipt.found, key=lambda trace: _place(workspace, trace.path) == "archive"):
        if (
            trace.path.is_file()
        ):  # those in the archive last: one may be a copy of what is published, of the same record
            _treatment(workspace, trace)(trace.path, ids, columns)
    for folder in (workspace.root, workspace.reports):
        settle(folder)


Treatment = Callable[[Path, set[str], set[str]], object]


def _treatment(workspace: Workspace, trace: Trace) -> Treatment:
    """What takes people out of a file."""
    place = _place(workspace, trace.path)
    if place in ("damaged", "reports"):
        return lambda path, ids, columns: path.unlink()
    if place in CLOSED or trace.people is None or _is_written_now(trace.path):
        return lambda path, ids, columns: None  # told as left
    return partial(_scores, workspace) if place in ("scores", "archive") else removal.without


def _is_written_now(path: Path) -> bool:
    """Is this the record of a call that runs, such as this one?"""
    return path.parent.name == "calls" and read_held_log(path)[1]


def _scores(workspace: Workspace, path: Path, ids: set[str], columns: set[str]) -> None:
    """A score file without some customers. Readers compare it with the record of its run: at no moment do they refuse it."""
    run_id, before = ScoreFile(path).meta["run_id"], sha256(path)
    is_recorded = runs.record(workspace, run_id).get("sha256") == before
    record = Journal(workspace.runs / Path(run_id).name)

    def tell(rewritten: Path) -> None:
        if is_recorded:
            record.add(**{runs.REWRITTEN: sha256(rewritten)})

    removal.parquet_without(path, ids, columns, tell)
    if is_recorded:
        record.add(**{"sha256": sha256(path), runs.REWRITTEN: None})


def _pages(workspace: Workspace, ids: Collection[str]) -> list[Path]:
    """Reports in which somebody stands whose masked id is that of one of the people."""
    shown = {masked(customer_id).encode() for customer_id in ids}
    found = []
    for path in sorted(workspace.reports.glob("*.html")):
        with suppress(FileNotFoundError):
            content = path.read_bytes()
            found += [path] if any(name in content for name in shown) else []
    return found


def _raw(mapping: Mapping, ids: Collection[str]) -> tuple[list[str], list[str]]:
    """Raw files that hold some customers, also where their ids are written without the zeros before them; and sources
    into which nobody can look from here: databases, and files that cannot be read."""
    sources = [part.source for table in mapping.tables.values() for part in table.parts]
    sources += [mapping.contact_details.source] if mapping.contact_details else []
    sources += [read for source in sources for read in source.reads.values()]
    unread = {source.connection or source.database or "" for source in sources} - {""}
    wanted, columns, holding = _spellings(ids), id_columns(mapping), set[str]()
    paths = [source.path for source in sources if source.path]
    for file in sorted({name for path in paths for name in glob(path, recursive=True)}):  # noqa: PTH207  Path.glob takes no absolute pattern
        try:
            holding |= {file} if found_in(Path(file), wanted, columns) else set()
        except (Unsearchable, OSError):
            unread.add(file)
    return sorted(holding), sorted(unread)


def _spellings(ids: Collection[str]) -> set[str]:
    """Ids as they are, and as numbers: a mapping may have put zeros before them."""
    numbers = {customer_id.lstrip("0") for customer_id in ids if customer_id.isdecimal()}
    return {*ids, *(number for number in numbers if len(number) >= DISTINCT)}
