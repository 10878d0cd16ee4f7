"""Telephone numbers and e-mail addresses: what is taken, and that nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.delivery.addresses import ADDRESSES, email, phone
from pipelines.delivery.export import safe_cell


@pytest.mark.parametrize(
    ("text", "prefix", "expected"),
    [
        ("138 0013 8000", "+86", "+8613800138000"),
        ("0571-8888 8888", "+86", "+8657188888888"),
        ("0086 13800138000", None, "+8613800138000"),
        ("+86（138）0013-8000", None, "+8613800138000"),
        ("(0171) 123 45 67", "+49", "+491711234567"),
        ("06 1234 5678", "+39", "+390612345678"),
        ("13800138000", None, None),
        ("138 0013 8000 ext. 5", "+86", None),
        ("٠١٢٣٤٥٦٧٨", "+20", None),
        ("+86138001380001234567", None, None),
        ("=1+1", "+86", None),
        ("", "+86", None),
        (None, "+86", None),
    ],
)
def test_numbers_are_written_as_e164_or_not_at_all(text, prefix, expected):
    assert phone(text, prefix) == expected


@given(st.text("+-=0123456789 ()|,\t@a－＋", max_size=20), st.sampled_from([None, "+86", "+39"]))
def test_whatever_is_written_is_a_number_and_stays_itself(text, prefix):
    found = phone(text, prefix)
    assert found is None or (ADDRESSES["phone"].fullmatch(found) and phone(found, prefix) == found)


@given(st.text("=+-@|,;'\"ab1.x\t\n＝", max_size=14).map(lambda start: f"{start}@example.com"))
def test_no_address_is_a_formula(text):
    found = email(text)
    assert found is None or (safe_cell(found) == found and found == text.strip())


def test_addresses_are_taken_as_they_are_and_others_are_none():
    assert email(" li.hua+x@mail.example.com ") == "li.hua+x@mail.example.com"
    assert [email(text) for text in ("=cmd@example.com", "a|=b@example.com", "a@b", "a b@example.com", "", None)] == [
        None
    ] * 6
