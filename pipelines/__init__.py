"""The edge: settings, tables, storage, tracking, flows and the command line. `from pipelines import Project`.

The environment below is set before any library reads it: no telemetry, no pickles, no spinning threads.
"""

import os
from importlib import import_module
from typing import Any

for name, value in {
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOG_UV_FILES": "false",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "OMP_WAIT_POLICY": "passive",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}.items():
    os.environ.setdefault(name, value)
del name, value


def __getattr__(name: str) -> Any:
    """`Project` as notebooks use it, loaded when it is first asked for."""
    if name != "Project":
        raise AttributeError(f"module 'pipelines' has no attribute {name!r}")
    return import_module("pipelines.notebook").Project
