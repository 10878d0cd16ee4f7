"""How a function becomes columns: names, words and windows."""

import sys

import pytest

from features.catalogue import definitions
from features.definition import Kind, Window, columns, days, feature, months, weeks
from features.grains import Events, WholeRow


@feature(
    "bills",
    unit="currency",
    label=("paid, {n} months", "{n}个月缴费"),
    zh="近{n}个月",
    reason="payments",
    windows=months(1, 3),
)
def paid(rows, window):
    """Paid in {n} months."""
    return rows, window


@feature(
    "usage",
    unit="ratio",
    label=("{measure}, {n}", "{measure}，{n}"),
    zh="{measure}",
    reason="x",
    windows=weeks(4, 12),
    per="measure",
)
def measure_share(rows, measure, window):
    """Share of {measure} in {n} weeks."""
    return rows, measure, window


@feature("wide", unit="text", label=("stage", "阶段"), zh="阶段", reason="x", no_events="steady")
def stage(row, rules):
    """Stage."""
    return row, rules


@feature(
    "usage",
    unit="ratio",
    label=("{part} of {whole}", "{whole}中的{part}"),
    zh="{skip}",
    reason="x",
    windows=[Window(1, "w", 1)],
    per="part",
    reads=("part_mean_4w", "whole_mean_4w"),
)
def part_ratio(rows, part, whole, window):
    """{part} of {whole}, {n} weeks, {skip} weeks earlier."""
    return rows, part, whole, window


@feature("complaints", unit="count", label=("{topic}", "{topic}"), zh="{topic}", reason="x", per="topic")
def about_topic(rows, topic):
    """About {topic}."""
    return rows, topic


@feature("usage", unit="ratio", label=("{part}", "{part}"), zh="{part}", reason="x", per="part")
def department_part(rows, part, whole):
    """Old form: the word that it is made per stands between underscores."""
    return rows, part, whole


levels = Kind(Events, "usage", unit="ratio", reason="usage_level", null=("young", "新"), per="measure")


@levels("{measure} level", "{measure}水平", weeks(4), column="department_{measure}", no_events=None)
def level_by_department(rows, measure, window):
    """Level of
    {measure}.
    {measure}的水平"""
    return rows, measure, window


PAID, SHARE, STAGE, PART, TOPIC, OLD, LEVEL = definitions(sys.modules[__name__])


def test_a_marked_function_stays_a_plain_function():
    assert paid("rows", "window") == ("rows", "window")
    assert paid.__name__ == "paid"


def test_names_come_from_function_measure_and_window():
    assert [c.column for c in columns(PAID, ["a", "b"])] == ["paid_1m", "paid_3m"]
    names = ["sms_share_4w", "sms_share_12w", "data_mb_share_4w", "data_mb_share_12w"]
    assert [c.column for c in columns(SHARE, ["sms", "data_mb"])] == names
    assert [c.column for c in columns(STAGE, ["sms"])] == ["stage"]
    assert columns(SHARE, []) == []


def test_a_column_calls_its_function_with_what_it_is_made_of():
    assert columns(PAID, [])[1].value("rows") == ("rows", Window(3, "m"))
    assert columns(SHARE, ["sms"])[0].value("rows") == ("rows", "sms", Window(1, "w"))
    assert columns(STAGE, [])[0].value("row", "rules") == ("row", "rules")


def test_a_part_is_named_with_the_measure_that_contains_it():
    (night,) = columns(PART, ["data_mb"], parts={"night_data_mb": "data_mb"})
    assert night.column == "night_data_mb_ratio_4w_4w_ago"
    assert night.reads == ("night_data_mb_mean_4w", "data_mb_mean_4w")
    assert night.value("rows") == ("rows", "night_data_mb", "data_mb", Window(1, "w", 1))
    assert (night.label("en"), night.label("zh")) == ("night data volume of data volume", "流量中的夜间流量")
    assert night.meaning("en") == "Night data volume of data volume, 4 weeks, 4 weeks earlier."


def test_names_have_slots_and_no_other_letters_are_replaced():
    """`department` holds the letters of `part`."""
    (old,) = columns(OLD, [], parts={"sms": "messages"})
    assert old.column == "department_sms"
    (level,) = columns(LEVEL, ["measure_of_parts"])
    assert level.column == "department_measure_of_parts_4w"


def test_a_feature_shares_what_its_kind_says_but_for_what_it_says_itself():
    (level,) = columns(LEVEL, ["sms"])
    assert (level.source, level.unit, level.reason, level.no_events) == ("usage", "ratio", "usage_level", None)
    assert (level.label("en"), level.label("zh")) == ("text messages level", "短信数水平")
    assert (level.meaning("en"), level.meaning("zh")) == ("Level of text messages.", "短信数的水平")
    assert (level.null_meaning("en"), level.null_meaning("zh")) == ("young", "新")
    assert level.definition.kind.grain is Events and STAGE.kind.grain is WholeRow
    with pytest.raises(TypeError, match="colour"):
        levels("level", "水平", colour="red")(level_by_department)


def test_words_of_a_mapping_come_before_ours():
    feature = columns(SHARE, ["sms"], words={"sms": ("texts", "短信")})[0]
    assert (feature.label("en"), feature.label("zh")) == ("texts, 4", "短信，4")
    assert feature == columns(SHARE, ["sms"])[0], "they are no part of what a column is"


def test_there_is_a_column_for_every_declared_topic():
    assert [c.column for c in columns(TOPIC, ["sms"], topics=("coverage", "spam_sms"))] == [
        "about_coverage",
        "about_spam_sms",
    ]
    assert columns(TOPIC, ["sms"]) == []


def test_words_are_filled_in_both_languages():
    third = columns(PAID, [])[1]
    assert (third.label("en"), third.label("zh")) == ("paid, 3 months", "3个月缴费")
    assert third.meaning("en") == "Paid in 3 months."
    assert third.null_meaning("en") == "the table is not there"
    known, unknown = columns(SHARE, ["data_mb", "fax_pages"])[::2]
    assert (known.label("en"), known.label("zh")) == ("data volume, 4", "流量，4")
    assert (unknown.label("en"), unknown.label("zh")) == ("fax pages, 4", "fax_pages，4")


def test_a_column_shares_what_its_definition_says():
    column = columns(STAGE, [])[0]
    assert (column.source, column.unit, column.reason, column.no_events) == ("wide", "text", "x", "steady")
    assert column.family == "test_definition"
    with pytest.raises(AttributeError):
        _ = column.colour


@pytest.mark.parametrize(
    ("window", "suffix", "covered"),
    [
        (Window(3, "m"), "3m", [0, 1, 2]),
        (Window(3, "m").before(), "3m_3m_ago", [3, 4, 5]),
        (days(2)[0], "2d", [0, 1]),
        (weeks(12)[0], "12w", [0, 1, 2]),
        (weeks(4)[0].before().before(), "4w_8w_ago", [2]),
        (Window(6, "m").earlier(2), "6m_2m_ago", [2, 3, 4, 5, 6, 7]),
    ],
)
def test_a_window_covers_whole_units_back(window: Window, suffix: str, covered: list[int]):
    assert window.suffix == suffix
    assert [ago for ago in range(-3, 12) if window.covers(ago)] == covered
