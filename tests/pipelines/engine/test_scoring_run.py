"""Scores chunk after chunk: neither the size of a chunk nor where a night was stopped changes a row."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.spine import cutoff, population
from models.scores import score_table as contract
from models.targets import vip
from models.targets.follow_up import FollowUp
from pipelines.engine import assembly, scoring, scoring_run
from pipelines.engine.assembly import Assembly
from pipelines.engine.chunks import Chunk
from pipelines.engine.scoring_run import ScoringRun, nobody
from pipelines.flows import nightly
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.wording.errors import sentence
from pipelines.workspace import bundles
from pipelines.workspace.checkpoints import Pieces
from pipelines.workspace.progress import Steps
from pipelines.workspace.score_files import ScoreFile
from tests.demo_project import NIGHT


def night(as_of: date = NIGHT, **overrides) -> Night:
    return nightly.run(Night(Project.open("configs/operator.yaml", **overrides), as_of, Steps(quiet=True)))


def scores(folder: Path, as_of: date = NIGHT) -> Path:
    return folder / "workspace" / "operator" / "scores" / f"{as_of}.parquet"


def test_the_size_of_chunks_changes_no_row(own_operator, monkeypatch):
    """Peers, ranks, accounts and the usual values come from everybody, however few are handled at a time; and what no
    champion learnt from may be built or not."""
    whole = contract.rows_sha256(pq.read_table(scores(own_operator)))
    scores(own_operator).unlink()
    monkeypatch.setattr(assembly, "MEMBERS", 100)
    monkeypatch.setattr(scoring, "features_needed", lambda features, champions: list(features))
    cut = night(chunk=431)
    assert len(cut.scoring.chunks) > 4
    assert cut.meta["rows_sha256"] == whole == contract.rows_sha256(pq.read_table(scores(own_operator)))
    assert pq.read_metadata(scores(own_operator)).num_row_groups == len(cut.scoring.chunks)


def test_a_stopped_night_goes_on_where_it_stopped(own_operator, monkeypatch):
    """Killed in its third chunk; of the two that were scored one is damaged afterwards, and a block of another."""
    whole = contract.rows_sha256(pq.read_table(scores(own_operator)))
    scores(own_operator).unlink()
    seen, made = ScoringRun.inputs, []

    def stop_at_the_third(self: ScoringRun, chunk: Chunk):
        made.append(chunk)
        if len(made) == 3:
            raise KeyboardInterrupt
        return seen(self, chunk)

    monkeypatch.setattr(ScoringRun, "inputs", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        night(chunk=700)
    left = own_operator / "workspace" / "operator" / "runs"
    scored, blocks = sorted(left.glob("*/pieces/scored-*.parquet")), sorted(left.glob("*/pieces/usage-*.parquet"))
    assert len(scored) == 2 and len(blocks) > 2
    for path in (scored[0], blocks[1]):
        path.write_bytes(path.read_bytes()[:-9])
    made.append(None)
    copy, copied = Assembly._copy, []

    def noted(self: Assembly, sql: str, path: Path):
        copied.append(path.name.removeprefix(".").partition(".")[0])
        copy(self, sql, path)

    monkeypatch.setattr(Assembly, "_copy", noted)
    again = night(chunk=700)
    assert made[4:] == [c for c in again.scoring.chunks if c != again.scoring.chunks[1]]
    assert copied == [blocks[1].stem]
    assert not list(left.glob("*/pieces"))
    assert again.meta["rows_sha256"] == whole == contract.rows_sha256(pq.read_table(scores(own_operator)))


def told_by_training(project: Project, as_of: date, amount: vip.VipTarget) -> pd.Series:
    """`vip_early` by customer, as a training on the newest night would have it of a past date."""
    tables, zone = project.tables(NIGHT).tables, project.mapping.timezone
    spine = population(tables, [as_of], zone, project.settings.population)
    after = FollowUp(spine, tables, cutoff(NIGHT, zone), project.settings.features)
    rows = project.connection.to_pyarrow(vip.labels(after, amount)).to_pandas()
    return rows.set_index("customer_id")["vip_early"].astype("boolean").sort_index()


@pytest.mark.slow
def test_scoring_tells_of_a_past_date_what_training_does(operator, tmp_path, monkeypatch):
    """Chunk after chunk, with the bills of that day; training looks back from months later, when all of them are known."""
    monkeypatch.chdir(operator)
    past, project = date(2026, 7, 1), Project.open("configs/operator.yaml", chunk=700)
    champions = bundles.champions(project.workspace)
    run = ScoringRun(project, project.tables(past), past, champions, Pieces(tmp_path), Steps(quiet=True))
    run.prepare()
    with run.assembly:
        seen = [run.inputs(chunk) for chunk in run.chunks]
        scored = pa.concat_tables([run.scorer.score(rows) for rows in seen], promote_options="permissive").to_pandas()
    assert len(seen) > 2
    expected = told_by_training(project, past, scoring.targets_of(champions, project.settings).vip)
    inputs = pd.concat(seen).set_index("customer_id")["vip_early"].astype("boolean").sort_index()
    pd.testing.assert_series_equal(inputs, expected)
    assert expected.value_counts().min() > 50 and expected.isna().sum() > 50
    rows = scored.set_index("customer_id")
    known = rows["vip_probability"].notna()
    assert rows.loc[~known, "vip_early"].isna().all() and known.sum() > 500
    assert rows.loc[known, "vip_early"].tolist() == expected[rows.index[known]].tolist()


def test_what_was_before_is_known_by_customer(operator):
    before = ScoreFile(scores(operator))
    known = scoring_run._of(before)
    for column in ("churn_probability", "tier_current", "tier_rated_on"):
        rows = before.select(["customer_id", column]).to_pylist()
        assert known[column].to_dict() == {row["customer_id"]: row[column] for row in rows}
    assert scoring_run._of(None) is None


@pytest.mark.parametrize(("as_of", "named"), [(date(2026, 11, 1), None), (date(2027, 11, 1), "2026-11-01")])
def test_where_nobody_is_a_customer_the_date_of_the_newest_rows_is_named(as_of, named):
    """Who runs an old extract without a date asks for today, when all have left."""
    problem = nobody(as_of, date(2026, 11, 1)).problem
    assert ("--as-of 2026-11-01" in sentence(problem, "fix", "en")) is bool(named)
    assert problem.values["nearest"] == named
