"""`headwater explain`: one customer's scores, the reasons in words, and the features behind them."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from models.scores.columns import BY_NAME
from models.targets.registry import TARGETS
from pipelines.cli.run import Run
from pipelines.flows import explanation
from pipelines.flows.explanation import Explanation
from pipelines.wording import formats
from pipelines.wording.texts import text

_COLUMNS = (
    "score_status",
    "lifecycle_stage",
    "tenure_months",
    "arpu_3m",
    "arpu_trend_pct",
    "churn_probability",
    "churn_percentile",
    "churn_risk_band",
    "value_pred",
    "value_p10",
    "value_p90",
    "value_at_risk",
    "vip_probability",
    "is_potential_vip",
    "vip_early",
    "is_high_value_now",
    "vip_gap",
    "recommended_action",
    "contact_allowed",
    "suppress_reason",
    "data_quality_flags",
)


def _scores(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a card: the usual ones, and the score of every other target, as far as the file has them."""
    columns = dict.fromkeys((*_COLUMNS, *(target.published for target in TARGETS.values())))
    return {name: _plain(row[name]) for name in columns if name in row}


def _plain(value: Any) -> Any:
    """Lists of Arrow as lists; no flags at all as nothing."""
    return (list(value) or None) if isinstance(value, np.ndarray) else value


def explain(run: Run, customer: str, as_of: date | None) -> None:
    """Show a customer's card, why they have their scores, and the raw score recomputed.

    Parameters
    ----------
    run
        The command.
    customer
        Their id.
    as_of
        A published date; the newest if None.
    """
    lang = run.language
    why = explanation.explain(run.project, customer, as_of, lang)
    scores = _scores(why.row)
    run.tell(as_of=why.as_of.isoformat(), customer_id=customer, scores=scores, reasons=why.reasons)
    run.say(_card(scores, lang, run.project.mapping.currency))
    for target, sentences in why.reasons.items():
        if sentences:
            run.say(text(f"targets.{target}.why", lang), style="bold")
            for sentence in sentences:
                run.say(f"  {sentence}")
    if why.scored_by:
        run.say(_comparison(run, why))


def _comparison(run: Run, why: Explanation) -> str:
    """The published raw score beside the one recomputed now."""
    if why.recomputed is None:
        return text("steps.explain_other_model", run.language, version=why.scored_by)
    scores = {"published": why.row["churn_score_raw"], "recomputed": why.recomputed}
    run.tell(churn_score_raw=scores["published"], recomputed=why.recomputed)
    return text("steps.explain_recomputed", run.language, **scores)


def _card(scores: dict[str, Any], lang: str, currency: str) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in scores.items():
        if not (value is None or (isinstance(value, float) and pd.isna(value))):
            table.add_row(BY_NAME[name].zh if lang == "zh" else BY_NAME[name].en, _value(name, value, lang, currency))
    return table


def _value(name: str, value: Any, lang: str, currency: str) -> str:
    """A cell of the score table as people read it."""
    if isinstance(value, list):
        return (", " if lang == "en" else "；").join(formats.word(name, code, lang) for code in value)
    if isinstance(value, bool | np.bool_):
        return text("figures.yes" if value else "figures.no", lang)
    if isinstance(value, str):
        return formats.word(name, value, lang)
    return _number(value, BY_NAME[name].unit, lang, currency)


def _number(value: Any, unit: str, lang: str, currency: str) -> str:
    if unit.startswith("currency"):
        return formats.money(value, currency, lang)
    if unit == "probability":
        return formats.percent(value, lang, 1)
    if unit == "percent":
        return formats.percent(value / 100, lang, 1, signed=True)
    return f"{value:.1f}" if isinstance(value, float) else str(value)
