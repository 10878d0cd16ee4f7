"""Who has said no by now: a loop over decisions, and files that were altered."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.ingest import store
from pipelines.ingest.refusals import agreed, refused
from pipelines.ingest.tables import Part, Tables
from pipelines.workspace.files import sha256

START = datetime(2026, 1, 1, tzinfo=UTC)
DECISIONS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["marketing", "research"]), st.integers(0, 3), st.booleans()),
    max_size=14,
)


def stored(folder: Path, *parts: list[tuple]) -> Path:
    """A reading of the project that knows these decisions."""
    tables = folder / "tables"
    place = tables / "f1" / "consents"
    place.mkdir(parents=True)
    known = []
    for number, rows in enumerate(parts):
        path = place / f"2026-0{number + 1}.parquet"
        columns = list(zip(*[(c, p, START + timedelta(days=d), a) for c, p, d, a in rows], strict=True)) or [()] * 4
        kinds = (pa.string(), pa.string(), pa.timestamp("us", "UTC"), pa.bool_())
        names = ("customer_id", "purpose", "happened_at", "allowed")
        pq.write_table(pa.table({n: pa.array(c, t) for n, c, t in zip(names, columns, kinds, strict=True)}), path)
        known.append(Part(path, sha256(path), len(rows)))
    manifest = store.summary(Tables({}, parts={"consents": known})) | {"sha256": {}}
    content = json.loads(json.dumps(manifest))
    content["seal"] = store._seal(content)
    (tables / "f1" / store.MANIFEST).write_text(json.dumps(content), encoding="utf-8")
    (tables / "CURRENT").write_text("f1", encoding="utf-8")
    return folder


@settings(max_examples=80, deadline=None)
@given(DECISIONS, DECISIONS)
def test_the_newest_decision_counts_and_a_no_of_the_same_time_wins(tmp_path_factory, first, second):
    expected, yes = set(), set()
    for customer in "abc":
        own = [(day, not allowed) for c, p, day, allowed in [*first, *second] if (c, p) == (customer, "marketing")]
        if own:
            (expected if max(own)[1] else yes).add(customer)
    folder = stored(tmp_path_factory.mktemp("w"), first, second)
    assert refused(folder, "marketing") == expected and agreed(folder, "marketing") == yes


def test_where_nothing_was_read_nobody_is_known_to_refuse(tmp_path):
    assert refused(tmp_path, "marketing") == agreed(tmp_path, "marketing") == frozenset()


def test_an_altered_file_is_refused(tmp_path):
    folder = stored(tmp_path, [("a", "marketing", 0, False)])
    path = folder / "tables" / "f1" / "consents" / "2026-01.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(HeadwaterError, match="E331"):
        refused(folder, "marketing")
    path.unlink()
    with pytest.raises(HeadwaterError, match="E331"):
        refused(folder, "marketing")


def test_an_altered_manifest_is_not_taken_for_nobody(tmp_path):
    folder = stored(tmp_path, [("a", "marketing", 0, False)])
    path = folder / "tables" / "f1" / store.MANIFEST
    path.write_text(path.read_text().replace("consents", "consent"))
    with pytest.raises(HeadwaterError, match="E331"):
        refused(folder, "marketing")
