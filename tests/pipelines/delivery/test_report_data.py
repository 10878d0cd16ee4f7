"""What a report is made of reads the same from a table in memory and from a published file."""

import dataclasses

import pandas as pd

from pipelines.delivery.report_data import Page
from pipelines.workspace.files import write_parquet
from pipelines.workspace.score_files import ScoreFile
from tests.scores_sample import sample_report

DATA = sample_report(300)


def test_a_published_file_gives_what_a_table_gives(tmp_path):
    path = tmp_path / "2026-11-01.parquet"
    write_parquet(path, [DATA.scores.slice(0, 120), DATA.scores.slice(120)], DATA.scores.schema)
    stored = dataclasses.replace(DATA, scores=ScoreFile(path))
    pd.testing.assert_frame_equal(stored.frame, DATA.frame)
    rows = pd.Index([250, 3, 121])
    assert stored.reasons("churn", rows).to_pylist() == DATA.reasons("churn", rows).to_pylist()


def test_only_those_who_were_scored_are_ok():
    assert set(DATA.ok["score_status"]) == {"ok"} and 0 < len(DATA.ok) < len(DATA.frame)


def test_the_winner_stands_before_its_plain_rivals():
    churn = DATA.evaluations["churn"]
    assert churn.compared_models == ["trees", "linear", "rule"]
    assert dataclasses.replace(churn, winner="rule").compared_models == ["rule", "linear", "trees"]


def test_a_page_speaks_its_language():
    chinese, english = Page(DATA, "zh"), Page(DATA, "en")
    assert chinese.say("reasons") != english.say("reasons")
    assert english.count(12_345) == "12,345" and english.share(0.5, 0) == "50%"
