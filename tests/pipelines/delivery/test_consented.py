"""A change of `contact.consent` counts from the next list on: lists are those of a night under it."""

import pandas as pd
import pyarrow as pa
import pytest

from features.errors import HeadwaterError
from models.scores import score_table
from pipelines.delivery import consented as module
from pipelines.delivery import lists
from pipelines.workspace.publication import Publication
from targeting.suppression import ContactSettings, contact_status
from tests.pipelines.delivery.test_lists import MODELS, project, published, taken_away
from tests.scores_sample import AS_OF, sample_frame

__all__ = ["project"]
FRAME = sample_frame(500)


def night(consent: str | None, known: pd.Series) -> pa.Table:
    """Scores of a night under a setting, of customers who said yes, no or nothing."""
    facts = FRAME.assign(consent=known, open_complaints=(FRAME.index % 9 == 0).astype(int))
    status = contact_status(facts, AS_OF, ContactSettings(consent=consent))
    return score_table.conform(FRAME.assign(**{name: status[name] for name in status}))


def answers(rng_state: int = 3) -> pd.Series:
    said = pd.Series([True, False, None, None] * 125, dtype=object).sample(frac=1, random_state=rng_state)
    return said.set_axis(FRAME.index)


@pytest.mark.parametrize("then", [None, "recorded", "assumed", "not_needed"])
@pytest.mark.parametrize("now", [None, "recorded", "assumed", "not_needed"])
def test_a_list_is_that_of_a_night_under_the_setting_of_today(project, monkeypatch, then, now):
    said = answers()
    yes = frozenset(FRAME.loc[said.eq(True), "customer_id"])
    monkeypatch.setattr(module.refusals, "agreed", lambda *_: yes)
    project.settings.contact.__dict__["consent"] = now
    meta = {"models": MODELS, "run_id": "r", "consent": then or ""}
    changed, whole = (
        lists.draw(project, Publication(AS_OF, meta | extra, table), "churn", {"top": 500})
        for extra, table in (({}, night(then, said)), ({"consent": now or ""}, night(now, said)))
    )
    assert changed.rows["customer_id"].tolist() == whole.rows["customer_id"].tolist() and len(whole.rows) > 50
    assert changed.counts == whole.counts and changed.rows["contact_allowed"].all()
    assert changed.rows["suppress_reason"].isna().all()


def test_where_nobody_was_asked_a_word_in_the_configuration_is_enough(project, tmp_path):
    nothing = pd.Series(None, index=FRAME.index, dtype=object)
    scores = Publication(AS_OF, {"models": MODELS, "run_id": "r", "consent": "recorded"}, night("recorded", nothing))
    project.settings.contact.__dict__["consent"] = "recorded"
    with pytest.raises(HeadwaterError, match="E261"):
        lists.draw(project, scores, "churn", {})
    project.settings.contact.__dict__["consent"] = "not_needed"
    made = lists.draw(project, scores, "churn", {"top": 50})
    assert lists.write(project, scores, made, "csv", tmp_path / "a.csv").rows == len(made.rows) > 30
    assert lists.basis(project, scores, "churn", project.settings.lists)["consent"] == "not_needed"


def test_a_list_of_before_is_not_handed_out_to_those_who_must_be_asked_now(project, tmp_path, monkeypatch):
    said = answers()
    project.settings.contact.__dict__["consent"] = "assumed"
    scores = published(project, night("assumed", said), AS_OF)
    made = lists.draw(project, scores, "churn", {"top": 200})
    lists.write(project, scores, made, "csv", tmp_path / "a.csv")
    yes = frozenset(FRAME.loc[said.eq(True), "customer_id"])
    monkeypatch.setattr(module.refusals, "agreed", lambda *_: yes)
    project.settings.contact.__dict__["consent"] = "recorded"
    _, exported = lists.draw_again(project, made.list_id, "csv", tmp_path / "b.csv")
    left = taken_away(tmp_path / "b.csv")
    assert left == taken_away(tmp_path / "a.csv") & yes and exported.withdrawn == len(made.rows) - len(left) > 20


def test_scores_that_do_not_say_their_setting_stay_as_they_are(project):
    scores = Publication(AS_OF, {"models": MODELS, "run_id": "r"}, night("recorded", answers()))
    project.settings.contact.__dict__["consent"] = "assumed"
    assert module.consented(project, scores) is scores.scores
