"""The grammar of `where`: which rows of a source count. Columns are those of the source; nothing is ever evaluated as code.

    condition  = all {"or" all}                       where: 结果 == "0"
    all        = part {"and" part}                    where: 类型 in ("A", "B") and not 金额 < 0
    part       = "not" part | "(" condition ")" | test
    test       = side sign side | side ["not"] "in" "(" literal {"," literal} ")" | side "is" ["not"] "null"
    sign       = "==" | "!=" | "<" | "<=" | ">" | ">="
    side       = name | `any name` | literal          literal = "text" | 'text' | number

A blank cell is null. Null equals nothing, is among nothing and is neither less nor more, so a row without a value fails
`==`, `in`, `<` and `>` and passes `!=` and `not in`. Beside a number a column is read as numbers, else as text.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.errors import HeadwaterError
from pipelines.config.expressions import LONGEST, Name, Number, Parser

WORDS = ("and", "or", "not", "in", "is", "null")
SIGNS: dict[str, Callable[[ir.Value, ir.Value], ir.BooleanValue]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Text:
    """A text in quotes."""

    text: str


Side = Name | Number | Text


@dataclass(frozen=True)
class Comparison:
    """Two sides and the sign between them."""

    sign: str
    left: Side
    right: Side


@dataclass(frozen=True)
class Missing:
    """Is a side null?"""

    side: Side


@dataclass(frozen=True)
class Not:
    """The other way round."""

    part: "Condition"


@dataclass(frozen=True)
class Every:
    """True where each part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Either:
    """True where one part is."""

    parts: tuple["Condition", ...]


Condition = Comparison | Missing | Not | Every | Either


def parse(text: str) -> Condition:
    """The tree of a condition. Raises E229 with the position of the first thing not understood."""
    if len(text) > LONGEST:
        raise HeadwaterError("E229", expression=text[:40] + "…", at=LONGEST, found=text[LONGEST])
    return _Parser(text).condition()


def names(node: Condition) -> set[str]:
    """Every column that a condition mentions."""
    return {side.name for pair in _pairs(node) for side in pair if isinstance(side, Name)}


def numbers(node: Condition) -> set[str]:
    """The columns that it compares with a number."""
    numeric = [pair for pair in _pairs(node) if any(isinstance(side, Number) for side in pair)]
    return {side.name for pair in numeric for side in pair if isinstance(side, Name)}


def _pairs(node: Condition) -> list[tuple[Side, ...]]:
    """The sides of every test."""
    match node:
        case Comparison(_, left, right):
            return [(left, right)]
        case Missing(side):
            return [(side,)]
        case Not(part):
            return _pairs(part)
    return [pair for part in node.parts for pair in _pairs(part)]


class _Parser(Parser):
    """Recursive descent, as for expressions, over the tokens of a condition."""

    token = re.compile(
        r"\s*(?:(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<name>[^\W\d]\w*)|`(?P<quoted>[^`]+)`"
        r"""|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<sign>==|!=|<=|>=|[<>(),]))"""
    )
    refusal = "E229"

    def condition(self) -> Condition:
        """The tree of the whole text. Raises E229."""
        node = self._either()
        if self.tokens[self.next][0] != "end":
            raise self._stopped(self.tokens[self.next][2])
        return node

    def _either(self) -> Condition:
        parts = [self._every()]
        while self._word("or"):
            parts.append(self._every())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _every(self) -> Condition:
        parts = [self._part()]
        while self._word("and"):
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _part(self) -> Condition:
        with self._deeper():
            if self._word("not"):
                return Not(self._part())
            if not self._take("("):
                return self._test()
            node = self._either()
            self._need(")")
            return node

    def _test(self) -> Condition:
        """One that looks at a column: two literals say nothing of a row."""
        at = self.tokens[self.next][2]
        test = self._plain_test()
        if not names(test):
            raise self._stopped(at)
        return test

    def _plain_test(self) -> Condition:
        side = self._side()
        if self._word("is"):
            there = self._word("not")
            self._need_word("null")
            return Not(Missing(side)) if there else Missing(side)
        if self._word("not"):
            self._need_word("in")
            return Not(self._among(side))
        if self._word("in"):
            return self._among(side)
        sign = self._take("==", "!=", *SIGNS)
        if sign is None:
            raise self._stopped(self.tokens[self.next][2])
        return Comparison(sign, side, self._side())

    def _among(self, side: Side) -> Condition:
        self._need("(")
        tests = [Comparison("==", side, self._literal())]
        while self._take(","):
            tests.append(Comparison("==", side, self._literal()))
        self._need(")")
        return Either(tuple(tests))

    def _literal(self) -> Side:
        at = self.tokens[self.next][2]
        side = self._side()
        if isinstance(side, Name):
            raise self._stopped(at)
        return side

    def _side(self) -> Side:
        kind, word, at = self.tokens[self.next]
        if kind in ("end", "sign") or (kind == "name" and word.lower() in WORDS):
            raise self._stopped(at)
        self.next += 1
        if kind in ("double", "single"):
            return Text(word)
        return Number(word) if kind == "number" else Name(word)

    def _word(self, word: str) -> bool:
        kind, found, _ = self.tokens[self.next]
        if kind != "name" or found.lower() != word:
            return False
        self.next += 1
        return True

    def _need_word(self, word: str) -> None:
        if not self._word(word):
            raise self._stopped(self.tokens[self.next][2])


def holds(node: Condition, text: Callable[[str], ir.Value], number: Callable[[str], ir.Value]) -> ir.BooleanValue:
    """True or false for every row, never null.

    Parameters
    ----------
    node
        A condition.
    text
        Gives a source column as text, null where it is blank.
    number
        Gives it as float64, null where it is no number.
    """
    match node:
        case Comparison(sign, left, right):
            numeric = isinstance(left, Number) or isinstance(right, Number)
            sides = [_value(side, number if numeric else text, numeric) for side in (left, right)]
            return _compared(sign, *sides)
        case Missing(side):
            return _value(side, text, False).isnull()
        case Not(part):
            return ~holds(part, text, number)
        case Every(parts):
            return ibis.and_(*[holds(part, text, number) for part in parts])
        case Either(parts):
            return ibis.or_(*[holds(part, text, number) for part in parts])


def _value(side: Side, column: Callable[[str], ir.Value], numeric: bool) -> ir.Value:
    if isinstance(side, Name):
        return column(side.name)
    return ibis.literal(float(side.text), "float64") if numeric else ibis.literal(side.text, "string")


def _compared(sign: str, left: ir.Value, right: ir.Value) -> ir.BooleanValue:
    if sign in SIGNS:
        return SIGNS[sign](left, right).fill_null(False)
    same = (left == right).fill_null(False)
    return same if sign == "==" else ~same
