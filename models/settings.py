"""How models are made, judged and let through; values only, so that reading a configuration loads no library."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Method = Literal["auto", "sigmoid", "isotonic"]


class Strict(BaseModel):
    """Values only; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TreeSettings(Strict):
    """Boosted trees; depth at most 6 keeps exact reasons for everybody affordable."""

    rounds: int = Field(200, gt=0)
    learning_rate: float = Field(0.03, gt=0, le=1)
    leaves: int = Field(15, gt=1)
    depth: int = Field(5, gt=0, le=6)
    min_rows: int = Field(100, gt=0)
    column_share: float = Field(0.5, gt=0, le=1)
    row_share: float = Field(0.8, gt=0, le=1)
    ridge: float = Field(10.0, ge=0)


class RuleSettings(Strict):
    """The rule of today for one target: a feature column, as people rank by it.

    `factor` turns the column into money of the horizon (value only); `higher`: more of it means more of the target.
    """

    column: str
    factor: float = Field(1.0, gt=0)
    higher: bool = True


class Rules(Strict):
    """Defaults are an operator's: few pay little and leave, value goes on as it runs, VIPs are those who pay much."""

    churn: RuleSettings = RuleSettings(column="arpu_3m", higher=False)
    value: RuleSettings = RuleSettings(column="arpu_3m", factor=3.0)
    vip: RuleSettings = RuleSettings(column="arpu_3m")


Candidate = Literal["linear", "trees", "blend", "value_linear", "value_trees", "value_blend"]


class CandidateSettings(Strict):
    """Who competes, and how each learns.

    `value_…` candidates rank potential VIPs by expected value; a blend is the mean of its linear model and its trees,
    both of which must compete too. The order is the order of preference between equals.
    """

    churn: tuple[Candidate, ...] = ("blend", "linear", "trees")
    value: tuple[Candidate, ...] = ("blend", "linear", "trees")
    vip: tuple[Candidate, ...] = ("value_blend", "blend", "value_linear", "linear", "value_trees", "trees")
    penalty: float = Field(0.03, gt=0, description="of linear yes/no models, per row")
    amount_penalty: float = Field(0.1, gt=0, description="of linear models of money")
    trees: TreeSettings = TreeSettings()
    rules: Rules = Rules()
    calibration: Method = "auto"

    @model_validator(mode="after")
    def _blends_have_members(self) -> "CandidateSettings":
        for names in (self.churn, self.value, self.vip):
            lacking = [m for n in names for m in members(n) if m not in names]
            if lacking:
                raise ValueError(f"a blend needs its members among the candidates: {', '.join(lacking)}")
        return self


def members(name: str) -> tuple[str, ...]:
    """The candidates that a blend is the mean of; none for any other."""
    prefix = name.removesuffix("blend")
    return (f"{prefix}linear", f"{prefix}trees") if name.endswith("blend") else ()


class TrainingSettings(Strict):
    """How models are made and judged."""

    candidates: CandidateSettings = CandidateSettings()
    choose_by: dict[str, str] = {"churn": "auc", "value": "normalised_gini", "vip": "average_precision"}
    margin: float = Field(0.002, ge=0, description="figures this close (relative) are equals: the first in order wins")
    judge_by: dict[str, str] = {"churn": "auc", "value": "normalised_gini", "vip": "average_precision"}
    refit: bool = Field(True, description="learn again from every date before the final one once all is chosen")
    most_rows: int = Field(400_000, gt=0, description="to learn from and judge on; of each n-th customer beyond that")
    resamples: int = Field(200, gt=0, description="bootstrap resamples behind each interval")
    min_positives: int = Field(15, gt=0, description="fewest positives to learn from, and to calibrate on")
    threads: int = Field(1, gt=0)
    seed: int = 7


class GateSettings(Strict):
    """Limits; every default is an assumption."""

    beat_rule: bool = Field(True, description="in expectation, over the windows judged; how sure it is, is told")
    worse_than_champion: float = Field(0.0, ge=0, description="how far the advantage over the champion may be below 0")
    better_than_champion: bool = Field(True, description="equal is no reason to change: its interval must exclude 0")
    calibration: float = Field(0.05, gt=0, description="largest calibration error of probabilities")
    bias: float = Field(0.15, gt=0, description="largest relative error of the value total")
    positives: int = Field(15, ge=0, description="fewest positives in the windows judged")
    leak: float = Field(0.95, gt=0.5, le=1, description="a single feature with this AUC has seen the outcome")
    slice_rows: int = Field(200, gt=0, description="smaller slices are not judged")
    slice_positives: int = Field(50, ge=0, description="nor those with fewer positives")
    slice_loss: float = Field(0.05, ge=0, description="how far a slice may fall below the rule or the champion")
    drift: float = Field(0.25, gt=0, description="largest population stability index between two publications")
    level: float = Field(
        0.5, gt=0, description="largest relative change of a mean score, a share or a count between two publications"
    )
    money: float = Field(0.3, gt=0, description="largest relative change of mean money between two publications")
