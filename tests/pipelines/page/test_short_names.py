"""Short names: stable, told apart, looked up as people type them, and of no use to who has not got the key."""

import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.page import short_names
from pipelines.page.short_names import LONGEST, NAME, SHORTEST, bounds, digests, key, lengths, name, written

KEY = b"k" * 32


def names(ids: list[str], secret: bytes = KEY) -> list[str]:
    found = digests(ids, secret)
    return [name(int(digest), int(length)) for digest, length in zip(found, lengths(found), strict=True)]


def test_everybody_has_a_name_of_their_own_that_finds_them_alone():
    ids = [f"{n:08d}" for n in range(20_000)]
    found, all_digests = names(ids), digests(ids, KEY)
    assert len(set(found)) == len(ids) and all(NAME.fullmatch(each) for each in found)
    for place in range(0, len(ids), 997):
        first, last = bounds(found[place])
        assert np.flatnonzero((all_digests >= first) & (all_digests <= last)).tolist() == [place]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 2**60 - 1), min_size=1, max_size=40, unique=True))
def test_lengths_are_the_shortest_that_tell_apart(numbers):
    found = lengths(np.array(numbers, dtype="uint64"))
    whole = [name(number, LONGEST) for number in numbers]
    for own, length in zip(whole, found, strict=True):
        alone = [n for n in range(SHORTEST, LONGEST + 1) if sum(other.startswith(own[:n]) for other in whole) == 1]
        assert length == alone[0]


def test_two_who_share_a_beginning_get_longer_names():
    close = np.array([5 << 30, (5 << 30) + (1 << 25), 9 << 40], dtype="uint64")
    assert lengths(close).tolist() == [7, 7, 6]


@given(st.integers(0, 2**60 - 1), st.integers(SHORTEST, LONGEST))
def test_a_name_bounds_what_it_is_of(number, length):
    first, last = bounds(name(number, length))
    assert first <= number <= last and last - first == 2 ** (5 * (LONGEST - length)) - 1


def test_a_name_depends_on_the_id_and_the_key_and_on_nothing_else():
    ids = [f"{n}" for n in range(500)]
    assert names(ids) == names(ids)
    assert names(ids[:250])[7] == names(ids)[7]
    assert not set(names(ids)) & set(names(ids, b"another key" * 2))


def test_names_are_read_as_people_write_them():
    assert written(" AB1-2cd ") == "ab12cd"
    assert written("OIL0il") == "011011"


@pytest.mark.parametrize("text", ["", "abc", "a" * 13, "abcdeu", "abcde!", "abcde\n", "../../", "ABCDEF"])
def test_what_is_no_name_bounds_nothing(text):
    with pytest.raises(ValueError):
        bounds(text)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "page" / "key"
    made = key(path)
    assert key(path) == made and len(made) == 32 and stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("no key")
    with pytest.raises(HeadwaterError, match="E247"):
        short_names.key(path)
