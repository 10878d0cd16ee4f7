"""How old the newest row of a table may be, at each as-of date."""

from datetime import date

import pytest

from features.errors import HeadwaterError
from pipelines.ingest import freshness
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path):
    return Raw(tmp_path)


@pytest.mark.parametrize(("as_of", "outcome"), [("2026-02-13", ""), ("2026-02-20", "W402"), ("2026-03-20", "E402")])
def test_freshness(raw, con, as_of, outcome):
    raw.mapping["tables"]["usage"]["freshness"] = {"warn_after": "7d", "error_after": "20d"}
    found, mapping = raw.read(con), raw.load()
    if outcome == "E402":
        with pytest.raises(HeadwaterError) as error:
            freshness.check(found, mapping, date.fromisoformat(as_of))
        assert (error.value.problem.code, error.value.exit_code) == ("E402", 4)
    else:
        told = freshness.check(found, mapping, date.fromisoformat(as_of))
        assert "".join(problem.code for problem in told) == outcome


def test_freshness_of_an_old_date_looks_at_what_was_known_then(raw, con):
    raw.mapping["tables"]["usage"]["freshness"] = {"error_after": "20d"}
    found, mapping = raw.read(con), raw.load()
    assert freshness.check(found, mapping, date(2026, 1, 20)) == ()
    with pytest.raises(HeadwaterError, match="E402"):
        freshness.check(found, mapping, date(2026, 2, 5))
