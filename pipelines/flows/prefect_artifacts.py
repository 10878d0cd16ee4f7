"""What a flow run leaves on Prefect's page, under fixed keys so that each keeps its history: counts, and no customer."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.settings import PREFECT_API_URL

from features.errors import HeadwaterError
from pipelines.flows import scheduler
from pipelines.flows.monitor import Monitoring
from pipelines.flows.night import Night
from pipelines.flows.retrain import Retrained
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import paths, runs
from pipelines.workspace.paths import Workspace

Rows = list[dict[str, Any]]

COUNTED = ("customers", "scored", "high_risk", "potential_vips", "churn_probability_mean", "value_at_risk")
"""Facts of the step `score` that the summary compares with the publication before."""


def create_night_artifacts(night: Night, error: HeadwaterError | None, facts: Mapping[str, Mapping[str, Any]]) -> None:
    """`nightly-summary`, `data-contract`, `score-drift`, `vip-list` and `churn-list`, as far as the night has come.

    Parameters
    ----------
    night
        As its stages left it.
    error
        Why it failed; None where it did not.
    facts
        Step -> its facts, of the steps that ran.
    """
    lang = night.steps.lang
    create_markdown_artifact(key="nightly-summary", markdown=summary(night, error, facts))
    if rows := contract_rows(night, error, lang):
        create_table_artifact(key="data-contract", table=rows)
    if checks := facts.get("gates", {}).get("checks"):
        create_table_artifact(key="score-drift", table=_plain(checks))
    for entry in night.lists:
        counts = vars(entry.counts) | {"suppressed": sum(entry.counts.suppressed.values())}
        create_table_artifact(key=f"{entry.kind}-list", table=[{"as_of": night.as_of.isoformat()} | counts])


def create_gate_artifact(retrained: Retrained) -> None:
    """`model-gate`: a row for each target that was trained, or why it was not."""
    rows: Rows = [dict(row) for row in retrained.models]
    rows += [{"target": name, "failed": str(error)} for name, error in retrained.failures.items()]
    create_table_artifact(key="model-gate", table=_plain(rows))


def create_monitor_artifacts(found: Monitoring, lang: str) -> None:
    """`monitor-alarms`: what asks for something; `monitor-promises`: what was promised beside what happened.

    Parameters
    ----------
    found
        What the monitor has found.
    lang
        `zh` or `en`.
    """
    create_table_artifact(key="monitor-alarms", table=alarm_rows(found, lang))
    if rows := promise_rows(found):
        create_table_artifact(key="monitor-promises", table=rows)


def alarm_rows(found: Monitoring, lang: str) -> Rows:
    """A row for each warning with what to do; one that says so where there is none, so that the last ones are over."""
    night = {"as_of": found.as_of.isoformat()}
    told = [(p.code, errors.sentence(p, "what", lang), errors.sentence(p, "fix", lang)) for p in found.problems]
    return [
        night | {"code": code, "what": what, "fix": fix}
        for code, what, fix in told or [("—", text("monitor.nothing", lang), "—")]
    ]


def promise_rows(found: Monitoring) -> Rows:
    """A row per target, night and number of days: totals promised, their 95 % band (null for money), and what happened."""
    rows = [
        {"target": one.target, "version": one.version, "night": one.as_of.isoformat(), "days": one.days}
        | {name: _rounded(getattr(one.result, name)) for name in ("n", "promised", "low", "high", "observed")}
        | {"broken": one.result.level_broken or one.order_broken}
        for one in found.kept
    ]
    return _plain(rows)


def _rounded(value: float) -> int | None:
    return None if np.isnan(value) else round(float(value))


def quietly(create: Callable[[], None]) -> None:
    """Artifacts and names are for reading: a server that does not take one does not change what became of the run.

    One that does not answer is not even asked: Prefect would ask it for minutes, and whoever is to be told would wait.
    """
    if problem := scheduler.trouble(PREFECT_API_URL.value()):
        get_run_logger().warning("Prefect: %s", problem.values["detail"])
        return
    try:
        create()
    except Exception as error:  # whatever the client raises
        get_run_logger().warning("Prefect: %s", str(error).splitlines()[0] if str(error) else type(error).__name__)


def contract_rows(night: Night, error: HeadwaterError | None, lang: str) -> Rows:
    """What was read of each table; where the data are refused a row for each problem with them."""
    if error and error.exit_code in (3, 4):
        return [
            {
                "code": p.code,
                "file": p.file or "",
                "column": p.column or "",
                "problem": errors.sentence(p, "what", lang),
            }
            for p in error.problems
        ]
    return [{"table": name, **counts} for name, counts in night.result()["rows"].items()]


def summary(night: Night, error: HeadwaterError | None, facts: Mapping[str, Mapping[str, Any]]) -> str:
    """The night in Markdown: counts beside those of the publication before, warnings, models and files."""
    lang = night.steps.lang
    parts = [text("flows.summary", lang, as_of=night.as_of.isoformat())]
    if error:
        parts.append(
            text("flows.failed", lang, line=errors.render_line(error.problem, lang, night.workspace.serving_date()))
        )
    tonight = _counts(facts, lang) or _counts(recorded_facts(night.workspace, night.run_id), lang)
    if tonight:
        parts.append(_compared(night, tonight))
    codes = ", ".join(problem.code for problem in night.telling) or text("flows.none", lang)
    names = ", ".join(champion.version for champion in night.champions.values()) or text("flows.none", lang)
    files = ", ".join(f"`{paths.relative_path(path)}`" for path in night.outputs) or text("flows.none", lang)
    parts.append(text("flows.warnings", lang, codes=codes))
    parts.append(text("flows.models", lang, names=names, run_id=night.run_id or "—"))
    parts.append(text("flows.files", lang, names=files))
    return "\n\n".join(parts) + "\n"


def _compared(night: Night, tonight: Mapping[str, Any]) -> str:
    """A table of tonight's counts, those of the publication before, and the change."""
    lang = night.steps.lang
    earlier = runs.previous_scores(night.workspace, night.as_of)
    before = _counts(recorded_facts(night.workspace, earlier.meta["run_id"]), lang) if earlier else {}
    day = earlier.meta["as_of"] if earlier else "—"
    lines = [f"| | {night.as_of.isoformat()} | {day} | {text('flows.change', lang)} |", "|---|--:|--:|--:|"]
    for name, value in tonight.items():
        lines.append(f"| {name} | {_shown(value)} | {_shown(before.get(name))} | {_change(value, before.get(name))} |")
    return "\n".join(lines)


