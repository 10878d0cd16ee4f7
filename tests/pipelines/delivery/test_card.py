"""The model card says what the record shows, and no more; what only a person can know is marked."""

import dataclasses
from typing import Any

import html5lib
import numpy as np
import pytest

from features.errors import HeadwaterError
from pipelines.config.settings import Settings, load
from pipelines.delivery import card, card_impact, card_models
from pipelines.delivery.card_data import CardData, CardModel, CardPage
from pipelines.project import Project
from pipelines.workspace import bundles, evaluations
from pipelines.workspace.paths import Workspace
from tests.card_sample import CIRCUMSTANCES, CONFIG, FEATURES, group, made


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load(CONFIG)


def page(settings: Settings, *models: CardModel, lang: str = "en") -> CardPage:
    return CardPage(CardData(settings, models, FEATURES), lang)


def words(element: Any) -> str:
    return " ".join(" ".join(element.itertext()).split())


def test_a_page_in_both_languages_that_asks_for_nothing_outside(settings):
    html = card.render(
        CardData(settings, [made(target) for target in ("churn", "value", "vip")], FEATURES), drawn=False
    )
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    first, second = (e for e in tree.iter("div") if (e.get("class") or "").startswith("page page-"))
    assert "模型卡" in words(first) and "Model card" in words(second)
    links = {e.get(name) for e in tree.iter() for name in ("src", "href") if e.get(name)}
    assert all(link.startswith("#") for link in links) and "<script" not in html
    assert words(first).count("需由人填写") == words(second).count("To be filled in by a person") == 3 * 7


def test_values_of_the_data_are_escaped(settings):
    weak = made(slices=[group("<b>north</b>", 0.5)])
    assert "<b>north" not in card.render(CardData(settings, [weak], FEATURES), drawn=False)


def test_pictures_are_drawn_where_they_are_asked_for(settings):
    of = made("vip")
    shown = card._model(page(settings, of), of, True)["pictures"]
    assert len(shown) > 1 and all(picture["svg"].startswith("<svg") for picture in shown)
    assert card._model(page(settings, of), of, False)["pictures"] == []


def test_figures_stand_beside_those_of_the_rule(settings):
    shown = card_models.model(page(settings, made()), made())
    assert [chosen for _, chosen in shown["candidates"]] == [True, False]
    assert all("–" in figure["interval"] for figure in shown["metrics"][0]["figures"])


@pytest.mark.parametrize("target", ["churn", "value"])
def test_tenths_hold_everybody_the_highest_first(settings, target):
    of = made(target)
    rows = card_models._calibration(page(settings, of), of)
    counts = [int(row["rows"].replace(",", "")) for row in rows]
    assert len(rows) == 12 and sum(counts[2:]) == len(of.final)
    promised = [float(row["promised"].strip("%¥").replace(",", "")) for row in rows[2:]]
    assert promised == sorted(promised, reverse=True)
    first = of.final.nlargest(counts[2], "trees")["y"].mean()
    assert float(rows[2]["realised"].strip("%¥").replace(",", "")) == pytest.approx(
        first * (100 if target == "churn" else 1), abs=0.06
    )


def test_only_groups_below_the_interval_of_everybody_are_weak(settings):
    of = made()
    assert [row["name"] for row in card_models._slices(page(settings, of), of)["rows"]] == ["region: north"]
    strong = made(slices=[group("south", 0.99)])
    assert "None of the 1 groups" in card_models._slices(page(settings, strong), strong)["lead"]
    nobody = made(slices=[])
    assert card_models._slices(page(settings, nobody), nobody)["rows"] == []


def test_where_less_is_better_the_weak_are_above():
    of = made()
    metrics = of.evaluation.metrics
    whole = metrics[metrics["model"].eq("trees") & metrics["metric"].eq("brier")].iloc[0]
    groups = card_models.pd.DataFrame([group("north", 0.9, "brier"), group("south", 0.0, "brier")])
    assert list(card_models._weak(groups, whole, "brier")["level"]) == ["north"]


def test_features_stand_in_the_order_of_their_share(settings):
    """Files of JSON are kept with their keys sorted."""
    shown = card_models._drivers(page(settings, made()), made())
    assert [row["column"] for row in shown] == ["tenure_days", "data_mb_12w", "arpu_3m"]
    assert shown[0]["width"] == "100%"


AGREED = {"rank": 0.97, "level": 1.0, "adopted": True}
SEASON = {"day": "2025-09-01", "ratio": 1.3, "by_season": 0.1, "by_newest": 0.5, "pairs": 3}
EVIDENCE = [
    ({}, {"windows"}),
    ({"windows": 1}, {"one_window"}),
    ({"folds": 5, "windows": 1}, {"folds"}),
    ({"agreement": AGREED}, {"windows", "refitted"}),
    ({"agreement": AGREED | {"adopted": False}}, {"windows", "as_judged"}),
    ({"levels": {"trees": 0.8}}, {"windows", "level"}),
    ({"levels": {"linear": 0.8}}, {"windows"}),
    ({"levels": {"trees": 0.8}, "season": SEASON | {"adopted": True}}, {"windows", "season"}),
    ({"levels": {"trees": 0.8}, "season": SEASON | {"adopted": False}}, {"windows", "level"}),
    ({"beats_rule": False}, {"windows", "rule"}),
    ({"left_out": {"arpu_3m": 0.99}}, {"windows", "left_out"}),
    ({"leaks": {"arpu_3m": 0.99}}, {"windows", "leaks"}),
    ({"gate": {"checks": [{"name": "leaks", "passed": False}]}}, {"windows", "refused"}),
]


