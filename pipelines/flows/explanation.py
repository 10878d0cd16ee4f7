"""`headwater explain`: one customer's scores, the reasons in words, and the features behind them."""

from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow.compute as pc
from rich.table import Table

from features.errors import HeadwaterError
from models.scores.columns import BY_NAME
from pipelines.delivery import delivery
from pipelines.engine.assembly import Assembly
from pipelines.project import Project
from pipelines.wording import formats
from pipelines.wording.reasons import Wording, sentences
from pipelines.wording.texts import text
from pipelines.workspace import bundles

if TYPE_CHECKING:
    from pipelines.cli.run import Run

SHOWN = (
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
    "is_high_value_now",
    "vip_gap",
    "recommended_action",
    "contact_allowed",
    "suppress_reason",
)
TOLERANCE = 1e-9


def explain(run: "Run", customer: str, as_of: date | None) -> None:
    """Tell why, and recompute the raw score from the contributions of the model that was published."""
    project = run.project
    done = delivery.published(project.workspace, as_of)
    place = pc.index(done.scores.select(["customer_id"])["customer_id"], customer).as_py()
    if place < 0:
        raise HeadwaterError("E432", customer=formats.masked(customer), as_of=done.as_of.isoformat())
    row = done.scores.take([place]).to_pandas().iloc[0].to_dict()
    wording = Wording({f.column: f for f in project.features}, run.language, project.mapping.currency)
    why = {name: sentences(row[f"{name}_reasons"], wording, most=5) for name in ("churn", "vip")}
    run.tell(as_of=done.as_of.isoformat(), customer_id=customer, scores={k: row[k] for k in SHOWN}, reasons=why)
    run.say(_card(row, run.language))
    for name, words in why.items():
        if words:
            run.say(text(f"steps.why_{name}", run.language), style="bold")
            for sentence in words:
                run.say(f"  {sentence}")
    if row["score_status"] == "ok" and "churn" in done.models:
        run.say(_checked(run, project, done, row))


def _card(row: dict[str, Any], lang: str) -> Table:
    shown = Table(show_header=False, box=None, pad_edge=False)
    for name in SHOWN:
        value = row[name]
        if not (value is None or (isinstance(value, float) and pd.isna(value))):
            shown.add_row(BY_NAME[name].zh if lang == "zh" else BY_NAME[name].en, _told(name, value, lang))
    return shown


def _told(name: str, value: Any, lang: str) -> str:
    if isinstance(value, str):
        return formats.word(name, value, lang)
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _checked(run: "Run", project: Project, done: delivery.Published, row: dict[str, Any]) -> str:
    """The published raw score beside the one recomputed now from base and contributions."""
    tables = project.tables(done.as_of)
    with Assembly(project, tables, [done.as_of], few=True) as assembly:
        wide = assembly.of(row["customer_id"])
    champion = bundles.champions(project.workspace).get("churn")
    if champion is None or champion.version != done.models["churn"] or wide.empty:
        return text("steps.explain_other_model", run.language, version=done.models["churn"])
    model: Any = champion.model
    total = float(model.contributions(wide).sum(axis=1).iloc[0])
    run.tell(churn_score_raw=row["churn_score_raw"], recomputed=total)
    return text("steps.explain_recomputed", run.language, published=row["churn_score_raw"], recomputed=total)
