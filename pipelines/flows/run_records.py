"""What MLflow is told of a training: which runs there are, what stands on each, and why it was decided so."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd

from models.targets.registry import TARGETS
from models.training import Trained
from pipelines.delivery import card
from pipelines.delivery.card_data import CardData, CardModel
from pipelines.flows import promotion, training_record
from pipelines.flows.dataset import Dataset
from pipelines.project import Project
from pipelines.tracking.records import CandidateRecord, DataUsed, Session, Training
from pipelines.wording import errors
from pipelines.wording.texts import LANGUAGES, text


def session(project: Project, as_of: date, models: list[dict[str, Any]], failures: Mapping[str, Any]) -> Session:
    """The run above those of the targets.

    Parameters
    ----------
    project
        Its name and settings.
    as_of
        Of the training.
    models
        A summary of each target that was registered so far.
    failures
        Target -> why it was not trained.
    """
    name = f"{as_of} training"
    tags = {"kind": "training", "as_of": as_of.isoformat(), "config_sha256": project.settings.fingerprint()}
    tags |= {"feature_set_hash": project.feature_set_hash}
    tags |= {f"decision.{model['target']}": _outcome(model, "en") for model in models}
    tags |= {f"decision.{target}": f"not trained: {error.problem.code}" for target, error in failures.items()}
    description = _in_both(lambda lang: _session_lines(project, models, failures, lang))
    return Session(name, description, tags, _defined({f"headline/{m['target']}": m["value"] for m in models}))


def _in_both(lines: Any) -> str:
    """Markdown of each language, one after the other."""
    return "\n\n".join("\n".join(lines(lang)) for lang in LANGUAGES[::-1])


def _session_lines(project: Project, models: list[dict[str, Any]], failures: Mapping[str, Any], lang: str) -> list[str]:
    told = {model["target"]: _outcome(model, lang) for model in models}
    told |= {target: errors.render_line(error.problem, lang) for target, error in failures.items()}
    lines = [f"- **{text(f'targets.{target}.name', lang)}**: {outcome}" for target, outcome in told.items()]
    return [text("runs.session", lang, name=project.settings.name), "", *lines]


def _outcome(model: Mapping[str, Any], lang: str) -> str:
    """One line of what became of a registered version."""
    low, high = model["interval"]
    figures = {"version": model["version"], "winner": model["winner"], "metric": model["metric"]}
    figures |= {"value": model["value"], "low": low, "high": high}
    gate = text("steps.gate.passed", lang)
    if not model["gate_passed"]:
        gate = text("steps.gate.refused", lang, names=", ".join(model["failed_checks"]))
    champion = text("steps.champion", lang, version=model["champion"]) if model["champion"] else ""
    return " · ".join(filter(None, [text("runs.outcome", lang, **figures), gate, champion]))


def record(
    project: Project, data: Dataset, trained: Trained, decision: dict[str, Any], facts: Mapping[str, Any]
) -> Training:
    """The run of a target with everything below it.

    Parameters
    ----------
    project
        Its settings and features.
    data
        What it was learnt from.
    trained
        Every candidate of a target, and the winner.
    decision
        Of the gate.
    facts
        Its evaluation, as it is kept beside the models.
    """
    version_tags = {
        "inputs": data.inputs,
        "feature_set_hash": project.feature_set_hash,
        "config_sha256": project.settings.fingerprint(),
        "learner": trained.winner,
        "beats_rule": str(trained.beats_rule).lower(),
        "gate_passed": str(decision["passed"]).lower(),
    }
    return Training(
        target=trained.target,
        name=_name(data, trained),
        description=_in_both(lambda lang: _lines(project, trained, decision, lang)),
        params=_params(project, trained),
        metrics=headline(trained, trained.winner) | _against_rule(trained),
        tags=version_tags | _why(project, data, trained, decision),
        version_tags=version_tags,
        files=trained.model.to_files(),
        inputs=[(c, "string" if _is_text(project, c) else "double") for c in trained.features],
        outputs=[TARGETS[trained.target].score],
        table=trained.metrics,
        candidates=(*_candidates(data, trained), *_trials(data, trained)),
        data=tuple(_data_used(project, data, trained)),
        figures=training_record.plots(trained, facts["reasons"]),
        card=_card(project, trained, facts),
        reports={"evaluation": facts, "gate": decision, "importance": facts["reasons"]},
    )


def _card(project: Project, trained: Trained, facts: Mapping[str, Any]) -> str:
    """The model card of what is about to be registered; pictures lie beside it."""
    model = CardModel(trained.target, "", facts, trained.final)
    features = {feature.column: feature for feature in project.features}
    return card.render(CardData(project.settings, [model], features), project.settings.language, drawn=False)


def _name(data: Dataset, trained: Trained) -> str:
    """The as-of date first, so that runs sort."""
    rule = " by the rule" if trained.winner == "rule" else ""
    return f"{data.as_of} {trained.target}{rule}"


def _params(project: Project, trained: Trained) -> dict[str, Any]:
    chosen = project.settings.training.candidates.shape(trained.target)
    trees = trained.search.trees if trained.search else chosen
    return {
        "winner": trained.winner,
        "features": len(trained.features),
        "final": trained.split.final.isoformat(),
        **{f"dates.{name}": len(trained.model.facts_[name]) for name in ("calibrate", "every", "learnt")},
        **{f"rows.{name}": count for name, count in trained.rows.items()},
        **{f"trees.{name}": value for name, value in trees.model_dump().items()},
        "seed": project.settings.seed,
    }


def headline(trained: Trained, model: str) -> dict[str, float]:
    """The figure that a target is judged by, of one candidate, with its interval; what is not defined is left out."""
    figure = trained.figure(model, trained.judged_by)
    return _defined({"headline": figure.value, "headline_low": figure.low, "headline_high": figure.high})


def _against_rule(trained: Trained) -> dict[str, float]:
    """The rule's figure beside it, and the lead over it on all windows together."""
    lead = trained.lead
    figures = {"rule": trained.figure("rule", trained.judged_by).value}
    return _defined(figures | {"lead": lead.value, "lead_low": lead.low, "lead_high": lead.high})


