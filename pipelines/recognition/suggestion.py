"""A proposed mapping of one file, for people who write theirs by hand."""

from collections.abc import Sequence
from pathlib import Path

from features.contracts import CONTRACTS
from features.errors import HeadwaterError
from pipelines.config.validation import nearest
from pipelines.recognition import evidence, raw_tables, tables, together
from pipelines.recognition.choices import Choices
from pipelines.recognition.mapping_text import mapping_text
from pipelines.recognition.places import place
from pipelines.recognition.raw_tables import RawTable
from pipelines.recognition.tables import Recognised


def suggestion(path: Path, table: str | None, encoding: str | None, lang: str) -> str:
    """A mapping of one raw file, as YAML text with comments. Nothing is written.

    Parameters
    ----------
    path
        The file; a database or a workbook may hold several tables, and each that is recognised is mapped.
    table
        The canonical table that it holds; without it the one that fits best.
    encoding
        Of a CSV file; found in its bytes when left out.
    lang
        Of the comments.

    Returns
    -------
    str
        The mapping; marked with CHECK where a person has to look.

    Raises
    ------
    HeadwaterError
        E211 for a table that is not there, E256 where none fits, E401 for a file that is not there, and what reading raises.
    """
    if not path.is_file():
        raise HeadwaterError("E401", file=path, table=table or "…", mapping="…")
    if table is not None and table not in CONTRACTS:
        raise HeadwaterError(
            "E211", file=path, column=table, name=table, nearest=nearest(table, list(CONTRACTS)) or "—"
        )
    found = _recognised(raw_tables.file(path, encoding), table)
    if not found:
        raise HeadwaterError("E256", file=path)
    zone, currency = place(found)
    codes = [code for each in found if "status" in each.columns for code in evidence.status_codes(each, [])]
    left = tuple(code.value for code in codes if code.left)
    return mapping_text(found, Choices(lang, currency, zone, left))


def _recognised(raws: Sequence[RawTable], table: str | None) -> list[Recognised]:
    """The tables that are one of ours; a single one is the one asked for in any case, several must have it among them."""
    if table and len(raws) == 1:
        return [tables.as_table(raws[0], table)]
    found = [each for each in together.recognised(raws) if each.table]
    return found if table in (None, *[each.table for each in found]) else []
