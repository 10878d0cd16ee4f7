"""What the inputs of a night looked like, and what models made of them: kept in the folder of its run, for later nights."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.evaluation import movers, sketches
from models.evaluation.movers import Mover
from models.evaluation.sketches import Shift
from pipelines.flows.night import Night
from pipelines.workspace import files
from pipelines.workspace.paths import Workspace

INPUTS, USES = "inputs.parquet", "uses.parquet"


@dataclass(frozen=True)
class Seen:
    """The inputs of one night.

    Attributes
    ----------
    inputs
        As `sketches.sketch` gives them.
    uses
        As `movers.uses` gives them.
    """

    inputs: pd.DataFrame
    uses: pd.DataFrame

    def shifts_since(self, before: "Seen") -> dict[str, Shift]:
        """How far each feature has moved since another night."""
        return sketches.shifts(before.inputs, self.inputs)

    def movers_since(self, before: "Seen", target: str, *, same_model: bool) -> list[Mover]:
        """The features that moved the scores of a target since another night, the strongest first."""
        old = before.uses if same_model else None
        return movers.movers(self.shifts_since(before), self.uses, old, target)


def keep(night: Night) -> Seen:
    """Look at the features of this night, of some customers where there are many, and keep what was seen."""
    assert night.scoring is not None
    wide = night.scoring.sampled
    columns = [f.column for f in night.scoring.assembly.features if f.column in wide]
    models = {target: champion.model for target, champion in night.champions.items()}
    seen = Seen(sketches.sketch(wide, columns), movers.uses(models, wide))
    folder = night.workspace.runs / night.run_id
    for name, rows in ((INPUTS, seen.inputs), (USES, seen.uses)):
        table = pa.Table.from_pandas(rows, preserve_index=False)
        files.write_parquet(folder / name, [table], table.schema)
    return seen


def load(workspace: Workspace, run_id: str) -> Seen | None:
    """What a run has seen; None where it kept nothing, as before there was such a thing, or it is damaged."""
    folder = workspace.runs / run_id
    try:
        return Seen(*(pq.read_table(folder / name).to_pandas() for name in (INPUTS, USES)))
    except (FileNotFoundError, pa.ArrowException):
        return None
