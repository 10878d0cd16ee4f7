"""What a list looks like for each receiver: the shapes of `presets.yaml`, checked."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd
import yaml
from pydantic import ConfigDict, Field

from features.errors import HeadwaterError
from features.strict import Strict
from pipelines.delivery.addresses import ADDRESSES, AddressKind
from pipelines.wording.formats import missing, word
from pipelines.wording.playbooks import fired
from pipelines.wording.reasons import Wording, sentences
from pipelines.wording.texts import text
from targeting.list_settings import ListKind
from targeting.ranking import ListResult

Format = Literal["xlsx", "csv", "csv-excel", "parquet"]
REASONS = ("reason_1", "reason_2", "reason_3")
WHY = "action_why"
"""Why somebody has their action: the rule that fired, as a sentence."""
NO_RULES: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


class PresetColumn(Strict):
    """A column of an export: the score column it is from, its header, the words that stand for its codes, and the list that
    alone has it. `contacts`: it is there only with contact details (true), or only without them (false). `kinds` has the header by what the ids of customers are, for receivers who know people by an address."""

    model_config = ConfigDict(populate_by_name=True)
    source: str = Field(alias="from")
    header: str | None = None
    kinds: dict[AddressKind, str] | None = None
    codes: dict[str, str] | None = None
    only: ListKind | None = None
    contacts: bool | None = None

    def title(self, lang: str | None) -> str:
        return self.header or text(f"lists.{self.source}", lang or "en")


class Preset(Strict):
    """`lang` None keeps the codes of the score table, as machines want them."""

    format: Format
    lang: Literal["zh", "en"] | None = None
    columns: tuple[PresetColumn, ...]
    reached_by: tuple[str, ...] = ()
    """With contact details: of which columns a receiver needs one. Who has none is left out."""

    def of(self, kind: ListKind, contacts: bool = False) -> "Preset":
        """The shape of one kind of list, with contact details or without: no columns that only another one has."""
        kept = tuple(
            column for column in self.columns if column.only in (None, kind) and column.contacts in (None, contacts)
        )
        return self.model_copy(update={"columns": kept})

    def addressed(self, ids: pd.Series) -> "Preset":
        """The shape for these ids of customers: columns with `kinds` get the header of what the ids are.

        Raises
        ------
        HeadwaterError
            E347 where the receiver asks for an address and the ids are neither all e-mail addresses nor all telephone numbers.
        """
        columns = tuple(
            column.model_copy(update={"header": _header(column.kinds, ids)}) if column.kinds else column
            for column in self.columns
        )
        return self.model_copy(update={"columns": columns})


def _header(kinds: dict[AddressKind, str], ids: pd.Series) -> str:
    """The header for what all ids are; the first for no ids."""
    fitting = [name for kind, name in kinds.items() if all(map(ADDRESSES[kind].fullmatch, ids))]
    if not fitting:
        raise HeadwaterError("E347", column="customer_id", names=", ".join(kinds.values()))
    return fitting[0]


@cache
def presets() -> dict[str, Preset]:
    """Every shape that lists are exported in, by name, from `presets.yaml`."""
    shapes = yaml.safe_load((Path(__file__).parent / "presets.yaml").read_text(encoding="utf-8"))
    return {name: Preset.model_validate(shape) for name, shape in shapes.items()}


def preset(name: str) -> Preset:
    """The preset of that name; E263 with the known names otherwise."""
    if name not in presets():
        raise HeadwaterError("E263", name=name, known=", ".join(presets()))
    return presets()[name]


def preset_name(file_format: str, lang: str) -> str:
    """The preset that a format and a language stand for."""
    named = {"xlsx": f"excel-{lang}", "csv": "csv", "csv-excel": f"csv-excel-{lang}", "parquet": "parquet"}
    if file_format not in named:
        raise HeadwaterError("E263", name=file_format, known=", ".join(named))
    return named[file_format]


def preset_rows(
    result: ListResult, shape: Preset, wording: Wording, rules: Mapping[str, Mapping[str, Any]] = NO_RULES
) -> pd.DataFrame:
    """The rows of the list in the preset's columns: numbers stay numbers, codes become words where it has a language.

    Parameters
    ----------
    result
        The list.
    shape
        The preset.
    wording
        Words the reasons.
    rules
        Rule of the playbook of that night -> its conditions; a rule that is not known is told by nothing.

    Returns
    -------
    pandas.DataFrame
        A row per customer to contact, best first, under the preset's headers.
    """
    rows = _with_reasons(result, shape, wording)
    if any(column.source == WHY for column in shape.columns):
        rows = rows.assign(**{WHY: _fired(rows, rules, wording.lang)})
    columns = [_values(rows[column.source], column, shape.lang) for column in shape.columns]
    return pd.concat(columns, axis=1, keys=[column.title(shape.lang) for column in shape.columns])


def _fired(rows: pd.DataFrame, rules: Mapping[str, Mapping[str, Any]], lang: str) -> pd.Series:
    """Why each customer has their action, as a sentence."""
    told = {rule: fired(when, lang) for rule, when in rules.items()}
    return rows["action_rule"].astype(object).map(lambda rule: told.get(rule, ""))


def _with_reasons(result: ListResult, shape: Preset, wording: Wording) -> pd.DataFrame:
    if not any(column.source in REASONS for column in shape.columns):
        return result.rows
    lines_by_row = [sentences(reasons, wording) for reasons in result.rows[f"{result.kind}_reasons"]]
    padded = pd.DataFrame([lines + [""] * (len(REASONS) - len(lines)) for lines in lines_by_row], columns=list(REASONS))
    return result.rows.reset_index(drop=True).join(padded)


def _values(values: pd.Series, column: PresetColumn, lang: str | None) -> pd.Series:
    if column.codes:
        return values.astype(object).map(lambda code: column.codes.get(code, ""))
    if lang and (_is_coded(values) or column.source == "recommended_action"):
        return values.astype(object).map(lambda code: "" if missing(code) else word(column.source, code, lang))
    return values


def _is_coded(values: pd.Series) -> bool:
    """Are they codes or flags, which people read in words?"""
    kinds = {type(value) for value in values.astype(object) if not missing(value)}
    return isinstance(values.dtype, pd.CategoricalDtype) or kinds == {bool}
