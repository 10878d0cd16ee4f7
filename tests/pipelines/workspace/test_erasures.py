"""Who was erased: no id in the record, a later holder of an id is somebody else, damage is named."""

import json
from datetime import date

import pytest

from features.errors import HeadwaterError
from pipelines.workspace import erasures
from pipelines.workspace.erasures import Erasures

DAY = date(2026, 11, 1)


def test_the_record_holds_no_id_and_is_for_the_owner_alone(tmp_path):
    erasures.save(tmp_path, Erasures().begun(["00012373"], DAY))
    path = tmp_path / erasures.FILE
    assert b"00012373" not in path.read_bytes() and path.stat().st_mode & 0o777 == 0o600
    kept = erasures.erasures(tmp_path)
    assert kept.until == {kept.digest("00012373"): DAY} and kept.unfinished == {kept.digest("00012373")}
    assert kept.digest("00012373") != Erasures("0" * 64).digest("00012373"), "a digest depends on the key"


def test_nobody_erased_changes_no_identity():
    assert not Erasures() and Erasures().identity == ""


def test_an_id_erased_again_keeps_its_later_day():
    first = Erasures().begun(["a"], DAY).finished(["a"])
    again = first.begun(["a"], date(2026, 1, 1))
    assert again.until == first.until and not first.unfinished and again.unfinished
    later = first.begun(["a"], date(2027, 1, 1))
    assert set(later.until.values()) == {date(2027, 1, 1)} and later.identity != first.identity


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\x00", b'{"format": 1, "key": "", "until": 3}'])
def test_a_record_that_cannot_be_read_stops_whoever_would_bring_people_back(tmp_path, content):
    (tmp_path / erasures.FILE).write_bytes(content)
    with pytest.raises(HeadwaterError) as raised:
        erasures.erasures(tmp_path)
    assert raised.value.problem.code == "E334"


def test_a_record_of_a_newer_format_is_refused(tmp_path):
    erasures.save(tmp_path, Erasures().begun(["a"], DAY))
    path = tmp_path / erasures.FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    with pytest.raises(HeadwaterError, match="E334"):
        erasures.erasures(tmp_path)
