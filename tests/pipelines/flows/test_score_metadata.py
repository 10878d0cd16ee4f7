"""The metadata of a score file is text, and names everything that could change its rows."""

import json
from types import SimpleNamespace

from pipelines.config.settings import load
from pipelines.flows.score_metadata import score_metadata
from pipelines.workspace.bundles import Champion
from tests.demo_project import NIGHT, ROOT

FILE = SimpleNamespace(path="bills.parquet", sha256="1")


def test_everything_that_could_change_a_row_is_named():
    model = SimpleNamespace(facts_={"targets": {"vip": {"high_value": {"amount": 120.0}}}})
    champions = {"churn": Champion("churn", "churn/4", "abc", model)}
    night = SimpleNamespace(
        project=SimpleNamespace(
            settings=load(ROOT / "configs" / "operator.yaml", environment={}), feature_set_hash="f"
        ),
        as_of=NIGHT,
        run_id="r",
        champions=champions,
        tables=SimpleNamespace(fingerprint="i", fingerprints={"bills": [FILE]}),
    )
    meta = score_metadata(night)
    assert all(isinstance(value, str) for value in meta.values())
    assert json.loads(meta["models"]) == {"churn": {"version": "churn/4", "sha256": "abc"}}
    assert json.loads(meta["input_files"]) == {"bills": [vars(FILE)]}
    assert json.loads(meta["high_value"])["amount"] == 120.0
    assert float(meta["value_margin"]) == 1
    worth = SimpleNamespace(facts_={"targets": {"value": {"margin": 0.4}, "vip": {}}})
    night.champions = champions | {"value": Champion("value", "value/2", "def", worth)}
    assert float(score_metadata(night)["value_margin"]) == 0.4
    assert (meta["inputs"], meta["feature_set_hash"], meta["run_id"]) == ("i", "f", "r")
    assert meta["config_sha256"] == night.project.settings.fingerprint() and meta["as_of"] == NIGHT.isoformat()
