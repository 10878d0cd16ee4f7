"""Files that nobody would write: one clear message with a place, or their rows all accounted for; never anything else.

`spoiled` are inputs that are wrong in one known way each, in every column: they must be refused. `mutated` are files whose
bytes were changed at random: they are refused, or read with an account that balances, for a change may be harmless.
"""

import argparse
import json
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.reliability import isolated
from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.wording import errors
from tests.bad_cases import DATA, MAPPING, Bad, cells, column, file, source, text_of, without
from tests.raw import Raw

PATIENCE = 10
"""Seconds of CPU that one reading may take; one that waits for good is the process's to tell."""
REFUSALS = (2, 3, 4, 7)
"""Exit codes: configuration, data, absence, and a database that does not answer."""


@dataclass
class Fuzzed:
    """What came of it: how often which code, and how each that ended badly comes about again."""

    told: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def tries(self) -> int:
        return sum(self.told.values())


JUNK = ("12-2026-99", "1e3", "--", "0x1F", "NaN", "1,5", "９９x", "=1+1", "\u202e7", "9" * 30, "<b>", "NULL")
"""Cells that are no date, number or code of the sample."""
READ_AS = {
    "cust": ("入网日期", "客户类型"),
    "bill": ("用户编号", "账期", "应收_分"),
    "usage": ("用户编号", "使用时间", "入库时间", "流量_KB"),
}
"""Columns of the raw files in which no such cell has a meaning."""
EXPRESSIONS = (
    "应收_分 /",
    "(应收_分",
    "应收_分 ** 2",
    "应收_分; 1",
    "open('x')",
    "没有 / 100",
    "lambda: 1",
    "应收_分 / '2'",
)
KEYS = {
    "customers": ("customer_id", "activated_on"),
    "bills": ("bill_id", "customer_id", "amount"),
    "usage": ("customer_id",),
}
FORMS: tuple[object, ...] = (7, [], {"from": []}, {"form": "x"}, {"from": "没有"}, {"expr": 1}, {"map": {}}, None)


def spoiled() -> Iterator[Bad]:
    """Inputs that are wrong in one way each: those of the tests, and every column with every junk."""
    yield from MAPPING
    yield from DATA
    for name, columns in READ_AS.items():
        for head in columns:
            for junk in JUNK:
                yield Bad(f"{name}.{head}: {junk[:12]}", "", cells(name, head, f'"{junk}"'))
            yield Bad(f"{name}.{head} lacks", "", _lacking(name, head))
    for table, keys in KEYS.items():
        for key in keys:
            yield from (Bad(f"{table}.{key}: {form}", "", column(table, key, form)) for form in FORMS)
            yield Bad(f"{table}.{key} is not mapped", "", without(table, key))
    yield from (Bad(f"expr: {text}", "", column("bills", "amount", {"expr": text})) for text in EXPRESSIONS)
    yield from _spoiled_files()


def _lacking(name: str, head: str) -> Callable[[Raw], None]:
    return lambda raw: raw.rename(name, head, "其他")


def _spoiled_files() -> Iterator[Bad]:
    for name, table in (("cust", "customers"), ("bill", "bills"), ("usage", "usage")):
        for encoding in ("utf-16", "utf-32", "gbk", "big5"):
            yield Bad(f"{name} in {encoding}", "", _encoded(name, encoding))
        for content in (b"", b"\0" * 999, b"\xff\xfe", b"PK\x03\x04zip", b"PAR1", b"\n\n\n", b"\x1f\x8b\x08gz"):
            yield Bad(f"{name}: {content[:6]!r}", "", file(name, content))
            yield Bad(f"{name} as Parquet: {content[:6]!r}", "", _as_parquet(name, table, content))


def _encoded(name: str, encoding: str) -> Callable[[Raw], None]:
    def spoil(raw: Raw) -> None:
        text = text_of(raw.rows[name]).replace("用户编号", "使用者") if encoding == "big5" else text_of(raw.rows[name])
        file(name, text.encode(encoding, errors="replace"))(raw)

    return spoil


def _as_parquet(name: str, table: str, content: bytes) -> Callable[[Raw], None]:
    def spoil(raw: Raw) -> None:
        file(name, content)(raw)
        source(table, path=f"{name}.csv", format="parquet")(raw)

    return spoil


