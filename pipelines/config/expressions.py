"""The small fixed grammar of mapping files: names, numbers, + - * /, parentheses, coalesce, time and duration.

    sum     = product {("+" | "-") product}          amount = "fee_fen / 100"
    product = factor {("*" | "/") factor}            known_at = "happened_at + 5d"
    factor  = number | duration | name | `any name` | "-" factor | "(" sum ")" | "coalesce" "(" sum {"," sum} ")"

Durations are a whole number and one of y, mo, w, d, h, min, s. Nothing is ever evaluated as code.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from features.errors import HeadwaterError

EXACT = "decimal(19, 6)"  # 18 digits would make DuckDB multiply in 64 bits, and stop on overflow
LONGEST = 1_000
DEEPEST = 30
UNITS = {"y": "Y", "mo": "M", "w": "W", "d": "D", "h": "h", "min": "m", "s": "s"}
TOKEN = re.compile(
    r"\s*(?:(?P<duration>\d+(?:mo|min|[ywdhs])\b)|(?P<number>\d+(?:\.\d+)?(?![\w.]))|(?P<name>[^\W\d]\w*)"
    r"|`(?P<quoted>[^`]+)`|(?P<sign>[-+*/(),]))"
)


@dataclass(frozen=True)
class Name:
    """A column of the source."""

    name: str


@dataclass(frozen=True)
class Number:
    """A number as it is written, so that money stays exact."""

    text: str


@dataclass(frozen=True)
class Duration:
    """So much time, `5d` say, to be added to a day or an instant."""

    amount: int
    unit: str


@dataclass(frozen=True)
class Binary:
    """Two parts and the sign between them: + - * or /."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Coalesce:
    """The first of its parts that is not null."""

    parts: tuple["Node", ...]


Node = Name | Number | Duration | Binary | Coalesce


def parse(text: str) -> Node:
    """The tree of an expression. Raises E212 with the position of the first thing not understood."""
    if len(text) > LONGEST:
        raise HeadwaterError("E212", expression=text[:40] + "…", at=LONGEST, found=text[LONGEST])
    return Parser(text).whole()


def names(node: Node) -> set[str]:
    """Every column name an expression mentions."""
    match node:
        case Name(name):
            return {name}
        case Binary(_, left, right):
            return names(left) | names(right)
        case Coalesce(parts):
            return set().union(*map(names, parts))
    return set()


def has_duration(node: Node) -> bool:
    """Is this a moment shifted in time, rather than arithmetic on numbers?"""
    match node:
        case Duration():
            return True
        case Binary(_, left, right):
            return has_duration(left) or has_duration(right)
        case Coalesce(parts):
            return any(map(has_duration, parts))
    return False


