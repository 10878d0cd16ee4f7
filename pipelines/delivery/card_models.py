"""A model card's account of one model: what it predicts, from which data, how good, where it is weak, what limits it."""

from collections.abc import Hashable, Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from models.evaluation import promises
from models.evaluation.judging import TENTHS, Outcome
from models.evaluation.metrics import LOWER_IS_BETTER
from models.targets.task import REGRESSION
from pipelines.delivery import charts, drivers, report_models
from pipelines.delivery.card_data import CardModel, CardPage
from pipelines.delivery.drivers import Driver
from pipelines.delivery.report_grade import FEW
from pipelines.wording.formats import NOTHING
from pipelines.wording.texts import has, text

RESAMPLES, SEED = 200, 7
"""Of the intervals of money."""
WEAKEST = 6
"""Groups that are shown."""


def model(page: CardPage, card: CardModel) -> dict[str, Any]:
    """Finished words and figures of one model."""
    about = report_models.block(page, card.asked, card.evaluation, card.version or page.tell("not_registered"))
    shown = [name for name in (card.evaluation.winner, "rule") if name in card.final]
    return about | {
        "name": card.target,
        "predicts": _predicts(page, card),
        "data": list(_data(page, card)),
        "candidates": [(charts.model_name(name, page.lang), name == card.evaluation.winner) for name in shown],
        "metrics": report_models.figures(page, card.asked, card.evaluation, shown),
        "calibration": _calibration(page, card),
        "slices": _slices(page, card),
        "drivers": _drivers(page, card),
        "drivers_lead": _drivers_lead(page, card),
        "limits": list(_limits(page, card)),
    }


def _definition(page: CardPage, card: CardModel) -> dict[str, Any]:
    """How the target was defined when it was trained; as it is configured now where that is not on record."""
    known = card.facts.get("definition")
    return dict(known) if known else page.data.settings.targets.of(card.target).model_dump(mode="json")


def _predicts(page: CardPage, card: CardModel) -> list[str]:
    definition = _definition(page, card)
    rule = definition.get("rule") or definition.get("becomes", {}).get("rule")
    days, gap = definition["horizon_days"], definition["gap_days"]
    key = f"predicts.{card.target}_{rule}"
    name = text(f"targets.{card.target}.name", page.lang)
    said = page.tell(key if has(f"card.{key}") else "predicts.other", days=days, target=name)
    judged_by = page.tell("predicts.judged_by", metric=page.say(f"metric_{card.facts['judged_by']}"))
    return [said, *([page.tell("predicts.gap", days=days, gap=gap)] if gap else []), judged_by]


def _data(page: CardPage, card: CardModel) -> Iterator[tuple[str, str]]:
    """Label and value of each thing that is on record of the data."""
    facts, dates, rows = card.facts, card.facts["dates"], card.facts["rows"]
    values = {"as_of": _day(page, facts.get("as_of")), "learnt": _learnt(page, dates["learnt"])}
    values |= {"rows": page.count(rows["every"]), "judged": _judged(page, card)}
    values |= {"windows": page.tell("data.windows_n", n=facts.get("windows", 1))}
    if "tables" in facts:
        values["tables"] = page.listed(facts["tables"])
        values["features"] = page.tell("data.features_n", n=facts["features"], hash=facts["feature_set_hash"])
        values |= {"inputs": facts["inputs"], "gate": _gate(page, facts["gate"])}
    for key, value in values.items():
        yield page.tell(f"data.{key}"), value


def _day(page: CardPage, iso: str | None) -> str:
    return page.day(date.fromisoformat(iso)) if iso else NOTHING


def _learnt(page: CardPage, dates: list[str]) -> str:
    first, last = _day(page, dates[0]), _day(page, dates[-1])
    return page.tell("data.learnt_dates", first=first, last=last, dates=len(dates))


def _judged(page: CardPage, card: CardModel) -> str:
    values = {"final": _day(page, card.facts["dates"]["final"]), "rows": page.count(len(card.final))}
    if card.asked.task is REGRESSION:
        return page.tell("data.judged_date", **values)
    return page.tell("data.judged_positives", positives=page.count(card.positives), **values)


def _gate(page: CardPage, decision: dict[str, Any]) -> str:
    refused = [check["name"] for check in decision["checks"] if not check["passed"]]
    if not refused:
        return text("steps.gate.passed", page.lang)
    return text("steps.gate.refused", page.lang, names=page.listed(refused))


def _calibration(page: CardPage, card: CardModel) -> list[dict[str, str]]:
    """Predicted and actual mean at the top and in each tenth, the highest scores first."""
    final, score = card.final, card.final[card.evaluation.winner].to_numpy(dtype=float)
    outcome = Outcome(card.asked.task, final["y"].to_numpy(dtype=float), score, np.arange(len(final)))
    found = promises.promises([(outcome, score)], RESAMPLES, SEED).set_index("group").to_dict("index")
    parts = [(page.tell("calibration.top", share=page.share(s, 0)), f"top={s:.0%}") for s in promises.TOPS]
    parts += [(page.tell("calibration.tenth", n=n), f"tenth={TENTHS + 1 - n}") for n in range(1, TENTHS + 1)]
    return [_promise(page, card, name, found[group]) for name, group in parts if group in found]


