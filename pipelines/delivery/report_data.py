"""What the marketing report is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.definition import Feature
from models.estimators import levels
from models.scores.score_table import in_pandas
from pipelines.delivery.speech import Speech
from pipelines.wording.reasons import Wording
from pipelines.wording.texts import has
from pipelines.workspace.history import Call
from pipelines.workspace.score_files import ScoreFile
from targeting.ranking import ListCounts


@dataclass(frozen=True)
class Evaluation:
    """How good the models of one target are, on the final window only.

    Attributes
    ----------
    metrics
        A row per model and metric: model, metric, value, low, high, n.
    final
        A row per customer and date: y, and one column of predictions per candidate.
    winner
        The candidate that was chosen.
    beats_rule
        Does it beat the rule of today?
    rates
        A row per as-of date: as_of, rate, n; None where it is not known.
    level
        Observed over predicted total, where the chosen model's level was mended after that; else None.
    season
        What last year's season says of the level, as `models.seasons.Season.as_dict` has it, where what is shipped is at its
        level; else None.
    folds
        Parts of the customers that were judged in turns; 0 where later time was.
    left_out
        Columns that tell the answer of a table without dates.
    apart
        The chosen model and the rule on customers who are judged by themselves, too: model, metric, value, low, high, n,
        positives; empty where there are none.
    margin
        Share of what is billed that was learnt as value; 1 is revenue.
    differences
        The chosen model against the rule on the same resamples: metric, value, low, high, above 0 where the model is better;
        empty where none were kept.
    refused
        Where the rule scores because a model was refused: its version and the checks of its gate; None otherwise.
    """

    metrics: pd.DataFrame
    final: pd.DataFrame
    winner: str
    beats_rule: bool
    rates: pd.DataFrame | None = None
    level: float | None = None
    season: Mapping[str, Any] | None = None
    folds: int = 0
    left_out: Sequence[str] = ()
    apart: pd.DataFrame = field(default_factory=pd.DataFrame)
    margin: float = 1.0
    differences: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["metric", "value", "low", "high"]))
    refused: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any], final: pd.DataFrame) -> "Evaluation":
        """From what is kept beside the models: the facts of a training, and the rows of its final window."""
        return cls(
            pd.DataFrame(facts["metrics"]),
            final,
            facts["winner"],
            facts["beats_rule"],
            level=facts.get("levels", {}).get(facts["winner"]),
            season=facts["season"] if (facts.get("season") or {}).get("adopted") else None,
            folds=facts.get("folds", 0),
            left_out=tuple(facts.get("left_out", ())),
            apart=pd.DataFrame(facts.get("apart", ())),
            margin=facts.get("definition", {}).get("margin", 1.0),
            differences=pd.DataFrame(facts.get("differences") or (), columns=["metric", "value", "low", "high"]),
            refused=facts.get("refused"),
        )

    @property
    def published(self) -> np.ndarray:
        """The chosen model's probabilities on the final window, at the level that is published."""
        scores = self.final[self.winner].to_numpy(dtype=float)
        if self.level is None:
            return scores
        return levels.shifted("binary", scores, levels.shift("binary", self.final["y"].to_numpy(dtype=float), scores))

    @property
    def compared_models(self) -> list[str]:
        """The winner, its plain rivals and today's rule; the tracking store has every candidate."""
        rivals = [name for name in ("linear", "trees", "hazard", "rule") if name in self.final and name != self.winner]
        return [self.winner, *rivals]


@dataclass(frozen=True)
class TableUse:
    """Rows of one table: rows_in = used + quarantined + duplicates + filtered.

    Attributes
    ----------
    table
        Its canonical name.
    rows_in
        Rows that were read.
    used
        Rows that are used.
    quarantined
        Rows that break a rule.
    duplicates
        Rows that were delivered twice.
    newest
        The newest local date in it; None without rows.
    filtered
        Rows that the mapping's `where` leaves out.
    """

    table: str
    rows_in: int
    used: int
    quarantined: int = 0
    duplicates: int = 0
    newest: date | None = None
    filtered: int = 0


@dataclass(frozen=True)
class ListEntry:
    """A list that was drawn.

    Attributes
    ----------
    kind
        Its target.
    list_id
        Stands in each row.
    counts
        What became of everybody who was eligible.
    files
        Where it was written to.
    """

    kind: str
    list_id: str
    counts: ListCounts
    files: tuple[str, ...] = ()


READ = (
    "customer_id",
    "score_status",
    "churn_horizon_days",
    "churn_probability",
    "churn_percentile",
    "churn_risk_band",
    "churn_trend",
    "arpu_3m",
    "value_12m_pred",
    "value_if_retained_12m",
    "value_at_risk",
    "value_risk_cell",
    "tier_current",
    "tier_review",
    "vip_probability",
    "is_potential_vip",
    "vip_gap",
    "lifecycle_stage",
    "recommended_action",
    "action_priority",
    "is_holdout",
)


@dataclass(frozen=True)
class ReportData:
    """Everything on the page.

    Attributes
    ----------
    name
        Of the project.
    as_of
        The published date.
    run_id
        Of the night.
    scores
        A row per customer, in the schema of the score table.
    models
        Target -> version of the model that scored it.
    evaluations
        Target -> how good its models are.
    quality
        Rows of each table.
    lists
        Those that were drawn.
    warnings
        Language -> finished sentences.
    left_out
        Language -> sentences: which targets the project does not predict, and why.
    features
        Column -> feature, for the words of reasons.
    currency
        ISO code of all money.
    threshold
        The high-value line, money a month; None where it is not known.
    margin
        Share of what is billed that the predicted money is; 1 is revenue.
    recent
        What has run in the workspace, the newest first.
    tiers
        Names of the tiers, the lowest first.
    """

    name: str
    as_of: date
    run_id: str
    scores: pa.Table | ScoreFile
    models: Mapping[str, str] = field(default_factory=dict)
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)
    quality: Sequence[TableUse] = ()
    lists: Sequence[ListEntry] = ()
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    features: Mapping[str, Feature] = field(default_factory=dict)
    currency: str = "CNY"
    threshold: float | None = None
    margin: float = 1.0
    recent: Sequence[Call] = ()
    tiers: Sequence[str] = ()

    @cached_property
    def frame(self) -> pd.DataFrame:
        """What the page reads of everybody, row for row, money as floats for sums and means."""
        known = [column for column in READ if column in self.scores.column_names]
        return in_pandas(self.scores.select(known)).reindex(columns=list(READ))

    def reasons(self, kind: str, rows: pd.Index) -> pa.ChunkedArray:
        """Reasons of kind `churn` or `vip` for some rows of `frame`: a list of structs each."""
        name, places = f"{kind}_reasons", pa.array(rows.to_numpy())
        if isinstance(self.scores, pa.Table):
            return self.scores[name].take(places)
        return self.scores.take(places, [name])[name]

    @cached_property
    def ok(self) -> pd.DataFrame:
        return self.frame[self.frame["score_status"].eq("ok")]


@dataclass(frozen=True)
class Page(Speech):
    """One language of the report: the data and how this language says it."""

    data: ReportData
    lang: str

    @property
    def currency(self) -> str:
        return self.data.currency

    def say(self, key: str, **values: Any) -> str:
        """Where money is margin, what is said of revenue is said of margin."""
        margin = f"{key}_of_margin"
        return super().say(margin if self.data.margin < 1 and has(f"report.{margin}") else key, **values)

    @property
    def wording(self) -> Wording:
        return Wording(self.data.features, self.lang, self.currency)
