"""Everybody's scores for one night, chunk after chunk; what is finished is kept, so that a stopped night goes on."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features.definition import KEY, ROW
from features.errors import HeadwaterError
from models.scores.reasons import usual
from models.scores.score_table import RowsDigest
from models.targets import vip
from pipelines.engine import scoring, second_pass
from pipelines.engine.assembly import Assembly, with_row_number
from pipelines.engine.chunks import Chunk
from pipelines.engine.scoring import Scorer, Summary
from pipelines.engine.second_pass import Standing
from pipelines.ingest.canonical import newest_day
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.workspace.bundles import Champion
from pipelines.workspace.checkpoints import Pieces, write_piece
from pipelines.workspace.progress import Steps
from pipelines.workspace.score_files import ScoreFile
from targeting.actions import Chosen
from targeting.groups import Accounts

SCORED = "scored"
WORTH = ("worth", "threshold", "high_value_now")


def nobody(as_of: date, newest: date | None) -> HeadwaterError:
    """E430, nobody is a customer: it names the day after the newest row where that is before the date asked for."""
    older = newest.isoformat() if newest and newest < as_of else None
    return HeadwaterError("E430", as_of=as_of.isoformat(), nearest=older)


class ScoringRun:
    """The scores of one date, first of everybody's own rows (`score`), then among everybody (`finish`).

    Of an interrupted run the blocks of features that were kept and the chunks that were scored are taken as they are.
    """

    def __init__(
        self,
        project: Project,
        tables: Tables,
        as_of: date,
        champions: Mapping[str, Champion],
        pieces: Pieces,
        steps: Steps,
    ):
        """Number everybody; nothing is scored yet.

        Parameters
        ----------
        project
            Its features, settings and workspace.
        tables
            The canonical tables as of the date.
        as_of
            The date that is scored.
        champions
            The model of each target; a target without one has null scores.
        pieces
            Where finished chunks are kept for a night that was stopped.
        steps
            Shows how far it is.
        """
        self.project, self.as_of, self.champions, self.pieces = project, as_of, champions, pieces
        self.steps = steps
        self.digest, self.summary = RowsDigest(), Summary()
        self.newest = newest_day(tables, project.mapping.timezone)
        self._open(tables)

    def _open(self, tables: Tables) -> None:
        needed = scoring.features_needed(self.project.features, self.champions)
        self.assembly = Assembly(self.project, tables, [self.as_of], self.steps, pieces=self.pieces, features=needed)
        self.chunks = self.assembly.chunks()

    def prepare(self) -> None:
        """What needs everybody: peers, accounts, the high-value line, and the usual values of the features."""
        if not self.assembly.total:
            raise nobody(self.as_of, self.newest)
        high_value = scoring.targets_of(self.champions, self.project.settings).vip.high_value
        worth = vip.high_value(
            self.assembly.everybody, self.assembly.tables, high_value, self.project.settings.features
        )
        worth = with_row_number(worth, self.assembly.everybody).select(ROW, *WORTH).order_by(ROW)
        self.worth: ir.Table = self.assembly.schema.create("worth", worth)
        self.sample = self.assembly.sample()
        self.sampled = self.assembly.snapshot(self.sample)
        self.peers = usual(self.sampled, self.project.features)

    def score(self) -> None:
        """One piece per chunk, those of an earlier attempt left as they are; no feature is asked for after that."""
        with self.assembly:
            for number, chunk in enumerate(self.chunks, start=1):
                self.pieces.fill_once(SCORED, chunk.name, partial(self._fill, chunk))
                self.steps.progress(number, len(self.chunks))

    @cached_property
    def scorer(self) -> Scorer:
        project = self.project
        return Scorer(
            as_of=self.as_of,
            champions=self.champions,
            features=project.features,
            feature_set_hash=project.feature_set_hash,
            settings=project.settings,
            currency=project.mapping.currency,
            peers=self.peers,
        )

    def _fill(self, chunk: Chunk, path: Path) -> None:
        write_piece(self.scorer.score(self.inputs(chunk)), path)

    def inputs(self, chunk: Chunk) -> pd.DataFrame:
        """Features, facts, worth and `vip_early` of the rows of a chunk."""
        wide = self.sampled if chunk == self.sample else self.assembly.snapshot(chunk)
        worth = chunk.of(self.worth).order_by(ROW).to_pyarrow().to_pandas()
        return pd.concat([wide, self.assembly.facts(chunk), worth[list(WORTH)], self._early(chunk)], axis=1)

    def _early(self, chunk: Chunk) -> pd.DataFrame:
        """Of each chunk by itself: it looks at all bills that there are, and memory is to follow the chunk."""
        features = self.project.settings.features

        def rows(spine: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
            now = spine.select(*KEY, ROW).join(tables["worth"], ROW)
            return vip.early(spine, tables, now, features)

        key = (features.model_dump_json(),)
        return self.assembly.own_rows("vip_early", chunk, rows, ("vip_early",), key=key, beside=("worth",))

    def finish(self, before: ScoreFile | None, add: Callable[[pa.Table], None]) -> None:
        """Ranks among everybody; then every chunk as rows of the score table goes to `add`, in order of the customers.

        `before` is the publication before.
        """
        rows = [self.pieces.read(SCORED, c.name, list(second_pass.RANKED)).to_pandas() for c in self.chunks]
        ranks = second_pass.ranks(pd.concat(rows, ignore_index=True))
        standing = second_pass.Standing(self.as_of, ranks, _of(before), self.project.settings)
        self.chosen, accounts = self._choose(standing)
        first = 0
        for chunk in self.chunks:
            scored = self.pieces.read(SCORED, chunk.name)
            finished = second_pass.finish_rows(scored, first, standing, self.chosen, accounts)
            add(finished)
            self.digest.add(finished)
            self.summary.add(finished)
            first += finished.num_rows

    def _choose(self, standing: Standing) -> tuple[Chosen, Accounts]:
        """An action and the account of everybody; of each chunk only what decides about them is kept."""
        parts, names, first = [], [], 0
        for chunk in self.chunks:
            scored = self.pieces.read(SCORED, chunk.name, [*second_pass.WEIGHED, "account_id"])
            names.append(scored["account_id"])
            parts.append(second_pass.matching(scored.drop_columns(["account_id"]), first, standing))
            first += scored.num_rows
        return second_pass.chosen_among(parts, standing.settings), second_pass.accounts_among(parts, names)


def _of(before: ScoreFile | None) -> pd.DataFrame | None:
    """The columns `second_pass.BEFORE` by customer_id; null where the publication is of a release that did not have them."""
    if before is None:
        return None
    known = [column for column in second_pass.BEFORE if column in before.column_names]
    rows = before.select(["customer_id", *known]).to_pandas(date_as_object=True).set_index("customer_id")
    return rows.reindex(columns=list(second_pass.BEFORE))
