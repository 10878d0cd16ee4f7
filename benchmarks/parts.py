"""The parts that are measured. Run as `python -m benchmarks.parts PART OUT` in the folder of the project.

Each function imports and opens what its work needs, outside the measurement, and returns the work.
"""

import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measure

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from benchmarks.rivals import Asked
    from pipelines.project import Project

Work = Callable[[], dict[str, Any]]

NEEDED = {
    "customers": "customer_id activated_on deactivated_on customer_type group_size region",
    "bills": "bill_id customer_id happened_at known_at happened_on superseded_at amount due_on",
    "usage": "customer_id happened_at known_at happened_on superseded_at",
    "payments": "customer_id bill_id happened_at known_at happened_on superseded_at amount",
    "complaints": "customer_id happened_at known_at happened_on superseded_at topic severity resolved_at",
    "contacts": "customer_id happened_at known_at happened_on superseded_at channel direction campaign_id arm",
    "subscriptions": "customer_id known_at happened_on superseded_at valid_from valid_to plan monthly_fee contract_end",
    "surveys": "customer_id happened_at known_at happened_on superseded_at score",
}
"""What the catalogue reads of each table, besides the measures of usage."""


def opened() -> "Project":
    """The project with its canonical tables checked and open."""
    from benchmarks.operator import CONFIG, NIGHT
    from pipelines.project import Project

    project = Project.open(CONFIG)
    project.tables(NIGHT)
    return project


def question() -> "Asked":
    from benchmarks.rivals import asked

    return asked(Path("asked.json").read_text(encoding="utf-8"))


def threads() -> int:
    return int(json.loads(Path("asked.json").read_text(encoding="utf-8"))["threads"])


def scan() -> Work:
    """Read every needed column of every row, with the threads of the project, and keep nothing."""
    import duckdb

    con, what = duckdb.connect(config={"threads": threads()}), question()
    columns = {name: names.split() for name, names in NEEDED.items()}
    columns["usage"] += what.measures

    def work() -> dict[str, Any]:
        for name, names in columns.items():
            read = ", ".join(f"bit_xor(hash({column}))" for column in names)  # cannot be told from statistics
            con.execute(f"SELECT {read} FROM '{what.file(name)}'").fetchall()
        return {"tables": len(columns)}

    return work


def night_features() -> Work:
    """The whole catalogue for one date."""
    from benchmarks.operator import NIGHT

    project = opened()
    return lambda: shape(built(project, [NIGHT]))


def built(project: "Project", dates: list[date]) -> "pd.DataFrame":
    from benchmarks.operator import NIGHT

    tables = project.tables(NIGHT)
    return project.snapshot(tables, project.spine(tables, dates))


def shape(frame: "pd.DataFrame") -> dict[str, Any]:
    return {"rows": len(frame), "columns": frame.shape[1]}


