"""What a model is worth beside today's rule, judged by what is sold: who stands at the top of a list, and what money they hold.

The order of everybody (AUC) is nobody's list; it decides nothing here that the top does not say as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from models.targets.target import Target
from models.targets.task import CLASSIFICATION
from pipelines.delivery.report_data import Evaluation
from pipelines.delivery.speech import Speech
from pipelines.wording.texts import has, text

FEW = 50  # fewer positives than this allow no judgement
SMALLER_IS_BETTER = frozenset({"mae", "brier", "ece", "log_loss"})
Side = Literal["ahead", "leaning", "equal", "lagging", "behind"]
BINS = 10
BIN_ROWS = 400  # fewer customers than this show no share of leavers well enough
ABSOLUTE, RELATIVE = 0.01, 0.25  # a share that was promised and one that came agree within either
CHANCE = 2.58  # standard errors within which 99 % of shares come that are as promised


@dataclass(frozen=True)
class Sold:
    """One figure of what is sold: its name, and on which side of today's rule the model lies.

    `ahead` and `behind` are beyond chance (95 %), `leaning` and `lagging` are not.
    """

    metric: str
    side: Side

    @property
    def better(self) -> bool:
        return self.side in ("ahead", "leaning")

    @property
    def worse(self) -> bool:
        return self.side in ("lagging", "behind")


def sold(target: Target, evaluation: Evaluation) -> list[Sold]:
    """The figures of what is sold that were measured; nothing where the rule itself was chosen."""
    if evaluation.winner == "rule":
        return []
    sides = ((metric, _side(evaluation, metric)) for metric in target.sold_figures)
    return [Sold(metric, side) for metric, side in sides if side is not None]


def _side(evaluation: Evaluation, metric: str) -> Side | None:
    """By the paired difference where the training kept one, otherwise by whether the two intervals lie apart."""
    if len(rows := evaluation.differences[evaluation.differences["metric"].eq(metric)]):
        return _by_difference(*(float(rows.iloc[0][part]) for part in ("value", "low", "high")))
    table = evaluation.metrics[evaluation.metrics["metric"].eq(metric)].set_index("model")
    if not {evaluation.winner, "rule"} <= set(table.index):
        return None
    ours, rule = table.loc[evaluation.winner], table.loc["rule"]
    if metric in SMALLER_IS_BETTER:
        ours, rule = rule, ours
    return _by_difference(ours["value"] - rule["value"], ours["low"] - rule["high"], ours["high"] - rule["low"])


def _by_difference(value: float, low: float, high: float) -> Side | None:
    if np.isnan(value):
        return None
    if low > 0:
        return "ahead"
    if high < 0:
        return "behind"
    return "leaning" if value > 0 else "lagging" if value < 0 else "equal"


def grade(target: Target, evaluation: Evaluation) -> str:
    """A, B, C, or `few` where the final window holds too few cases to judge.

    A: at least one figure of what is sold is better beyond chance and none is worse. B: none is worse and the model is better
    in one of them, or in the figure that it was chosen by; or one is better beyond chance although another is worse. C:
    everything else, and whatever the rule itself scores.
    """
    if target.task is CLASSIFICATION and int(evaluation.final["y"].sum()) < FEW:
        return "few"
    figures = sold(target, evaluation)
    ahead, worse = (any(getattr(f, what) for f in figures) for what in ("better", "worse"))
    sure = any(figure.side == "ahead" for figure in figures)
    if evaluation.winner == "rule" or not (figures or evaluation.beats_rule):
        return "C"
    if sure and not worse:
        return "A"
    return "B" if sure or (not worse and (ahead or evaluation.beats_rule)) else "C"


def advice(page: Speech, target: Target, evaluation: Evaluation) -> list[str]:
    """Which to use for what, where model and rule disagree on what is sold; nothing where they do not."""
    figures = sold(target, evaluation)
    ours = [figure.metric for figure in figures if figure.better]
    rules = [figure.metric for figure in figures if figure.worse]
    if not rules:
        return []
    name = text("lists.and_so_on", page.lang)
    told = {"rule": name.join(page.say(f"sold_{metric}") for metric in rules)}
    if not ours:
        return [page.say("use_rule", **told)]
    return [page.say("use_both", model=name.join(page.say(f"sold_{metric}") for metric in ours), **told)]


def refused(page: Speech, checks: Sequence[dict[str, Any]]) -> str:
    """The checks of the gate that failed, in words with figure and limit; empty for none."""
    failed = [check for check in checks if not check["passed"]]
    return text("report.semicolon", page.lang).join(_check(page, check) for check in failed)


def _check(page: Speech, check: dict[str, Any]) -> str:
    key = check.get("text") or f"gates.{check['name']}"
    if not has(key):
        return str(check["name"])
    return text(key, page.lang, value=f"{check['value']:.4g}", limit=f"{check['limit']:.4g}")


def shown_range(y: np.ndarray, probability: np.ndarray) -> tuple[float, float] | None:
    """The range of probabilities in which promised and observed shares were seen to agree; None where in none.

    Customers are put into equal parts by their probability, ten where there are enough of them. A part agrees where the
    two shares differ by no more than a point, a quarter or chance, and its customers are many enough to tell (the standard error
    of the share is within that). The range is the longest row of two or more such parts, from the mean of its first to that of its
    last: what lies beyond a mean is few customers spread wide.

    Parameters
    ----------
    y
        Outcomes, 0 or 1, of the judged window.
    probability
        As they are published.
    """
    parts = min(BINS, len(y) // BIN_ROWS)
    if parts < 1:
        return None
    order = np.argsort(probability, kind="stable")
    agreed = [(part, _agrees(y[part], probability[part])) for part in np.array_split(order, parts)]
    runs: list[list[np.ndarray]] = [[]]
    for part, agrees in agreed:
        if agrees:
            runs[-1].append(part)
        else:
            runs.append([])
    longest = max(runs, key=len)
    if len(longest) < 2:
        return None
    return float(probability[longest[0]].mean()), float(probability[longest[-1]].mean())


def _agrees(y: np.ndarray, probability: np.ndarray) -> bool:
    promised, observed = float(probability.mean()), float(y.mean())
    allowed = max(ABSOLUTE, RELATIVE * promised)
    error = np.sqrt(max(promised * (1 - promised), 1e-12) / len(y))
    return bool(abs(promised - observed) <= max(allowed, CHANCE * error) and error <= allowed)


def calibrated(page: Speech, evaluation: Evaluation | None, days: Any) -> str:
    """In which range probabilities of churn were seen to be what they say; an honest word where in none, or never checked."""
    if evaluation is None:
        return page.say("calibrated_unknown")
    if evaluation.season:
        return page.say("calibrated_not")
    found = shown_range(evaluation.final["y"].to_numpy(dtype=float), evaluation.published)
    if found is None:
        return page.say("calibrated_not")
    low, high = found
    example = float(np.clip(0.12, low, high))
    told = {"low": page.share(low, 0), "high": page.share(high, 0), "p": page.share(example, 0)}
    told["n"] = page.count(round(100 * example))
    return page.say("calibrated", days=days, **told) if days else page.say("calibrated_listed", **told)
