"""Every feature family, one line each, and the columns that they make together."""

import ast
import hashlib
import inspect
from collections.abc import Mapping, Sequence
from types import MappingProxyType, ModuleType

from features import build, definition, series, spine, visible
from features.blocks import registry
from features.definition import Definition, Feature, columns
from features.errors import HeadwaterError
from features.families import (
    arpu,
    complaints,
    contacts,
    habits,
    household,
    lifecycle,
    payments,
    peers,
    plans,
    profile,
    purchases,
    satisfaction,
    seasons,
    usage,
)
from features.settings import FeatureSettings

FAMILIES: tuple[ModuleType, ...] = (
    profile,
    arpu,
    seasons,
    purchases,
    usage,
    habits,
    payments,
    complaints,
    contacts,
    plans,
    satisfaction,
    household,
    peers,
    lifecycle,
)


def definitions(family: ModuleType) -> list[Definition]:
    """The features that a family defines itself, in the order of its file."""
    own = [f for _, f in inspect.getmembers(family, inspect.isfunction) if f.__module__ == family.__name__]
    marked = [f.definition for f in own if hasattr(f, "definition")]
    return sorted(marked, key=lambda d: d.function.__code__.co_firstlineno)


def catalogue(
    measures: Sequence[str],
    attributes: Sequence[str] = (),
    own: ModuleType | None = None,
    *,
    topics: Sequence[str] = (),
    parts: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Feature, ...]:
    """Every column for a business with these usage measures and customer attributes; `own` is one family more.

    `topics` are the topics of complaints that are counted apart, `parts` measures with those that contain them.
    Raises HeadwaterError E268 for a column of `own` that there is already.
    """
    ours = [c for f in FAMILIES for d in definitions(f) for c in columns(d, measures, attributes, topics, parts)]
    theirs = [c for d in definitions(own) for c in columns(d, measures, attributes, topics, parts)] if own else []
    return (*ours, *_distinct(own, theirs, ours))


def _distinct(own: ModuleType | None, theirs: Sequence[Feature], ours: Sequence[Feature]) -> Sequence[Feature]:
    """The columns of a project's own family, none of which may be called like another."""
    taken = {f.column: f.family for f in ours}
    for feature in theirs:
        if feature.column in taken:
            line = feature.definition.function.__code__.co_firstlineno
            found = {"name": feature.column, "family": taken[feature.column]}
            raise HeadwaterError("E268", file=own and own.__file__, row=line, **found)
        taken[feature.column] = feature.family
    return theirs


COMPUTING: tuple[ModuleType, ...] = (definition, spine, visible, registry, series, build)
"""What decides values beside the families."""


def fingerprint(features: Sequence[Feature], settings: FeatureSettings) -> str:
    """Changes when a column, a setting or the code behind them changes: models refuse features of another fingerprint.

    Comments, layout, docstrings and words for people are not code. A project's own family counts like ours.
    """
    digest = hashlib.sha256()
    for feature in features:
        digest.update(feature.column.encode())
    digest.update(settings.model_dump_json(exclude={"own"}).encode())  # where the code lies does not matter
    own = {m for f in features if (m := inspect.getmodule(f.definition.function)) and m not in FAMILIES}
    for module in (*COMPUTING, *FAMILIES, *sorted(own, key=lambda m: m.__name__)):
        digest.update(code(inspect.getsource(module)).encode())
    return digest.hexdigest()[:16]


def code(source: str) -> str:
    """What computes of a module's text: the same for every wording of it."""
    return ast.dump(Wordless().visit(ast.parse(source)))


class Wordless(ast.NodeTransformer):
    """Takes out docstrings, and the arguments, pairs and tables that hold nothing but words for people."""

    ARGUMENTS = frozenset({"label", "zh", "null", "reason"})

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        told = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if told else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "feature":
            node.keywords = [given for given in node.keywords if given.arg not in self.ARGUMENTS]
        return self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        return ast.Constant(None) if _in_two_languages(node) else self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        words = bool(node.values) and all(map(_in_two_languages, node.values))
        return ast.Constant(None) if words else self.generic_visit(node)


def _in_two_languages(node: ast.AST) -> bool:
    """Is it a pair of texts, the second of them in Chinese?"""
    pair = node.elts if isinstance(node, ast.Tuple) and len(node.elts) == 2 else []
    texts = [part.value for part in pair if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return len(texts) == 2 and texts[0].isascii() and not texts[1].isascii()
