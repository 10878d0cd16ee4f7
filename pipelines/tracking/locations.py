"""Where MLflow keeps artifacts: whole paths in its store, which follow a workspace that was moved, copied or restored."""

import sqlalchemy

from pipelines.workspace.paths import Workspace

HELD_IN = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def follow(workspace: Workspace, before: str) -> None:
    """Everything that MLflow's store looks for below `before`, an address, it looks for in this workspace from now on.

    MLflow has no call for it: a training would write into the folder where the workspace was before, another project's
    perhaps, and its page would show artifacts from there.
    """
    now = workspace.artifacts.as_uri()
    engine = sqlalchemy.create_engine(f"sqlite:///{workspace.tracking}")
    try:
        with engine.begin() as store:
            for table, column in HELD_IN.items():
                row = sqlalchemy.table(table, sqlalchemy.column(column))
                held = row.c[column]
                moved = sqlalchemy.literal(now).concat(sqlalchemy.func.substr(held, len(before) + 1))
                is_below = sqlalchemy.func.substr(held, 1, len(before)) == before
                store.execute(sqlalchemy.update(row).where(is_below).values({column: moved}))
    finally:
        engine.dispose()
