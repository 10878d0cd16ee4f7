"""A model as text files: `bundle.json` and LightGBM texts. Never pickled; nothing else is accepted.

Files are compared with their recorded sha256 before they come here: damaged LightGBM text can crash the interpreter.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from features.errors import HeadwaterError

MAIN = "bundle.json"
FORMAT = 1
ALLOWED = re.compile(r"^(bundle\.json|(retained_)?((paid|amount)_)?trees\.txt)$")


def pack(kind: str, state: Mapping[str, Any], texts: Mapping[str, str], facts: Mapping[str, Any]) -> dict[str, str]:
    """File name to text. `facts` is what people and checks need to know: target, dates, versions, feature-set hash."""
    document = {"format": FORMAT, "kind": kind, "texts": sorted(texts), "facts": dict(facts), "model": dict(state)}
    body = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    return {MAIN: body} | {f"{name}.txt": text for name, text in texts.items()}


def unpack(kind: str, files: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """State, texts and facts.

    Raises E513 for a foreign or missing file, another kind of model or an unknown format.
    """
    _refuse_foreign(files)
    document = _read(files)
    if document.get("kind") != kind or document.get("format") != FORMAT:
        raise HeadwaterError("E513", file=MAIN, reason=f"kind {document.get('kind')}, format {document.get('format')}")
    texts = {name.removesuffix(".txt"): text for name, text in files.items() if name != MAIN}
    lacking = sorted(set(document.get("texts", ())) ^ set(texts))
    if lacking:
        raise HeadwaterError("E513", file=f"{lacking[0]}.txt", reason="missing or unexpected file")
    return document["model"], texts, document["facts"]


def _refuse_foreign(names: Mapping[str, str] | Sequence[str]) -> None:
    """Raises E513 unless every file name is one of ours."""
    foreign = sorted(n for n in names if not ALLOWED.match(n))
    if foreign or MAIN not in names:
        raise HeadwaterError("E513", file=(foreign or [MAIN])[0], reason="foreign file" if foreign else "missing file")


def _read(files: Mapping[str, str]) -> dict[str, Any]:
    """The document of `bundle.json`."""
    try:
        document = json.loads(files[MAIN])
    except json.JSONDecodeError as error:
        raise HeadwaterError("E513", file=MAIN, reason=str(error)) from error
    if not isinstance(document, dict):
        raise HeadwaterError("E513", file=MAIN, reason="not a document")
    return document


def kind(files: Mapping[str, str]) -> str:
    """The target of the model that these files hold. Raises E513 for files that are not ours."""
    _refuse_foreign(files)
    return str(_read(files).get("kind"))
