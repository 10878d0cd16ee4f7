"""Lists leave the house here: Excel, CSV or Parquet, whole files or none, every export in the log.

Customers who are held out or must not be contacted never leave; the files carry only how many they are.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.definition import Feature
from features.errors import HeadwaterError
from models.scores.columns import SCHEMA
from pipelines.delivery import workbook
from pipelines.delivery.presets import Preset, preset, preset_rows
from pipelines.wording.errors import disk_error
from pipelines.wording.formats import masked, missing
from pipelines.wording.reasons import Wording
from pipelines.workspace.files import FILE_MODE, FOLDER_MODE, SECRET_MODE, append_json, replacing, sha256
from targeting.holdout import HoldoutSettings, is_holdout, random_buckets
from targeting.ranking import ListCounts, ListResult

SEPARATORS = ',;|\t\r\n\x0b\x0c\x85\u2028\u2029"'

WRITTEN = ("phone", "email", "phone_e164", "phone_digits", "email_safe")
"""Columns by which a customer is reached; a Parquet file has the first two."""
HARMLESS = re.compile(r"-?[0-9]+(\.[0-9]+)?|\+[0-9]{6,15}")
"""Ids that begin as a formula does and are none: numbers, and telephones as E.164 writes them."""


@dataclass(frozen=True)
class ExportContext:
    """Everything about an export that is not the list itself.

    Attributes
    ----------
    features
        Column -> feature, for the words of reasons.
    currency
        ISO code of all money.
    lang
        `zh` or `en`, where the preset names none.
    run
        Shown on the sheet "Run": run id, model versions, holdout salt.
    notes
        Sentences for the sheet "Summary": what is not predicted, and why.
    refused
        Ids whose consent was withdrawn since the list was drawn: they are taken off, also from old lists.
    held_out
        The global holdout of today: who has come into it since the list was drawn is taken off, too.
    rules
        Rule of the playbook of that night -> its conditions.
    details
        How customers are reached, as `contact_details.of_customers` gives it; None for a list without contact details.
    may_be_empty
        Write a file that says why nobody is in it; E435 if False.
    log
        File that gets a line per export; None writes none.
    who
        Takes the list away.
    when
        Stands in the log; nothing here reads the clock.
    """

    features: Mapping[str, Feature] = field(default_factory=dict)
    currency: str = "CNY"
    lang: str = "zh"
    run: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()
    held_out: HoldoutSettings | None = None
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    details: pd.DataFrame | None = None
    may_be_empty: bool = True
    log: Path | None = None
    who: str = ""
    when: str = ""


@dataclass(frozen=True)
class Exported:
    """A list that was written.

    Attributes
    ----------
    path
        The file.
    rows
        Customers in it.
    withdrawn
        Customers left out because they withdrew consent, or came into the global holdout, since the list was drawn.
    sha256
        Of the file.
    reachable
        Of them, customers with a telephone number or an e-mail address; None for a list without contact details.
    unreachable
        Customers left out because this receiver needs an address: none is known, or it stands further up.
    """

    path: Path
    rows: int
    withdrawn: int
    sha256: str
    reachable: int | None = None
    unreachable: int = 0


def write_list(result: ListResult, path: Path, preset_name: str, context: ExportContext) -> Exported:
    """Log the list for one receiver and write it; the old file stays whole until the new one is.

    Parameters
    ----------
    result
        The list.
    path
        Its file; folders are made.
    preset_name
        The layout.
    context
        Everything else.

    Returns
    -------
    Exported
        What was written.

    Raises
    ------
    HeadwaterError
        E262 when the list holds somebody who must not be contacted, E263 for an unknown preset, E344 for texts that only a
        guarded layout may hold, E347 for ids that are no addresses where the receiver asks for
        them, and where nobody has one, E435 where nobody is left, E703 to E705 for what the disk refuses.
    """
    shape = preset(preset_name).of(result.kind, contacts=context.details is not None)
    _refuse_untouchable(result)
    allowed = ~(result.rows["customer_id"].isin(context.refused) | _held_out_by_now(result.rows, context.held_out))
    left, unreachable = _reached(result.rows[allowed].reset_index(drop=True), shape, context.details)
    exported_rows = ListResult(**{**vars(result), "rows": left})
    withdrawn = int((~allowed).sum())
    if exported_rows.rows.empty and not context.may_be_empty:
        raise nobody_left(result.counts, withdrawn)
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    with replacing(path, FILE_MODE if context.details is None else SECRET_MODE) as temporary:
        _write(exported_rows, temporary, shape, context, withdrawn)
        exported = Exported(path, len(left), withdrawn, sha256(temporary), _reachable(left, shape), unreachable)
        if context.log:  # before anybody can take the list: what cannot be logged does not leave
            _log(context, exported_rows, exported, preset_name)
    return exported


def _reached(rows: pd.DataFrame, shape: Preset, details: pd.DataFrame | None) -> tuple[pd.DataFrame, int]:
    """The rows with how each customer is reached, and how many are left out because the receiver could not take them.

    Raises E347 where that would be everybody.
    """
    if details is None:
        return rows, 0
    joined = rows.join(details, on="customer_id")
    if not shape.reached_by:
        return joined, 0
    address = joined[list(shape.reached_by)].bfill(axis=1).iloc[:, 0]  # a receiver refuses the same one twice
    taken = address.notna() & ~address.duplicated()
    if len(joined) and not taken.any():
        raise HeadwaterError("E347", column="contact_details", names=", ".join(_headers(shape)))
    return joined[taken].reset_index(drop=True), int((~taken).sum())


def _headers(shape: Preset) -> list[str]:
    return [column.title(shape.lang) for column in shape.columns if column.source in shape.reached_by]


def _reachable(rows: pd.DataFrame, shape: Preset) -> int | None:
    """Customers with a telephone number or an e-mail address in the file; None where no contact details were asked for."""
    if "phone" not in rows:
        return None
    written = [name for name in WRITTEN if any(column.source == name for column in shape.columns)] or ["phone", "email"]
    return int(rows[written].notna().any(axis=1).sum())


def nobody_left(counts: ListCounts, withdrawn: int = 0) -> HeadwaterError:
    """E435: what became of everybody whom the list is about, so that an empty list is not taken for a finished one."""
    left_out = {"suppressed": sum(counts.suppressed.values()), "held_out": counts.held_out, "withdrawn": withdrawn}
    return HeadwaterError("E435", eligible=counts.eligible, filtered=counts.filtered, **left_out)


def _held_out_by_now(rows: pd.DataFrame, settings: HoldoutSettings | None) -> np.ndarray:
    """True for those of the global holdout as it is configured today."""
    if settings is None:
        return np.zeros(len(rows), dtype=bool)
    return is_holdout(random_buckets(rows["customer_id"], settings.salt), settings)


def safe_cell(value: str) -> str:
    """The text with `'` wherever a spreadsheet could see the start of a formula, whatever separator it takes."""
    out, start = [], True
    for char in value:
        if start and (char in "\t\r\n\0" or unicodedata.normalize("NFKC", char)[:1] in tuple("=+-@")):
            out.append("'")
            start = False
        out.append(char)
        start = char in SEPARATORS or (start and _is_skipped(char))
    return "".join(out)


def _is_skipped(char: str) -> bool:
    """Characters that spreadsheets skip before they look for a formula."""
    return char.isspace() or unicodedata.category(char) in ("Cf", "Cc", "Zs") or char in "'\""


def _write(result: ListResult, target: Path, shape: Preset, context: ExportContext, withdrawn: int) -> None:
    if shape.format == "parquet":
        return pq.write_table(_table(result), target, compression="zstd", write_page_checksum=True)
    wording = Wording(context.features, shape.lang or context.lang, context.currency)
    shape = shape.addressed(result.rows["customer_id"])
    rows = preset_rows(result, shape, wording, context.rules)
    if shape.format == "xlsx":
        facts = workbook.Facts(result, rows, shape, context.currency, context.run, withdrawn, context.notes)
        return workbook.write(facts, target)
    if shape.format == "csv":
        for source, column in zip(shape.columns, rows, strict=True):
            _refuse_formulas(rows[column], source.source)
    text = csv_text(rows, guard=shape.format == "csv-excel")
    target.write_bytes(text.encode("utf-8-sig" if shape.format == "csv-excel" else "utf-8"))
    return None


def _refuse_formulas(values: pd.Series, column: str) -> None:
    """Raises E344 for texts that a spreadsheet would run: a machine needs each as it is, and somebody may open the file."""
    texts = [value for value in values.astype(object) if isinstance(value, str)]
    live = [one for one in texts if not HARMLESS.fullmatch(one) and safe_cell(one) != one]
    if live:
        raise HeadwaterError("E344", column=column, count=len(live), value=masked(live[0]))


def csv_text(rows: pd.DataFrame, guard: bool) -> str:
    """Comma-separated text with CRLF; `guard` quotes every cell and makes text safe for double-clicking."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL if guard else csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow([_csv_cell(str(name), guard) for name in rows.columns])
    columns = [[_csv_cell(value, guard) for value in _cells(rows[name])] for name in rows.columns]
    writer.writerows(zip(*columns, strict=True))
    return buffer.getvalue()


