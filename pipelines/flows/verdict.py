"""May the scores of a night be published? The gates, and for a refusal what moved it."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from features.errors import HeadwaterError
from models.evaluation import night_gates
from models.evaluation.checks import Check, Decision
from models.evaluation.publications import Figure, Published
from models.targets.registry import TARGETS
from pipelines.engine.scoring import plain_types
from pipelines.flows import seen
from pipelines.flows.causes import Cause, target_of
from pipelines.flows.night import Night
from pipelines.flows.seen import Seen
from pipelines.wording.texts import has
from pipelines.workspace import evaluations, runs
from pipelines.workspace.paths import Workspace
from pipelines.workspace.score_files import ScoreFile

NIGHTS, DAYS = 7, 35
"""Earlier nights whose middle is expected, and how old they may be; of a monthly run it is the last alone."""
COMPARED = 2
"""Publications that distributions are compared with: the nearer of them counts, for the last may be the odd one."""


@dataclass(frozen=True)
class Verdict:
    """What the gates decided, and the figures that later nights are held against."""

    decision: Decision
    figures: Published


def judge(night: Night) -> Verdict:
    """Ask the gates. Raises E502 (exit 5) for the first that refuses, with what moved it."""
    assert night.scoring is not None and night.tables is not None
    now = seen.keep(night)
    rows = night.scoring.summary.watched
    last = runs.previous_scores(night.workspace, night.as_of)
    before = earlier_files(night.workspace, night.as_of, last)
    decision = night_gates.scores_gate(
        rows,
        [watched(file) for file in before[:COMPARED]],
        night.project.settings.gates,
        [figures for file in before if (figures := figures_of(file))],
        announced(night),
        night.tables.sizes,
    )
    if not decision.passed:
        failed = min((check for check in decision.checks if not check.passed), key=_telling)
        raise _refused(night, failed, last, now, len(before))
    return Verdict(decision, Published.of(rows, night.tables.sizes))


def _telling(check: Check) -> tuple[bool, bool]:
    """Of several the one that tells most comes first: what is paid, then figures, then shifts of a distribution."""
    return target_of(check.name) is not None, check.found is None


def earlier_files(workspace: Workspace, as_of: date, last: ScoreFile | None) -> list[ScoreFile]:
    """The newest publications before a date, newest first: some nights, or the last alone where nights are rare."""
    days = [d for d in reversed(workspace.published_dates()) if as_of - timedelta(days=DAYS) <= d < as_of][:NIGHTS]
    found = [last] if last else []
    known = {file.path for file in found}
    for path in (workspace.score_file(day) for day in days):
        if path not in known:
            try:
                found.append(ScoreFile(path))
            except HeadwaterError:  # a damaged one is told by the check, and says nothing of what is usual
                continue
    return found


def figures_of(file: ScoreFile) -> Published | None:
    """The figures that a publication was kept with; those of its rows where it is older than they are."""
    if text := file.meta.get("figures"):
        return Published.from_dict(json.loads(text))
    return Published.of(watched(file))


def watched(file: ScoreFile) -> pd.DataFrame:
    """What the gates look at, of a publication that may be older than a target."""
    return plain_types(file.select([c for c in night_gates.WATCHED if c in file.column_names])).to_pandas()


def announced(night: Night) -> dict[str, Figure]:
    """What training promised of this night's models in the mean: what was seen in the window that judged them, or in the season
    of a year before whose level they have."""
    found: dict[str, Figure] = {}
    for name, champion in night.champions.items():
        kept = evaluations.load(night.workspace, champion.version)
        if kept is None or not len(kept[1]):
            continue
        seen_then = kept[1]["y"].to_numpy(dtype=float)
        season = kept[0].get("season")
        mean = season["observed"] if season and season["adopted"] else seen_then.mean()
        if TARGETS[name].task.objective == "binary":
            found[f"level_{TARGETS[name].published}"] = Figure(mean, seen_then.sum(), name)
        else:
            found[f"money_{TARGETS[name].published}"] = Figure(mean, len(seen_then), name)
    return found | _announced_share(night)


def _announced_share(night: Night) -> dict[str, Figure]:
    """The share of high value, where the amount was fixed from a percentile."""
    asked = night.project.settings.targets.vip.high_value
    if asked.amount is not None or "vip" not in night.champions:
        return {}
    return {"share_is_high_value_now": Figure(1 - asked.percentile / 100, target="vip")}


def _refused(night: Night, failed: Check, last: ScoreFile | None, now: Seen, nights: int) -> HeadwaterError:
    """E502 with the figure, what was expected, what moved it, and what to do about that."""
    cause = Cause.of(night, failed, last, now)
    values: dict[str, Any] = {"name": failed.name, "value": failed.value, "limit": failed.limit, "nights": nights}
    values |= {"as_of": night.as_of, "before": last.meta["as_of"] if last else None}
    known = has(f"terms.figure.{failed.name}")
    values |= {"figure": f"@figure.{failed.name}" if known else failed.name, "story": "@story.limit"}
    if failed.name.startswith("size_"):
        values |= {"figure": "@figure.size", "held": failed.name.removeprefix("size_")}
    if failed.found is not None and failed.expected is not None:
        low, high = _range(failed)
        kind = "announced" if failed.name.startswith("announced_") else "compared"
        values |= {"found": failed.found, "low": low, "high": high, "usual": failed.expected, "story": f"@story.{kind}"}
    return HeadwaterError("E502", file=cause.file, column=cause.column, **values, **cause.values())


def _range(failed: Check) -> tuple[float, float]:
    """Between which figures the check would have passed."""
    usual = failed.expected or 0.0
    if failed.name.startswith("announced_"):
        return usual / failed.limit, usual * failed.limit
    return max(usual * (1 - failed.limit), 0.0), usual * (1 + failed.limit)