@pytest.mark.parametrize(("changed", "told"), EVIDENCE)
def test_each_limit_is_told_where_the_record_shows_it_and_nowhere_else(settings, changed, told):
    of = made(**changed)
    of_page = page(settings, of)
    limits = (*card_models._limits_of_judgement(of_page, of), *card_models._limits_of_use(of_page, of))
    assert {key for key, _ in limits} == told
    assert len(list(card_models._limits(of_page, of))) == len(told)


def test_columns_that_somebody_has_confirmed_are_told(settings):
    training = settings.training.model_copy(update={"confirmed": ("region",)})
    of_page = page(settings.model_copy(update={"training": training}))
    assert "confirms them: region" in " ".join(card_models._limits(of_page, made()))


def test_few_cases_and_whoever_has_no_score_are_told(settings):
    few = dataclasses.replace(made("vip"), final=made("vip").final.assign(y=np.arange(1_200) < 3))
    limits = list(card_models._limits(page(settings, few), few))
    assert any(line.startswith("Only 3 cases") for line in limits) and any(
        "high-value already" in line for line in limits
    )


def test_a_version_of_before_says_what_is_not_on_record(settings):
    old = made()
    facts = {key: value for key, value in old.facts.items() if key not in CIRCUMSTANCES}
    html = card.render(CardData(settings, [dataclasses.replace(old, facts=facts)], FEATURES), "en", drawn=False)
    assert "Not on record" in html and "within 90 days" in html


@pytest.mark.parametrize("target", ["churn", "value", "vip"])
def test_what_it_predicts_has_words_of_its_own(settings, target):
    of = made(target)
    said = card_models._predicts(page(settings, of), of)
    assert settings.targets.of(target).horizon_days != 0 and str(settings.targets.of(target).horizon_days) in said[0]
    assert "Churn within" not in said[0] and len(said) == 2
    gap = made(target, definition=settings.targets.of(target).model_dump(mode="json") | {"gap_days": 14})
    assert "14 days after" in card_models._predicts(page(settings, gap), gap)[1]


@pytest.mark.parametrize(
    ("consent", "said"), [("recorded", "is yes"), ("assumed", "elsewhere"), (None, "refused unless")]
)
def test_consent_is_told_as_it_is_configured(settings, consent, said):
    contact = settings.contact.model_copy(update={"consent": consent, "quiet_days": 21})
    lines = card_impact._consent(page(settings.model_copy(update={"contact": contact})), made())
    assert said in lines[0] and "21 days" in lines[-1]


def test_who_refused_is_scored_for_churn_and_not_for_vip(settings):
    of_page = page(settings)
    assert card_impact._consent(of_page, made())[1] != card_impact._consent(of_page, made("vip"))[1]


def test_every_question_leaves_something_to_a_person_and_the_tables_are_those_of_the_mapping(settings):
    rows = card_impact.impact(page(settings, made()), made())
    assert len(rows) == 7 and all(row["fill"] for row in rows)
    categories = next(row for row in rows if row["title"] == "Categories of data")["known"]
    assert [line.partition(":")[0] for line in categories[: len(settings.tables.tables)]] == list(
        settings.tables.tables
    )


def test_champions_whose_evaluation_is_not_kept_are_named(settings, tmp_path):
    project = Project(settings, Workspace.open(tmp_path, "operator"))
    with pytest.raises(HeadwaterError, match="E521"):
        card.card_data(project)
    for target in ("churn", "vip"):
        bundles.install(project.workspace, target, f"{target}/4", {"bundle.json": "{}"})
    evaluations.save(project.workspace, "churn/4", dict(made().facts), made().final)
    path = card.write_card(project, lang="en")
    assert path.name == "model-card.html" and "vip/4: no evaluation is kept here" in path.read_text(encoding="utf-8")


def test_features_that_do_not_count_alike_at_every_origin_are_marked(settings):
    told = {
        "arpu_3m": {"least": 0.05, "most": 0.2, "stable": False},
        "tenure_days": {"least": 0.6, "most": 0.8, "stable": True},
    }
    of = made(importance_by_origin={"origins": ["2026-06-01", "2026-07-01"], "features": told})
    shown = card_models.model(page(settings, of), of)
    assert {row["column"]: row["unstable"] for row in shown["drivers"]} == {
        "tenure_days": "",
        "data_mb_12w": "",
        "arpu_3m": "unstable: 5.0% – 20.0%",
    }
    assert "at each of the 2 origins" in shown["drivers_lead"]
    alone = made(importance_by_origin={"origins": ["2026-07-01"], "features": {"arpu_3m": {"stable": None}}})
    assert "one origin only" in card_models.model(page(settings, alone), alone)["drivers_lead"]
    assert (
        "Not on record" in card_models.model(page(settings, made(importance={})), made(importance={}))["drivers_lead"]
    )