@dataclass(frozen=True)
class Mutant:
    """A file of the sample with some bytes changed, as the seed has it; the usage is left out, being read the same way."""

    number: int
    seed: int

    @property
    def name(self) -> str:
        return f"seed {self.seed}, file {self.number}"

    def spoil(self, raw: Raw) -> None:
        """Change the bytes of one file."""
        draw = random.Random(f"{self.seed} {self.number}")
        del raw.mapping["tables"]["usage"], raw.rows["usage"]
        content = text_of(raw.rows["bill"]).encode()
        if self.number % 2:
            content = _parquet(raw.rows["bill"])
            source("bills", path="bill.csv", format="parquet")(raw)
        for _ in range(draw.choice((1, 1, 2, 5))):
            content = draw.choice(CHANGES)(content, draw)
        file("bill", content)(raw)


def _parquet(rows: list[list[str]]) -> bytes:
    out, (head, *rest) = pa.BufferOutputStream(), rows
    table = pa.table({name: [row[at] for row in rest] for at, name in enumerate(head)})
    pq.write_table(table, out, write_page_checksum=True)
    return out.getvalue().to_pybytes()


def _flip(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content)) if content else 0
    return content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :] if content else b"x"


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _drop(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + content[at + draw.choice((1, 3, 40)) :]


def _again(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + content[max(0, at - draw.choice((1, 30, 400))) :]


SNIPPETS = (
    b'"',
    b"\n",
    b"\r",
    b"\0",
    b",",
    b"\xff",
    b'","',
    b"\xef\xbb\xbf",
    b"999999999999",
    b"-",
    b"'; DROP TABLE x",
    b"\x1a",
)


def _insert(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + draw.choice(SNIPPETS) + content[at:]


CHANGES = (_flip, _cut, _drop, _again, _insert)


def read(con: Any, spoil: Callable[[Raw], object], folder: Path) -> str:
    """What reading a spoilt sample comes to: a code, or `read`. Raises AssertionError for a message without place or words,
    and for rows without account; anything else that is raised is no refusal."""
    raw = Raw(folder)
    try:
        spoil(raw)
        tables = raw.read(con, Quality(), as_of=date(2026, 3, 1))
    except HeadwaterError as error:
        _check_told(error)
        return error.problem.code
    for count in tables.counts.values():
        assert count.in_ == count.used + count.quarantined + count.duplicates + count.filtered + count.erased, count
    return "read"


def _check_told(error: HeadwaterError) -> None:
    assert error.exit_code in REFUSALS, error
    assert error.problem.file or error.problem.column, error
    for lang in ("en", "zh"):
        line, *_ = errors.lines(error, lang, "2026-10-30")
        assert line.startswith(f"ERROR {error.problem.code}") and "\n" not in line and "Traceback" not in line, line


def tried(cases: list[Any], about: Callable[[str], None], *, must_refuse: bool) -> Fuzzed:
    """Read each case in turn.

    Parameters
    ----------
    cases
        With `name` and `spoil`.
    about
        Is told what is about to be read.
    must_refuse
        Is one that is read whole an error?
    """
    con, found = ibis.duckdb.connect(threads=1), Fuzzed()
    signal.signal(signal.SIGPROF, _hangs)
    for case in cases:
        about(case.name)
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        with tempfile.TemporaryDirectory() as folder:
            try:
                code = read(con, case.spoil, Path(folder))
            except Exception as error:  # what is told badly is what is looked for
                code = type(error).__name__
                found.wrong.append(f"{case.name}: {code}: {str(error)[:300]}")
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        found.told[code] += 1
        if code == "read" and must_refuse:
            found.wrong.append(f"{case.name}: was read")
    return found


def _hangs(*_: object) -> None:
    raise TimeoutError(f"more than {PATIENCE} s of CPU")


def apart(kind: str, first: int, count: int, seed: int, folder: Path) -> Fuzzed:
    """Cases of a kind in a process of its own.

    Parameters
    ----------
    kind
        `spoiled` or `mutated`.
    first, count
        Which of them.
    seed
        Of what is drawn.
    folder
        Where the process leaves what it found.
    """
    words = ["benchmarks.reliability.fuzz", kind, "--first", str(first), "--count", str(count), "--seed", str(seed)]
    try:
        told = isolated.told(words, folder / f"{kind}-{first}.json", 60 + count * PATIENCE)
    except isolated.Died as died:
        return Fuzzed(wrong=[str(died)])
    return Fuzzed(Counter(told["told"]), told["wrong"])


def main() -> None:
    """Try some cases, and leave what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["spoiled", "mutated"])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    numbers, must_refuse = range(asked.first, asked.first + asked.count), asked.kind == "spoiled"
    cases = (
        list(spoiled())[asked.first : asked.first + asked.count]
        if must_refuse
        else [Mutant(n, asked.seed) for n in numbers]
    )
    found = tried(cases, isolated.about(asked.out), must_refuse=must_refuse)
    asked.out.write_text(json.dumps(vars(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
