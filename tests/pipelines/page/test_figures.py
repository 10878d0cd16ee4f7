"""Why, how good, data, words and runs: the figures of the pages are those of the files and of the report, counted another way."""

import html
import re

import numpy as np
import pandas as pd
import pytest

from pipelines.delivery import pages, report_grade, report_models
from pipelines.page import factor_details
from pipelines.page.views import factors, good, runs
from pipelines.wording.figures import figure_of
from pipelines.wording.formats import number, percent
from pipelines.wording.reasons import headline
from pipelines.wording.texts import LANGUAGES, text
from pipelines.wording.vocabulary import vocabulary
from pipelines.workspace import files, journal
from pipelines.workspace.history import history
from tests.pipelines.page.site import Site


def shown(site: Site, path: str, lang: str = "en") -> str:
    answer = site.get(path, params={"lang": lang})
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def by_hand(frame: pd.DataFrame, target: str) -> dict[tuple[str, int], tuple[int, float]]:
    """Reason and direction -> customers, and how many times everybody's mean probability theirs is; one row at a time."""
    score = factor_details.SCORE[target]
    known = frame[frame[score].notna()]
    seen: dict[tuple[str, int], list[float]] = {}
    for reasons, p in zip(known[f"{target}_reasons"], known[score].astype(float), strict=True):
        for key in {(reason["code"], reason["direction"]) for reason in (reasons if reasons is not None else ())}:
            seen.setdefault(key, []).append(p)
    mean = float(known[score].astype(float).mean())
    return {k: (len(v), sum(v) / len(v) / mean) for k, v in seen.items() if len(v) >= factors.FEWEST}


@pytest.mark.parametrize("target", factor_details.SCORE)
def test_factors_are_those_of_a_count_by_hand(viewer: Site, target):
    night = viewer.served.nights.current()
    frame = night.publication.scores.select([factor_details.SCORE[target], f"{target}_reasons"]).to_pandas()
    expected = by_hand(frame, target)
    found = {(row["code"], row["direction"]): (row["n"], row["ratio"]) for row in factors._rows(night, target)}
    assert expected and found.keys() == expected.keys()
    for key, (n, ratio) in expected.items():
        assert found[key][0] == n and found[key][1] == pytest.approx(ratio, rel=1e-5)


@pytest.mark.parametrize("target", factor_details.SCORE)
def test_what_lies_behind_a_factor_is_what_a_slow_look_at_everybody_finds(viewer: Site, target):
    night, band = viewer.served.nights.current(), factor_details.BAND[target]
    frame = night.publication.scores.select([factor_details.SCORE[target], band, f"{target}_reasons"]).to_pandas()
    frame = frame[frame[factor_details.SCORE[target]].notna()]
    sides: dict[tuple[str, str], list[int]] = {}
    values: dict[tuple[str, str, str], list[float]] = {}
    for group, reasons in zip(frame[band], frame[f"{target}_reasons"], strict=True):
        for reason in reasons if reasons is not None else ():
            sides.setdefault((reason["code"], group), [0, 0])[reason["direction"] < 0] += 1
            figure = figure_of(reason["value"])
            if figure is not None:
                values.setdefault((reason["code"], reason["feature"], group), []).append(figure)
    found = factor_details.details(night, target)
    assert found.sizes == frame[band].value_counts().loc[lambda counts: counts > 0].to_dict()
    assert found.groups == {key: tuple(counts) for key, counts in sides.items()}
    expected = {key: of for key, of in values.items() if len(of) >= factor_details.FEWEST}
    assert expected and found.values.keys() == expected.keys()
    for key, of in expected.items():
        assert found.values[key]["q"] == pytest.approx(np.quantile(of, factor_details.QUANTILES)), key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_factor_has_a_page_of_its_own(viewer: Site, lang):
    told = shown(viewer, "/factors", lang)
    links = re.findall(r'href="(/factors/\w+/\w+)"', told)
    assert len(links) > 5
    page = shown(viewer, links[0], lang)
    assert headline(links[0].rpartition("/")[2], lang) in page and text("factors.not_cause", lang) in page


