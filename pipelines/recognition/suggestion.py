"""A proposed mapping of one file, for people who write theirs by hand."""

from pathlib import Path

from features.contracts import CONTRACTS
from features.errors import HeadwaterError
from pipelines.config.validation import nearest
from pipelines.recognition import evidence, raw_tables, tables
from pipelines.recognition.mapping_text import Choices, mapping_text
from pipelines.recognition.proposal import place


def suggestion(path: Path, table: str | None, encoding: str | None, lang: str) -> str:
    """A mapping of one raw file, as YAML text with comments. Nothing is written.

    Parameters
    ----------
    path
        The file.
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
    raw = raw_tables.file(path, encoding)
    found = tables.as_table(raw, table) if table else tables.recognised([raw])[0]
    if not found.table:
        raise HeadwaterError("E256", file=path)
    zone, currency = place([found])
    codes = evidence.status_codes(found, []) if "status" in found.columns else []
    left = tuple(code.value for code in codes if code.left)
    return mapping_text([found], Choices(lang, currency, zone, left))
