"""One small Spark session for all of these tests; without pyspark or Java they are skipped, and say so.

For tables of this size nearly all of Spark's time is preparation. Hence two partitions instead of two hundred, plans
made once, expressions interpreted instead of compiled, and the quick compiler for the rest; the cluster of
test_cluster.py runs without any of these.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pipelines.config.settings import SparkSettings
from pipelines.engine import spark
from tests.spark.asking import SparkAsker

if TYPE_CHECKING:
    from pipelines.engine.spark_ibis import SparkBackend

QUICK = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m",
}
SMALL = SparkSettings(master="local[2]", memory="1500m", partitions=2, options=QUICK)


@pytest.fixture(scope="session")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SparkBackend"]:
    """The connection that these tests use where the others use DuckDB's."""
    if lacking := spark.missing_requirement():
        pytest.skip(f"{lacking} is not installed: pip install 'headwater[spark]', and a Java 17 runtime")
    with spark.connection(SMALL, tmp_path_factory.mktemp("spark")) as connection:
        yield connection


@pytest.fixture(scope="session")
def ask(con: "SparkBackend") -> SparkAsker:
    """Features of a world under the default settings, computed by Spark."""
    return SparkAsker(con, "asked")
