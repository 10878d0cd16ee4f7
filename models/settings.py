"""How models are made, judged and let through; values only, so that reading a configuration loads no library."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from features.strict import Strict, with_fields
from models.targets.registry import TARGETS
from models.targets.target import RuleSettings, Target

Method = Literal["auto", "sigmoid", "isotonic"]


class TreeSettings(Strict):
    """Boosted trees, in LightGBM's names; depth at most 6 keeps exact reasons for everybody affordable."""

    renamed: ClassVar[Mapping[str, str]] = {
        "rounds": "n_estimators",
        "leaves": "num_leaves",
        "depth": "max_depth",
        "min_rows": "min_child_samples",
        "column_share": "colsample_bytree",
        "row_share": "subsample",
        "ridge": "reg_lambda",
    }

    n_estimators: int = Field(200, gt=0, description="number of trees")
    learning_rate: float = Field(0.03, gt=0, le=1, description="how much each tree adds")
    num_leaves: int = Field(15, gt=1, description="most leaves of a tree")
    max_depth: int = Field(5, gt=0, le=6, description="most splits on the way to a leaf")
    min_child_samples: int = Field(100, gt=0, description="fewest rows in a leaf")
    colsample_bytree: float = Field(0.5, gt=0, le=1, description="share of the columns that a tree may use")
    subsample: float = Field(0.8, gt=0, le=1, description="share of the rows that a tree learns from")
    reg_lambda: float = Field(10.0, ge=0, description="L2 penalty on the values of leaves")


_rules: Any = with_fields({t.name: (RuleSettings, Field(t.rule, description=f"of {t.name}")) for t in TARGETS.values()})


class Rules(_rules):
    """The rule of today for every target; defaults are an operator's."""

    def of(self, target: str) -> RuleSettings:
        """The rule of one target."""
        rule: RuleSettings = getattr(self, target)
        return rule


def _competing(target: Target) -> tuple[Any, Any]:
    """The settings field of who competes for a target: type, and default in the order of preference."""
    names = tuple(candidate.name for candidate in target.candidates)
    declared = tuple(candidate.name for candidate in target.declared)
    kind: Any = tuple[Literal[declared], ...]  # type: ignore[valid-type]
    return kind, Field(names, description=f"who competes for {target.name}, in the order of preference between equals")


_competitors: Any = with_fields({target.name: _competing(target) for target in TARGETS.values()})


class CandidateSettings(_competitors):
    """Who competes for each target, and how each learns.

    `value_…` candidates rank potential VIPs by expected value; a blend is the mean of its members, which must compete
    too. The order is the order of preference between equals.
    """

    renamed: ClassVar[Mapping[str, str]] = {"penalty": "alpha", "amount_penalty": "amount_alpha"}

    alpha: float = Field(0.03, gt=0, description="L2 penalty of linear yes/no models, per row")
    amount_alpha: float = Field(0.1, gt=0, description="L2 penalty of linear models of money")
    trees: TreeSettings = Field(TreeSettings(), description="boosted trees")
    trees_for: dict[str, TreeSettings] = Field(
        {}, description="target -> boosted trees of its own, as `--tune` finds them; `trees` for the others"
    )
    rules: Rules = Field(Rules(), description="the rule of today for each target")
    calibration: Method = Field("auto", description="from raw score to probability: Platt's curve, or isotonic steps")

    @model_validator(mode="after")
    def _blends_have_members(self) -> "CandidateSettings":
        for target in TARGETS.values():
            names = self.of(target.name)
            lacking = [m for c in target.declared if c.name in names for m in c.members if m not in names]
            if lacking:
                raise ValueError(f"a blend needs its members among the candidates: {', '.join(lacking)}")
        if unknown := sorted(set(self.trees_for) - set(TARGETS)):
            raise ValueError(f"{unknown[0]} is no target: {', '.join(TARGETS)}")
        return self

    def shape(self, target: str) -> TreeSettings:
        """The boosted trees of a target."""
        return self.trees_for.get(target, self.trees)

    def names(self, target: str) -> bool:
        """Does the configuration say who competes for a target?"""
        return target in self.model_fields_set

    def by_period(self, target: Target, horizons: Sequence[int]) -> bool:
        """Does anybody compete who learns from dates that have shown only a part of their outcome?"""
        names = self.of(target.name)
        return len(horizons) > 1 and any(c.by_period for c in target.declared if c.name in names)

    def of(self, target: str) -> tuple[str, ...]:
        """The names of those who compete for a target."""
        names: tuple[str, ...] = getattr(self, target)
        return names


