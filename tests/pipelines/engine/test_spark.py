"""What Spark needs on a machine, and what it listens to; nothing here starts it."""

from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.config.settings import SparkSettings
from pipelines.engine import spark


def test_a_missing_package_or_java_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(spark, "find_spec", lambda name: None)
    assert spark.missing_requirement() == "pyspark"
    with pytest.raises(HeadwaterError, match="E713") as error:
        spark.require_spark()
    assert error.value.exit_code == 7
    monkeypatch.setattr(spark, "find_spec", lambda name: object())
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert spark.missing_requirement() == "java"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()
    assert spark.missing_requirement() is None


@pytest.mark.parametrize(
    ("master", "loopback"),
    [
        ("local[2]", True),
        ("spark://127.0.0.1:7077", True),
        ("spark://localhost:7077", True),
        ("spark://far:7077", False),
    ],
)
def test_on_one_machine_nothing_listens_beyond_the_loopback(master, loopback):
    own = spark._configuration(SparkSettings(master=master), Path("folder"))
    assert (own.get("spark.driver.bindAddress") == spark.HOME) == loopback
    assert own["spark.sql.session.timeZone"] == "UTC"


def test_options_of_the_project_come_last():
    settings = SparkSettings(master="local[1]", options={"spark.ui.enabled": "true"})
    assert spark._configuration(settings, Path("folder"))["spark.ui.enabled"] == "true"
