"""What training found out about each version, beside the models: read with the tracking store up or down."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from features.errors import HeadwaterError
from pipelines.workspace.files import FOLDER_MODE, replacing, write_json
from pipelines.workspace.paths import Workspace


def save(
    workspace: Workspace,
    version: str,
    facts: dict[str, Any],
    final: pd.DataFrame,
    judged: Mapping[str, str] | None = None,
) -> None:
    """Save what training found out about a version. That of another training is never written over.

    Parameters
    ----------
    workspace
        Where.
    version
        Such as `churn/3`.
    facts
        JSON-ready.
    final
        Rows of the final window.
    judged
        Files of the model that was judged, where another fit of it is shipped.

    Raises
    ------
    HeadwaterError
        E714 (exit 7) for a number that was given before.
    """
    path = _path(workspace, version)
    path.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if path.exists():
        raise HeadwaterError("E714", file=workspace.tracking, versions=version)
    with replacing(path.with_suffix(".parquet")) as temporary:
        final.to_parquet(temporary)
    if judged is not None:
        _judged_path(workspace, version).parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        write_json(_judged_path(workspace, version), dict(judged))
    write_json(path, facts)


def load(workspace: Workspace, version: str) -> tuple[dict[str, Any], pd.DataFrame] | None:
    """Facts and final rows of a registered version, or None where they were never kept here."""
    path = _path(workspace, version)
    if not path.exists():
        return None
    return json.loads(path.read_text(encoding="utf-8")), pd.read_parquet(path.with_suffix(".parquet"))


def judged_model(workspace: Workspace, version: str) -> dict[str, str] | None:
    """Files of the model that was judged for a version; None where they were not kept here, or are damaged."""
    try:
        texts = json.loads(_judged_path(workspace, version).read_bytes())
    except (OSError, ValueError):
        return None
    return texts if isinstance(texts, dict) else None


def _judged_path(workspace: Workspace, version: str) -> Path:
    return workspace.models / "judged" / f"{version.replace('/', '-')}.json"


def _path(workspace: Workspace, version: str) -> Path:
    return workspace.models / "evaluations" / f"{version.replace('/', '-')}.json"
