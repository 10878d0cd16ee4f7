"""How many to call: the same figures as `headwater list plan`, for every length, filter and share of holdout."""

import html
import re

import pytest

from pipelines.delivery import lists
from pipelines.page.views import audience
from pipelines.wording.formats import money, number
from tests.pipelines.page.site import Site


def planned(site: Site, top: int | None, holdout: float | None, **wanted):
    made = site.served
    changes = {"top": top, "holdout": holdout}
    chosen = {name: [value] for name, value in wanted.items()}
    return lists.planned(made.project, made.nights.current().publication, changes, chosen)


def figures(text: str) -> dict[str, str]:
    cards = re.findall(r'card-(\w+)"><p class="label">[^<]*</p><p class="figure">([^<]*)</p>', text)
    return {name: html.unescape(figure) for name, figure in cards}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("top", "holdout", "wanted"),
    [(41, None, {}), (300, 0.3, {}), (25, 0.0, {"region": "north"}), (10_000_000, None, {"value_band": "high"})],
)
def test_its_figures_are_those_of_the_command(viewer: Site, lang, top, holdout, wanted):
    share = {} if holdout is None else {"holdout": round(100 * holdout)}
    answer = viewer.get("/audience", params={"lang": lang, "top": top} | share | wanted)
    assert answer.status_code == 200
    found = planned(viewer, top, holdout, **wanted)
    row = found.table.set_index("customers").loc[found.asked]
    currency = viewer.served.project.mapping.currency
    told = figures(answer.text)
    assert told["contacted"] == number(row["contacted"], lang) and told["held_out"] == number(row["held_out"], lang)
    assert told["net"] == money(row["net"], currency, lang, 0) and told["cost"] == money(row["cost"], currency, lang, 0)
    assert number(found.recommended, lang) in answer.text


def test_without_a_length_the_recommended_one_is_shown(viewer: Site):
    found = planned(viewer, None, None)
    assert f'name="top" type="number" inputmode="numeric" min="1" max="{len(found.audience.probability)}"' in (
        text := viewer.get("/audience", params={"lang": "en"}).text
    )
    assert f'value="{found.recommended}"' in text and figures(text)["contacted"]


def test_few_plans_are_kept_and_the_oldest_goes(viewer: Site, monkeypatch):
    made, plan = [], planned(viewer, None, None)
    monkeypatch.setattr(audience.lists, "planned", lambda *given: made.append(given[3]) or plan)
    night = viewer.served.nights.current()
    night.kept.pop("plans", None)
    for region in ("north", "south", "east", "west", "central", "north"):
        viewer.get("/audience", params={"region": region})
    assert len(made) == 5, "a plan that is kept is not made again"
    monkeypatch.setattr(audience, "MOST_KEPT", 2 * len(plan.audience.probability))
    viewer.get("/audience", params={"value_band": "high"})
    assert len(made) == 6 and len(night.kept["plans"]) == 2
    viewer.get("/audience", params={"region": "south"})
    assert len(made) == 7, "the oldest has gone"
    night.kept.pop("plans")


@pytest.mark.parametrize("given", [{"region": "nowhere"}, {"top": 0}, {"top": "many"}, {"holdout": 90}])
def test_what_does_not_exist_is_refused_and_named(viewer: Site, given):
    assert viewer.get("/audience", params=given).status_code == 400


def test_who_only_looks_is_offered_no_file(viewer: Site, marketer: Site):
    """The form of a marketer asks for the very list that is shown: its length, its filters, its share of holdout."""
    asked = {"region": "north", "lang": "en", "top": 20, "holdout": 30}
    assert "/customers/download" not in viewer.get("/audience", params=asked).text
    form = re.search(r'<form class="take".*?</form>', marketer.get("/audience", params=asked).text, re.S)
    assert form and "/customers/download?region=north" in form[0]
    assert 'name="top" value="20"' in form[0] and 'name="holdout" value="30"' in form[0]


@pytest.mark.parametrize("share", ["51", "-1", "1e1", "ten"])
def test_a_share_of_holdout_that_cannot_be_is_refused(marketer: Site, share):
    form = {"kind": "churn", "shape": "csv", "top": "20", "holdout": share}
    assert marketer.post("/customers/download", form).status_code == 400


def test_a_move_keeps_the_filters_and_works_without_a_script(viewer: Site):
    text = viewer.get("/audience", params={"region": "north", "lang": "en", "top": 20}).text
    assert "<script" not in text and 'name="region" value="north"' in text
    links = [html.unescape(link) for link in re.findall(r'<a href="(/audience\?[^"]*top=\d+)"', text)]
    assert links and all("region=north" in link for link in links)
    assert viewer.get(links[0]).status_code == 200