@pytest.mark.parametrize(
    "path", ["/factors/churn/nothing", "/factors/nothing/usage_trend", "/factors/value/usage_trend"]
)
def test_a_factor_that_is_not_there_is_no_page(viewer: Site, path):
    assert viewer.get(path).status_code == 404


@pytest.mark.parametrize("lang", LANGUAGES)
def test_grades_and_sentences_are_those_of_the_report(viewer: Site, lang):
    project, night = viewer.served.project, viewer.served.nights.current()
    told = shown(viewer, "/good", lang)
    judged = pages.judged(project.workspace, night.publication.models)
    assert judged
    speech = pages.Words(lang, project.mapping.currency)
    for target, evaluation in judged.items():
        block = report_models.block(speech, report_models.TARGETS[target], evaluation, night.publication.models[target])
        assert all(sentence in told for sentence in block["sentences"])
    assert text("report.grade_how", lang, few=report_grade.FEW) in told


PROMISE = {
    "target": "churn", "version": "churn/1", "as_of": "2026-08-01", "days": 90, "early": False, "n": 1800,
    "promised": 91.4, "observed": 120.0, "low": 74.0, "high": 109.0, "broken": True,
}  # fmt: skip


def test_promises_are_told_once_outcomes_have_come(viewer: Site, tmp_path, monkeypatch):
    assert text("good.none_yet", "en") in shown(viewer, "/good")
    files.write_json(tmp_path / "monitor-2026-10-01.json", {"promises": [PROMISE | {"observed": 1.0}]})
    files.write_json(
        tmp_path / "monitor-2026-11-01.json", {"promises": [PROMISE, PROMISE | {"low": None, "early": True}]}
    )
    monkeypatch.setattr(type(viewer.served.project.workspace), "reports", property(lambda _: tmp_path))
    told = shown(viewer, "/good")
    assert "74 – 109" in told and ">120<" in told and ">91<" in told and text("good.broken", "en") in told
    (tmp_path / "monitor-2026-11-02.json").write_text("{")
    assert good.promises(viewer.served.project.workspace) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_rows_of_tables_are_those_of_the_record(viewer: Site, lang):
    project, night = viewer.served.project, viewer.served.nights.current()
    record = journal.read_record(project.workspace.runs / night.publication.meta["run_id"] / journal.RECORD)
    told = shown(viewer, "/data", lang)
    for table, counts in record["rows"].items():
        assert text(f"terms.table.{table}", lang) in told and number(counts["in"], lang) in told
    found = list((project.workspace.quarantine / night.publication.meta["inputs"]).glob("*.parquet"))
    aside = sum(len(pd.read_parquet(path)) for path in found)
    counted = re.findall(r'<td class="num" data-label="(?:Rows|行数)">([\d,]+)</td>', told)
    assert sum(int(count.replace(",", "")) for count in counted) == aside > 0
    assert not [value for path in found for value in pd.read_parquet(path)["value"] if len(value) > 6 and value in told]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_term_is_told_with_its_meaning(viewer: Site, lang):
    told = shown(viewer, "/glossary", lang)
    for term in vocabulary().values():
        assert term.word(lang) in told and term.meaning[lang] in told
    assert text("glossary.value_at_risk", lang) in told


def test_runs_are_told_the_newest_first(viewer: Site):
    told = shown(viewer, "/runs")
    ids = [call.id for call in history(viewer.served.project.workspace)]
    places = [told.index(one) for one in ids[: runs.SHOWN]]
    assert places and places == sorted(places) and text("report.runs", "en") in told


def test_a_probability_is_told_as_a_share(viewer: Site):
    row = factors._rows(viewer.served.nights.current(), "churn")[0]
    assert percent(row["everybody"], "en", 1) in shown(viewer, "/factors")
