"""A list as an Excel workbook that can be worked with at once: List, Summary, Definitions, Run.

Every text is a plain string cell, ids included; nothing can become a formula, a link or a rounded number.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.delivery.list_filters import in_words, setting_name
from pipelines.delivery.presets import Preset
from pipelines.wording.formats import missing, word
from pipelines.wording.texts import has, text
from targeting.candidates import UPLIFT
from targeting.ranking import ListResult

EXCEL_ROWS = 1_048_576
MONEY = ("value_12m_pred", "value_at_risk", "arpu_3m", "vip_gap", "value_pred", "action_priority")
SHARES = ("churn_probability", "vip_probability")
WIDTHS = {
    "rank": 6,
    "customer_id": 16,
    "contact_name": 14,
    "phone": 17,
    "email": 24,
    "tier_current": 9,
    "churn_probability": 10,
    "churn_risk_band": 9,
    "churn_trend": 9,
    "vip_probability": 10,
    "vip_early": 10,
    "reason_1": 36,
    "reason_2": 36,
    "reason_3": 36,
    "recommended_action": 18,
    "action_channel": 9,
    "action_why": 40,
}
WIDTH = 12
SENTENCES = ("reason_1", "reason_2", "reason_3", "recommended_action", "action_why")
"""Columns whose text goes on in further lines."""
A4, MARGIN = 9, 0.3
"""Paper, by its number in Excel, and what is left free at each side, in inches."""
LIGHTS = {"critical": "#F4B6B0", "high": "#F9D5C2", "medium": "#FCEBB6", "low": "#CFE8D2"}
CURRENCY_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£"}
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
}


@dataclass(frozen=True)
class Facts:
    """What a workbook is made of.

    Attributes
    ----------
    result
        The list.
    rows
        Its rows, in the columns of `shape`.
    shape
        The preset.
    currency
        ISO code of all money.
    run
        Shown on the sheet "Run".
    withdrawn
        Customers taken off at export.
    notes
        Sentences below the counts.
    """

    result: ListResult
    rows: pd.DataFrame
    shape: Preset
    currency: str
    run: Mapping[str, str]
    withdrawn: int
    notes: tuple[str, ...] = ()

    @property
    def lang(self) -> str:
        return self.shape.lang or "en"


def write(facts: Facts, target: Path, rows_per_sheet: int = EXCEL_ROWS - 1) -> None:
    """Write the workbook.

    Parameters
    ----------
    facts
        What is in it.
    target
        The file.
    rows_per_sheet
        A longer list goes on in further sheets.
    """
    with xlsxwriter.Workbook(str(target), OPTIONS) as book:
        # The creation date is the data date: the same list gives the same bytes.
        created = facts.result.as_of or dt.date(2000, 1, 1)
        book.set_properties({"title": facts.result.list_id, "created": dt.datetime.combine(created, dt.time())})
        looks = _looks(book, facts.currency)
        for number, start in enumerate(range(0, max(len(facts.rows), 1), rows_per_sheet), 1):
            name = text("lists.sheet_list", facts.lang) + (f" {number}" if number > 1 else "")
            _list_sheet(book.add_worksheet(name), facts, slice(start, start + rows_per_sheet), looks)
        for name, lines, widths in _side_sheets(facts):
            sheet = book.add_worksheet(text(f"lists.{name}", facts.lang))
            _plain_sheet(sheet, lines, widths, looks)
            _printed(sheet, facts)


def _looks(book: xlsxwriter.Workbook, currency: str) -> dict[str, Format]:
    sign = CURRENCY_SIGNS.get(currency, f"{currency} ")
    font = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "vcenter"}
    head = {"bold": True, "bg_color": "#1F4E5F", "font_color": "#FFFFFF", "text_wrap": True}
    looks = {
        "head": book.add_format(font | head),
        "text": book.add_format(font | {"num_format": "@"}),
        "wrapped": book.add_format(font | {"text_wrap": True, "valign": "top"}),
        "share": book.add_format(font | {"num_format": "0.0%"}),
        "money": book.add_format(font | {"num_format": f'"{sign}"#,##0.00'}),
        "number": book.add_format(font | {"num_format": "#,##0"}),
    }
    return looks | {band: book.add_format(font | {"bg_color": colour}) for band, colour in LIGHTS.items()}


def _list_sheet(sheet: Worksheet, facts: Facts, part: slice, looks: dict[str, Format]) -> None:
    rows, columns = facts.rows.iloc[part], facts.shape.columns
    for index, column in enumerate(columns):
        sheet.set_column(index, index, WIDTHS.get(column.source, WIDTH))
    sheet.set_row(0, 30)
    for index, title in enumerate(rows.columns):
        sheet.write_string(0, index, str(title), looks["head"])
    kinds = [column.source for column in columns]
    lights = facts.result.rows["churn_risk_band"].astype(object).iloc[part].tolist()
    for row, (values, light) in enumerate(zip(rows.itertuples(index=False), lights, strict=True), 1):
        for index, (kind, value) in enumerate(zip(kinds, values, strict=True)):
            look = looks.get(light, looks["text"]) if kind == "churn_risk_band" else _look(kind, value, looks)
            _cell(sheet, (row, index), value, look)
    if rows.empty:
        sheet.write_string(1, 0, text("lists.nobody", facts.lang, n=facts.result.counts.eligible), looks["text"])
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    _printed(sheet, facts)


def _printed(sheet: Worksheet, facts: Facts) -> None:
    """A page as wide as the sheet, as many as it takes down; each says which list it is of, and which of how many."""
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=MARGIN, right=MARGIN, top=2 * MARGIN, bottom=2 * MARGIN)
    sheet.set_footer(f"&L{facts.result.list_id}&R{text('lists.printed', facts.lang)}")


def _look(kind: str, value: Any, looks: dict[str, Format]) -> Format:
    if isinstance(value, str) or missing(value):
        return looks["wrapped" if kind in SENTENCES else "text"]
    if kind in MONEY:
        return looks["money"]
    return looks["share" if kind in SHARES else "number"]


def _cell(sheet: Worksheet, place: tuple[int, int], value: Any, look: Format) -> None:
    if missing(value) or value == "":
        sheet.write_blank(*place, None, look)
    elif isinstance(value, (int, float, Decimal)):
        sheet.write_number(*place, float(value), look)
    else:
        sheet.write_string(*place, str(value), look)


def _plain_sheet(sheet: Worksheet, lines: Sequence[tuple], widths: Sequence[int], looks: dict[str, Format]) -> None:
    for index, width in enumerate(widths):
        sheet.set_column(index, index, width)
    for row, line in enumerate(lines):
        for index, value in enumerate(line):
            look = looks["head" if row == 0 else "wrapped" if isinstance(value, str) else "number"]
            _cell(sheet, (row, index), value, look)
    sheet.freeze_panes(1, 0)


def _side_sheets(facts: Facts) -> list[tuple[str, list[tuple], tuple[int, int]]]:
    return [
        ("sheet_summary", _summary(facts), (48, 14)),
        ("sheet_definitions", _definitions(facts), (26, 110)),
        ("sheet_run", _run(facts), (30, 70)),
    ]


def _summary(facts: Facts) -> list[tuple]:
    """What became of every eligible customer; the lines below the first add up to it."""
    counts, lang = facts.result.counts, facts.lang
    suppressed = [
        (text("lists.suppressed", lang, reason=word("suppress_reason", reason, lang)), count)
        for reason, count in counts.suppressed.items()
    ]
    withdrawn = [(text("lists.withdrawn", lang), facts.withdrawn)] if facts.withdrawn else []
    return [
        (text("lists.what", lang), text("lists.how_many", lang)),
        (text("lists.eligible", lang), counts.eligible),
        (text("lists.listed", lang), counts.listed - facts.withdrawn),
        *withdrawn,
        *suppressed,
        (text("lists.held_out_always", lang), counts.held_out_always),
        (text("lists.held_out_here", lang), counts.held_out_here),
        *([(text("lists.same_account", lang), counts.same_account)] if counts.same_account else []),
        (text("lists.beyond_top", lang), counts.beyond_top),
        (text("lists.adds_up", lang), ""),
        *([(text("lists.filtered", lang), counts.filtered)] if counts.filtered else []),
        *((note, "") for note in facts.notes),
        (text("lists.estimates", lang), ""),
    ]


def _definitions(facts: Facts) -> list[tuple]:
    lang = facts.lang
    known = [column for column in facts.shape.columns if has(f"glossary.{column.source}")]
    lines = [(column.title(lang), text(f"glossary.{column.source}", lang)) for column in known]
    return [(text("lists.column", lang), text("lists.definition", lang)), *lines]


def _run(facts: Facts) -> list[tuple]:
    lang, result = facts.lang, facts.result
    filters = [
        (setting_name(name, lang), in_words(name, value, result.kind, lang)) for name, value in result.filters.items()
    ]
    return [
        (text("lists.name", lang), text("lists.value", lang)),
        (text("lists.this_list", lang), _told(facts)),
        (text("lists.list_id", lang), result.list_id),
        (text("lists.as_of", lang), str(result.as_of or "")),
        *[(setting_name(name, lang), in_words(name, value, result.kind, lang)) for name, value in facts.run.items()],
        *filters,
    ]


def _told(facts: Facts) -> str:
    """What the list is, in a sentence."""
    lang, counts, kind = facts.lang, facts.result.counts, facts.result.kind
    order = facts.result.filters.get("churn_order", UPLIFT if UPLIFT in facts.result.filters else None)
    ordered = text("lists.vip_probability", lang) if order is None else in_words("churn_order", order, kind, lang)
    named = {"kind": in_words("list", kind, kind, lang), "order": ordered, "as_of": str(facts.result.as_of or "")}
    listed = counts.listed - facts.withdrawn
    return text("lists.this_list_told", lang, **named, eligible=counts.eligible, listed=listed, held=counts.held_out)
