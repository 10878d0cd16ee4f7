"""`docs/errors.md`, made from the catalogue: one section per code, in both languages."""

import re

from pipelines.wording.texts import catalogue, text


def codes() -> list[str]:
    """Every code of the catalogue, errors first."""
    known = {key.split(".")[1] for key in catalogue() if re.fullmatch(r"errors\.[EW]\d{3}\.what", key)}
    return sorted(known)


def error_pages() -> str:
    """The whole page as Markdown."""
    head = "# Error codes · 错误代码\n\nThe first digit is the exit code; W codes are warnings (exit 0). Made by `make docs`.\n"
    return head + "\n" + "\n".join(section(code) for code in codes())


def section(code: str) -> str:
    """What an error or warning says in both languages, and its exit code."""
    meaning = " · ".join(text(f"terms.exits.{code[1]}", lang) for lang in ("en", "zh")) if code[0] == "E" else ""
    exits = f"exit {code[1]}: {meaning}" if meaning else "warning · 警告 (exit 0)"
    lines = [f"## {code}", "", exits, ""]
    for lang, fix in (("en", "Fix"), ("zh", "修复")):
        lines += [f"- {_sentence(code, 'what', lang)}", f"  {fix}: {_sentence(code, 'fix', lang)}"]
    return "\n".join(lines) + "\n"


def _sentence(code: str, part: str, lang: str) -> str:
    """The sentence with its placeholders as words: `{rows:,}` -> ‹rows›."""
    entry = catalogue().get(f"errors.{code}.{part}", {})
    return re.sub(r"\{(\w+)[^{}]*\}", r"‹\1›", entry.get(lang, "—")).replace("|", "\\|")
