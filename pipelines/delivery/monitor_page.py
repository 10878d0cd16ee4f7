"""The page of the monitor, in both languages: inputs, scores, promises beside what happened, estimates, ages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.definition import Feature
from models.evaluation import promises
from models.evaluation.judging import TENTHS
from models.targets.registry import TARGETS
from pipelines.delivery import monitor_pictures
from pipelines.delivery.speech import ModelSpeech
from pipelines.delivery.templating import languages, template
from pipelines.wording.formats import number
from pipelines.wording.texts import text
from pipelines.workspace import files

SHOWN = 25
"""Features on the page; the document of `--json` has them all."""


@dataclass(frozen=True)
class MonitorData:
    """What the page shows.

    Attributes
    ----------
    name
        Of the project.
    found
        What `flows.monitor.monitor` gave.
    warnings
        Language -> a sentence for each problem.
    features
        Column -> feature, for its words.
    currency
        ISO code of all money.
    """

    name: str
    found: Any
    warnings: Mapping[str, Sequence[str]]
    features: Mapping[str, Feature]
    currency: str


@dataclass(frozen=True)
class MonitorPage(ModelSpeech):
    """One language of the page; `tell` looks words up under `monitor`."""

    words = "monitor"

    data: MonitorData
    lang: str

    @property
    def currency(self) -> str:
        return self.data.currency

    @property
    def features(self) -> Mapping[str, Feature]:
        return self.data.features


def render(data: MonitorData, lang: str) -> str:
    """The page as text; the same data gives the same text. `lang` is shown first."""
    pages = [_view(MonitorPage(data, language)) for language in languages(lang)]
    return str(template("monitor.html").render(pages=pages, lang=lang))


def write_page(path: Path, data: MonitorData, lang: str) -> Path:
    """Write the page to a file and return its path; parameters as those of `render`. Raises E703 to E705 (exit 7)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return files.write_text(path, render(data, lang))


def _view(page: MonitorPage) -> dict[str, Any]:
    """Everything that the template shows in one language, finished words and figures only."""
    found = page.data.found
    facts = [(page.tell("as_of"), page.day(found.as_of)), (page.tell("since"), page.day(found.since))]
    return {
        "lang": page.lang,
        "say": page.say,
        "tell": page.tell,
        "name": page.data.name,
        "title": page.tell("title"),
        "as_of": page.day(found.as_of),
        "facts": [*facts, (page.tell("nights"), page.tell("nights_n", n=len(found.nights)))],
        "warnings": list(page.data.warnings[page.lang]),
        "inputs": inputs(page),
        "scores": scores(page),
        "kept": kept(page),
        "pictures": monitor_pictures.pictures(page, page.data.found.kept),
        "calibration": calibration(page),
        "estimates": estimates(page),
        "ages": ages(page),
    }


def inputs(page: MonitorPage) -> dict[str, Any]:
    """The drifts that matter most, as a table."""
    rows = [
        _row(
            [page.feature(d.feature), ", ".join(one.tables)],
            [
                f"{d.shift.psi:.3f}",
                f"{d.shift.distance:.3f}",
                page.share(d.weight),
                f"{_figure(d.shift.before)} → {_figure(d.shift.now)}",
            ],
            hit=d.alarm,
            small=[d.feature, ", ".join(one.files[:3])],
        )
        for one in page.data.found.inputs[:SHOWN]
        for d in [one.drift]
    ]
    return _table(page, "inputs", ["feature", "tables"], ["psi", "distance", "weight", "median"], rows)


def scores(page: MonitorPage) -> dict[str, Any]:
    """The scores of each target, and what moved them."""
    rows = []
    for one in page.data.found.scores:
        moved = [
            f"{page.feature(m.feature)} {page.share(m.share, 0)}" + (f" ({m.effect:+.3f})" if m.effect else "")
            for m in one.movers[:3]
        ]
        words = [f"{_target(page, one.target)} · {one.version}", ", ".join(moved) or "—"]
        rows.append(_row(words, [f"{_figure(one.before)} → {_figure(one.now)}", f"{one.psi:.3f}"]))
    return _table(page, "scores", ["target", "movers"], ["mean", "psi"], rows)