def _defined(figures: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items() if pd.notna(value)}


def _why(project: Project, data: Dataset, trained: Trained, decision: dict[str, Any]) -> dict[str, str]:
    """Why this version is what it is; in English, for searches."""
    split, level = trained.split, trained.levels.get(trained.winner)
    forward = f"forward in time, {trained.windows} windows"
    tags = {
        "kind": "target",
        "target": trained.target,
        "as_of": str(data.as_of),
        "judged_by": trained.judged_by,
        "judged": f"{split.folds} folds of one date, not forward in time" if split.folds else forward,
        "decision": promotion.sentence(decision, "en"),
        "why": training_record.sentence(trained, "en"),
        "rule": project.settings.training.candidates.rules.of(trained.target).column,
    }
    tags |= {"level": f"{level:.3f}"} if level and not trained.at_season else {}
    tags |= {"season": str(trained.season.day)} if trained.season and trained.at_season else {}
    if trained.agreement:
        tags["shipped"] = "fitted again" if trained.agreement.adopted else "as judged"
    return tags


def _lines(project: Project, trained: Trained, decision: dict[str, Any], lang: str) -> list[str]:
    """The description of a run in one language."""
    learnt, split = trained.model.facts_["learnt"], trained.split
    rule = project.settings.training.candidates.rules.of(trained.target).column
    judged = {"final": split.final, "rows": trained.rows["final"], "hits": int((trained.final["y"] > 0).sum())}
    rows = _rows_learnt(trained, both=split.final.isoformat() in learnt)
    return [
        f"**{training_record.sentence(trained, lang)}**",
        "",
        f"- {text('runs.decision', lang, gate=promotion.sentence(decision, lang))}",
        f"- {text('runs.learnt', lang, first=learnt[0], last=learnt[-1], dates=len(learnt), rows=rows)}",
        f"- {text('runs.judged', lang, windows=trained.windows, metric=trained.judged_by, **judged)}",
        f"- {text('runs.rule', lang, column=rule)}",
    ]


