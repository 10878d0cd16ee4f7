"""What a column is called and what it therefore probably is, in English and in Chinese; `headers.yaml` holds the names."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

import yaml

SURE, STRIPPED, MAYBE, ENDING = 1.0, 0.95, 0.8, 0.7
"""Certainty of a name that is in the catalogue, that is after harmless words are taken off, that is doubtful, that ends so."""
ENOUGH = 0.65
UNITS = {
    "分": "fen", "fen": "fen", "cent": "fen", "cents": "fen", "pence": "fen",
    "元": "yuan", "yuan": "yuan", "rmb": "yuan", "cny": "yuan", "usd": "usd", "eur": "eur", "gbp": "gbp",
    "$": "usd", "€": "eur", "£": "gbp", "¥": "yuan",
    "byte": "b", "bytes": "b", "kb": "kb", "mb": "mb", "gb": "gb", "tb": "tb", "k": "kb", "m": "mb", "g": "gb", "兆": "mb",
    "分钟": "min", "秒": "s", "sec": "s", "secs": "s", "seconds": "s", "小时": "h", "hours": "h", "条": "", "次": "", "个": "",
}  # fmt: skip
"""What stands in brackets or after the last underscore -> a unit; "" for one that says nothing."""
_CAMEL = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\x00-\x7f])(?=[\x21-\x7e])|(?<=[\x21-\x7e])(?=[^\x00-\x7f])"
)
_BRACKETS = re.compile(r"[(\[{（【]([^)\]}）】]*)[)\]}）】]")
_BETWEEN = re.compile(r"[\s_\-./\\:：,，;'\"?？!|&·]+")


@dataclass(frozen=True)
class Meaning:
    """What a column can be.

    Attributes
    ----------
    name
        A canonical column, or a notion such as `phone`, `personal`, `quantity`.
    kind
        What its values must be: key, date, end (a date that not everybody has), time, money, number, text, code, flag or any.
    tables
        Where it may stand; empty for everywhere.
    """

    name: str
    kind: str
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """One reading of a header: meaning, certainty from 0 to 1, and the place of the name in the catalogue (less is better)."""

    meaning: Meaning
    certainty: float
    rank: int = 0


@dataclass(frozen=True)
class Catalogue:
    """The names of `headers.yaml` as they are looked up.

    Attributes
    ----------
    names
        Flat name -> readings of it.
    same
        Abbreviation -> word.
    words
        Every word that stands in a name or an abbreviation.
    safe
        Words that change nothing.
    tables
        Table -> words for it.
    attributes
        Flat name -> what an attribute of customers is called here.
    """

    names: Mapping[str, tuple[Match, ...]]
    same: Mapping[str, str]
    words: frozenset[str]
    safe: frozenset[str]
    tables: Mapping[str, frozenset[str]]
    attributes: Mapping[str, str]


@cache
def catalogue() -> Catalogue:
    """The file of names, read once."""
    text = files("pipelines.recognition").joinpath("headers.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    same = {str(short): str(word) for short, word in content["same"].items()}
    names: dict[str, list[Match]] = {}
    words: set[str] = {*same, *same.values()}
    for key, entry in content["meanings"].items():
        for name, match in _named(key, entry, content["classes"]):
            tokens = _plain_tokens(name, same)
            words.update(tokens)
            names.setdefault("".join(tokens), []).append(match)
    tables = {table: frozenset(map(str, known)) for table, known in content["tables"].items()}
    words.update(*tables.values())
    called = {"".join(_plain_tokens(n, same)): own for own, known in content["attributes"].items() for n in known}
    whole = {name: tuple(matches) for name, matches in names.items()}
    return Catalogue(
        whole, same, frozenset(word for word in words if len(word) > 1), frozenset(content["safe"]), tables, called
    )


def _named(key: str, entry: dict[str, Any], classes: dict[str, list]) -> Iterator[tuple[str, Match]]:
    meaning = Meaning(entry.get("means", key), entry["kind"], tuple(entry.get("in", ())))
    for certainty, names in ((SURE, entry["names"]), (MAYBE, entry.get("maybe", []))):
        for rank, name in enumerate(names):
            for spelled in _expanded(str(name), classes):
                yield spelled, Match(meaning, certainty, rank)


def _expanded(name: str, classes: dict[str, list]) -> Iterator[str]:
    """`{customer} {id}` -> customer id, customer number, client id …"""
    parts = re.split(r"\{(\w+)\}", name)
    choices = [[part] if place % 2 == 0 else [str(word) for word in classes[part]] for place, part in enumerate(parts)]
    return ("".join(chosen) for chosen in product(*choices))


def words(header: str) -> list[str]:
    """The words of a header as they are written, in small letters: `CUST_NO` -> cust, no."""
    text = unicodedata.normalize("NFKC", header).replace("帐", "账").replace("#", " # ").replace("kWh", "kwh")
    return [word for word in _BETWEEN.split(_CAMEL.sub(" ", text).lower()) if word]


def _plain_tokens(name: str, same: Mapping[str, str]) -> list[str]:
    """Words in small letters, abbreviations written out."""
    return [same.get(word, word) for word in words(name)]


def unit(header: str) -> str:
    """The unit in a name: fen, yuan, usd, b, kb, mb, gb, min, s, h …; empty where it names none."""
    return _without_unit(header)[1]


def _without_unit(header: str) -> tuple[str, str]:
    text = unicodedata.normalize("NFKC", header).strip()
    inside = _BRACKETS.search(text)
    if inside:
        return _BRACKETS.sub(" ", text).strip() or text, UNITS.get(inside[1].strip().lower(), "")
    head, sign, last = text.rpartition("_") if "_" in text else text.rpartition(" ")
    if sign and last.lower() in UNITS and head.strip():
        return head, UNITS[last.lower()]
    return text, ""


def tokens(header: str) -> list[str]:
    """The words of a header without its unit: `CUST_NO` -> customer, number; `invoicedate` -> invoice, date."""
    known = catalogue()
    return [word for token in _plain_tokens(_without_unit(header)[0], known.same) for word in _split(token, known)]


def _split(token: str, known: Catalogue) -> list[str]:
    """A word written together as the fewest known words; as it stands where it is not made of them."""
    if token in known.words or token in known.names or not token.isascii() or not token.isalpha():
        return [token]
    best: dict[int, list[str]] = {0: []}
    for end in range(1, len(token) + 1):
        for start in range(end):
            piece = token[start:end]
            if start in best and piece in known.words and len(best[start]) + 1 < len(best.get(end, "x" * 9)):
                best[end] = [*best[start], piece]
    return [known.same.get(word, word) for word in best.get(len(token), [token])]


def attribute(header: str) -> str | None:
    """What an attribute of customers is called here, if many have it: 网龄 -> tenure; None for any other."""
    return catalogue().attributes.get("".join(tokens(header)))


def readings(header: str, table: str) -> list[Match]:
    """What a header can mean in a table, the most certain first; empty for a name that nobody knows."""
    known = catalogue()
    words = tokens(header)
    found = [*_looked_up([*_plain_tokens(header, known.same)], table, 1.0), *_looked_up(words, table, 1.0)]
    for shorter in _without_harmless(words, table, known):
        found += _looked_up(shorter, table, STRIPPED)
    found += [
        match for ending in _endings(words) for match in _looked_up(ending, table, ENDING) if _may_end(match, header)
    ]
    return sorted(found, key=lambda match: (-match.certainty, match.rank))


def _looked_up(words: Sequence[str], table: str, factor: float) -> list[Match]:
    matches = catalogue().names.get("".join(words), ())
    fitting = [match for match in matches if not match.meaning.tables or table in match.meaning.tables]
    return [Match(match.meaning, match.certainty * factor, match.rank) for match in fitting]


def _without_harmless(words: list[str], table: str, known: Catalogue) -> Iterator[list[str]]:
    """The name without words that say nothing, or only which table it is in; in Chinese without such a beginning."""
    own = known.tables.get("bills" if table == "lines" else table, frozenset()) | known.safe
    shorter = list(words)
    while len(shorter) > 1 and shorter[0] in own:
        shorter = shorter[1:]
        yield shorter
    flat = "".join(words)
    yield from ([flat[len(word) :]] for word in own if not word.isascii() and flat.startswith(word) and flat != word)


def _endings(words: list[str]) -> Iterator[list[str]]:
    """What the name ends with: in English and Chinese alike the last words say what a thing is."""
    yield from (words[start:] for start in range(1, len(words)))
    flat = "".join(words)
    if not flat.isascii():
        yield from ([flat[start:]] for start in range(1, len(flat) - 1))


def _may_end(match: Match, header: str) -> bool:
    """Half a name tells an amount or a number; in Chinese a word too. Never a key, a day or a person: the customer who referred
    is not the customer, and a marital status is no status."""
    kind, is_word = match.meaning.kind, match.meaning.kind in ("text", "code") and match.meaning.name != "personal"
    return match.certainty >= SURE * ENDING and (kind in ("money", "number") or (is_word and not header.isascii()))


def meanings(
    headers: Sequence[str], table: str, fits: Callable[[str, str], bool] = lambda header, kind: True
) -> dict[str, Match]:
    """What each column is, every meaning given to the header that fits it best; headers without one are left out.

    Without a customer's id the account, or else the telephone number, is the customer.

    Parameters
    ----------
    headers
        Of one table, in order.
    table
        What the table is: a canonical table, or `lines` of invoices.
    fits
        Can the values of a header be of a kind? Everything can if left out.

    Returns
    -------
    dict
        Header -> reading.
    """
    pairs = [(match, place, header) for place, header in enumerate(headers) for match in readings(header, table)]
    pairs = [pair for pair in pairs if pair[0].certainty >= ENOUGH and fits(pair[2], pair[0].meaning.kind)]
    pairs.sort(key=lambda pair: (-pair[0].certainty, pair[0].rank, pair[1]))
    chosen: dict[str, Match] = {}
    taken: set[str] = set()
    for match, _, header in pairs:
        often = match.meaning.name in ("other", "personal")
        if header not in chosen and (often or match.meaning.name not in taken):
            chosen[header] = match
            taken.add(match.meaning.name)
    return _with_customer(_with_happening(chosen, pairs), table)


def _with_happening(chosen: dict[str, Match], pairs: Sequence[tuple[Match, int, str]]) -> dict[str, Match]:
    """The only clock of a table says when something happened, if it can: created_at beside nothing else."""
    by_name = {match.meaning.name: header for header, match in chosen.items()}
    clock = by_name.get("known_at")
    if "happened_at" in by_name or clock is None:
        return chosen
    return chosen | {
        header: match for match, _, header in pairs if header == clock and match.meaning.name == "happened_at"
    }


def _with_customer(chosen: dict[str, Match], table: str) -> dict[str, Match]:
    """The account, the telephone or the bare id of a table of customers stands in for a missing customer's id."""
    by_name = {match.meaning.name: header for header, match in chosen.items()}
    stand_ins = ("account_id", "phone", *(("row_id",) if table == "customers" else ()))
    header = next((by_name[name] for name in stand_ins if name in by_name), None)
    if "customer_id" in by_name or header is None:
        return chosen
    return chosen | {header: Match(Meaning("customer_id", "key"), MAYBE, chosen[header].rank)}