class Parser:
    """Recursive descent over the tokens of one expression."""

    token, refusal = TOKEN, "E212"

    def __init__(self, text: str):
        self.text, self.depth, self.next = text, 0, 0
        self.tokens = list(self._tokens())

    def _tokens(self) -> Iterator[tuple[str, str, int]]:
        at = 0
        while self.text[at:].strip():
            match = self.token.match(self.text, at)
            if match is None or match.lastgroup is None:
                raise self._stopped(len(self.text) - len(self.text[at:].lstrip()))
            yield match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)
            at = match.end()
        yield "end", "", len(self.text)

    def whole(self) -> Node:
        """The tree of the whole text. Raises E212."""
        node = self._sum()
        if self.tokens[self.next][0] != "end":
            raise self._stopped(self.tokens[self.next][2])
        return node

    def _sum(self) -> Node:
        node = self._product()
        while sign := self._take("+", "-"):
            node = Binary(sign, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._factor()
        while sign := self._take("*", "/"):
            node = Binary(sign, node, self._factor())
        return node

    def _factor(self) -> Node:
        kind, word, at = self.tokens[self.next]
        with self._deeper():
            return self._bracketed(word) if kind == "sign" else self._leaf(kind, word, at)

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        """One level further in, of which there are so many."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._stopped(self.tokens[self.next][2])
        yield
        self.depth -= 1

    def _bracketed(self, word: str) -> Node:
        if self._take("-"):
            return Binary("-", Number("0"), self._factor())
        self._need("(")
        node = self._sum()
        self._need(")")
        return node

    def _leaf(self, kind: str, word: str, at: int) -> Node:
        if kind == "end":
            raise self._stopped(at)
        self.next += 1
        if kind == "number":
            return Number(word)
        if kind == "duration":
            unit = word.lstrip("0123456789")
            return Duration(int(word.removesuffix(unit)), unit)
        if kind == "name" and word == "coalesce" and self._take("("):
            return self._coalesce()
        return Name(word)

    def _coalesce(self) -> Coalesce:
        parts = [self._sum()]
        while self._take(","):
            parts.append(self._sum())
        self._need(")")
        return Coalesce(tuple(parts))

    def _take(self, *signs: str) -> str | None:
        kind, word, _ = self.tokens[self.next]
        if kind != "sign" or word not in signs:
            return None
        self.next += 1
        return word

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise self._stopped(self.tokens[self.next][2])

    def _stopped(self, at: int) -> HeadwaterError:
        rest = self.text[at : at + 10].strip()
        return HeadwaterError(self.refusal, expression=self.text, at=at + 1, found=rest or "∅")


Leaf = Callable[[str], ir.Value]


def exact(node: Node, leaf: Leaf) -> ir.Value:
    """Decimal arithmetic with six places after every step; dividing by 100 or 1024 is exact, by 3 is rounded.

    Null where a part is null, where a divisor is 0 and where a step leaves decimal(19, 6).
    """
    match node:
        case Number(text):
            return ibis.literal(Decimal(text), EXACT)
        case Name(name):
            return leaf(name)
        case Coalesce(parts):
            return ibis.coalesce(*[exact(part, leaf) for part in parts])
        case Binary("/", left, Number(text)) if (inverse := _reciprocal(text)) is not None:
            return (exact(left, leaf) * inverse).try_cast(EXACT)
        case Binary("/", left, right):
            divisor = exact(right, leaf).cast("float64")
            return (exact(left, leaf).cast("float64") / divisor.nullif(0.0)).try_cast(EXACT)
        case Binary(sign, left, right):
            return _combined(sign, exact(left, leaf), exact(right, leaf)).try_cast(EXACT)
    raise no_duration(node)


def floating(node: Node, leaf: Leaf) -> ir.Value:
    """The same in float64, for measures. Null where a part is null or a divisor is 0."""
    match node:
        case Number(text):
            return ibis.literal(float(text), "float64")
        case Name(name):
            return leaf(name)
        case Coalesce(parts):
            return ibis.coalesce(*[floating(part, leaf) for part in parts])
        case Binary("/", left, right):
            return floating(left, leaf) / floating(right, leaf).nullif(0.0)
        case Binary(sign, left, right):
            return _combined(sign, floating(left, leaf), floating(right, leaf))
    raise no_duration(node)


def _combined(sign: str, left: ir.Value, right: ir.Value) -> ir.Value:
    if sign == "+":
        return left + right
    return left - right if sign == "-" else left * right


def _reciprocal(text: str) -> ir.Value | None:
    """1 / number as an exact decimal of at most 12 places, or None."""
    number = Decimal(text)
    if not number:
        return None
    inverse = Decimal(1) / number
    places = -int(inverse.normalize().as_tuple().exponent)
    if inverse * number != 1 or places > 12 or inverse >= 1_000_000:
        return None
    return ibis.literal(inverse, "decimal(19, 12)")


def shift(node: Node) -> tuple[Node, tuple[tuple[int, str], ...]]:
    """A moment and the durations added to it, in order: `happened_at + 1mo + 5d` -> happened_at, ((1, M), (5, D))."""
    if isinstance(node, Binary) and node.sign in "+-" and isinstance(node.right, Duration):
        start, steps = shift(node.left)
        amount = node.right.amount if node.sign == "+" else -node.right.amount
        return start, (*steps, (amount, UNITS[node.right.unit]))
    if has_duration(node) or isinstance(node, Number | Binary):
        raise no_duration(node)
    return node, ()


def duration(text: str) -> tuple[int, str]:
    """`5d` -> (5, "D"). Raises E212."""
    node = parse(text)
    if not isinstance(node, Duration):
        raise HeadwaterError("E212", expression=text, at=1, found=text)
    return node.amount, UNITS[node.unit]


def no_duration(node: Node) -> HeadwaterError:
    """E218: a duration where a number is needed, or the other way round."""
    return HeadwaterError("E218", expression=_spelled(node))


def _spelled(node: Node) -> str:
    """The expression as text again."""
    match node:
        case Name(word) | Number(word):
            return word
        case Duration(amount, unit):
            return f"{amount}{unit}"
        case Coalesce(parts):
            return f"coalesce({', '.join(map(_spelled, parts))})"
        case Binary(sign, left, right):
            return f"{_spelled(left)} {sign} {_spelled(right)}"
    raise TypeError(node)
