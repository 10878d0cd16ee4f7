"""The small operator twice: as files and as tables of PostgreSQL. Every command gives the same, and no secret is kept."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.config.mapping_file import load_mapping
from pipelines.demo.simulator import simulate
from pipelines.ingest import columns
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import FILE, ROW
from tests import postgres
from tests.demo_project import ROOT

runner = CliRunner()
WATERMARKS = {"usage": "入库时间", "contacts": "入库时间"}

pytestmark = pytest.mark.slow
"""Whole readings of the operator out of a database."""


@pytest.fixture(scope="module")
def folder(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder, with raw files, a server that holds the same, and a configuration for each."""
    place = tmp_path_factory.mktemp("both")
    shutil.copytree(ROOT / "configs", place / "configs")
    before = Path.cwd()
    os.chdir(place)
    os.environ["DB_PASSWORD"] = postgres.PASSWORD
    simulate.simulate(place / "data" / "operator" / "raw", 120, 7)
    configured(place, server)
    try:
        yield place
    finally:
        os.chdir(before)
        del os.environ["DB_PASSWORD"]


def configured(place: Path, server: postgres.Server) -> None:
    """Every raw table copied to the server, and a mapping that differs from the shipped one in its sources alone."""
    path = place / "configs" / "mappings" / "operator.yaml"
    mapping = load_mapping(path)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, table in mapping.tables.items():
        raw = sources.find(table.source)
        rows = sources.stream(raw, sorted(columns.needed(table))).read_all().drop_columns([FILE, ROW])
        server.store(name, rows.append_column("unmapped", pa.array(["x"] * rows.num_rows)))
        source = {"connection": server.url, "table": name}
        content["tables"][name]["source"] = source | ({"watermark": WATERMARKS[name]} if name in WATERMARKS else {})
    (path.parent / "database.yaml").write_text(
        yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    settings = yaml.safe_load((place / "configs" / "operator.yaml").read_text(encoding="utf-8"))
    settings |= {"name": "database", "mapping": "mappings/database.yaml"}
    (place / "configs" / "database.yaml").write_text(
        yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )


def call(name: str, *words: str) -> dict:
    result = runner.invoke(app, [*words, "--config", f"configs/{name}.yaml", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_check_counts_the_same_rows(folder):
    found = [call(name, "data", "check") for name in ("operator", "database")]
    assert found[0]["rows"] == found[1]["rows"]
    assert found[0]["rows"]["usage"]["used"] > 1_000


def test_every_feature_is_the_same(folder):
    made = {}
    for name in ("operator", "database"):
        out = folder / f"{name}.parquet"
        call(name, "features", "build", "--as-of", "2026-09-01", "--out", str(out))
        made[name] = pd.read_parquet(out)
    pd.testing.assert_frame_equal(made["operator"], made["database"])
    assert len(made["operator"]) > 50


def test_only_mapped_columns_are_kept_and_no_secret_anywhere(folder):
    call("database", "data", "check")
    kept = sorted((folder / "workspace" / "database" / "extracts").rglob("*.parquet"))
    assert len(kept) >= 9
    texts = {postgres.PASSWORD.encode(), quote(postgres.PASSWORD, safe="").encode()}
    for path in folder.joinpath("workspace").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(text in content for text in texts), path
    assert not any(b"unmapped" in path.read_bytes() for path in kept)


def test_the_mapping_is_tried_on_first_rows_without_fetching_the_rest(folder):
    tried = call("database", "data", "map", "--test")
    assert "usage" in json.dumps(tried)


def test_the_next_night_fetches_what_came_since(folder, server):
    """Rows that are there already, again, are not new; one changed row is, and nothing else is fetched."""
    place = folder / "workspace" / "database" / "extracts"

    def night() -> tuple[int, int]:
        rows = call("database", "data", "check")["rows"]["usage"]["in"]
        return rows, len(list(place.glob("usage-*/*.parquet")))

    rows, files = night()
    newest = """(SELECT ctid FROM usage ORDER BY "入库时间" DESC LIMIT 1)"""
    server.run(f"INSERT INTO usage SELECT * FROM usage WHERE ctid = {newest}")
    assert night() == (rows, files)
    server.run(f"""UPDATE usage SET "入库时间" = "入库时间" + interval '1 hour' WHERE ctid = {newest}""")
    assert night() == (rows + 1, files + 1)
    assert night() == (rows + 1, files + 1)


def test_doctor_looks_at_drivers_and_secrets(folder, monkeypatch):
    def said() -> dict:
        result = runner.invoke(app, ["doctor", "--config", "configs/database.yaml", "--json"])
        return next(f for f in json.loads(result.stdout)["findings"] if f["name"] == "databases")

    assert said()["fine"]
    monkeypatch.delenv("DB_PASSWORD")
    finding = said()
    assert (finding["fine"], "DB_PASSWORD" in finding["detail"]) == (False, True)