class TrainingSettings(Strict):
    """How models are made and judged."""

    candidates: CandidateSettings = Field(CandidateSettings(), description="who competes, and how each learns")
    choose_by: dict[str, str] = Field(
        {t.name: t.metric for t in TARGETS.values()}, description="target -> the metric that chooses a candidate"
    )
    margin: float = Field(0.002, ge=0, description="figures this close (relative) are equals: the first in order wins")
    judge_by: dict[str, str] = Field(
        {t.name: t.metric for t in TARGETS.values()}, description="target -> the metric that judges the chosen one"
    )
    refit: bool = Field(True, description="ship what learns again from every label once all is judged")
    refit_agreement: float = Field(
        0.7, ge=0, le=1, description="rank correlation with what was judged below which that is shipped instead"
    )
    rehearsal_rows: int = Field(
        30_000, gt=0, description="to learn from before each date that chooses; of each n-th customer beyond that"
    )
    most_rows: int = Field(400_000, gt=0, description="to learn from and judge on; of each n-th customer beyond that")
    resamples: int = Field(200, gt=0, description="bootstrap resamples behind each interval")
    confirmed: tuple[str, ...] = Field(
        (),
        description="columns, or attributes of customers, that tell an outcome suspiciously well and were known beforehand "
        "all the same: somebody has made sure of it, and they are learnt from",
    )
    treated: Literal["without", "weigh", "with"] = Field(
        "without",
        description="customers whom a campaign with a control on record treated while their churn was awaited: left out; left "
        "out while each of its control counts for all whom it stands for; or learnt from like all others",
    )
    min_positives: int = Field(15, gt=0, description="fewest positives to learn from, and to calibrate on")
    threads: int = Field(1, gt=0, description="of LightGBM")
    seed: int = Field(7, description="of trees and resamples")

    @model_validator(mode="after")
    def _metrics_exist(self) -> "TrainingSettings":
        for name, metric in (*self.choose_by.items(), *self.judge_by.items()):
            if name not in TARGETS:
                raise ValueError(f"{name} is no target: {', '.join(TARGETS)}")
            if metric not in TARGETS[name].task.metrics:
                raise ValueError(f"{metric} is no metric of {name}: {', '.join(TARGETS[name].task.metrics)}")
        return self

    def at_margin(self, margin: float) -> "TrainingSettings":
        """The same settings with today's rule for value told as margin, that share of the revenue that it tells."""
        rules = self.candidates.rules
        rule = rules.of("value")
        told = rule.model_copy(update={"factor": rule.factor * margin})
        candidates = self.candidates.model_copy(update={"rules": rules.model_copy(update={"value": told})})
        return self.model_copy(update={"candidates": candidates})

    def chooses(self, target: str) -> str:
        """The metric that chooses among the candidates of a target."""
        return self.choose_by.get(target, TARGETS[target].metric)

    def judges(self, target: str) -> str:
        """The metric that judges the chosen model of a target."""
        return self.judge_by.get(target, TARGETS[target].metric)


class GateSettings(Strict):
    """Limits; every default is an assumption."""

    beat_rule: bool = Field(True, description="in expectation, over the windows judged; how sure it is, is told")
    worse_than_champion: float = Field(0.0, ge=0, description="how far the advantage over the champion may be below 0")
    better_than_champion: bool = Field(True, description="equal is no reason to change: its interval must exclude 0")
    calibration: float = Field(0.05, gt=0, description="largest calibration error of probabilities")
    bias: float = Field(0.15, gt=0, description="largest relative error of the value total")
    positives: int = Field(15, ge=0, description="fewest positives in the windows judged")
    leak: float = Field(
        0.95,
        gt=0.5,
        le=1,
        description="what is recorded of customers, or made by features of one's own, is not learnt from where one column "
        "alone has this AUC (0.9 for what is recorded as it is today), unless training.confirmed names it",
    )
    slice_rows: int = Field(200, gt=0, description="smaller slices are not judged")
    slice_positives: int = Field(50, ge=0, description="nor those with fewer positives")
    slice_loss: float = Field(0.05, ge=0, description="how far a slice may fall below the rule or the champion")
    drift: float = Field(0.25, gt=0, description="largest population stability index between two publications")
    level: float = Field(
        0.5,
        gt=0,
        description="largest relative change of a mean score, a share or a count against earlier publications",
    )
    money: float = Field(0.3, gt=0, description="largest relative change of money against earlier publications")
    announced: float = Field(
        1.5,
        gt=1,
        description="how many times what training saw, or so many times less, a model may say on its first night",
    )


class MonitorSettings(Strict):
    """What `headwater monitor` warns of; every default is an assumption."""

    psi: float = Field(0.2, gt=0, description="population stability index from which a feature has moved")
    money: float = Field(0.08, gt=0, description="relative change of a mean from which an amount of money has moved")
    weight: float = Field(0.005, ge=0, description="share of what moves scores below which a feature does not matter")
    age_days: int = Field(
        120, gt=0, description="days since the newest date that a champion learnt from until it is old"
    )
    nights: int = Field(
        8, gt=0, description="earlier nights that a night is compared with, evenly over the time asked for"
    )