def _candidates(data: Dataset, trained: Trained) -> tuple[CandidateRecord, ...]:
    """All of them; none where the rule takes the place of a refused model, whose run has them already."""
    return () if trained.winner == "rule" else tuple(_candidate(data, trained, name) for name in trained.candidates)


def _candidate(data: Dataset, trained: Trained, model: str) -> CandidateRecord:
    """A run of few figures: the headline, how it did where candidates were chosen, and what the report shows of it."""
    known = trained.metrics[trained.metrics["model"] == model].set_index("metric")["value"]
    choice = trained.choice[trained.choice["metric"] == trained.judged_by].set_index("model")["value"]
    names = [name for name in TARGETS[trained.target].report_figures if name in known and name != trained.judged_by]
    metrics = headline(trained, model) | _defined({"rehearsed": choice.get(model)})
    metrics |= _defined({f"measures/{name}": known[name] for name in names})
    tags = {"kind": "candidate", "target": trained.target, "learner": model, "judged_by": trained.judged_by}
    tags |= {"as_of": str(data.as_of), "chosen": str(model == trained.winner).lower()}
    return CandidateRecord(f"{data.as_of} {trained.target} · {model}", metrics, tags)


def _trials(data: Dataset, trained: Trained) -> Iterator[CandidateRecord]:
    """A run per shape of trees that was tried, by the figure that candidates are chosen by."""
    search = trained.search
    if search is None or trained.winner == "rule":
        return
    for number, trial in enumerate((search.configured, *search.trials)):
        tags = {"kind": "trial", "target": trained.target, "learner": search.candidate, "judged_by": search.metric}
        tags |= {"as_of": str(data.as_of), "chosen": str(trial.trees == search.trees).lower()}
        name = f"{data.as_of} {trained.target} · trial {number:03d}"
        yield CandidateRecord(name, _defined({"rehearsed": trial.value}), tags, trial.trees.model_dump())


def _data_used(project: Project, data: Dataset, trained: Trained) -> list[DataUsed]:
    """The snapshots that were learnt from, and those that judged."""
    split, learnt = trained.split, trained.model.facts_["learnt"]
    last = split.final.isoformat()
    used = {"training": (learnt, "every", last in learnt and not split.folds), "evaluation": ([last], "final", False)}
    return [
        _snapshots(
            project, data, trained, context, dates, _rows_learnt(trained, both=both) if both else trained.rows[part]
        )
        for context, (dates, part, both) in used.items()
    ]


def _rows_learnt(trained: Trained, *, both: bool) -> int:
    """Rows of the dates that were learnt from; `both`: of the final date, and of those known in part, too."""
    more = trained.rows["final"] + trained.rows.get("partial", 0) if both else 0
    return trained.rows["every"] + more


def _snapshots(
    project: Project, data: Dataset, trained: Trained, context: str, dates: list[str], rows: int
) -> DataUsed:
    made_of = {
        "inputs": data.inputs,
        "tables": list(data.tables),
        "feature_set_hash": project.feature_set_hash,
        "as_of_dates": dates,
        "label": data.targets.of(trained.target).model_dump(mode="json"),
    }
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    profile = {"num_rows": rows, "num_features": len(trained.features), **made_of}
    name = f"{project.settings.name} {trained.target} snapshots"
    return DataUsed(name, digest, context, str(project.config or project.settings.name), profile)


def _is_text(project: Project, column: str) -> bool:
    return next(feature.unit == "text" for feature in project.features if feature.column == column)
