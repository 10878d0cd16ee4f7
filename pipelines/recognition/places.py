"""Where a business is, by its files: time zone and currency."""

import re
from collections.abc import Sequence

from babel import Locale
from babel.core import get_global
from babel.numbers import get_territory_currencies

from pipelines.recognition import headers
from pipelines.recognition.raw_tables import RawTable
from pipelines.recognition.tables import Recognised


def place(found: Sequence[Recognised]) -> tuple[str, str]:
    """Time zone and currency: of Chinese headers, of the country that most rows name, of units in headers; else UTC and USD.
    A column that says the currency of every row is believed first."""
    names = [name for table in found for name in table.raw.header]
    said = next((codes[0] for table in found if len(codes := currencies(table.raw)) == 1), None)
    if any("\u4e00" <= letter <= "\u9fff" for name in names for letter in name):
        return "Asia/Shanghai", said or "CNY"
    units = {"usd": "USD", "eur": "EUR", "gbp": "GBP", "yuan": "CNY"}
    unit = next((units[headers.unit(name)] for name in names if headers.unit(name) in units), "USD")
    country = next((code for table in found if (code := _country(table.raw, table.columns.get("region")))), None)
    if country is None:
        return "UTC", said or unit
    zones = [zone for zone, territory in get_global("zone_territories").items() if territory == country]
    used = get_territory_currencies(country)
    return (zones[0] if len(zones) == 1 else "UTC"), said or (used[0] if used else unit)


def currencies(raw: RawTable) -> tuple[str, ...]:
    """The codes in a column that says the currency of each row, the most frequent first; none where there is no such column."""
    known = {"currency", "currencycode", "ccy", "währung", "waehrung", "币种", "货币", "币别"}
    named = [name for name in raw.header if re.sub(r"[\s_]", "", name).lower() in known]
    texts = [text.strip() for name in named for text in raw.columns[name].texts]
    return tuple(texts) if all(re.fullmatch("[A-Z]{3}", text) for text in texts) else ()


def _country(raw: RawTable, column: str | None) -> str | None:
    """The territory that the most frequent value names; None where it names none."""
    texts = raw.columns[column].texts if column else ()
    languages = [Locale(language).territories for language in ("de", "en")]
    names = {str(name).lower(): code for known in languages for code, name in known.items() if len(code) == 2}
    names |= {"usa": "US", "uk": "GB", "united kingdom": "GB", "great britain": "GB", "england": "GB"}
    return names.get(texts[0].lower()) if texts else None
