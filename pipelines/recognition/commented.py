"""YAML with comments: lines that a person can read and change."""

from typing import Any

import yaml

WIDTH = 64
"""Column at which comments begin, where the line leaves room."""


def flow(value: Any) -> str:
    """A value on one line, quoted where YAML would read something else."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False).strip()
    return text.removesuffix("...").strip()


def line(indent: int, key: str, value: Any = None, why: str = "") -> str:
    """`key: value    # why`; without a value the head of a section.

    Parameters
    ----------
    indent
        Blanks before it.
    key
        A name.
    value
        Anything that YAML knows; None for the head of a section.
    why
        The comment; empty for none.
    """
    text = f"{' ' * indent}{flow(key)}:" + ("" if value is None else f" {flow(value)}")
    return f"{text:<{WIDTH}}  # {why}" if why else text


def block(indent: int, key: str, text: str) -> list[str]:
    """A text of several lines as it stands."""
    return [f"{' ' * indent}{key}: |", *(f"{' ' * (indent + 2)}{row}".rstrip() for row in text.strip().splitlines())]


def comment(indent: int, text: str) -> str:
    """A line that says something of those after it."""
    return f"{' ' * indent}# {text}"
