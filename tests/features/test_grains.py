"""Each mix of grains is refused where the expression is made, with function, file, line and what to do."""

from collections.abc import Callable
from pathlib import Path

import ibis
import pytest
from mypy import api

from features.catalogue import catalogue
from features.definition import Feature, Kind, columns
from features.errors import HeadwaterError
from features.grains import Customer, Events, Peers, WholeRow
from features.settings import FeatureSettings
from features.trial import check
from features.values import kind, value
from pipelines.wording import errors

SETTINGS = FeatureSettings()
CATALOGUE = catalogue(("data_mb",))
complaints = Kind(Events, "complaints", unit="count", reason="complaints")
whole = Kind(WholeRow, "wide", unit="ratio", reason="plan", no_events=None)
peers = Kind(Peers, "peers", unit="ratio", reason="plan", no_events=None)
record = Kind(Customer, "customers", unit="text", reason="profile", no_events=None)


def one(of: Kind, function: Callable, *reads: str) -> Feature:
    """The only column of a function."""
    function.__doc__ = "Planted.\n植入的特征"
    (made,) = columns(of("planted", "植入", reads=reads)(function).definition, ())
    return made


def a_column_of_events(rows):
    return rows.severity.cast("float64")


def an_aggregate_beside_its_rows(rows):
    return rows.severity.cast("float64") / rows.severity.count()


def a_total_of_whole_rows(row):
    return row.arpu_3m.sum()


def a_constant(row):
    return ibis.literal(1.0)


def a_share_of_everybody(row):
    return row.arpu_3m / row.arpu_3m.sum()


def a_rank_of_whole_rows(row):
    return row.arpu_3m.percent_rank()


def an_aggregate_of_peers(rows):
    return rows.arpu_3m.mean()


def a_mean_of_all_dates(rows):
    return rows.arpu_3m / rows.arpu_3m.mean()


def a_rank_within_the_plan_of_all_dates(rows):
    return rows.arpu_3m.percent_rank().over(ibis.window(group_by=rows.plan))


MIXED = {
    a_column_of_events: (complaints, "rows.amount.sum()"),
    an_aggregate_beside_its_rows: (complaints, "rows.amount.sum()"),
    a_total_of_whole_rows: (whole, "a column of each row"),
    a_constant: (whole, "a column of each row"),
    a_share_of_everybody: (whole, "'peers'"),
    a_rank_of_whole_rows: (whole, "'peers'"),
    an_aggregate_of_peers: (peers, "a column of each row"),
    a_mean_of_all_dates: (peers, "group_by=rows.as_of"),
    a_rank_within_the_plan_of_all_dates: (peers, "group_by=rows.as_of"),
}


@pytest.mark.parametrize("function", MIXED, ids=lambda f: f.__name__)
def test_a_mix_of_grains_is_refused_with_file_line_and_what_to_do(function: Callable):
    of, advice = MIXED[function]
    feature = one(of, function, *(["arpu_3m", "plan"] if of is peers else []))
    with pytest.raises(HeadwaterError) as raised:
        check([feature], CATALOGUE, SETTINGS)
    problem = raised.value.problem
    assert (problem.code, problem.row, problem.values["name"]) == (
        "E265",
        function.__code__.co_firstlineno,
        function.__name__,
    )
    assert str(problem.file).endswith("test_grains.py")
    assert advice in errors.lines(raised.value, "en")[0]


def test_an_aggregate_of_a_record_is_refused():
    """A customer has one record: its columns are values already."""
    with pytest.raises(HeadwaterError, match="nunique") as raised:
        check([one(record, lambda customer: customer.region.nunique())], CATALOGUE, SETTINGS)
    assert raised.value.problem.code == "E265"


def test_each_grain_in_its_own_way_is_accepted():
    good = [
        one(complaints, lambda rows: rows.severity.count().cast("float64")),
        one(whole, lambda row: row.arpu_3m / row.plan_fee, "arpu_3m", "plan_fee"),
        one(peers, lambda rows: rows.arpu_3m / rows.arpu_3m.mean().over(ibis.window(group_by=rows.as_of)), "arpu_3m"),
        one(record, lambda customer: customer.region),
    ]
    check(good, CATALOGUE, SETTINGS)


def test_the_value_of_a_record_is_that_of_its_only_row(con: ibis.BaseBackend):
    region = next(f for f in CATALOGUE if f.column == "region")
    rows = ibis.memtable({"region": ["north"], "customer_type": ["personal"]})
    assert con.to_pyarrow(value(region, rows)).as_py() == "north"
    assert kind(region) == "string"


MIXES = """
import ibis.expr.types as ir
from features.definition import Kind
from features.families.complaints import complaint_count
from features.grains import Events, WholeRow

whole = Kind(WholeRow, "wide", unit="ratio", reason="plan")

@whole("sound", "好")
def sound(row: WholeRow) -> ir.Column:
    return row.arpu_3m / row.plan_fee

@whole("marked", "标错")
def of_another_kind(rows: Events) -> ir.Scalar:
    return rows.amount.sum()

@whole("called", "误用")
def calls_another_grain(row: WholeRow) -> ir.Column:
    return row.arpu_3m / complaint_count(row, None)
"""


@pytest.mark.slow
def test_the_type_checker_refuses_a_mix(tmp_path: Path):
    """What a function is marked with and which features it calls; values of Ibis have no types of their own."""
    (tmp_path / "mixes.py").write_text(MIXES, encoding="utf-8")
    options = ["--config-file=", "--ignore-missing-imports", "--no-error-summary", f"--cache-dir={tmp_path}"]
    report, failure, _ = api.run([*options, str(tmp_path / "mixes.py")])
    wrong = [line.split(":")[1:] for line in report.splitlines() if ": error:" in line]
    assert failure == "" and {place for place, *_ in wrong} == {"13", "19"}, report
