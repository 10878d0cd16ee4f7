"""One training end to end: forward in time, chosen before the final window, beside the rule, the same every time."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from features.errors import HeadwaterError
from models import training
from models.estimators.bundle import from_files
from models.evaluation import judging
from models.evaluation.judging import FinalWindow, Outcome
from models.rehearsing import Window, choose, rehearsed
from models.settings import CandidateSettings
from models.snapshots import Rows
from models.splits import Protocol, plan
from models.targets.registry import TARGETS
from models.training import judged_apart, train
from tests.models import sample

FRAME = sample.snapshots(600)
SPLIT = sample.split()


@pytest.fixture(scope="module")
def trained():
    return {target: train(target, FRAME, SPLIT, sample.SETTINGS, sample.FEATURES) for target in TARGETS}


@pytest.mark.parametrize("target", list(TARGETS))
def test_a_model_wins_beside_the_rule_and_says_so(trained, target):
    found = trained[target]
    assert found.winner != "rule" and found.beats_rule and "rule" in found.candidates
    assert set(found.metrics["model"]) == set(found.candidates) == set(found.choice["model"])
    assert set(TARGETS[target].task.metrics) <= set(found.metrics["metric"])
    assert found.opened == 1 and found.leaks == {}
    assert found.windows == 1 + len(SPLIT.rehearsals) and found.agreement.adopted
    assert found.better and found.lead.value > 0 and found.lead.sure > 0.95


def final_rows(found, frame=FRAME):
    return found.final[["customer_id", "as_of"]].merge(frame, on=["customer_id", "as_of"])


def score(target, model, rows):
    return model.outputs(rows)[TARGETS[target].score].to_numpy()


@pytest.mark.parametrize("target", list(TARGETS))
def test_figures_are_those_of_what_was_judged(trained, target):
    found = trained[target]
    told = score(target, from_files(found.judged.to_files()), final_rows(found))
    assert np.array_equal(told, found.final[found.winner].to_numpy())
    metric = found.judged_by
    again = TARGETS[target].task.metrics[metric](found.final["y"].to_numpy(), told, found.final["value"].to_numpy())
    assert found.figure(found.winner, metric).value == pytest.approx(float(again))
    assert set(found.final["as_of"]) == {SPLIT.final}


def turned(frame, day, columns=("churned_30", "churned_15")):
    """The frame with the answers of one date turned round."""
    rows = frame["as_of"] == day
    return frame.assign(**{c: frame[c].where(~rows, ~frame[c].astype(bool)) for c in columns})


def test_the_final_window_has_no_influence_on_what_it_judges(trained):
    """Labels of the final date turned round: the same judged model, byte for byte; only its figures change."""
    other = train("churn", turned(FRAME, SPLIT.final), SPLIT, sample.SETTINGS, sample.FEATURES)
    assert other.winner == trained["churn"].winner and set(other.levels) == {other.winner, "rule"}
    assert other.judged.to_files() == trained["churn"].judged.to_files()
    pd.testing.assert_frame_equal(other.choice, trained["churn"].choice)
    assert not other.beats_rule and other.lead.value < trained["churn"].lead.value


def test_what_is_shipped_has_learnt_from_the_final_window(trained):
    other = train("churn", turned(FRAME, SPLIT.final), SPLIT, sample.SETTINGS, sample.FEATURES)
    assert trained["churn"].agreement.adopted and trained["churn"].agreement.rank > 0.9
    assert trained["churn"].model.facts_["learnt"][-1] == SPLIT.final.isoformat()
    assert other.model.to_files() != trained["churn"].model.to_files()


def test_a_refit_that_ranks_otherwise_is_not_shipped():
    strict = sample.SETTINGS.model_copy(update={"refit_agreement": 1.0})
    found = train("churn", FRAME, SPLIT, strict, sample.FEATURES)
    assert not found.agreement.adopted and found.model.facts_["learnt"] == found.model.facts_["every"]
    shipped, judged = (score("churn", model, final_rows(found)) for model in (found.model, found.judged))
    assert np.array_equal(np.argsort(shipped, kind="stable"), np.argsort(judged, kind="stable"))


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("target", list(TARGETS))
def test_each_rehearsal_tells_a_date_by_earlier_ones_alone(target):
    """Whatever happened on a date or later has no influence on what was said of it."""
    rows = Rows(TARGETS[target], FRAME, SPLIT, sample.FEATURES, sample.SETTINGS)
    _, windows = rehearsed(rows)
    for at, rehearsal in enumerate(SPLIT.rehearsals):
        later = FRAME["as_of"] > max(rehearsal.learnt)
        changed = FRAME.assign(value=FRAME["value"].where(~later, 1.0), churned_30=FRAME["churned_30"] ^ later)
        changed["vip"] = FRAME["vip"].where(~later, ~FRAME["vip"])
        _, others = rehearsed(Rows(TARGETS[target], changed, SPLIT, sample.FEATURES, sample.SETTINGS))
        assert np.array_equal(windows[at].rows["as_of"], others[at].rows["as_of"])
        for name, raw in windows[at].raw.items():
            assert np.array_equal(raw, others[at].raw[name]), (rehearsal.day, name)


def test_many_windows_choose_where_one_would_have_erred():
    """On one of three dates the rank of the better model is spoilt; together they choose it all the same."""
    rng = np.random.default_rng(3)
    rows = Rows(TARGETS["churn"], FRAME, SPLIT, sample.FEATURES, sample.SETTINGS)
    windows = []
    for spoilt in (False, False, True):
        seen = rows.on(SPLIT.calibrate[0])
        y = rows.outcome(seen).y
        good, poor = y + rng.normal(0, 0.7, len(y)), y + rng.normal(0, 1.4, len(y))
        told = {"linear": poor, "trees": -good if spoilt else good, "rule": poor}
        frames = {name: pd.DataFrame({"p": scores}) for name, scores in told.items()}
        windows.append(Window(seen, rows.outcome(seen), seen, {}, frames, "p"))
    only = rows.settings.model_copy(update={"margin": 0.0})
    rows.settings = only
    assert choose(windows[2:], ["linear", "trees", "rule"], rows).iloc[0]["model"] == "linear"
    assert choose(windows[:2], ["linear", "trees", "rule"], rows).iloc[0]["model"] == "trees"


def test_with_one_window_before_the_final_one_the_first_in_order_is_judged_and_shipped():
    short = plan(sample.TODAY, Protocol(every="30d", count=1, reporting_delay_days=0), sample.HORIZON)
    frame = FRAME[FRAME["as_of"].isin(short.dates)]
    for target in TARGETS:
        found = train(target, frame, short, sample.SETTINGS, sample.FEATURES)
        assert found.winner == sample.SETTINGS.candidates.of(target)[0] and found.choice["value"].isna().all()
        assert found.windows == 1 and found.figure(found.winner, found.judged_by).value > 0
        total = score(target, found.model, final_rows(found)).sum()
        assert total == pytest.approx(found.final["y"].sum(), rel=0.05)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("target", list(TARGETS))
def test_a_level_that_is_off_is_mended_on_the_newest_labels(target):
    """Twice as many leave, and all pay half as much, from the final date on: what is shipped is at that level."""
    frame, last = FRAME.copy(), FRAME["as_of"] == SPLIT.final
    rng = np.random.default_rng(5)
    more = last & (rng.random(len(frame)) < 0.3)
    frame.loc[more, "churned_30"] = True
    frame.loc[more & frame["vip"].notna(), "vip"] = True
    frame.loc[last, "value"] *= 0.5
    for ship in (False, True):
        found = train(target, frame, SPLIT, sample.SETTINGS, sample.FEATURES, ship=ship)
        for name in (found.winner, "rule"):
            told = score(target, found.shipped[name], final_rows(found, frame))
            before = found.final[name].to_numpy()
            assert told.sum() == pytest.approx(found.final["y"].sum(), rel=0.05)
            assert found.levels[name] == pytest.approx(found.final["y"].sum() / before.sum())
            if not ship:
                assert np.array_equal(np.argsort(told, kind="stable"), np.argsort(before, kind="stable"))


def window(rows, scores):
    seen = rows.on(SPLIT.calibrate[-1])
    frames = {name: pd.DataFrame({"p": told}) for name, told in scores(rows.outcome(seen).y).items()}
    return Window(seen, rows.outcome(seen), seen, {}, frames, "p")


def test_the_rule_is_no_model_and_is_never_chosen():
    """Before the final window it may be ahead of all models by chance; all windows together decide."""
    rows = Rows(TARGETS["churn"], FRAME, SPLIT, sample.FEATURES, sample.SETTINGS)
    seen = window(rows, lambda y: {"linear": np.full(len(y), 0.2), "trees": y * 0.1, "rule": y * 0.9})
    choice = choose([seen], list(seen.told), rows)
    assert choice.iloc[0]["model"] == "trees" and set(choice["model"]) == set(seen.told)


def test_a_lead_over_several_windows_is_their_mean():
    rows = Rows(TARGETS["churn"], FRAME, SPLIT, sample.FEATURES, sample.SETTINGS)
    outcome = rows.outcome(rows.on(SPLIT.calibrate[-1]))
    rng = np.random.default_rng(0)
    one, other = rng.random(len(outcome.y)), rng.random(len(outcome.y))
    alone, back = (judging.lead([(outcome, *pair)], "auc", 50, 1) for pair in ((one, other), (other, one)))
    assert alone.value == pytest.approx(-back.value) and alone.sure == pytest.approx(1 - back.sure)
    both = judging.lead([(outcome, one, other), (outcome, other, one)], "auc", 50, 1)
    assert both.value == pytest.approx(0) and both.low <= 0 <= both.high
    empty = replace(outcome, y=np.zeros(len(outcome.y)))
    assert judging.lead([(outcome, one, other), (empty, one, other)], "auc", 50, 1).value == pytest.approx(alone.value)
    assert np.isnan(judging.lead([(empty, one, other)], "auc", 50, 1).value)


def test_the_same_rows_in_any_order_and_with_any_threads_give_the_same_files(trained):
    mixed, settings = FRAME.sample(frac=1, random_state=3), sample.SETTINGS.model_copy(update={"threads": 2})
    for target in ("churn", "vip"):
        again = train(target, mixed, SPLIT, settings, sample.FEATURES)
        assert again.model.to_files() == trained[target].model.to_files()
        pd.testing.assert_frame_equal(again.metrics, trained[target].metrics)


def test_the_final_window_is_opened_once_and_after_everything_else(monkeypatch):
    order = []
    open_ = FinalWindow.open
    monkeypatch.setattr(training, "choose", lambda *a: order.append("choose") or choose(*a))
    monkeypatch.setattr(FinalWindow, "open", lambda self: order.append("final") or open_(self))
    train("churn", FRAME, SPLIT, sample.SETTINGS, sample.FEATURES)
    assert order == ["choose", "final"]


def test_shuffled_labels_teach_nothing():
    rng = np.random.default_rng(0)
    mixed = FRAME.assign(churned_30=rng.permutation(FRAME["churned_30"]), churned_15=False)
    found = train("churn", mixed, SPLIT, sample.SETTINGS, sample.FEATURES)
    figure = found.figure(found.winner, "auc")
    assert 0.43 < figure.value < 0.57 and not found.beats_rule


def test_a_planted_leak_is_named():
    known = FRAME.assign(final_invoice=np.where(FRAME["churned_30"], 0.0, 1.0))
    found = train("churn", known, SPLIT, sample.SETTINGS, (*sample.FEATURES, "final_invoice"))
    assert list(found.leaks) == ["final_invoice"]
    sure = sample.SETTINGS.model_copy(update={"confirmed": ("final_invoice",)})
    assert Rows(TARGETS["churn"], known, SPLIT, found.features, sure).unconfirmed == sample.FEATURES


def test_without_a_refit_what_was_judged_is_shipped(trained):
    honest = sample.SETTINGS.model_copy(update={"refit": False})
    other = train("churn", FRAME, SPLIT, honest, sample.FEATURES)
    assert other.agreement is None and other.model.facts_["learnt"] == other.model.facts_["every"]
    assert other.judged.to_files() == trained["churn"].judged.to_files()
    assert other.model.to_files() != trained["churn"].model.to_files()
    pd.testing.assert_frame_equal(other.choice, trained["churn"].choice)


def test_of_equals_the_first_is_chosen():
    only = sample.SETTINGS.candidates.model_copy(update={"churn": ("linear", "trees", "blend")})
    wide = sample.SETTINGS.model_copy(update={"candidates": only, "margin": 10.0})
    assert train("churn", FRAME, SPLIT, wide, sample.FEATURES).winner == "linear"


def test_no_class_weights_so_that_the_mean_probability_is_the_base_rate(trained):
    final = trained["churn"].final
    assert final[trained["churn"].winner].mean() == pytest.approx(final["y"].mean(), rel=0.1)


@pytest.mark.parametrize(
    ("change", "code", "exit_code"),
    [
        (lambda f: f.assign(churned_30=False), "E351", 3),
        (lambda f: f.assign(churned_30=True), "E351", 3),
        (lambda f: f.groupby("as_of").head(4), "E453", 4),
        (lambda f: f[f["as_of"] != SPLIT.final], "E453", 4),
        (lambda f: f.drop(columns="arpu"), "E511", 5),
    ],
    ids=["nobody churned", "everybody churned", "few rows", "no final rows", "no rule column"],
)
def test_what_cannot_be_learnt_is_refused(change, code, exit_code):
    features = tuple(c for c in sample.FEATURES if c != "arpu") if code == "E511" else sample.FEATURES
    with pytest.raises(HeadwaterError) as caught:
        train("churn", change(FRAME), SPLIT, sample.SETTINGS, features)
    assert caught.value.problem.code == code and caught.value.exit_code == exit_code


def test_labels_from_a_database_may_be_objects_with_null():
    odd = FRAME.astype({"churned_30": object, "vip": object})
    odd.loc[odd.index[::9], "churned_30"] = None
    found = train("churn", odd, SPLIT, sample.SETTINGS, sample.FEATURES)
    assert found.beats_rule and found.final["y"].notna().all()
    assert train("value", odd, SPLIT, sample.SETTINGS, sample.FEATURES).beats_rule


def test_a_blend_needs_its_members():
    with pytest.raises(ValueError, match="members"):
        CandidateSettings(churn=("blend", "linear"))


def test_findings_are_a_value_of_their_own(trained):
    assert replace(trained["churn"], findings=["x"]).findings == ["x"] and trained["churn"].findings == []


def test_early_cases_are_those_that_are_marked_and_whoever_is_not_known_is_none():
    y = np.array([1.0, 0.0, 1.0, 0.0])
    outcome = Outcome(TARGETS["vip"].task, y, y, np.arange(4))
    rows = pd.DataFrame({"vip_early": pd.array([True, None, True, False], dtype="boolean")})
    final = SimpleNamespace(rows=rows, outcome=outcome, scores={"trees": y, "rule": 1 - y, "linear": y})
    found = judged_apart(final, "trees", TARGETS["vip"], np.ones((2, 4)))
    assert list(dict.fromkeys(found["model"])) == ["trees", "rule"] and (found["n"] == 2).all()
    assert (found["positives"] == 2).all()
    for target, given in (("churn", rows), ("vip", rows.drop(columns="vip_early"))):
        other = SimpleNamespace(rows=given, outcome=outcome, scores=final.scores)
        assert judged_apart(other, "trees", TARGETS[target], np.ones((2, 4))).empty


def test_of_early_cases_it_is_told_how_much_earlier_they_are_named():
    """The sample's model names who will be high-value while the rule still ranks them low."""
    frame = sample.snapshots(600)
    high = frame["arpu"] > frame.groupby("as_of")["arpu"].transform("quantile", 0.8)
    told = frame.assign(high_value_now=high, vip_early=frame["vip"].notna())
    found = train("vip", told, sample.split(), sample.SETTINGS, sample.FEATURES, ship=False)
    row = found.apart.set_index("metric").loc["months_earlier"]
    assert row["model"] == found.winner != "rule" and row["n"] > 5
    assert 0 <= row["low"] <= row["value"] <= row["high"] < 6
    assert train("vip", frame, sample.split(), sample.SETTINGS, sample.FEATURES, ship=False).apart.empty
