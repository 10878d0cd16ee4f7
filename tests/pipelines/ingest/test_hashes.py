"""Hashes that are remembered: never of a file that may have changed, whatever was done to its times."""

import hashlib
import os
from collections import Counter

import pytest

from pipelines.ingest import hashes
from pipelines.ingest.hashes import RACY, Hashes

LATER = 4 * RACY


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "bill.csv"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "ws" / "raw_hashes.json"


@pytest.fixture
def counted(monkeypatch):
    """How often each file was read."""
    read: Counter[str] = Counter()
    whole = hashes.digest
    monkeypatch.setattr(hashes, "digest", lambda path, kind: (read.update([path.name]), whole(path, kind))[1])
    return read


def asked(memory, *paths, settled=True, **options) -> list[str]:
    """The hashes as one reading asks for them; `settled`: the memory is then as old as if nothing had been new."""
    known = Hashes.open(memory, **options)
    found = [known.sha256(path) for path in paths]
    known.save(memory)
    if settled:
        now = memory.stat().st_mtime_ns + LATER
        os.utime(memory, ns=(now, now))
    return found


def test_a_file_that_nobody_touched_is_read_once(file, memory, counted):
    first = asked(memory, file)
    assert first == [hashlib.sha256(b"one").hexdigest()] == asked(memory, file)
    assert counted == {"bill.csv": 1}


@pytest.mark.parametrize("how", ["rewritten", "replaced", "times set back", "grown"])
def test_a_file_that_was_touched_is_read_again(file, memory, counted, how):
    asked(memory, file)
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    new = file.with_name("new")
    new.write_bytes(b"two" if how != "grown" else b"three")
    if how == "replaced":
        new.replace(file)
    else:
        file.write_bytes(new.read_bytes())
    if how in ("replaced", "times set back"):
        os.utime(file, ns=times)
    assert asked(memory, file) == [hashlib.sha256(file.read_bytes()).hexdigest()]
    assert counted["bill.csv"] == 2


def test_a_file_of_the_very_moment_is_read_again(file, memory, counted):
    """It may be written once more within the same tick of the clock."""
    asked(memory, file, settled=False)
    asked(memory, file)
    asked(memory, file)
    assert counted == {"bill.csv": 2}


def test_everything_is_read_again_when_asked_to(file, memory, counted):
    asked(memory, file)
    asked(memory, file, forget=True)
    assert counted == {"bill.csv": 2}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": [[]]}'])
def test_a_damaged_memory_is_none(file, memory, counted, text):
    asked(memory, file)
    memory.write_text(text)
    assert asked(memory, file) == asked(memory, file)
    assert counted["bill.csv"] == 2


def test_what_is_gone_is_forgotten_and_nothing_new_writes_nothing(file, memory):
    other = file.with_name("other.csv")
    other.write_bytes(b"2")
    asked(memory, file, other)
    asked(memory, file)
    before = memory.stat().st_mtime_ns
    asked(memory, file, settled=False)
    assert memory.stat().st_mtime_ns == before and "other.csv" not in memory.read_text()