def _cells(values: pd.Series) -> Iterable[Any]:
    """The values as they are written; a float keeps its own precision, so that it is read back as it was."""
    return values.to_numpy() if values.dtype.kind == "f" else values.astype(object)


def _csv_cell(value: Any, guard: bool) -> str:
    if missing(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else np.format_float_positional(value, trim="-")
    return safe_cell(value) if guard and isinstance(value, str) else str(value)


def _table(result: ListResult) -> pa.Table:
    """The listed rows with every column of the score table, and their place on the list."""
    scores = pa.Table.from_pandas(result.rows[SCHEMA.names], schema=SCHEMA, preserve_index=False)
    places = {"list_id": pa.string(), "rank": pa.int64(), "arm": pa.string()}
    places |= {name: pa.string() for name in ("contact_name", "phone", "email") if name in result.rows}
    for name, dtype in places.items():
        scores = scores.append_column(name, pa.array(result.rows[name], type=dtype))
    return scores.replace_schema_metadata({"headwater.list_id": result.list_id})


def _refuse_untouchable(result: ListResult) -> None:
    rows = result.rows
    wrong = rows["is_holdout"].astype(bool) | ~rows["contact_allowed"].astype(bool) | rows["arm"].ne("treated")
    if wrong.any():
        raise HeadwaterError("E262", list_id=result.list_id, count=int(wrong.sum()))


def _log(context: ExportContext, result: ListResult, exported: Exported, preset_name: str) -> None:
    """One line per export: never the customers. Raises E703 to E705 for what the disk refuses."""
    line = {
        "who": context.who,
        "when": context.when,
        "list_id": result.list_id,
        "preset": preset_name,
        "file": exported.path.name,
        "rows": exported.rows,
        "withdrawn": exported.withdrawn,
        "held_out": result.counts.held_out,
        "sha256": exported.sha256,
    }
    if context.details is not None:
        line |= {"contact_details": exported.reachable, "unreachable": exported.unreachable}
    assert context.log is not None
    try:
        context.log.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        append_json(context.log, line)
    except OSError as error:
        raise disk_error(error, context.log) from error
