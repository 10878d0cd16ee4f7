"""The report: self-contained, inert, the same figures in both languages, and honest about weak models."""

import dataclasses
import re

import html5lib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from models.scores import score_table
from pipelines.delivery.report import render
from pipelines.delivery.report_data import Evaluation, ReportData, TableUse
from tests.scores_sample import AS_OF, sample_frame, sample_report

DATA = sample_report(400)
LOADING = (
    "src",
    "href",
    "srcset",
    "data",
    "action",
    "poster",
    "background",
    "{http://www.w3.org/1999/xlink}href",
    "xlink:href",
)


def parsed(html):
    return html5lib.parse(html, namespaceHTMLElements=False)


@pytest.fixture(scope="module")
def html():
    return render(DATA, "zh")


@pytest.fixture(scope="module")
def tree(html):
    return parsed(html)


def by_class(tree, name):
    return [element for element in tree.iter() if name in (element.get("class") or "").split()]


def page(tree, lang):
    return by_class(tree, f"page-{lang}")[0]


def words(element):
    return " ".join(" ".join(element.itertext()).split())


def figures(element):
    """Every number that the page computed: cards, matrix, tables. Sentences of the glossary have numbers of their own."""
    cells = [cell for name in ("num", "figure", "note", "count", "track", "told") for cell in by_class(element, name)]
    told = [
        re.findall(r"\d[\d,.]*%?", words(cell))
        for cell in cells
        if not re.search(r"[万亿]|\d[KM]|年|[A-Z][a-z]{2} 20", words(cell))
    ]
    return [number for numbers in told for number in numbers]


def test_nothing_is_fetched_from_outside(tree):
    addresses = [e.get(name) for e in tree.iter() for name in LOADING if e.get(name)]
    assert addresses and all(address.startswith("#") for address in addresses)
    assert not [
        e.tag for e in tree.iter() if e.tag in ("script", "link", "iframe", "object", "embed", "img", "base", "form")
    ]
    styles = [e.text or "" for e in tree.iter("style")] + [e.get("style") or "" for e in tree.iter()]
    assert not [s for s in styles if "@import" in s or re.search(r"url\((?!#)", s)]


def test_every_link_leads_somewhere_and_ids_are_unique(tree):
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert {e.get("href")[1:] for e in tree.iter("a")} <= set(ids)


def test_both_languages_show_the_same_figures(tree):
    zh, en = (figures(page(tree, lang)) for lang in ("zh", "en"))
    assert len(zh) > 250 and zh == en


def test_no_chinese_on_the_english_page_and_the_other_way_round(tree):
    english = words(page(tree, "en")).replace("中文", "")
    assert not re.findall(r"[\u4e00-\u9fff]+", english)
    assert page(tree, "zh").get("lang") == "zh-CN" and page(tree, "en").get("lang") == "en"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_chosen_language_comes_first(lang):
    tree = parsed(render(DATA, lang))
    assert tree.get("lang") == {"zh": "zh-CN", "en": "en"}[lang]
    assert [e.get("id") for e in tree.iter("input") if e.get("checked") is not None] == [f"show-{lang}"]


def test_header_promise_and_sections_are_there(tree):
    told = words(page(tree, "en"))
    for part in (
        "1 Nov 2026",
        "2026-11-01-7f3a9c",
        "churn/4",
        "Estimates, not promises.",
        "Value × risk",
        "Grade A",
        "Glossary",
    ):
        assert part in told


def test_cards_and_matrix_show_the_scores(tree):
    frame = DATA.ok
    cards = [words(card) for card in by_class(page(tree, "en"), "figure")]
    high = int(frame["churn_risk_band"].isin(["high", "critical"]).sum())
    assert cards[:3] == [f"{DATA.scores.num_rows:,}", str(high), str(int(frame["is_potential_vip"].eq(True).sum()))]
    counts = [int(re.sub(r"\D", "", words(cell))) for cell in by_class(page(tree, "en"), "count")]
    assert len(counts) == 9 and sum(counts) == len(frame)


def test_no_customer_can_be_read(html):
    assert not [customer for customer in DATA.scores["customer_id"].to_pylist() if customer in html]


def test_held_out_customers_are_not_shown():
    """With everybody but three held out, three rows remain."""
    frame = sample_frame(200)
    kept = frame.index[frame["score_status"].eq("ok")][:3]
    held = score_table.conform(frame.assign(is_holdout=~frame.index.isin(kept)))
    told = parsed(render(dataclasses.replace(DATA, scores=held)))
    assert len(by_class(page(told, "en"), "id")) == 3 + int(frame.loc[kept, "is_potential_vip"].eq(True).sum())


