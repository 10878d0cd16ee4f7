"""What may be published: checks of a night's scores by themselves, against earlier nights, and against what was announced."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from models.evaluation.checks import Check, Decision, above, at_most
from models.evaluation.drift import stability
from models.evaluation.metrics import Array
from models.evaluation.publications import (
    ALLOWED,
    HIGH_VALUE,
    PAID,
    PROBABILITIES,
    SUPPRESSED,
    Figure,
    Published,
    expected,
    numbers,
)
from models.settings import GateSettings
from models.targets.registry import TARGETS
from models.targets.target import Target

WATCHED = tuple(
    dict.fromkeys(
        (
            *("score_status", PAID, HIGH_VALUE, ALLOWED, SUPPRESSED),
            *(c for t in TARGETS.values() for c in (t.published, *t.money, *t.counts, t.version_column)),
        )
    )
)
"""The columns of the score table that `scores_gate` looks at."""


def scores_gate(
    scores: pd.DataFrame,
    before: Sequence[pd.DataFrame],
    settings: GateSettings,
    earlier: Sequence[Published] = (),
    announced: Mapping[str, Figure] | None = None,
    sizes: Mapping[str, float] | None = None,
) -> Decision:
    """May these scores be published?

    Each probability must lie in [0, 1], its distribution may not have moved too far from all publications before, and
    neither its mean nor money, shares and numbers from the middle of earlier nights. What a model that no earlier night
    was scored with says in the mean is held against what was announced of it. What nobody has, as of a target without a
    model, is not judged.

    Parameters
    ----------
    scores
        `WATCHED` of everybody.
    before
        The same of the newest publications; none on the first night.
    settings
        The limits.
    earlier
        Figures of some earlier nights; those of `before` where there are none.
    announced
        Figures of this night's models by the names of `Published`, as training promised them.
    sizes
        table.column -> the usual size of what it holds.
    """
    asked = scores[scores["score_status"] == "ok"] if "score_status" in scores else scores
    now = Published.of(scores, sizes)
    past = earlier or [Published.of(one) for one in before]
    checks = [above("rows", float(len(asked)), 0.0)]
    for column in PROBABILITIES:
        known = numbers(asked, column)
        checks.append(at_most(f"range_{column}", float(((known < 0) | (known > 1)).sum()), 0.0))
        checks += _drifted(column, known, before, settings)
    checks += _moved(now, past, settings)
    checks += _unlike_announced(now, past, announced or {}, settings)
    return Decision((*checks, at_most("unscored", _unscored(asked), 0.0)))


def _drifted(column: str, now: Array, before: Sequence[pd.DataFrame], settings: GateSettings) -> list[Check]:
    """How far a distribution lies from the nearest of those before."""
    old = [known for one in before if len(known := numbers(one, column))]
    if not (len(now) and old):
        return []
    return [at_most(f"drift_{column}", min(stability(known, now) for known in old), settings.drift)]


def _moved(now: Published, earlier: Sequence[Published], settings: GateSettings) -> Iterator[Check]:
    """Every figure against the middle of earlier nights; few may change more by chance."""
    for name, figure in now.figures.items():
        usual = expected(name, now, earlier)
        if usual is None or usual.value <= 0:
            continue
        limit = settings.money if name.startswith(("money_", "total_", "size_")) else settings.level
        one = 1.0 if name.startswith("count_") else 0.0  # of five potential VIPs four may be gone by chance
        change = abs((figure.value + one) / (usual.value + one) - 1)
        yield _compared(name, change, limit + _chance(usual.events), figure.value, usual.value)


def _unlike_announced(
    now: Published, earlier: Sequence[Published], announced: Mapping[str, Figure], settings: GateSettings
) -> Iterator[Check]:
    """Of a model without an earlier night: so many times what was announced, or so many times less."""
    for name, promised in announced.items():
        scored = any(e.versions.get(promised.target or "") == now.versions.get(promised.target or "") for e in earlier)
        if name not in now.figures or promised.value <= 0 or scored:
            continue
        found = max(now.figures[name].value, 1e-12)
        times = float(max(found / promised.value, promised.value / found))
        limit = settings.announced + _chance(promised.events, 2)
        yield _compared(f"announced_{name}", times, limit, found, promised.value)


def _compared(name: str, value: float, limit: float, found: float, usual: float) -> Check:
    return Check(name, value, limit, bool(value <= limit), f"gates.{name}", found, usual)


def _chance(events: float | None, deviations: float = 3) -> float:
    """What chance does to a share or a number: some standard deviations of a count."""
    return deviations / float(np.sqrt(events)) if events else 0.0


def _unscored(asked: pd.DataFrame) -> float:
    """The largest share without a score, among targets that have a model. Who is high-value now has no VIP score."""
    if not len(asked):
        return float("nan")
    shares = [
        asked[target.published].isna().mean()
        for target in TARGETS.values()
        if target.everybody and target.published in asked and _has_model(asked, target)
    ]
    return float(max(shares, default=0.0))


def _has_model(scores: pd.DataFrame, target: Target) -> bool:
    version = target.version_column
    return version not in scores or bool(scores[version].notna().all())