def _promise(page: CardPage, card: CardModel, name: str, found: dict[Hashable, Any]) -> dict[str, str]:
    money = card.asked.task is REGRESSION
    told = {key: page.money(found[key], 2) if money else page.share(found[key]) for key in found if key != "n"}
    between = page.tell("calibration.between", low=told["low"], high=told["high"])
    figures = {"promised": told["promised"], "realised": told["observed"], "interval": between}
    return {"part": name, "rows": page.count(found["n"])} | figures


def _slices(page: CardPage, card: CardModel) -> dict[str, Any]:
    """The groups whose figure lies below the interval of everybody's, the weakest first."""
    metric = card.facts["judged_by"]
    groups = pd.DataFrame(card.facts["slices"], columns=["slice", "level", "metric", "value", "n", "positives"])
    groups = groups[groups["metric"].eq(metric) & groups["value"].notna()]
    whole = report_models.figure(card.evaluation, card.evaluation.winner, metric)
    if groups.empty or whole is None:
        return {"lead": page.tell("slices.nobody"), "rows": []}
    low, high = (report_models.number(page, metric, whole[end]) for end in ("low", "high"))
    weak = _weak(groups, whole, metric)
    if weak.empty:
        return {"lead": page.tell("slices.none", n=len(groups)), "rows": []}
    lead = page.tell("slices.lead", metric=page.say(f"metric_{metric}"), low=low, high=high)
    return {
        "lead": lead,
        "metric": page.say(f"metric_{metric}"),
        "rows": [_group(page, row) for row in weak.to_dict("records")],
    }


def _weak(groups: pd.DataFrame, whole: pd.Series, metric: str) -> pd.DataFrame:
    lower = metric in LOWER_IS_BETTER
    beyond = groups["value"] > whole["high"] if lower else groups["value"] < whole["low"]
    return groups[beyond].sort_values("value", ascending=not lower, kind="stable").head(WEAKEST)


def _group(page: CardPage, row: dict[Any, Any]) -> dict[str, str]:
    name = f"{page.feature(row['slice'])}: {page.word(row['slice'], row['level'])}"
    return {
        "name": name,
        "value": report_models.number(page, row["metric"], row["value"]),
        "rows": page.count(row["n"]),
    }


def _drivers(page: CardPage, card: CardModel) -> list[dict[str, str]]:
    """The features that move the scores most, and where they did not at every origin; none where that is not on record."""
    origins = card.facts.get("importance_by_origin", {}).get("features", {})
    shares = card.facts.get("importance", {})
    return drivers.rows(page, [Driver(column, share, **origins.get(column, {})) for column, share in shares.items()])


def _drivers_lead(page: CardPage, card: CardModel) -> str:
    """What the shares are, and whether they can be called stable at all."""
    if not card.facts.get("importance"):
        return page.tell("no_record")
    origins = len(card.facts.get("importance_by_origin", {}).get("origins", ()))
    told = page.tell("drivers.origins", n=origins) if origins > 1 else page.tell("drivers.one_origin")
    return page.tell("drivers.lead") + told


def _limits(page: CardPage, card: CardModel) -> Iterator[str]:
    """What the evidence does not show, and whom the model does not score."""
    for key, values in (*_limits_of_judgement(page, card), *_limits_of_use(page, card)):
        yield page.tell(f"limits.{key}", **values)


def _limits_of_judgement(page: CardPage, card: CardModel) -> Iterator[tuple[str, dict[str, Any]]]:
    facts, evaluation = card.facts, card.evaluation
    if evaluation.folds:
        yield "folds", {"n": evaluation.folds}
    elif facts.get("windows", 1) > 1:
        yield "windows", {"n": facts["windows"]}
    else:
        yield "one_window", {}
    if agreement := facts.get("agreement"):
        yield "refitted" if agreement["adopted"] else "as_judged", {"rank": f"{agreement['rank']:.2f}"}
    if season := evaluation.season:
        figures = {name: f"{season[name]:.2f}" for name in ("ratio", "by_season", "by_newest")}
        yield "season", {"day": page.day(date.fromisoformat(season["day"])), "pairs": season["pairs"], **figures}
    elif evaluation.level:
        yield "level", {"ratio": f"{evaluation.level:.2f}"}
    if card.asked.task is not REGRESSION and card.positives < FEW:
        yield "few", {"n": page.count(card.positives), "few": FEW}
    if not evaluation.beats_rule:
        yield "rule", {}


def _limits_of_use(page: CardPage, card: CardModel) -> Iterator[tuple[str, dict[str, Any]]]:
    facts, settings = card.facts, page.data.settings
    if card.evaluation.left_out:
        yield "left_out", {"names": page.listed([page.feature(name) for name in card.evaluation.left_out])}
    if telling := [page.feature(name) for name in facts["leaks"]]:
        yield "leaks", {"names": page.listed(telling)}
    if settings.training.confirmed:
        yield "confirmed", {"names": page.listed([page.feature(name) for name in settings.training.confirmed])}
    if refused := [check["name"] for check in facts.get("gate", {}).get("checks", ()) if not check["passed"]]:
        yield "refused", {"names": page.listed(refused)}
    if settings.tables.tables["customers"].kept == "mutable":
        yield "hindsight", {}
    if settings.population.min_history_days:
        yield "history", {"days": settings.population.min_history_days}
    if not card.asked.everybody:
        yield "high_value", {}