def test_tables_have_heads_and_pictures_have_words(tree):
    assert all(list(table.iter("th")) for table in tree.iter("table"))
    assert all(head.get("scope") for head in tree.iter("th"))
    pictures = [e for e in tree.iter() if e.tag == "svg" or e.tag.endswith("}svg")]
    assert len(pictures) >= 20 and all(picture.get("aria-label") for picture in pictures)


def test_injected_markup_stays_text():
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg onload=alert(1)>"
    frame = sample_frame(200).assign(tier_current=evil, region=evil, recommended_action=evil)
    reason = {
        "code": evil,
        "rank": 1,
        "direction": 1,
        "contribution": 9.0,
        "feature": evil,
        "value": evil,
        "peer_value": evil,
    }
    frame["churn_reasons"] = [[reason]] * len(frame)
    data = dataclasses.replace(
        DATA, scores=score_table.conform(frame), name=evil, run_id=evil, models={"churn": evil}, quality=[TableUse(evil, 1, 1)],
        warnings={"zh": [evil], "en": [evil]}, evaluations={"churn": DATA.evaluations["churn"]},
    )  # fmt: skip
    html = render(data)
    tree = parsed(html)
    assert not [e.tag for e in tree.iter() if e.tag in ("script", "img")]
    assert not [name for e in tree.iter() for name in e.attrib if str(name).startswith("on")]
    assert words(tree).count("alert(1)") > 20


def test_the_same_data_gives_the_same_bytes(html):
    assert render(sample_report(400), "zh") == html


def told(evaluation, target="churn"):
    html = render(dataclasses.replace(DATA, evaluations={target: evaluation}))
    return words(page(parsed(html), "en"))


def test_a_model_that_does_not_beat_the_rule_is_said_to():
    churn = DATA.evaluations["churn"]
    same = churn.metrics.assign(value=0.5, low=0.4, high=0.6)
    same.loc[same["metric"].eq("auc") & same["model"].eq(churn.winner), "value"] = 0.55
    unsure = told(dataclasses.replace(churn, beats_rule=False, metrics=same))
    assert "Grade C" in unsure and "is not certain" in unsure and "Nothing beat" not in unsure
    assert "Nothing beat today's rule" in told(dataclasses.replace(churn, beats_rule=False, winner="rule"))


def test_a_mended_level_is_told():
    churn = DATA.evaluations["churn"]
    assert "× 0.79" in told(dataclasses.replace(churn, level=0.79)) and "×" not in told(churn).split("Grade")[1][:200]


def test_the_level_of_last_years_season_is_told_and_not_the_one_that_it_replaced():
    churn = dataclasses.replace(DATA.evaluations["churn"], level=0.79, season={"day": "2025-09-01", "ratio": 1.34})
    assert "a year before (1 Sep 2025, × 1.34)" in told(churn) and "× 0.79" not in told(churn)


def test_what_nothing_scored_is_unknown_and_not_nobody():
    """A champion for churn only: no potential VIPs is not "0 potential VIPs", no revenue at risk is not zero."""
    frame = sample_frame(300).drop(columns=[c for c in OTHERS if c in sample_frame(1)])
    html = render(dataclasses.replace(DATA, scores=score_table.conform(frame), evaluations={}))
    english = page(parsed(html), "en")
    cards = {kind: words(by_class(english, f"card-{kind}")[0]) for kind in ("potential", "at_risk", "high_risk")}
    assert "–" in cards["potential"] and "–" in cards["at_risk"] and "0" not in cards["at_risk"].replace("90", "")
    assert any(figure.isdigit() for figure in cards["high_risk"])
    assert words(english).count("Not known: no model scored this.") == 2
    assert "Nobody today." not in words(english)


OTHERS = [
    "value_pred",
    "value_p10",
    "value_p90",
    "value_12m_pred",
    "value_if_retained_12m",
    "value_at_risk",
    "value_band",
    "value_risk_cell",
    "vip_probability",
    "vip_percentile",
    "is_potential_vip",
    "vip_reasons",
    "vip_gap",
    "action_priority",
]


def test_overlapping_intervals_are_a_b():
    churn = DATA.evaluations["churn"]
    wide = churn.metrics.assign(low=churn.metrics["low"] - 9, high=churn.metrics["high"] + 9)
    assert "Grade B" in told(dataclasses.replace(churn, metrics=wide))


def test_too_few_cases_are_no_grade():
    vip = DATA.evaluations["vip"]
    assert vip.final["y"].sum() < 50
    shown = told(vip, "vip")
    assert "too few cases to judge" in shown and "Grade" not in shown.replace("Grade scale", "")
    assert f"Only {int(vip.final['y'].sum())} cases" in shown


