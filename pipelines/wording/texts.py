"""Every sentence that people read, in Chinese and English: `text("lists.rank", "zh")`.

The files of `pipelines/wording/catalogue/` are one catalogue: a key is the file's name, a dot, and the path inside the file.
"""

from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any, Literal, get_args

import yaml

Language = Literal["zh", "en"]
LANGUAGES: tuple[str, ...] = get_args(Language)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Key -> language -> sentence with placeholders."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(files("pipelines.wording").joinpath("catalogue").iterdir(), key=lambda file: file.name):
        stem, dot, ending = file.name.partition(".")
        if dot and ending == "yaml":
            _collect(stem, yaml.safe_load(file.read_text(encoding="utf-8")) or {}, found)
    return found


def _collect(key: str, node: dict, found: dict[str, dict[str, str]]) -> None:
    """Add the entries below a node; an entry has one text, or one set of named texts, per language."""
    if set(node) != set(LANGUAGES):
        for name, child in node.items():
            _collect(f"{key}.{name}", child, found)
    elif isinstance(node["en"], dict):
        for part in node["en"].keys() | node["zh"].keys():
            found[f"{key}.{part}"] = {lang: node[lang][part] for lang in LANGUAGES if part in node[lang]}
    else:
        found[key] = {lang: str(node[lang]) for lang in LANGUAGES}


def text(key: str, lang: str, /, **values: Any) -> str:
    """The sentence of a key in one language, its placeholders filled. Raises LookupError for a missing key or value."""
    sentences = catalogue().get(key)
    if sentences is None or lang not in sentences:
        raise LookupError(f"no text {key!r} in {lang!r}")
    missing = placeholders(sentences[lang]) - values.keys()
    if missing:
        raise LookupError(f"text {key!r} needs {', '.join(sorted(missing))}")
    return sentences[lang].format(**values)


def has(key: str) -> bool:
    """Does the catalogue have a text under this key?"""
    return key in catalogue()


def placeholders(sentence: str) -> set[str]:
    """Names between braces: `{share:.1%}` -> share."""
    return {name.partition(".")[0].partition("[")[0] for _, name, _, _ in Formatter().parse(sentence) if name}