def months(count: int) -> list[date]:
    """The newest firsts of months, the night itself last."""
    from benchmarks.operator import NIGHT

    places = [NIGHT.year * 12 + NIGHT.month - 1 - ago for ago in range(count)]
    return [date(place // 12, place % 12 + 1, 1) for place in reversed(places)]


def together() -> Work:
    """Twelve monthly snapshots in one build."""
    project = opened()
    return lambda: shape(built(project, months(12)))


def one_by_one() -> Work:
    """The same twelve, each in a build of its own."""
    project = opened()
    return lambda: {"rows": sum(len(built(project, [day])) for day in months(12))}


def keeping(make: Callable[[], "pd.DataFrame"], name: str) -> Work:
    """The frame is kept to be compared; whoever makes it must not pay for the import of what writes it."""
    import pyarrow.parquet  # noqa: F401

    def work() -> dict[str, Any]:
        make().to_parquet(f"{name}.parquet")
        return {}

    return work


def subset_by_us() -> Work:
    """The subset through the same build as on any night, and no more than the subset."""
    from benchmarks.operator import NIGHT
    from benchmarks.rivals import subset

    project, wanted = opened(), set(subset(question().measures))
    project.features = tuple(feature for feature in project.features if feature.column in wanted)
    return keeping(lambda: built(project, [NIGHT]), "ours")


def subset_by_sql() -> Work:
    """The subset as one SQL statement written by hand."""
    from benchmarks.rivals import by_sql

    what, cores = question(), threads()
    return keeping(lambda: by_sql(what, cores), "sql")


def subset_by_pandas() -> Work:
    """The subset with pandas."""
    from benchmarks.rivals import by_pandas

    what = question()
    return keeping(lambda: by_pandas(what), "pandas")


def equality() -> Work:
    """Are the three subsets the same numbers? Facts: the largest difference of each rival, and the rows."""
    import pandas as pd

    from benchmarks.rivals import difference, subset

    def work() -> dict[str, Any]:
        ours, columns = pd.read_parquet("ours.parquet"), subset(question().measures)
        differences = {n: difference(ours, pd.read_parquet(f"{n}.parquet"), columns) for n in ("sql", "pandas")}
        return differences | {"rows": len(ours), "columns": len(columns)}

    return work


def reasons_fast() -> Work:
    """Contributions of every feature for every row, as scoring makes them."""
    import woodelf  # noqa: F401  # imported by the first call otherwise

    from models.attribution import tree_contributions

    def explain(booster: Any, rows: "np.ndarray") -> tuple["np.ndarray", str]:
        return tree_contributions(booster, rows)

    return explaining(explain, "fast")


def reasons_own() -> Work:
    """The same by LightGBM itself."""
    from models.attribution import own

    return explaining(lambda booster, rows: (own(booster, rows), "pred_contrib"), "own")


def explaining(explain: Callable, name: str) -> Work:
    import lightgbm as lgb
    import numpy as np

    from benchmarks.operator import ROWS, TREES

    booster = lgb.Booster(params={"num_threads": threads()}, model_str=TREES.read_text(encoding="utf-8"))
    rows = np.load(ROWS)

    def work() -> dict[str, Any]:
        parts, method = explain(booster, rows)
        np.save(f"{name}.npy", parts)
        return {"rows": len(rows), "method": method}

    return work


def same_reasons() -> Work:
    import numpy as np

    return lambda: {"difference": float(np.abs(np.load("fast.npy") - np.load("own.npy")).max())}


def night() -> Work:
    """Check, features, three models with reasons, gates, publication, lists and report; the tables are canonical."""
    from benchmarks.operator import CONFIG, NIGHT
    from pipelines import nightly
    from pipelines.nightly import Night
    from pipelines.progress import Steps
    from pipelines.project import Project

    project = Project.open(CONFIG)
    project.workspace.score_file(NIGHT).unlink(missing_ok=True)  # a night that is out would not be done again

    def work() -> dict[str, Any]:
        done = nightly.run(Night(project, NIGHT, Steps(quiet=True)))
        return {"rows": done.scores.num_rows if done.scores else 0, "files": len(done.outputs)}

    return work


def read() -> Work:
    """Raw files to canonical tables: what a night with new files does first."""
    from benchmarks.operator import CONFIG, NIGHT
    from pipelines.project import Project

    project = Project.open(CONFIG)
    return lambda: {"tables": len(project.tables(NIGHT).counts)}


def simulate() -> Work:
    """Raw files."""
    from benchmarks import operator

    return operator.simulate


def learn() -> Work:
    """Champions for the night, and the trees whose contributions are compared."""
    from benchmarks import operator

    return operator.learn


PARTS: dict[str, Callable[[], Work]] = {
    part.__name__: part
    for part in (
        simulate, read, learn, scan, night_features, together, one_by_one, subset_by_us, subset_by_sql, subset_by_pandas,
        equality, reasons_fast, reasons_own, same_reasons, night,
    )
}  # fmt: skip


if __name__ == "__main__":
    measure.write(measure.timed(PARTS[sys.argv[1]]()), Path(sys.argv[2]))
