"""Numbers, money and ids as people read them."""

import datetime as dt

import pytest

from pipelines.wording import formats


@pytest.mark.parametrize(
    ("amount", "zh", "en"),
    [
        (5_900, "¥5,900", "¥5,900"),
        (41_300, "¥4.1万", "¥41.3K"),
        (7_800_000, "¥780.0万", "¥7.8M"),
        (2.5e9, "¥25.0亿", "¥2.5B"),
    ],
)
def test_large_amounts(amount, zh, en):
    assert (formats.big_money(amount, "CNY", "zh"), formats.big_money(amount, "CNY", "en")) == (zh, en)


def test_numbers_and_shares():
    assert formats.percent(-0.41, "zh", signed=True) == "-41%"
    assert formats.percent(0.02, "en", signed=True) == "+2%"
    assert formats.number(1_204_331, "en") == "1,204,331"
    assert formats.money(59, "CNY", "en") == "¥59.00"
    assert formats.money(-1.5, "USD", "en", signed=True) == "-$1.50"


def test_what_is_missing_is_a_dash():
    told = [
        formats.number(None, "zh"),
        formats.percent(float("nan"), "en"),
        formats.money(None, "CNY", "zh"),
        formats.day(None, "en"),
    ]
    assert told == [formats.NOTHING] * 4


def test_days():
    assert formats.day(dt.date(2026, 11, 1), "zh") == "2026年11月1日"
    assert formats.day(dt.date(2026, 11, 1), "en") == "1 Nov 2026"


@pytest.mark.parametrize(
    ("customer", "shown"), [("13812345621", "138****21"), ("C000123", "****23"), ("42", "****"), ("", "****")]
)
def test_masks_hide_at_least_half(customer, shown):
    assert formats.masked(customer) == shown


def test_codes_in_words_and_unknown_ones_as_they_are():
    assert formats.word("churn_risk_band", "critical", "zh") == "极高"
    assert formats.word("recommended_action", "care_basic", "en") == "Basic care"
    assert formats.word("region", "north-7", "zh") == "north-7"
