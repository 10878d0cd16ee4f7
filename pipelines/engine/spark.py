"""A Spark session for those who outgrow one machine; what runs on it are the very expressions that DuckDB runs.

Nothing here is imported unless Spark is asked for: the extra `headwater[spark]` and a Java runtime are needed only then.
"""

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from features.errors import HeadwaterError
from pipelines.config.settings import SparkSettings
from pipelines.workspace import scratch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipelines.engine.spark_ibis import SparkBackend

HOME = "127.0.0.1"


def missing_requirement() -> str | None:
    """What Spark lacks on this machine: the package or Java; None when it can run."""
    if find_spec("pyspark") is None:
        return "pyspark"
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java").exists() if home else shutil.which("java")
    return None if java else "java"


def require_spark() -> None:
    """Call before anything of Spark is imported. Raises HeadwaterError E713 (exit 7) when pyspark or Java is missing."""
    if lacking := missing_requirement():
        raise HeadwaterError("E713", detail=lacking)
    # Said on import, of conversions to pandas that are not used here: tables travel as Arrow.
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)


@contextmanager
def connection(settings: SparkSettings, folder: Path) -> Iterator["SparkBackend"]:
    """An Ibis connection to Spark; `folder` takes what spills and is left as it was found.

    A session that is running already, such as a notebook's, is used and left running. Raises HeadwaterError E713 (exit
    7) when pyspark or Java is missing, or no cluster answers at the master's address.
    """
    require_spark()
    from pyspark.sql import SparkSession

    from pipelines.engine.spark_ibis import SparkBackend

    running = SparkSession.getActiveSession()
    with scratch.folder(folder, ".spark-") as own:
        session = running or _new_session(settings, own)
        try:
            yield SparkBackend.of(session, own)
        finally:
            if running is None:
                session.stop()


def _new_session(settings: SparkSettings, folder: Path) -> "SparkSession":
    """A session of its own under the settings."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("headwater")
    for key, value in _configuration(settings, folder).items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except (PySparkException, OSError) as error:
        raise HeadwaterError("E713", detail=str(error).splitlines()[0]) from error


def _configuration(settings: SparkSettings, folder: Path) -> dict[str, str]:
    """Spark's own settings, the project's options last.

    Time is UTC as in DuckDB. Without a cluster, or with one on this machine, nothing listens beyond the loopback.
    """
    own = {
        "spark.master": settings.master,
        "spark.driver.memory": settings.memory,
        "spark.executor.memory": settings.memory,
        "spark.sql.shuffle.partitions": str(settings.partitions),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.executorEnv.OMP_NUM_THREADS": "1",  # an executor has one Python worker for each of its cores
        "spark.executorEnv.PYTHONWARNINGS": "ignore::FutureWarning",
    }
    if settings.master.startswith("local") or urlsplit(settings.master).hostname in {HOME, "localhost"}:
        own |= {"spark.driver.bindAddress": HOME, "spark.driver.host": HOME}
    return own | settings.options