def _counts(facts: Mapping[str, Mapping[str, Any]], lang: str) -> dict[str, Any]:
    """Words -> count, of the steps `score` and `lists`; empty where neither ran."""
    scored, listed = facts.get("score", {}), facts.get("lists", {}).get("listed", {})
    counts = {text(f"flows.{name}", lang): _number(scored[name]) for name in COUNTED if scored.get(name) is not None}
    return counts | {text("flows.listed", lang, kind=kind): n for kind, n in listed.items()}


def _number(value: Any) -> Any:
    """Amounts are written as text by the steps."""
    return float(value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    if value is None:
        return "—"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 1 else f"{value:,.0f}"


def _change(now: Any, before: Any) -> str:
    return "—" if not before else f"{now / before - 1:+.1%}"


def recorded_facts(workspace: Workspace, run_id: str) -> dict[str, dict[str, Any]]:
    """Step -> its facts, as the journal of a run has them; the newest of each. Lines that cannot be read are left out."""
    path = workspace.runs / run_id / "steps.jsonl" if run_id else None
    if path is None or not path.is_file():
        return {}
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            step = json.loads(line)
            found[step["step"]] = step
        except (ValueError, LookupError, TypeError):
            continue
    return found


def _plain(rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Cells that a table shows: numbers, yes or no, and text."""
    return [
        {name: value if isinstance(value, int | float | str | None) else str(value) for name, value in row.items()}
        for row in rows
    ]
