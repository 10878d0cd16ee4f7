"""A published file gives the rows that were asked for, however they lie in it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.workspace.score_files import ScoreFile

ROWS = pa.table({"customer_id": [f"{n:04d}" for n in range(23)], "value": list(range(23))})
PLACES = st.lists(st.integers(0, ROWS.num_rows - 1), max_size=40)


@given(places=PLACES, group=st.integers(1, 30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_come_as_they_were_asked_for(tmp_path: Path, places: list[int], group: int):
    """In any order, more than once, or none; over any row groups."""
    pq.write_table(ROWS, tmp_path / "scores.parquet", row_group_size=group)
    found = ScoreFile(tmp_path / "scores.parquet").take(places)
    assert found.to_pylist() == ROWS.take(pa.array(places, pa.int64())).to_pylist()


def test_some_columns_only(tmp_path: Path):
    pq.write_table(ROWS, tmp_path / "scores.parquet", row_group_size=5)
    assert ScoreFile(tmp_path / "scores.parquet").take([7, 2], ["value"]).to_pydict() == {"value": [7, 2]}


def test_a_file_that_is_not_there_or_damaged_is_named(tmp_path: Path):
    path = tmp_path / "scores.parquet"
    with pytest.raises(HeadwaterError, match="E431"):
        ScoreFile(path)
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(HeadwaterError, match="E340"):
        ScoreFile(path)
