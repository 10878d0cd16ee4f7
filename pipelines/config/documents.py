"""YAML files read safely, with the line of every key: no tags, no aliases, no key twice, no surprise."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from features.errors import HeadwaterError

BIGGEST = 2_000_000
DEEPEST = 40


@dataclass(frozen=True)
class Document:
    """The content of a YAML file and the line (from 1) of each key path."""

    path: Path
    content: dict[str, Any]
    lines: dict[tuple, int] = field(default_factory=dict)

    def line(self, keys: tuple) -> int | None:
        """Line of the nearest known ancestor of a key path."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys)

    def place(self, keys: tuple) -> tuple[str, int | None]:
        """The file, and the line (from 1) of a key path; None where the file does not have it."""
        return str(self.path), self.line(keys)


def read(path: Path) -> Document:
    """Raises E201 (no file), E202 (not YAML), E222 (a key twice), E206 (tags, aliases, size), E7xx."""
    try:
        if path.stat().st_size > BIGGEST:
            raise HeadwaterError("E206", file=path, found=f"> {BIGGEST:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise HeadwaterError("E201", file=path) from error
    except UnicodeDecodeError as error:
        raise HeadwaterError("E202", file=path, row=None, found=f"byte {error.start}: not UTF-8") from error
    return _parsed(path, text)


def _parsed(path: Path, text: str) -> Document:
    try:
        _refuse_aliases(path, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "?"
        raise HeadwaterError("E202", file=path, row=mark and mark.line + 1, found=problem) from error
    lines: dict[tuple, int] = {}
    content = _value(path, node, (), lines) if node else {}
    if not isinstance(content, dict):
        raise HeadwaterError("E202", file=path, row=1, found=type(content).__name__)
    return Document(path, content, lines)


def _refuse_aliases(path: Path, text: str) -> None:
    """An alias can unfold into gigabytes; our files never need one."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise HeadwaterError("E206", file=path, row=event.start_mark.line + 1, found="& / *")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise HeadwaterError("E206", file=path, row=event.start_mark.line + 1, found=f"> {DEEPEST} levels")


def _value(path: Path, node: yaml.Node, at: tuple, lines: dict[tuple, int]) -> Any:
    """Plain Python of a node; only the tags of standard YAML are known."""
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        return _mapping(path, node, at, lines)
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [_value(path, item, (*at, index), lines) for index, item in enumerate(node.value)]
    if not isinstance(node, yaml.ScalarNode) or not node.tag.startswith("tag:yaml.org,2002:"):
        raise HeadwaterError("E206", file=path, row=node.start_mark.line + 1, found=node.tag)
    return _scalar(path, node)


def _mapping(path: Path, node: yaml.MappingNode, at: tuple, lines: dict[tuple, int]) -> dict:
    content: dict = {}
    for key_node, item in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag.endswith(":merge"):
            raise HeadwaterError("E206", file=path, row=line, found=str(key_node.value)[:20])
        key = _scalar(path, key_node)
        if key in content:
            raise HeadwaterError("E222", file=path, row=line, key=".".join(map(str, (*at, key))))
        lines[(*at, key)] = line
        content[key] = _value(path, item, (*at, key), lines)
    return content


def _scalar(path: Path, node: yaml.ScalarNode) -> Any:
    loader = yaml.SafeLoader("")
    try:
        scalar = loader.construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise HeadwaterError("E202", file=path, row=node.start_mark.line + 1, found=node.value[:40]) from error
    finally:
        loader.dispose()
    if scalar is not None and not isinstance(scalar, str | int | float | bool | date):
        raise HeadwaterError("E206", file=path, row=node.start_mark.line + 1, found=node.tag)
    return scalar
