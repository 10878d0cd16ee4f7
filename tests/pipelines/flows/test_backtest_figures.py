"""Every figure of a backtest is a row: by origin and together, of everybody and of groups, with what is in force."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.evaluation import judging, promises
from models.targets.registry import TARGETS
from pipelines.flows import backtest_figures
from pipelines.flows.backtest_figures import FIGURES
from tests import backtest_sample
from tests.models import sample


@pytest.fixture(scope="module")
def figures() -> pd.DataFrame:
    return backtest_sample.data().figures


def of(figures: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    for column, value in wanted.items():
        figures = figures[figures[column].isna() if value is None else figures[column].eq(value)]
    return figures


def test_no_figure_is_told_twice(figures):
    assert set(figures["window"]) == {"judged", "lead", "pooled", "rehearsed", "told", "champion", "followed"}
    keys = [name for name in FIGURES.names if name not in ("value", "low", "high", "n")]
    told = figures[figures["window"] != "told"]  # a date may be told as the newest of one origin, and before another
    assert not told.duplicated(keys).any() and (figures["dataset"] == "shop").all()


def test_the_figures_of_an_origin_are_those_of_its_training(figures):
    for trained in backtest_sample.trained():
        for name in trained.candidates:
            kept = of(
                figures, target=trained.target, as_of=trained.split.final, window="judged", model=name, group=None
            )
            kept = kept[~kept["metric"].isin(["promised", "observed"])].set_index("metric")
            known = trained.metrics[trained.metrics["model"].eq(name)].set_index("metric")
            pd.testing.assert_frame_equal(
                kept[["value", "low", "high", "n"]], known[["value", "low", "high", "n"]], check_dtype=False
            )
            assert (kept["chosen"] == (name == trained.winner)).all()


def test_groups_have_intervals_and_rehearsed_figures_have_none(figures):
    groups = of(figures, window="judged", metric="auc")
    groups = groups[groups["group"].notna()]
    assert len(groups) and groups[["low", "high"]].notna().all(axis=None) and groups["chosen"].all()
    assert of(figures, window="rehearsed")[["low", "high"]].isna().all(axis=None)


def test_what_is_chosen_is_pooled_whichever_candidate_that_was(figures):
    origins = [t for t in backtest_sample.trained() if t.target == "churn"]
    sizes = [len(t.final) for t in origins]
    chosen = np.average([t.figure(t.winner, "auc").value for t in origins], weights=sizes)
    rule = np.average([t.figure("rule", "auc").value for t in origins], weights=sizes)
    told = of(figures, target="churn", window="pooled", metric="auc", group=None).set_index("model")
    assert told.loc["chosen", "value"] == pytest.approx(chosen) and told.loc["rule", "value"] == pytest.approx(rule)
    (lead,) = of(figures, target="churn", window="lead", metric="auc", as_of=None).to_dict("records")
    assert lead["value"] == pytest.approx(chosen - rule) and lead["low"] < lead["value"] < lead["high"]
    assert told["n"].unique() == [sum(sizes)] and told["as_of"].isna().all()


def test_promises_are_kept_by_origin_and_together(figures):
    origins = [t for t in backtest_sample.trained() if t.target == "churn"]
    windows = [backtest_figures.told(trained) for trained in origins]
    told = promises.promises(windows, sample.SETTINGS.resamples, sample.SETTINGS.seed).set_index("group")
    pooled = of(figures, target="churn", window="pooled", group="top=5%").set_index("metric")
    assert pooled.loc["promised", "value"] == told.loc["top=5%", "promised"] and np.isnan(pooled.loc["promised", "low"])
    assert (
        pooled.loc["observed", ["value", "low", "high"]].tolist()
        == told.loc["top=5%", ["observed", "low", "high"]].tolist()
    )
    first = origins[0].final.nlargest(5, origins[0].winner)  # 1 % of 500
    alone = of(figures, target="churn", window="judged", as_of=origins[0].split.final, group="top=1%").set_index(
        "metric"
    )
    assert (
        alone.loc["promised", "value"] == pytest.approx(first[origins[0].winner].mean())
        and alone.loc["observed", "n"] == 5
    )


def test_tenths_of_an_interval_are_groups_of_the_winner(figures):
    for trained in backtest_sample.trained():
        kept = of(figures, target=trained.target, as_of=trained.split.final, window="judged")
        kept = kept[kept["metric"].isin(["coverage", "below", "above", "meant"]) & kept["group"].notna()]
        assert len(kept) == len(trained.tenths) == (40 if trained.target == "value" else 0)
        if len(kept):
            assert kept["value"].tolist() == trained.tenths["value"].tolist()
            assert kept["group"].tolist() == [f"tenth={tenth}" for tenth in trained.tenths["tenth"]]


@pytest.mark.parametrize(("target", "group"), [("vip", "early"), ("churn", "untouched")])
def test_those_judged_by_themselves_are_a_group_of_the_winner_and_the_rule(target, group):
    trained = next(found for found in backtest_sample.trained() if found.target == target)
    apart = trained.metrics[trained.metrics["model"].isin([trained.winner, "rule"])].head(4).assign(positives=7, n=30)
    rows = backtest_figures.figures("shop", [replace(trained, apart=apart)], {}, 20, 1).to_pandas()
    early = rows[rows["group"] == group]
    columns = ["model", "metric", "value", "n"]
    assert early[columns].to_numpy().tolist() == apart[columns].to_numpy().tolist()
    assert (early["chosen"] == (early["model"] == trained.winner)).all() and set(early["window"]) == {"judged"}


def test_the_record_in_force_has_its_own_date(figures):
    kept = of(figures, window="champion")
    oldest = backtest_sample.trained()[0]
    assert set(kept["target"]) == {"churn"} and set(kept["as_of"]) == {oldest.split.final}
    assert set(kept["model"]) == {oldest.winner, "rule"}


def test_with_one_origin_nothing_is_pooled_and_without_more_nothing_is_missing():
    alone = backtest_sample.data(1).figures
    assert set(alone["window"]) == {"judged", "lead", "rehearsed", "told", "champion", "followed"} and set(
        alone["target"]
    ) == set(TARGETS)
    (trained,) = (t for t in backtest_sample.trained()[-3:] if t.target == "churn")
    bare = replace(
        trained, slices=trained.slices.iloc[:0], sliced=trained.sliced.iloc[:, :0], choice=trained.choice.iloc[:0]
    )
    bare = replace(bare, importances=pd.DataFrame(), survival=pd.DataFrame())
    told = backtest_figures.figures("shop", [bare], {}, 20, 1).to_pandas()
    parts = len(promises.parts(trained.final[trained.winner].to_numpy()))
    assert len(told) == len(trained.metrics) + len(trained.differences) + 2 * parts


def test_the_lead_of_an_origin_is_paired(figures):
    """Two models that are always alike have no lead, although each of their figures is uncertain."""
    trained = backtest_sample.trained()[0]
    outcome, score = backtest_figures.told(trained)
    weights = judging.resamples(outcome.customers, 50, 1)
    assert judging.advantage(outcome, score, score, "auc", weights).high == 0
    kept = of(figures, target="churn", window="lead", as_of=trained.split.final).set_index("metric")
    known = trained.differences.set_index("metric")
    assert kept["value"].to_dict() == pytest.approx(known["value"].to_dict())


def test_who_was_followed_is_told_apart_from_who_is_judged(figures):
    kept, trained = of(figures, window="followed"), [t for t in backtest_sample.trained() if t.target == "churn"]
    assert set(kept["target"]) == {"churn"} and len(kept) == sum(len(t.survival) for t in trained) > 0
    assert {"kaplan_meier", trained[-1].winner} <= set(kept.loc[kept["metric"] == "left_30", "model"])
    assert "integrated_brier" not in set(of(figures, window="judged")["metric"])
