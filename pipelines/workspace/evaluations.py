"""What training found out about each version, beside the models: read with the tracking store up or down."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.workspace.files import FOLDER_MODE, replacing, settle, write_json
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
        final.to_parquet(temporary, write_page_checksum=True)
    settle(path.parent)  # the document, which says that there is an evaluation, comes last
    if judged is not None:
        _judged_path(workspace, version).parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        write_json(_judged_path(workspace, version), dict(judged))
    write_json(path, facts)


def load(workspace: Workspace, version: str) -> tuple[dict[str, Any], pd.DataFrame] | None:
    """Facts and final rows of a registered version, or None where they were not kept here, or are damaged."""
    path = _path(workspace, version)
    facts, final = _facts(path), _final(path.with_suffix(".parquet"))
    return None if facts is None or final is None else (facts, final)


def newest(workspace: Workspace, target: str) -> tuple[str, dict[str, Any]] | None:
    """The version of a target with the largest number, and what training found out about it; None where nothing was kept."""
    numbers = [path.stem.rpartition("-")[2] for path in (workspace.models / "evaluations").glob(f"{target}-*.json")]
    known = [int(number) for number in numbers if number.isdigit()]
    version = f"{target}/{max(known)}" if known else ""
    facts = _facts(_path(workspace, version)) if version else None
    return None if facts is None else (version, facts)


def _facts(path: Path) -> dict[str, Any] | None:
    """The document of a file; None where there is none that can be read."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _final(path: Path) -> pd.DataFrame | None:
    """The rows of a file; None where there is none that can be read."""
    try:
        return pd.read_parquet(path, page_checksum_verification=True)
    except (OSError, ValueError, pa.ArrowException):
        return None


def damaged(workspace: Workspace) -> Iterator[Path]:
    """Files of evaluations that are there and cannot be read, or whose other half is gone."""
    folder = workspace.models / "evaluations"
    for path in sorted({*folder.glob("*-*.json"), *(p.with_suffix(".json") for p in folder.glob("*-*.parquet"))}):
        rows = path.with_suffix(".parquet")
        if _facts(path) is None:
            yield path if path.exists() else rows
        elif _final(rows) is None:
            yield rows if rows.exists() else path
    yield from (path for path in sorted((workspace.models / "judged").glob("*-*.json")) if _facts(path) is None)


def judged_model(workspace: Workspace, version: str) -> dict[str, str] | None:
    """Files of the model that was judged for a version; None where they were not kept here, or are damaged."""
    return _facts(_judged_path(workspace, version))


def _judged_path(workspace: Workspace, version: str) -> Path:
    return workspace.models / "judged" / f"{version.replace('/', '-')}.json"


def _path(workspace: Workspace, version: str) -> Path:
    return workspace.models / "evaluations" / f"{version.replace('/', '-')}.json"