def kept(page: MonitorPage) -> dict[str, Any]:
    """Promised and happened, a row per target, night and number of days."""
    rows = []
    for one in page.data.found.kept:
        r = one.result
        marks = [page.tell(f"kept.{mark}") for mark in ("early", "learnt") if getattr(one, mark)]
        between = "" if np.isnan(r.low) else f" ({page.count(round(r.low))}–{page.count(round(r.high))})"
        judged = f"{r.figure.value:.3f} ({r.figure.low:.3f}–{r.figure.high:.3f})"
        announced = f"{one.announced[0]:.3f}–{one.announced[1]:.3f}" if one.announced else "—"
        figures = [" · ".join([str(one.days), *marks]), page.count(r.n), page.count(round(r.promised)) + between]
        figures += [
            page.count(round(r.observed)),
            f"{page.say('metric_' + TARGETS[one.target].metric)} {judged}",
            announced,
        ]
        words = [f"{_target(page, one.target)} · {one.version}", page.day(one.as_of)]
        rows.append(_row(words, figures, hit=r.level_broken or one.order_broken))
    names = ["days", "n", "promised", "observed", "figure", "announced"]
    return _table(page, "kept", ["target", "night"], names, rows)


def calibration(page: MonitorPage) -> list[dict[str, Any]]:
    """Of each target the calibration of the newest night of the fullest look."""
    newest: dict[str, Any] = {}
    for one in sorted(page.data.found.kept, key=lambda one: (not one.early, one.as_of, one.days)):
        if len(one.calibration):
            newest[one.target] = one
    return [_calibration(page, one) for one in newest.values()]


def _calibration(page: MonitorPage, one: Any) -> dict[str, Any]:
    by_part = {row.part: row for row in one.calibration.itertuples()}
    names = _parts(page)
    rows = [
        _row([names[part]], [page.count(row.n), page.share(row.promised), _between(page, row)], hit=row.off)
        for part in names
        if (row := by_part.get(part)) is not None
    ]
    title = page.tell("calibration.title", target=_target(page, one.target), day=page.day(one.as_of), days=one.days)
    return _table(page, "calibration", ["part"], ["n", "promised", "observed"], rows) | {"title": title}


def _parts(page: MonitorPage) -> dict[str, str]:
    """Part -> its name, as on the page of a backtest: everybody, the top, then the tenths, the highest promises first."""

    def named(key: str, **values: Any) -> str:
        return text(f"backtest.promises.{key}", page.lang, **values)

    tops = {f"top={share:.0%}": named("top", share=page.share(share, 0)) for share in promises.TOPS}
    tenths = {f"tenth={TENTHS + 1 - n}": named("tenth", n=n) for n in range(1, TENTHS + 1)}
    return {promises.EVERYBODY: named("everybody"), **tops, **tenths}


def _between(page: MonitorPage, row: Any) -> str:
    return f"{page.share(row.observed)} ({page.share(row.low)}–{page.share(row.high)})"


def estimates(page: MonitorPage) -> dict[str, Any]:
    """Figures before outcomes are known, every one labelled an estimate."""
    names = ["rate", "auc", "brier", "precision_at_5pct"]
    rows = [
        _row([_target(page, target)], [f"{figures[name]:.3f}" for name in names])
        for target, figures in page.data.found.estimates.items()
    ]
    return _table(page, "estimates", ["target"], names, rows)


def ages(page: MonitorPage) -> dict[str, Any]:
    """How old each champion is."""
    rows = [
        _row(
            [_target(page, a.target), a.version],
            [page.day(a.learnt) if a.learnt else page.tell("ages.unknown"), "—" if a.days is None else str(a.days)],
            hit=a.old,
        )
        for a in page.data.found.ages
    ]
    return _table(page, "ages", ["target", "version"], ["learnt", "days"], rows)


def _target(page: MonitorPage, name: str) -> str:
    return text(f"targets.{name}.name", page.lang)


def _row(words: Sequence[str], figures: Sequence[str], *, hit: bool = False, small: Sequence[str] = ()) -> dict:
    """Cells of words and of figures; `hit`: it asks for something; `small`: below the words."""
    below = [*small, *[""] * (len(words) - len(small))]
    return {"words": list(zip(words, below, strict=True)), "figures": list(figures), "hit": bool(hit)}


def _table(page: MonitorPage, key: str, words: Sequence[str], figures: Sequence[str], rows: list[dict]) -> dict:
    named = [[page.tell(f"column.{name}") for name in names] for names in (words, figures)]
    return {"key": key, "words": named[0], "figures": named[1], "rows": rows}


def _figure(value: Any) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "—"
    return value if isinstance(value, str) else number(value, "en", 0) if abs(value) >= 1000 else f"{value:.3g}"
