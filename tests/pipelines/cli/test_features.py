"""`headwater features`: the list in both languages, and the table of some dates."""

from datetime import date

from pipelines.cli import features
from tests.pipelines.cli.calls import call, document, stderr


def test_features_list_in_both_languages(own_operator):
    assert "arpu_3m" in call("features", "list", "--family", "arpu", "--lang", "en")
    assert "月均账单" in call("features", "list", "--family", "arpu", "--lang", "zh")
    assert len(document("features", "list")["features"]) >= 80
    assert "E235" in stderr("features", "list", "--family", "arpo", code=2)


def test_features_build_writes_a_table(own_operator):
    found = document("features", "build", "--as-of", "2026-08-01", "--until", "2026-09-01", "--out", "wide.parquet")
    assert found["rows"] > 3000
    assert (own_operator / "wide.parquet").exists()


def test_monthly_dates_end_with_the_last_that_is_not_later():
    first = date(2026, 1, 31)
    assert features._monthly_dates(first, None) == [first]
    assert features._monthly_dates(first, date(2026, 3, 30)) == [first, date(2026, 2, 28)]