def test_whom_no_campaign_treated_is_told_by_themselves():
    churn = DATA.evaluations["churn"]
    rows = [
        {"model": model, "metric": "auc", "value": value, "low": value - 0.02, "high": value + 0.02}
        for model, value in ((churn.winner, 0.811), ("rule", 0.644))
    ]
    apart = dataclasses.replace(churn, apart=pd.DataFrame(rows).assign(n=5123, positives=301))
    assert "5,123 customers of whom 301 left" in told(apart, "churn") and "0.811 (0.791 – 0.831)" in told(
        apart, "churn"
    )
    for nothing in (apart.apart.assign(positives=0), pd.DataFrame()):
        assert "no campaign" not in told(dataclasses.replace(apart, apart=nothing), "churn")


@pytest.mark.slow
def test_early_cases_are_told_by_themselves():
    vip = DATA.evaluations["vip"]
    figures = {"average_precision": (0.402, 0.061), "found_at_5pct": (0.447, 0.053)}
    rows = [
        {"model": model, "metric": metric, "value": value, "low": value - 0.05, "high": value + 0.05}
        for metric, values in figures.items()
        for model, value in zip((vip.winner, "rule"), values, strict=True)
    ]
    many = pd.concat([vip.final] * 40, ignore_index=True)
    early = dataclasses.replace(vip, final=many, apart=pd.DataFrame(rows).assign(n=2137, positives=38))
    shown = told(early, "vip")
    assert "had no high bill so far: 38 of 2,137" in shown and "45% of them (40% – 50%)" in shown
    assert "today's rule 5% (0% – 10%)" in shown.replace("&#39;", "'") and "0.402, of the rule 0.061" in shown
    assert "months earlier" not in shown
    more = {"model": vip.winner, "metric": "months_earlier", "value": 2.34, "low": 1.2, "high": 3.4, "n": 17}
    earlier = pd.concat([early.apart, pd.DataFrame([more])], ignore_index=True)
    assert "2.3 months earlier" in told(dataclasses.replace(early, apart=earlier), "vip")
    assert "(1.2 – 3.4; 17 customers" in told(dataclasses.replace(early, apart=earlier), "vip")
    nobody = dataclasses.replace(early, apart=early.apart.assign(positives=0))
    assert "Nobody among the 2,137" in told(nobody, "vip")
    assert "no high bill so far" not in told(dataclasses.replace(early, apart=pd.DataFrame()), "vip")


@pytest.mark.slow
def test_where_money_is_margin_the_page_says_margin_and_not_revenue():
    shown = words(page(parsed(render(DATA)), "en"))
    assert "Value at risk" in shown and "margin" not in shown.lower().replace("small margin", "")
    value = dataclasses.replace(DATA.evaluations["value"], margin=0.4)
    of_margin = dataclasses.replace(DATA, margin=0.4, evaluations=DATA.evaluations | {"value": value})
    for lang, told, silent in (
        ("en", ("Value at risk (margin)", "40% of what is billed"), "evenue"),
        ("zh", ("风险价值（毛利）",), "收入"),
    ):
        shown = words(page(parsed(render(of_margin)), lang))
        assert all(part in shown for part in told) and silent not in shown


def test_an_outcome_that_never_happened_can_be_reported():
    final = pd.DataFrame({"y": np.zeros(40), "rule": np.arange(40.0)})
    never = Evaluation(pd.DataFrame(columns=["model", "metric", "value", "low", "high", "n"]), final, "rule", False)
    assert "Only 0 cases" in told(never, "vip")


def test_an_empty_night_can_be_reported():
    html = render(ReportData("x", AS_OF, "r", score_table.SCHEMA.empty_table()))
    assert "Nobody today." in html and "No evaluation was given" in html


def test_scores_without_value_tiers_or_reasons_can_be_reported():
    frame = sample_frame(60).drop(
        columns=["tier_current", "churn_reasons", "vip_reasons", "arpu_3m", "vip_gap", "lifecycle_stage"]
    )
    html = render(dataclasses.replace(DATA, scores=score_table.conform(frame), threshold=None))
    assert "unknown" in html and isinstance(DATA.scores, pa.Table)


def test_of_many_candidates_the_winner_its_plain_rivals_and_the_rule_are_shown():
    churn = DATA.evaluations["churn"]
    final = churn.final.assign(blend=churn.final["trees"], value_trees=churn.final["trees"])
    many = dataclasses.replace(churn, final=final, winner="blend", metrics=_as(churn.metrics, "trees", "blend"))
    assert many.compared_models == ["blend", "linear", "trees", "rule"]
    shown = told(many)
    assert "Linear + boosting · chosen" in shown and "of value" not in shown


def _as(metrics, model, name):
    return pd.concat([metrics, metrics[metrics["model"].eq(model)].assign(model=name)])
